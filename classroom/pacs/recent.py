"""What was read of files lately, as long as they do not change, and as much as has room."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Read = TypeVar("Read")


class Recent(Generic[Read]):
    """What was read last; all of it together weighs so many bytes at the most.

    >>> lengths = Recent(len, lambda length: 10, 25)
    >>> lengths.get("a file", (1, 2)), len(lengths)
    (6, 1)
    """

    def __init__(
        self, read: Callable[[str], Read], weigh: Callable[[Read], int], most: int
    ) -> None:
        self._read, self._weigh, self._free = read, weigh, most
        self._found: OrderedDict[tuple[str, tuple[int, ...]], Read] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._found)

    def get(self, path: str, stamp: tuple[int, ...]) -> Read:
        """Return what stands in a file; `stamp` is another one when it has changed."""
        key = path, stamp
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        found = self._read(path)
        with self._lock:
            if key not in self._found:
                self._found[key] = found
                self._free -= self._weigh(found)
            while self._free < 0:
                self._free += self._weigh(self._found.popitem(last=False)[1])
        return found
