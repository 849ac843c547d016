"""A viewer: stacks and films, windows, zoom, and the value under the cursor."""

import threading
from typing import Any

import pandas
from PIL import Image

from helpers.errors import WorkbookError
from helpers.pixels.display import captioned, picture, png
from helpers.pixels.show_frame import description
from helpers.pixels.windows import FILE, FULL_RANGE, Window, window_names, window_of
from helpers.queries.as_python import write_frame_cell
from helpers.servers.server import Server
from helpers.widgets import markup
from helpers.widgets.frame_source import FrameSource, Key, Shot, list_stacks
from helpers.widgets.packed_frame import pack_frame
from helpers.widgets.panel import Kept, Picture
from helpers.widgets.viewer_state import LOOK, PLACE, WINDOW, ViewerState

AHEAD = 6  # frames to fetch before they are asked for
OWN = "my own"


class FrameViewer(Kept, ViewerState):
    """A viewer of the images of a study; `view_frame` draws the same in code.

    Drag for the window, turn the wheel for the next image, press Play for a stack or a film. The
    keys are listed below the picture.

    Parameters
    ----------
    server
    study_uid, series_uid, instance_uid
        Where to begin: the first series, and its first image, unless you say which.
    frame
        Of a film, from 1.
    window
        "file", another of the file's own ("file: LUNG"), "lung", "mediastinum", "bone", or
        "full range".

    Attributes
    ----------
    shot
        What is shown: `pixels`, `values` and `dataset`.
    error
        Why nothing is shown.
    windows
        The names that `window` can have for this image.
    series_uid, instance_uid, image, frame
        Which image; `image` and `frame` count from 1. Set one, and the picture follows.
    window, center, width, invert, zoom, across, down, playing
        How it is shown. `zoom` is 1 for the whole picture; `across` and `down` are from 0 to 1.

    Examples
    --------
    >>> from helpers import connect
    >>> viewer = FrameViewer(connect(), "2.25.35872168834085900275852582640522096")
    >>> viewer.image = 16
    >>> viewer.window = "lung"
    >>> viewer.center, int(viewer.shot.dataset.InstanceNumber)
    (-600.0, 16)
    """

    def __init__(
        self,
        server: Server,
        study_uid: str,
        series_uid: str | None = None,
        instance_uid: str | None = None,
        frame: int = 1,
        window: str = FILE,
    ) -> None:
        super().__init__(frame=frame, window=window)
        self.add_class("wb-panel").add_class("wb-frame-viewer")
        self.shot: Shot | None = None
        self._place_of_shot: Key | None = None
        # The window that an image did not have: the next one that has it is shown with it.
        self._missing_window: str | None = None
        self.error: WorkbookError | None = None
        self.source = FrameSource(server, study_uid)
        self._busy = False  # while the viewer itself sets its traits
        # JupyterLab sends what a person does to more than one thread of the kernel.
        self._one_at_a_time = threading.RLock()
        try:
            self._open(series_uid, instance_uid)
        except WorkbookError as error:
            self._fail(error)
        self.observe(self._react, [*PLACE, *LOOK])
        self.observe(self._hear, "turn")
        self.on_msg(self._answer)

    def _open(self, series_uid: str | None, instance_uid: str | None) -> None:
        """Ask which images there are, and show the first."""
        self.images = self.source.list_images()
        self.stacks = list_stacks(self.images)
        self.series_uid = series_uid or self.stacks[0]["uid"]
        self._settle("series_uid")
        if instance_uid:
            self.instance_uid = instance_uid
            self._settle("instance_uid")
        self._load()
        if self.shot:
            self.first = self._packed(self.key, self.shot)

    @property
    def shown(self) -> pandas.DataFrame:
        """The images of the series, in their order."""
        return self.images[self.images["SeriesInstanceUID"] == self.series_uid]

    @property
    def key(self) -> Key:
        """Series UID, instance UID and frame number of what is shown."""
        return (self.series_uid, self.instance_uid, self.frame)

    @property
    def windows(self) -> list[str]:
        """The names that `window` can have for what is shown; none for colour."""
        return window_names(self.shot.dataset) if self.shot else []

    def _react(self, change: dict[str, Any]) -> None:
        """Follow what was set, here or in the browser."""
        with self._one_at_a_time:
            if self._busy or not self.stacks:
                return
            self._busy = True
            try:
                with self.hold_sync():
                    self._follow(change["name"])
            except WorkbookError as error:
                self._fail(error)
            finally:
                self._busy = False

    def _hear(self, change: dict[str, Any]) -> None:
        """Tell the browser that what it told has come: from now on it may believe the kernel."""
        self.heard = change["new"]

    def _follow(self, name: str) -> None:
        if name in PLACE:
            self._settle(name)
            self._load()
        elif self.shot:
            if name in WINDOW:
                self._missing_window = None
                self._settle_window(name, self.shot)
            self._write_code(self.shot)

    def _settle(self, name: str) -> None:
        """Make series, instance, image and frame agree with the one that was set."""
        if name == "instance_uid":
            found = self.images[self.images["SOPInstanceUID"] == self.instance_uid]
            if found.empty:
                raise _unknown("instance with an image", self.instance_uid)
            self.series_uid = found.iloc[0]["SeriesInstanceUID"]
        shown = self.shown
        if shown.empty:
            raise _unknown("series with images", self.series_uid)
        uids = shown["SOPInstanceUID"].tolist()
        if name == "image" or self.instance_uid not in uids:
            self.image = min(max(self.image, 1), len(uids)) if name == "image" else 1
            self.instance_uid = uids[self.image - 1]
        self.image = uids.index(self.instance_uid) + 1
        last = int(shown.iloc[self.image - 1]["NumberOfFrames"])
        self.frame = min(max(self.frame, 1), last)

    def _load(self) -> None:
        """Get the frame that the traits name, and the next ones ahead of need."""
        if self.shot is None or self._place_of_shot != self.key:
            self.shot = self.source.get(self.key)
            self._place_of_shot = self.key
        self.error, self.message = None, ""
        if self._missing_window in window_names(self.shot.dataset):
            self.window, self._missing_window = self._missing_window, None
        self._settle_window("window", self.shot)
        self._write_code(self.shot)
        self.source.prefetch(self._next_keys(self.key))

    def _next_keys(self, key: Key) -> list[Key]:
        """Name what comes next: frames of the same image, then other images."""
        series_uid, instance_uid, frame = key
        shown = self.images[self.images["SeriesInstanceUID"] == series_uid]
        uids = shown["SOPInstanceUID"].tolist()
        if instance_uid not in uids:
            return []
        place = uids.index(instance_uid)
        last = int(shown.iloc[place]["NumberOfFrames"])
        ahead = range(frame + 1, min(frame + AHEAD, last) + 1)
        others = [
            *uids[place + 1 : place + 1 + AHEAD - len(ahead)],
            *uids[max(place - 1, 0) : place],
        ]
        return [
            *((series_uid, instance_uid, number) for number in ahead),
            *((series_uid, uid, 1) for uid in others),
        ]

    def _settle_window(self, name: str, shot: Shot) -> None:
        """Make the window's name and its numbers agree; keep a name that the image has, too."""
        names = window_names(shot.dataset)
        if not names:
            return  # colour: what was chosen comes back with the next grey image
        if name == "window":
            if self.window not in (*names, OWN):
                self.window, self._missing_window = names[0], self.window
            if self.window == OWN:
                return
            window = window_of(self.window, shot.dataset, shot.pixels)
            self.center, self.width = window.center, window.width
        elif self.window == OWN or self._window != self._named(shot):
            self.window = OWN

    def _named(self, shot: Shot) -> tuple[float, float]:
        """Return the numbers of the window that is chosen by its name."""
        name = self.window if self.window in window_names(shot.dataset) else FULL_RANGE
        window: Window = window_of(name, shot.dataset, shot.pixels)
        return window.center, window.width

    @property
    def _window(self) -> tuple[float, float] | None:
        """Centre and width; None for colour."""
        is_grey = self.shot is not None and bool(window_names(self.shot.dataset))
        return (self.center, self.width) if is_grey else None

    def _write_code(self, shot: Shot) -> None:
        request = self.source.build_request(*self.key)
        path = self.source.instance_path(self.series_uid, self.instance_uid)
        self.code = write_frame_cell(
            request, path, self.frame, shot.dataset, self._window, self.invert
        )

    def _packed(self, key: Key, shot: Shot) -> dict[str, Any]:
        """Return a frame for the browser."""
        header, buffers = pack_frame(shot)
        path = self.source.build_request(*key).prepared.path_url
        return {"key": key, "path": path, **header, "buffers": buffers}

    def _answer(self, _: object, content: dict[str, Any], __: object) -> None:
        """Send the frames that the browser asks for, one by one, the most urgent first."""
        for series_uid, instance_uid, number in content.get("frames", []):
            key = (series_uid, instance_uid, int(number))
            try:
                packed = self._packed(key, self.source.get(key))
            except WorkbookError as error:
                packed = {"key": key, "problem": markup.sentence(error)}
            self.send(packed, packed.pop("buffers", None))
            self.source.prefetch(self._next_keys(key))

    def _fail(self, error: WorkbookError) -> None:
        """Say what went wrong; a picture of something else must not stay."""
        self.error, self.shot = error, None
        self.message, self.code = markup.sentence(error), ""

    def picture(self) -> Image.Image:
        """Return the picture on the screen; raise what stands there in its place."""
        if self.shot is None:
            raise self.error or WorkbookError("The viewer shows no image.")
        window = self._window if self.window == OWN and self._window else self.window
        at = (self.across, self.down)
        name = FULL_RANGE if self._window is None else window
        return picture(self.shot.pixels, self.shot.dataset, name, self.invert, self.zoom, at)

    def _words(self, shot: Shot) -> str:
        """Say in words what the picture shows."""
        where = f"Image {self.image} of {len(self.shown)}"
        last = int(self.shown.iloc[self.image - 1]["NumberOfFrames"])
        if last > 1:
            where += f", frame {self.frame} of {last}"
        extra = ", inverted" if self.invert else ""
        zoom = f", zoom {self.zoom * 100:.0f} %" if self.zoom > 1 else ""
        return f"{where}: {description(shot.values, self._window)}{extra}{zoom}"

    def static(self) -> Picture:
        """Return the picture with its words as its caption."""
        if self.shot is None:
            return {"text/html": self.message, "text/plain": str(self.error)}
        words = self._words(self.shot)
        # As PNG: many code hosts take pictures out of HTML.
        return {"image/png": png(captioned(self.picture(), words)), "text/plain": words}

    def close(self) -> None:
        """Let go of the widget and of its picture, and stop fetching."""
        self.source.close()
        super().close()
        # Python's list of a notebook's outputs, Out, keeps the viewer itself.
        self.shot, self.first = None, {}


def _unknown(what: str, came: str) -> WorkbookError:
    return WorkbookError(
        f"The study has no {what} of that UID.",
        expected="a UID that browse lists for this study",
        came=came,
        hint="Take it from the answer again; or leave it out, for the first.",
    )
