"""What the panels are made of: fields with their labels, buttons, boxes."""

import html
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

# A label's own width, so that "Number of frames:" is not cut.
LABEL = {"description_width": "130px"}
# Not a Layout: each widget has one of its own, which is closed with it.
FULL = {"width": "auto"}
BUTTON = {"width": "auto", "min_width": "90px"}


def text(value: str = "") -> widgets.HTML:
    """Return a box for HTML that takes the width there is."""
    return widgets.HTML(value, layout=widgets.Layout(width="auto", margin="4px 2px"))


def row(*children: widgets.Widget) -> widgets.Box:
    """Put widgets side by side; where there is no room, one below the other."""
    layout = widgets.Layout(flex_flow="row wrap", align_items="center", overflow="visible")
    return widgets.Box(children, layout=layout)


def field(
    kind: type[widgets.Widget], label: str, width: str | None = "340px", **options: Any
) -> widgets.Widget:
    """Return a field with its label: two go side by side on a wide screen."""
    layout = widgets.Layout(width=width)
    return kind(**{"description": label, "style": LABEL, "layout": layout, **options})


def named_field(
    kind: type[widgets.Widget], words: str, keyword: str = "", **options: Any
) -> widgets.Widget:
    """Return a field below its label: words for people, and the keyword that is sent."""
    small = f" <small><code>{html.escape(keyword)}</code></small>" if keyword else ""
    made = kind(
        description=html.escape(words) + small,
        description_allow_html=True,
        style={"description_width": "initial"},
        layout=widgets.Layout(flex="1 1 140px", width="auto", height="auto"),
        **options,
    )
    return made.add_class("wb-named")


def checkbox(label: str, value: bool = False, margin: str = "2px 12px") -> widgets.Checkbox:
    """Return a box to tick, as wide as its words."""
    layout = widgets.Layout(width="auto", margin=margin)
    return widgets.Checkbox(value, description=label, indent=False, layout=layout)


def button(label: str, action: Callable[[], object], **options: Any) -> widgets.Button:
    """Return a button that calls `action` without arguments."""
    made = widgets.Button(description=label, layout=BUTTON, **options)
    made.on_click(lambda _: action())
    return made


def toggle(label: str, box: widgets.Widget) -> widgets.ToggleButton:
    """Return a button that unfolds a box, and folds it again."""
    made = widgets.ToggleButton(description=label, layout=BUTTON, icon="caret-right")

    def fold(_: object = None) -> None:
        box.layout.display = "flex" if made.value else "none"
        made.icon = "caret-down" if made.value else "caret-right"

    made.observe(fold, "value")
    fold()
    return made


def code_box(rows: int = 12) -> widgets.Textarea:
    """Return a box with code to copy: it can be focused, selected and edited."""
    # The label is above it, so that a line of `as_python.WIDTH` fits.
    style = {"description_width": "initial"}
    box = widgets.Textarea(description="Python:", rows=rows, layout=FULL, style=style)
    return box.add_class("wb-code")


def on_enter(text_field: widgets.Text, action: Callable[[], object]) -> None:
    """Call `action` when Enter is pressed in a field."""

    def listen(_: widgets.Widget, content: dict[str, Any], __: object) -> None:
        if content.get("event") == "submit":
            action()

    text_field.on_msg(listen)
