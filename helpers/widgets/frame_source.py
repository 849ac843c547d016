"""The frames of a study, fetched ahead of the eye."""

import threading
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy
import pandas
import requests
from pydicom import Dataset

from helpers.errors import WorkbookError
from helpers.pixels.display import modality_values
from helpers.pixels.frame import frame
from helpers.pixels.stored import frame_attributes
from helpers.queries.metadata import BYTES, fetch_metadata, first_part
from helpers.queries.request import Question
from helpers.queries.search import JSON, quiet_attributes

COLUMNS = [
    "SeriesInstanceUID",
    "SeriesNumber",
    "Modality",
    "SeriesDescription",
    "SOPInstanceUID",
    "InstanceNumber",
    "Rows",
    "NumberOfFrames",
]
KEPT_BYTES = 256 * 1024 * 1024


class Shot(NamedTuple):
    """One frame, ready to be drawn: stored values, what they mean, and the attributes."""

    pixels: numpy.ndarray
    values: numpy.ndarray
    dataset: Dataset


class FrameSource:
    """Fetches the frames of a study, decodes them, and keeps some.

    All sources share what they keep, and the threads that fetch ahead. A cell that is run again
    makes another viewer, and nobody closes the one before: fifty of them must not need fifty times
    the memory.

    Parameters
    ----------
    server : Server
    study_uid : str
    """

    _workers = ThreadPoolExecutor(2, thread_name_prefix="frames")
    _lock = threading.Lock()
    _frames = OrderedDict()  # futures, by source and key

    def __init__(self, server, study_uid):
        self.server, self.study_uid = server, study_uid
        # The connections of a session may be shared by threads; nothing else of it changes.
        self._session = requests.Session()
        self._headers = {}

    def list_images(self):
        """List the instances that hold pixels.

        Returns
        -------
        pandas.DataFrame
            Sorted by the numbers of series and instance, one row for each.

        Raises
        ------
        WorkbookError
            No answer, one with a bad status, or no image in the study.
        """
        found = pandas.concat(self._pages(), ignore_index=True)
        images = found[found["Rows"] != ""].copy()
        if images.empty:
            raise WorkbookError(
                "There is no image to show.",
                expected="a study with images",
                came=f"{len(found)} instances without pixels" if len(found) else "no instances",
                hint="Compare the Study Instance UID with the answer that you took it from.",
            )
        for column in ("SeriesNumber", "InstanceNumber", "NumberOfFrames"):
            # What is no number is not worth an error, and an image has one frame at least.
            numbers = pandas.to_numeric(images[column], errors="coerce").fillna(0).astype(int)
            images[column] = numbers.clip(lower=1) if column == "NumberOfFrames" else numbers
        return images.sort_values(["SeriesNumber", "InstanceNumber"], ignore_index=True)

    def _pages(self):
        """Yield tables of the instances; a server may give only so many at a time.

        It says then in the header Warning that there are more (PS3.18 section 8.3.4.4).
        """
        path = f"studies/{self.study_uid}/instances"
        seen, more = set(), True
        while more:
            params = {"includefield": "SeriesDescription,Rows,NumberOfFrames"}
            if seen:
                params["offset"] = str(len(seen))
            response = Question(self.server, path, params, JSON).send(self._session)
            page = quiet_attributes(response, COLUMNS)
            # A server that ignores the offset sends the same again, for ever.
            new = set(page["SOPInstanceUID"]) - seen
            if new or not seen:
                yield page
            seen |= new
            more = new and "additional results" in response.headers.get("Warning", "")

    def instance_path(self, series_uid, instance_uid):
        """Return the resource of an instance, below the root."""
        return f"studies/{self.study_uid}/series/{series_uid}/instances/{instance_uid}"

    def frame_question(self, series_uid, instance_uid, number):
        """Return the request of a frame, not yet sent."""
        path = f"{self.instance_path(series_uid, instance_uid)}/frames/{number}"
        return Question(self.server, path, {}, BYTES)

    def get(self, key):
        """Return a frame; wait for it if it is not here yet.

        Parameters
        ----------
        key : tuple
            Series UID, instance UID and frame number.

        Returns
        -------
        Shot
        """
        self._drop_waiting()
        with self._lock:
            known = self._frames.get((self, key))
        # What failed once may work the next time.
        if known is None or (known.done() and known.exception()):
            known = Future()
            known.set_result(self.load(*key))
        shot = known.result()
        with self._lock:
            self._frames[self, key] = known
            self._frames.move_to_end((self, key))
            self._forget()
        return shot

    def prefetch(self, keys):
        """Begin to fetch frames that will be wanted next."""
        with self._lock:
            for key in keys:
                known = self._frames.get((self, key))
                if known is None or (known.done() and known.exception()):
                    self._frames[self, key] = self._workers.submit(self.load, *key)
                self._frames.move_to_end((self, key))

    def _drop_waiting(self):
        """Give up what was wanted next at another place, and whose turn has not come."""
        with self._lock:
            for place, future in list(self._frames.items()):
                if place[0] is self and future.cancel():
                    del self._frames[place]

    def _forget(self):
        """Let go of the frames that were not wanted for the longest time."""
        ready = {
            place: future.result().values.nbytes
            for place, future in self._frames.items()
            if future.done() and not future.exception()
        }
        excess = sum(ready.values()) - KEPT_BYTES
        for place, size in list(ready.items())[:-1]:
            if excess <= 0:
                return
            del self._frames[place]
            excess -= size

    def load(self, series_uid, instance_uid, number):
        """Fetch a frame and decode it, without keeping it."""
        dataset = self._dataset(series_uid, instance_uid)
        question = self.frame_question(series_uid, instance_uid, number)
        pixels = frame(first_part(question.send(self._session)), dataset)
        dataset = frame_attributes(dataset, number)
        return Shot(pixels, modality_values(pixels, dataset), dataset)

    def _dataset(self, series_uid, instance_uid):
        """Fetch the attributes of an instance, once."""
        if instance_uid not in self._headers:
            path = self.instance_path(series_uid, instance_uid)
            self._headers[instance_uid] = fetch_metadata(self.server, path, self._session)
        return self._headers[instance_uid]

    def close(self):
        """Stop fetching ahead, and let go of what was fetched."""
        self._drop_waiting()
        with self._lock:
            for place in [place for place in self._frames if place[0] is self]:
                del self._frames[place]
        self._session.close()
