"""Silence about what pydicom thinks of a file, where nobody could do anything about it."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_filters: "list[warnings.catch_warnings[None]]" = []  # one, while anybody is inside
_inside = 0


@contextmanager
def quietly() -> Iterator[None]:
    """Keep pydicom's warnings back, in whatever thread.

    The filters of Python belong to all threads, and `catch_warnings` in two at once can leave them
    changed for ever: so the first who comes in sets them, and the last who goes puts them back.
    """
    global _inside
    with _lock:
        if not _inside:
            _filters.append(warnings.catch_warnings())
            _filters[0].__enter__()
            warnings.filterwarnings("ignore", module="pydicom")
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _filters.pop().__exit__(None, None, None)
