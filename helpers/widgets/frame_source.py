"""The frames of a study, fetched ahead of the eye; and one of them as a picture."""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ClassVar, NamedTuple

import numpy.typing as npt
import pandas
from PIL import Image
from pydicom import Dataset

from helpers.dicom.names import require_uid
from helpers.errors import WorkbookError
from helpers.pixels.display import picture
from helpers.pixels.frame import frame
from helpers.pixels.stored import frame_attributes
from helpers.pixels.values import modality_values
from helpers.pixels.windows import FILE
from helpers.queries.instances import images_of, list_instances
from helpers.queries.metadata import BYTES, fetch_metadata, first_part
from helpers.queries.request import GetRequest
from helpers.servers.server import Server
from helpers.web.ask import open_session

KEPT_BYTES = 256 * 1024 * 1024
# Series UID, instance UID and frame number.
Key = tuple[str, str, int]


def view_frame(
    server: Server,
    study_uid: str,
    series_uid: str,
    instance_uid: str,
    number: int = 1,
    window: str | tuple[float, float] = FILE,
    invert: bool = False,
    zoom: float = 1.0,
    at: tuple[float, float] = (0.5, 0.5),
) -> Image.Image:
    """Fetch a frame and draw it, as `FrameViewer` does, and print the request.

    Parameters
    ----------
    server
        From `connect`.
    study_uid, series_uid, instance_uid
        As `browse` lists them.
    number
        Of the frame, from 1.
    window
        "file", "lung", "mediastinum", "bone", "full range", or ``(centre, width)``.
    invert
        Black for white.
    zoom
        1 shows all of it.
    at
        Where to look when zoomed: across and down, from 0 to 1.

    Returns
    -------
    PIL.Image.Image
        At the end of a cell, it shows itself.

    Raises
    ------
    WorkbookError
        No answer, one with a bad status, a frame that cannot be decoded, or a window or zoom that
        makes no sense.

    Notes
    -----
    PS3.18 section 10.4 (frames), PS3.3 C.11.2 (the window).

    Examples
    --------
    >>> from helpers import connect
    >>> server = connect()
    >>> uids = {
    ...     "study_uid": "2.25.35872168834085900275852582640522096",
    ...     "series_uid": "2.25.700382605123067889941364541050446308",
    ...     "instance_uid": "2.25.1195887653393464892332823185644033270",
    ... }
    >>> view_frame(server, **uids, window="lung").size  # doctest: +ELLIPSIS
    GET /dicomweb/studies/.../frames/1
    (512, 512)
    """
    if zoom < 1 or not all(0 <= place <= 1 for place in at):
        raise WorkbookError(
            "Nobody can look there.",
            expected="a zoom of 1 or more, at places from 0 to 1",
            came=f"zoom={zoom}, at={at}",
            hint="For the lower left quarter: zoom=2, at=(0, 1).",
        )
    source = FrameSource(server, study_uid)
    request = source.build_request(series_uid, instance_uid, number)
    print(f"GET {request.prepared.path_url}")
    try:
        shot = source.load(series_uid, instance_uid, number)
    finally:
        source.close()
    return picture(shot.pixels, shot.dataset, window, invert, zoom, at)


def list_stacks(images: pandas.DataFrame) -> list[dict[str, Any]]:
    """List the series of images: UID, label, and of each image its UID and how many frames."""
    stacks = []
    for uid, members in images.groupby("SeriesInstanceUID", sort=False):
        first = members.iloc[0]
        words = [first["SeriesNumber"], first["Modality"], first["SeriesDescription"]]
        count = f"{len(members)} image{'s' if len(members) > 1 else ''}"
        label = ", ".join(str(word) for word in words if word != "")
        uids = members[["SOPInstanceUID", "NumberOfFrames"]].values.tolist()
        stacks.append({"uid": uid, "label": f"{label} ({count})", "images": uids})
    return stacks


class Shot(NamedTuple):
    """One frame, ready to be drawn: stored values, what they mean, and the attributes."""

    pixels: npt.NDArray[Any]
    values: npt.NDArray[Any]
    dataset: Dataset

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        same = self.values is self.pixels
        return self.pixels.nbytes + (0 if same else self.values.nbytes)


class FrameSource:
    """Fetches the frames of a study, decodes them, and keeps some."""

    # All sources share what they keep, and the threads that fetch ahead. A cell that is run again
    # makes another viewer, and nobody closes the one before: fifty of them must not need fifty
    # times the memory.
    _workers: ClassVar = ThreadPoolExecutor(2, thread_name_prefix="frames")
    _lock: ClassVar = threading.Lock()
    _frames: ClassVar[OrderedDict[tuple["FrameSource", Key], Future[Shot]]] = OrderedDict()

    def __init__(self, server: Server, study_uid: str) -> None:
        self.server, self.study_uid = server, study_uid
        # The connections of a session may be shared by threads; nothing else of it changes.
        self._session = open_session(server.is_raw)
        self._headers: dict[str, Dataset] = {}

    def list_images(self) -> pandas.DataFrame:
        """List the instances that hold pixels, sorted by the numbers of series and instance."""
        found = list_instances(self.server, self.study_uid, self._session)
        images = images_of(found)
        if images.empty:
            raise WorkbookError(
                "There is no image to show.",
                expected="a study with images",
                came="instances without pixels" if len(found) else "no instances",
                hint="Compare the Study Instance UID with the answer that you took it from.",
            )
        return images

    def instance_path(self, series_uid: str, instance_uid: str) -> str:
        """Return the resource of an instance, below the root."""
        series = require_uid(series_uid, "SeriesInstanceUID")
        instance = require_uid(instance_uid, "SOPInstanceUID")
        return f"studies/{self.study_uid}/series/{series}/instances/{instance}"

    def build_request(self, series_uid: str, instance_uid: str, number: int) -> GetRequest:
        """Return the request of a frame, not yet sent."""
        path = f"{self.instance_path(series_uid, instance_uid)}/frames/{number}"
        return GetRequest(self.server, path, {}, BYTES)

    def get(self, key: Key) -> Shot:
        """Return a frame; wait for it if it is not here yet."""
        self._drop_waiting()
        with self._lock:
            wanted = self._find(key)
        if wanted is None:
            wanted = Future()
            wanted.set_result(self.load(*key))
        shot = wanted.result()
        with self._lock:
            self._frames[self, key] = wanted
            self._frames.move_to_end((self, key))
            self._forget()
        return shot

    def prefetch(self, keys: Iterable[Key]) -> None:
        """Begin to fetch frames that will be wanted next."""
        with self._lock:
            for key in keys:
                if self._find(key) is None:
                    self._frames[self, key] = self._workers.submit(self.load, *key)
                self._frames.move_to_end((self, key))

    def _find(self, key: Key) -> Future[Shot] | None:
        """Return a frame that is here or on its way; what failed once may work the next time."""
        found = self._frames.get((self, key))
        return None if found and found.done() and found.exception() else found

    def _drop_waiting(self) -> None:
        """Give up what was wanted next at another place, and whose turn has not come."""
        with self._lock:
            for place, future in list(self._frames.items()):
                if place[0] is self and future.cancel():
                    del self._frames[place]

    def _forget(self) -> None:
        """Let go of the frames that were not wanted for the longest time."""
        ready = {
            place: future.result().nbytes
            for place, future in self._frames.items()
            if future.done() and not future.exception()
        }
        excess = sum(ready.values()) - KEPT_BYTES
        for place, size in list(ready.items())[:-1]:
            if excess <= 0:
                return
            del self._frames[place]
            excess -= size

    def load(self, series_uid: str, instance_uid: str, number: int) -> Shot:
        """Fetch a frame and decode it, without keeping it."""
        dataset = self._dataset(series_uid, instance_uid)
        request = self.build_request(series_uid, instance_uid, number)
        pixels = frame(first_part(request.send(self._session)), dataset)
        dataset = frame_attributes(dataset, number)
        return Shot(pixels, modality_values(pixels, dataset), dataset)

    def _dataset(self, series_uid: str, instance_uid: str) -> Dataset:
        """Fetch the attributes of an instance, once."""
        if instance_uid not in self._headers:
            path = self.instance_path(series_uid, instance_uid)
            self._headers[instance_uid] = fetch_metadata(self.server, path, self._session)
        return self._headers[instance_uid]

    def close(self) -> None:
        """Stop fetching ahead, and let go of what was fetched."""
        self._drop_waiting()
        with self._lock:
            for place in [place for place in self._frames if place[0] is self]:
                del self._frames[place]
        self._session.close()
