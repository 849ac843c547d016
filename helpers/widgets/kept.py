"""What a notebook keeps of a widget: a picture and one sentence, seen while no widget is alive.

A widget lives only as long as its kernel. So it is shown by outputs that stand one below the other:
first its picture, its twin, then the widget itself. While the widget lives, its twin is hidden;
after a restart, or where the notebook is only read, the twin is seen in its place.
"""

from typing import Any, NamedTuple

import ipywidgets as widgets
from IPython import get_ipython
from IPython.display import display

# The picture in each media type, with at least ``text/plain``.
Picture = dict[str, str | bytes]

SENTENCE = "Kept from an earlier run. Run this cell to work with it."
VIEW = "application/vnd.jupyter.widget-view+json"
LIVE = "wb-live"
# As wide as the page, and nothing of it scrolls.
FREE = {"width": "auto", "overflow": "visible"}
# It stands in the twin: the widget's own styles die with it. A view whose kernel is gone has the
# class `jupyter-widgets-disconnected`; one whose model is not found is a text without an element.
STYLE = """<style>
.jp-OutputArea-child:has(.wb-kept):has(+ .jp-OutputArea-child .wb-live)
  :not(:has(+ .jp-OutputArea-child .jupyter-widgets-disconnected)),
.jp-OutputArea-child:has(+ .jp-OutputArea-child .wb-kept-picture)
  :has(+ .jp-OutputArea-child + .jp-OutputArea-child .wb-live)
  :not(:has(+ .jp-OutputArea-child + .jp-OutputArea-child .jupyter-widgets-disconnected)),
.jp-OutputArea-child:has(.wb-kept) + .jp-OutputArea-child:has(.jupyter-widgets-disconnected),
.jp-OutputArea-child:has(.wb-kept) + .jp-OutputArea-child
  > .jp-OutputArea-output:is(.jupyter-widgets, .lm-Panel):not(:has(*)) { display: none; }
</style>""".replace("\n  :", ":")


class Kept:
    """A widget that leaves a picture of itself in the notebook; it comes before its base class."""

    def static(self) -> Picture:
        """Return the picture, with at least ``text/plain``."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return str(self.static()["text/plain"])

    def _ipython_display_(self, **kwargs: Any) -> None:
        display_kept(self.static(), self)


def display_kept(picture: Picture, live: widgets.DOMWidget) -> None:
    """Show a widget, and leave a picture of it for the time after it."""
    for bundle in keep(picture):
        display(bundle, raw=True)
    # anywidget says in metadata where Colab finds what draws it, and does not mark its views when
    # their kernel goes: a box does.
    bundle = live._repr_mimebundle_()
    metadata = bundle[1] if isinstance(bundle, tuple) else {}
    box = live if isinstance(live, widgets.Box) else widgets.VBox([live], layout=FREE)
    box.add_class(LIVE)
    _replace(live, box)
    view = {"version_major": 2, "version_minor": 0, "model_id": box.model_id}
    display({VIEW: view}, metadata=metadata, raw=True)


class _Cell(NamedTuple):
    """What a cell has shown: in which of its runs, and each widget with the box around it."""

    run: str
    shown: list[tuple[widgets.DOMWidget, widgets.Box]]


_cells: dict[str, _Cell] = {}


def _replace(live: widgets.DOMWidget, box: widgets.Box) -> None:
    """Close what the same cell showed in an earlier run: nobody sees it any more."""
    name, run = _running_cell()
    before = _cells.get(name)
    if before is None or before.run != run:
        _cells[name] = _Cell(run, [])
    _cells[name].shown.append((live, box))
    if before is None or before.run == run:
        return
    kept = {id(each) for cell in _cells.values() for shown in cell.shown for each in shown}
    for old in before.shown:
        for each in old:
            if id(each) not in kept:
                close_whole(each)


def _running_cell() -> tuple[str, str]:
    """Return the cell that is running, by its own name or else by its code, and which run it is."""
    parent: dict[str, Any] = getattr(get_ipython(), "get_parent", dict)()
    code = parent.get("content", {}).get("code", "")
    name = parent.get("metadata", {}).get("cellId") or code
    return str(name), str(parent.get("header", {}).get("msg_id", ""))


def close_whole(widget: widgets.Widget) -> None:
    """Close a widget with all that belongs to it: its parts, their layouts and styles."""
    if widget.comm is None:
        return
    parts = [getattr(widget, name) for name in widget.keys]
    widget.close()
    for part in parts:
        for each in part if isinstance(part, list | tuple) else [part]:
            if isinstance(each, widgets.Widget):
                close_whole(each)


def keep(picture: Picture) -> list[Picture]:
    """Return what is kept of a picture as outputs: HTML as one, a PNG with a sentence below it."""
    words = {"text/plain": picture["text/plain"]}
    if "image/png" in picture:
        return [{"image/png": picture["image/png"], **words}, {"text/html": _twin("", "-picture")}]
    return [{"text/html": _twin(str(picture["text/html"])), **words}]


def _twin(content: str, kind: str = "") -> str:
    classes = f"wb-kept wb-kept{kind}" if kind else "wb-kept"
    return f"<div class='{classes}'>{STYLE}<p><small>{SENTENCE}</small></p>{content}</div>"
