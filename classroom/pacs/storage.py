"""Where the instances are that clients store: a folder that vanishes with the server."""

import contextlib
import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

from classroom.pacs.http.problems import Problem
from classroom.pacs.scratch import Scratch, sweep

STORAGE_LIMIT = 4 << 30
REQUEST_LIMIT = 1 << 30
_PREFIX = "classroom-pacs-"


class Storage:
    """A temporary folder with a limit to what it takes.

    >>> storage = Storage()
    >>> file = storage.new_file()
    >>> file.write(b"DICM")
    >>> file.finish()
    >>> storage.size, file.path.name
    (4, '1.dcm')
    >>> storage.remove()
    >>> file.path.exists()
    False
    """

    def __init__(self, limit: int = STORAGE_LIMIT) -> None:
        # Made for the first file: most servers never store one.
        self._scratch: Scratch | None = None
        sweep(_PREFIX)
        self.limit = limit
        self.size = 0  # bytes that are there now, of files that are being received too
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    @property
    def folder(self) -> Path | None:
        """Where the files are; None if there was none yet."""
        return self._scratch.folder if self._scratch else None

    def new_file(self) -> "IncomingFile":
        """Begin a file. Its name owes nothing to the client."""
        with self._lock, _writing():
            self._scratch = self._scratch or Scratch(_PREFIX)
            return IncomingFile(self, self._scratch.folder / f"{next(self._numbers)}.part")

    def reserve(self, size: int) -> None:
        """Count bytes that are about to be written; a 413 if the folder does not take them."""
        with self._lock:
            if self.size + size > self.limit:
                raise Problem(
                    413,
                    f"This server stores {self.limit:,} bytes in all, and has no room for this.",
                    "Nothing was stored. Start the server again: what was stored is then gone.",
                )
            self.size += size

    def release(self, size: int) -> None:
        """Count bytes that are gone."""
        with self._lock:
            self.size -= size

    def remove(self) -> None:
        """Delete the folder and all that is in it."""
        if self._scratch is not None:
            self._scratch.close()


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    """Tell the client of a disk that is full, or may not be written to: it is not its fault."""
    try:
        yield
    except OSError as error:
        raise Problem(
            507,
            f"This server cannot write what it gets: {error.strerror}.",
            "Nothing was stored. Make room on the server's disk, then send it again.",
        ) from error


class IncomingFile:
    """A file that is being received. It gets its final name when it is whole, and not before."""

    def __init__(self, storage: Storage, path: Path) -> None:
        self.path = path
        self.is_whole = False
        # Whether it is served. Who received the file says so, and discards it if not.
        self.is_kept = False
        self._storage = storage
        self._size = 0
        self._file = open(path, "xb")  # noqa: SIM115 - finish() or discard() closes it

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Add bytes; a Problem 413 if there is no room for them, 507 if there is no disk."""
        self._storage.reserve(len(data))
        self._size += len(data)
        with _writing():
            self._file.write(data)

    def finish(self) -> None:
        """Give the file its final name: nothing is missing."""
        with _writing():
            self._file.close()
            self.path = self.path.replace(self.path.with_suffix(".dcm"))
        self.is_whole = True

    def discard(self) -> None:
        """Delete the file."""
        # Closing writes what is still to be written: a full disk does not take that either.
        with contextlib.suppress(OSError):
            self._file.close()
        self.path.unlink(missing_ok=True)
        self._storage.release(self._size)
