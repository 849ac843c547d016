"""A viewer: instances, frames, window, zoom and cine."""

import html
import threading
import time
from collections.abc import Callable

from PIL import Image

from helpers.errors import WorkbookError
from helpers.pixels.display import FULL_RANGE, captioned, picture, png, window_names, window_of
from helpers.pixels.show_frame import description
from helpers.queries.as_python import write_frame_cell
from helpers.servers.server import Server
from helpers.widgets import markup
from helpers.widgets.controls import set_maximum
from helpers.widgets.frame_source import FrameSource, Key, Shot
from helpers.widgets.panel import Picture
from helpers.widgets.viewer_panel import NO_WINDOW, OWN, ViewerPanel

AHEAD = 6  # frames to fetch before they are asked for


class FrameViewer(ViewerPanel):
    """A viewer of the images of a study; `view_frame` draws the same in code.

    Parameters
    ----------
    server
    study
        Study Instance UID.

    Attributes
    ----------
    shot
        What is shown: `pixels`, `values` and `dataset`.
    error
        Why nothing is shown.
    series, image, frame, window, center, width, invert, zoom, across, down, play
        The controls. A number has a `box` and a `slider`.

    Examples
    --------
    >>> from helpers import connect
    >>> viewer = FrameViewer(connect(), "2.25.35872168834085900275852582640522096")
    >>> viewer.image.box.value = 16
    >>> viewer.window.value = "lung"
    >>> viewer.center.value, int(viewer.shot.dataset.InstanceNumber)
    (-600.0, 16)
    """

    def __init__(self, server: Server, study: str) -> None:
        self.server = server
        self.shot: Shot | None = None
        self.error: WorkbookError | None = None
        self.source = FrameSource(server, study)
        self._busy = True  # while the viewer itself sets the controls, nothing is drawn
        # JupyterLab sends what a person does to more than one thread of the kernel.
        self._one_at_a_time = threading.RLock()
        super().__init__()
        self._listen()
        self._open()

    def _listen(self) -> None:
        self.series.observe(lambda _: self._react(self._choose_series), "value")
        self.image.box.observe(lambda _: self._react(self._choose_image), "value")
        self.frame.box.observe(lambda _: self._react(self._load), "value")
        self.window.observe(lambda _: self._react(self._choose_window), "value")
        for widget in (self.center, self.width):
            widget.observe(lambda _: self._react(self._own_window), "value")
        for widget in (self.invert, self.zoom.box, self.across.box, self.down.box):
            widget.observe(lambda _: self._react(self._draw), "value")

    def _react(self, action: Callable[[], None]) -> None:
        """Do what a control asks for, and draw once, however many controls it sets."""
        with self._one_at_a_time:
            if self._busy:
                return
            self._busy = True
            try:
                action()
            finally:
                self._busy = False

    def _open(self) -> None:
        """Ask which images there are, and show the first."""
        self.error = None
        try:
            self.images = self.source.list_images()
        except WorkbookError as error:
            self._fail(error)
            self.show_only_the_message()
            return
        options = []
        for uid, members in self.images.groupby("SeriesInstanceUID", sort=False):
            first = members.iloc[0]
            words = [first["SeriesNumber"], first["Modality"], first["SeriesDescription"]]
            label = ", ".join(str(word) for word in words if word != "")
            options.append((f"{label}, images: {len(members)}", uid))
        self.series.options = options
        self.series.index = 0
        self._choose_series()
        self._busy = False

    def _choose_series(self) -> None:
        self.shown = self.images[self.images["SeriesInstanceUID"] == self.series.value]
        set_maximum(self.image, len(self.shown), 1)
        self._choose_image()

    def _choose_image(self) -> None:
        count = self._frames_of(self.image.box.value)
        self.play.value = False
        set_maximum((*self.frame, self.cine), count, 1)
        self.film.layout.display = "flex" if count > 1 else "none"
        self._load()

    def _frames_of(self, number: int) -> int:
        return int(self.shown.iloc[number - 1]["NumberOfFrames"])

    @property
    def key(self) -> Key:
        """Series UID, instance UID and frame number of what is shown."""
        return self._key(self.image.box.value, self.frame.box.value)

    def _key(self, image: int, number: int) -> Key:
        return (self.series.value, self.shown.iloc[image - 1]["SOPInstanceUID"], number)

    def _load(self) -> None:
        """Show the frame that the controls name."""
        start = time.perf_counter()
        try:
            self.shot = self.source.get(self.key)
        except WorkbookError as error:
            self._fail(error)
            return
        self.error = None
        self._offer_windows(self.shot)
        self.show_header(self.shot.dataset)
        self._draw(start)
        self.source.prefetch(self._next_keys())

    def _next_keys(self) -> list[Key]:
        """Name what comes next: frames of the same image, then other images."""
        image, number = self.image.box.value, self.frame.box.value
        last = self._frames_of(image)
        keys = [self._key(image, n) for n in range(number + 1, min(number + AHEAD, last) + 1)]
        for other in (*range(image + 1, image + 1 + AHEAD - len(keys)), image - 1):
            if 1 <= other <= len(self.shown):
                keys.append(self._key(other, 1))
        return keys

    def _offer_windows(self, shot: Shot) -> None:
        """Offer the windows that fit this image; keep the one that was chosen, if it fits."""
        names = window_names(shot.dataset)
        chosen = self.window.value
        for widget in (self.window, self.center, self.width):
            widget.disabled = not names
        options = (*names, OWN) if names else (NO_WINDOW,)
        if self.window.options != options:
            self.window.options = options
            self.window.value = chosen if chosen in options else options[0]
        self._set_window(shot)

    def _set_window(self, shot: Shot) -> None:
        if self.window.value not in (OWN, NO_WINDOW):
            window = window_of(self.window.value, shot.dataset, shot.pixels)
            self.center.value, self.width.value = window.center, window.width

    def _choose_window(self) -> None:
        if self.shot:
            self._set_window(self.shot)
            self._draw()

    def _own_window(self) -> None:
        self.window.value = OWN
        self._draw()

    def _draw(self, start: float | None = None) -> None:
        if self.shot is None:
            return
        start = start or time.perf_counter()
        drawn, words = png(self._picture(self.shot)), self._words(self.shot)
        # Decoded at once, or the screen is empty for a moment at each step.
        style = " decoding='sync' style='max-width:100%;display:block;margin:0'"
        self.screen.value = markup.image(drawn, words, style)
        self.pan.layout.display = "flex" if self.zoom.box.value > 100 else "none"
        milliseconds = (time.perf_counter() - start) * 1000
        series_uid, instance_uid, number = self.key
        request = self.source.build_request(series_uid, instance_uid, number)
        # While a film plays, a screen reader would not come to an end.
        said = html.escape(words)
        said = f"<div>{said}</div>" if self.play.value else markup.status(said)
        line = f"GET {markup.code(request.url)}<br>Drawn in {milliseconds:.0f} ms."
        self.message.value = f"{said}<small>{line}</small>"
        path = self.source.instance_path(series_uid, instance_uid)
        self.python.value = write_frame_cell(
            request, path, number, self.shot.dataset, self._window, self.invert.value
        )

    @property
    def _window(self) -> tuple[float, float] | None:
        """Centre and width; None for colour."""
        return None if self.window.disabled else (self.center.value, self.width.value)

    def picture(self) -> Image.Image:
        """Return the picture on the screen; raise what stands there in its place."""
        if self.shot is None:
            raise self.error or WorkbookError("The viewer shows no image.")
        return self._picture(self.shot)

    def _picture(self, shot: Shot) -> Image.Image:
        at = (self.across.box.value / 100, self.down.box.value / 100)
        zoom = self.zoom.box.value / 100
        # A name may stand for more than two numbers: a file can bring a table for its window.
        name = FULL_RANGE if self.window.value == NO_WINDOW else self.window.value
        window = self._window if name == OWN and self._window else name
        return picture(shot.pixels, shot.dataset, window, self.invert.value, zoom, at)

    def _words(self, shot: Shot) -> str:
        """Say in words what the picture shows."""
        where = f"Image {self.image.box.value} of {self.image.box.max}"
        if self.frame.box.max > 1:
            where += f", frame {self.frame.box.value} of {self.frame.box.max}"
        extra = ", inverted" if self.invert.value else ""
        zoom = f", zoom {self.zoom.box.value} %" if self.zoom.box.value > 100 else ""
        return f"{where}: {description(shot.values, self._window)}{extra}{zoom}"

    def _fail(self, error: WorkbookError) -> None:
        """Say what went wrong; a picture of something else must not stay."""
        self.error, self.shot = error, None
        self.screen.value = self.header.value = self.python.value = ""
        self.message.value = markup.sentence(error)

    def static(self) -> Picture:
        """Return the picture with its words as its caption."""
        if self.shot is None:
            return {"text/html": self.message.value, "text/plain": str(self.error)}
        words = self._words(self.shot)
        # As PNG: many code hosts take pictures out of HTML.
        return {"image/png": png(captioned(self._picture(self.shot), words)), "text/plain": words}

    def close(self) -> None:
        """Let go of the widget, and stop fetching."""
        self.source.close()
        super().close()
