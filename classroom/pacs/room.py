"""Room in the memory for what is being made: who finds none waits, and does not wait for ever."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from classroom.pacs.http.problems import Problem
from helpers.pixels.stored import ImagePixel
from helpers.web.limits import WORKING_BYTES

# Decoded, rescaled, looked up and encoded again, the pixels are there this many times at the most;
# grey values of 32 bits are, which become floats of 64.
_COPIES = 7
_SECONDS = 30  # of waiting


class Room:
    """So many bytes for all that is made at one time."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._free = size
        self._changed = threading.Condition()

    @contextmanager
    def take(self, size: int) -> Iterator[None]:
        """Have so many bytes, or all there are; a Problem 503 if they do not become free."""
        size = min(size, self.size)
        with self._changed:
            if not self._changed.wait_for(lambda: self._free >= size, _SECONDS):
                raise Problem(
                    503,
                    "Too many pictures are being made at this moment.",
                    "Ask again in some seconds, or for a smaller viewport.",
                    headers={"Retry-After": "5"},
                )
            self._free -= size
        try:
            yield
        finally:
            with self._changed:
                self._free += size
                self._changed.notify_all()


ROOM = Room(WORKING_BYTES)


def room_for(pixel: ImagePixel, viewport: tuple[int, int] = (0, 0)) -> int:
    """Return the bytes that it takes to decode a frame, and to draw it in a viewport."""
    return _COPIES * (pixel.size + viewport[0] * viewport[1] * min(pixel.samples, 3))
