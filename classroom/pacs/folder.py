"""A folder of DICOM files: which of them are served, and why the others are not."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from classroom.pacs.archive import Archive
from classroom.pacs.instance import SOPInstance, read_instance, read_place
from classroom.pacs.part10 import NotServed
from helpers.dicom.folder import Folder, look_through
from helpers.errors import ArchiveError

# Of a larger folder, the index is made of a glance at each file; what else is in them comes later.
_MANY = 1000
_SECONDS_BETWEEN = 0.5  # after which what was read is served


def read_archive(folder: str | Path) -> Archive:
    """Index the DICOM files of a folder and those below it; raise ArchiveError for no folder."""
    archive = Archive()
    _read(_look_through(folder), archive, lambda: False)
    return archive


class Reading:
    """An archive that is being read, from a thread of its own, while it is served already."""

    def __init__(self, folder: str | Path) -> None:
        self.archive = Archive()
        self._found = _look_through(folder)
        self._is_stopped = threading.Event()
        self.archive.is_complete = False
        self._indexed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reading", daemon=True)
        self._thread.start()

    def wait(self, seconds: float | None = None) -> None:
        """Return when all files are in the index; or, of a large folder, after so many seconds."""
        self._indexed.wait(seconds if len(self._found.files) > _MANY else None)

    def stop(self) -> None:
        """Read no more."""
        self._is_stopped.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            _read(self._found, self.archive, self._is_stopped.is_set)
        finally:
            self.archive.is_complete = True
            self._indexed.set()
        for instance in self.archive.find_all():
            if self._is_stopped.is_set():
                return
            _ = instance.attributes  # now, so that the first search has not to wait for them


def _look_through(folder: str | Path) -> Folder:
    folder = Path(folder)
    # Unlike those of Path, the questions of os.path raise nothing where access is denied.
    if not os.path.isdir(folder):
        raise ArchiveError(
            f"There is no folder {folder}.",
            expected="a folder with DICOM files",
            hint="Check the name, and that you may open it; --data DIR names another folder.",
        )
    return look_through(folder)


def _read(found: Folder, archive: Archive, is_stopped: Callable[[], bool]) -> None:
    archive.skipped += found.left_out
    read = read_place if len(found.files) > _MANY else read_instance
    instances: list[SOPInstance] = []
    served = time.monotonic()
    for path in found.files:
        if is_stopped():
            return
        try:
            instances.append(read(path))
        except NotServed as reason:
            archive.skipped.append(f"{path}: {reason}")
        if len(instances) >= _MANY and time.monotonic() - served > _SECONDS_BETWEEN:
            archive.include(instances)
            instances, served = [], time.monotonic()
    archive.include(instances)
