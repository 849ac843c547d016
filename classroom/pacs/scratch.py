"""Folders for what is there only as long as a process: the next one removes what was left behind.

A process that is killed removes nothing. But its lock on a file goes with it, whatever ends it: so
a folder whose lock can be had belongs to nobody.
"""

import contextlib
import os
import shutil
import sys
import tempfile
import time
import weakref
from pathlib import Path
from typing import IO

_LOCK, _FILES = "in-use", "files"
_SECONDS_WITHOUT_LOCK = 3600  # a folder is made a moment before its lock


class Scratch:
    """A temporary folder that vanishes with its process.

    >>> scratch = Scratch("example-")
    >>> scratch.folder.is_dir()
    True
    >>> scratch.close()
    >>> scratch.folder.exists()
    False
    """

    def __init__(self, prefix: str, parent: Path | None = None) -> None:
        parent = parent or Path(tempfile.gettempdir())
        lock = None
        while lock is None:  # another start may have taken an unlocked folder for a forgotten one
            home = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
            lock = _hold(home / _LOCK)
        self.folder = home / _FILES
        self.folder.mkdir()
        # Also when nobody calls close(), and the program ends.
        self._finalizer = weakref.finalize(self, _remove, home, lock)

    def close(self) -> None:
        """Delete the folder, and all that is in it."""
        self._finalizer()


def sweep(prefix: str, parent: Path | None = None) -> None:
    """Remove the folders of processes that are gone."""
    for folder in (parent or Path(tempfile.gettempdir())).glob(f"{prefix}*"):
        # The folder for temporary files belongs to everybody: what is odd in it stays.
        with contextlib.suppress(OSError):
            if folder.is_symlink() or not folder.is_dir():
                continue
            if (folder / _LOCK).exists():
                lock = _hold(folder / _LOCK)
                if lock is not None:
                    _remove(folder, lock)
            elif time.time() - folder.stat().st_mtime > _SECONDS_WITHOUT_LOCK:
                shutil.rmtree(folder, ignore_errors=True)


def _hold(path: Path) -> IO[bytes] | None:
    """Lock a file until this process ends; None if another has it, or has taken it away."""
    try:
        file = open(path, "ab")  # noqa: SIM115 - as long as it is open, the lock is ours
    except OSError:
        return None
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
            return file
    except OSError:
        pass
    file.close()
    return None


def _remove(folder: Path, lock: IO[bytes]) -> None:
    if sys.platform == "win32":
        lock.close()  # no file that is open can be removed there
    shutil.rmtree(folder, ignore_errors=True)
    lock.close()
