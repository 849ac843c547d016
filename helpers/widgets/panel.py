"""What the widgets share: a frame that also works on paper, and small pieces of it."""

import base64
import html
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import ipywidgets as widgets
import pandas

from helpers.errors import WorkbookError
from helpers.notebook import BREAK, table_html

# A label's own width, so that "Number of frames:" is not cut.
LABEL = {"description_width": "130px"}
FULL = widgets.Layout(width="auto")
BUTTON = widgets.Layout(width="auto", min_width="90px")
# JupyterLab paints code in the colour of the page, also where a row of a table has another one.
PLAIN = "background:transparent;color:inherit"
# Where a line of media types and their parameters may end.
WORD_END = re.compile("(?<=[/;+=])")
# The colours are those of the theme; only what JupyterLab leaves odd is changed.
STYLE = """<style>
.wb-panel .widget-html > .widget-html-content { line-height: 1.4; min-width: 0; }
.wb-panel .widget-label {
  align-self: center; height: auto; line-height: 1.2; overflow: visible; white-space: normal;
}
.wb-panel code { font-size: 13px; }
.wb-panel small code { font-size: inherit; }
.wb-panel .widget-checkbox input { vertical-align: -2px; }
.wb-panel .wb-code { flex-direction: column; height: auto; }
.wb-panel .wb-code .widget-label { align-self: flex-start; text-align: left; width: auto; }
.wb-panel .wb-code textarea {
  flex: none; width: 100%; box-sizing: border-box; font-size: 12px;
  font-family: var(--jp-code-font-family, monospace); white-space: pre; overflow-x: auto;
}
.wb-panel .jp-RenderedHTMLCommon { padding-right: 0; }
.wb-panel .jupyter-widget-tab > .widget-tab-contents { padding: 8px; }
.wb-panel table.dataframe { font-size: 12px; }
.wb-panel table.dataframe :is(th, td), .wb-accept-lab :is(th, td) {
  padding-left: 0.3em; padding-right: 0.3em;
}
/* An arrow in the colour of the text: that of ipywidgets is black in a dark theme, too. */
.wb-panel .widget-dropdown > select {
  background-image: linear-gradient(45deg, transparent 50%, currentColor 50%),
    linear-gradient(135deg, currentColor 50%, transparent 50%);
  background-position: right 11px center, right 6px center;
  background-size: 5px 5px;
}
/* What is too long for one line goes on in the next: a narrow or a magnified page cuts nothing. */
.wb-panel .wb-left {
  text-align: left; height: auto; min-height: 28px; line-height: 1.3; padding: 4px 10px;
  white-space: normal; overflow-wrap: anywhere;
}
.wb-panel .widget-checkbox, .wb-panel .widget-checkbox .widget-label-basic {
  height: auto; white-space: normal; line-height: 1.4;
}
/* Where the keyboard is: ipywidgets forbids the outline, and its own mark is a pale line. */
.wb-panel :is(input:not([type=checkbox]), select, textarea, button):focus-visible {
  outline: 2px solid var(--jp-brand-color1, #1976d2) !important; outline-offset: 1px;
}
/* A palette of the system's own leaves out backgrounds: of these are our arrow and the slider. */
@media (forced-colors: active) {
  .wb-panel .widget-dropdown > select { appearance: auto; }
  .wb-panel .noUi-target { outline: 1px solid; }
}
</style>"""


# What a notebook keeps of a widget: a picture of it in each media type.
Picture = dict[str, str | bytes]


class Panel(widgets.VBox):
    """A box of widgets that leaves a picture of itself in the notebook.

    Its CSS class, for style sheets and tests, is that of its own: wb-query-form for QueryForm.
    """

    def __init__(self, children: Sequence[widgets.Widget]) -> None:
        self.style_sheet = widgets.HTML(STYLE, layout=widgets.Layout(display="none"))
        layout = widgets.Layout(width="auto", padding="4px 0")
        super().__init__([self.style_sheet, *children], layout=layout)
        words = re.findall("[A-Z][a-z]*", type(self).__name__)
        self.add_class("wb-panel").add_class("-".join(["wb", *words]).lower())

    def static(self) -> Picture:
        """Return the picture, with at least ``text/plain``."""
        # A widget lives only as long as its kernel. Whoever reads the notebook later, on a code
        # host for example, sees what this returned when the widget was displayed.
        raise NotImplementedError

    def __repr__(self) -> str:
        return str(self.static()["text/plain"])

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        return {**super()._repr_mimebundle_(**kwargs), **self.static()}


# Pieces of a panel: widgets.


def text(value: str = "") -> widgets.HTML:
    """Return a box for HTML that takes the width there is."""
    return widgets.HTML(value, layout=widgets.Layout(width="auto", margin="4px 2px"))


def row(*children: widgets.Widget) -> widgets.Box:
    """Put widgets side by side; where there is no room, one below the other."""
    layout = widgets.Layout(flex_flow="row wrap", align_items="center", overflow="visible")
    return widgets.Box(children, layout=layout)


def field(kind: type[widgets.Widget], label: str, **options: Any) -> widgets.Widget:
    """Return a field with its label: two go side by side on a wide screen."""
    return kind(description=label, style=LABEL, layout=widgets.Layout(width="340px"), **options)


def checkbox(label: str, value: bool = False, margin: str = "2px 12px") -> widgets.Checkbox:
    """Return a box to tick, as wide as its words."""
    layout = widgets.Layout(width="auto", margin=margin)
    return widgets.Checkbox(value, description=label, indent=False, layout=layout)


def button(label: str, action: Callable[[], object], **options: Any) -> widgets.Button:
    """Return a button that calls `action` without arguments."""
    made = widgets.Button(description=label, layout=BUTTON, **options)
    made.on_click(lambda _: action())
    return made


def code_box(rows: int = 12) -> widgets.Textarea:
    """Return a box with code to copy: it can be focused, selected and edited."""
    # The label is above it, so that a line of `as_python.WIDTH` fits.
    style = {"description_width": "initial"}
    box = widgets.Textarea(description="Python:", rows=rows, layout=FULL, style=style)
    return box.add_class("wb-code")


def slider(
    label: str, minimum: int, maximum: int, value: int, step: int = 1
) -> tuple[widgets.IntSlider, widgets.BoundedIntText]:
    """Return a slider and a number box that hold the same number; observe the box."""
    # A screen reader has no name for the slider, so it needs the box; the box has the label. The
    # browser keeps both equal: each change comes once from the box.
    limits = {"min": minimum, "max": maximum, "step": step, "value": value}
    handle = widgets.IntSlider(**limits, readout=False, layout=widgets.Layout(width="210px"))
    number = widgets.BoundedIntText(
        **limits, description=label, style=LABEL, layout=widgets.Layout(width="230px")
    )
    widgets.jslink((handle, "value"), (number, "value"))
    return handle, number


def set_maximum(widgets_together: Iterable[widgets.Widget], maximum: int, value: int) -> None:
    """Give widgets that hold the same number, from 1 on, another maximum, and a value within."""
    for widget in widgets_together:
        widget.max = max(widget.max, maximum)
        widget.value = value
        widget.max = maximum


def on_enter(text_field: widgets.Text, action: Callable[[], object]) -> None:
    """Call `action` when Enter is pressed in a field."""

    def listen(_: widgets.Widget, content: dict[str, Any], __: object) -> None:
        if content.get("event") == "submit":
            action()

    text_field.on_msg(listen)


# Pieces of a panel: HTML.


def code(written: str) -> str:
    """Return text as code, in the colours of what is behind it."""
    return _code(html.escape(written))


def code_of_words(written: str) -> str:
    """Return media types as small code that goes on in another line where a word of them ends."""
    return _code(by_words(written), ";font-size:12px")


def by_words(written: str) -> str:
    """Return text that goes on in another line where a word of a media type ends."""
    return BREAK.join(map(html.escape, WORD_END.split(written)))


def _code(escaped: str, style: str = "") -> str:
    return f"<code style='{PLAIN};padding:0;overflow-wrap:anywhere{style}'>{escaped}</code>"


def preformatted(written: str) -> str:
    """Return lines of text as they are; long ones wrap."""
    style = f"{PLAIN};white-space:pre-wrap;overflow-wrap:anywhere"
    return f"<pre style='{style}'>{html.escape(written)}</pre>"


def sentence(error: WorkbookError) -> str:
    """Return an error as a sentence, in place of a traceback; a screen reader reads it at once."""
    problem, *rest = str(error).splitlines()
    details = "<br>".join(html.escape(line.strip()) for line in rest)
    # It says "Not done" in words: red alone would not be enough.
    return (
        "<div role='alert' style='border-left:6px solid #d32f2f;padding:4px 10px;"
        f"overflow-wrap:anywhere'><b>Not done: {html.escape(problem)}</b>"
        f"<br>{details}</div>"
    )


def status(message: str) -> str:
    """Return a line that a screen reader reads when it changes."""
    return f"<div role='status'>{message}</div>"


def image(png: bytes, words: str, options: str = "") -> str:
    """Return a picture, packed as PNG, with words for those who cannot see it."""
    encoded = base64.b64encode(png).decode()
    words = html.escape(words, quote=True)
    return f"<img alt='{words}' src='data:image/png;base64,{encoded}'{options}>"


def table(frame: pandas.DataFrame) -> str:
    """Return a DataFrame as a table that fits, and scrolls when it is long."""
    return scrolling(table_html(frame), "Table of results")


def table_head(names: Iterable[str]) -> str:
    """Return the head of a table."""
    cells = "".join(f"<th scope='col' style='text-align:left'>{name}</th>" for name in names)
    return f"<thead><tr>{cells}</tr></thead>"


def table_of_pairs(pairs: Mapping[str, str], style: str = "") -> str:
    """Return names and what they stand for, in HTML, as a table with a row for each."""
    rows = "".join(
        f"<tr><th scope='row' style='text-align:left;padding-right:8px'>{name}</th>"
        f"<td style='text-align:left'>{content}</td></tr>"
        for name, content in pairs.items()
    )
    return f"<table style='{style}'>{rows}</table>"


def scrolling(content: str, label: str, height: str = "420px") -> str:
    """Return HTML in a box of limited height; the keyboard can scroll it, too."""
    return (
        f"<div role='region' aria-label='{html.escape(label, quote=True)}' tabindex='0' "
        f"class='jp-RenderedHTMLCommon' style='overflow:auto;max-height:{height}'>{content}</div>"
    )
