"""What a viewer of frames looks at: read and set by Python, and in the browser by hand."""

from importlib.resources import files
from typing import Any

import anywidget
import traitlets

from helpers.pixels.windows import FILE

PLACE = ("series_uid", "instance_uid", "image", "frame")
WINDOW = ("window", "center", "width")
LOOK = (*WINDOW, "invert", "zoom", "across", "down")


def _text(name: str) -> str:
    return files("helpers.widgets").joinpath(name).read_text("utf-8")


class ViewerState(anywidget.AnyWidget):
    """The state of `FrameViewer`, and its part in the browser."""

    _esm = _text("frame_viewer.js")
    _css = _text("frame_viewer.css")

    series_uid = traitlets.Unicode().tag(sync=True)
    instance_uid = traitlets.Unicode().tag(sync=True)
    image = traitlets.Int(1).tag(sync=True)
    frame = traitlets.Int(1).tag(sync=True)
    window = traitlets.Unicode(FILE).tag(sync=True)
    center = traitlets.Float(0).tag(sync=True)
    width = traitlets.Float(1).tag(sync=True)
    invert = traitlets.Bool(False).tag(sync=True)
    zoom = traitlets.Float(1, min=1, max=16).tag(sync=True)
    across = traitlets.Float(0.5, min=0, max=1).tag(sync=True)
    down = traitlets.Float(0.5, min=0, max=1).tag(sync=True)
    playing = traitlets.Bool(False).tag(sync=True)

    # The browser counts what it tells; the kernel repeats the number of what it has heard.
    turn = traitlets.Int(0).tag(sync=True)
    heard = traitlets.Int(0).tag(sync=True)

    # Which images there are, the frame to begin with, and what to say.
    stacks: traitlets.List[Any] = traitlets.List().tag(sync=True)
    first = traitlets.Dict().tag(sync=True)
    message = traitlets.Unicode().tag(sync=True)
    code = traitlets.Unicode().tag(sync=True)
