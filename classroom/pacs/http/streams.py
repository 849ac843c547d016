"""The two directions of a connection: nobody waits in them longer than the limits allow.

The sockets do not block. Who finds nothing to read, or no room to write, waits with `Patience`.
"""

import re
import selectors
import socket
import time
from collections.abc import Callable

# An empty request line, or a line end that is none, can become no head: no more is waited for.
_END_OF_HEAD = re.compile(rb"\r\n\r\n|(?<!\r)\n|\A\r\n")
_AT_ONCE = 1 << 16
# poll() takes a file descriptor of any number, and needs none of its own. Windows has select().
_Selector: type[selectors.BaseSelector] = getattr(
    selectors, "PollSelector", selectors.SelectSelector
)

Wait = Callable[[int], None]  # till a socket is ready for an event; a TimeoutError ends it


class Patience:
    """Seconds of waiting for a client: each byte that moves earns some of them back.

    So it may pause for as long as `most` seconds, and on average moves `speed` bytes a second. Only
    waiting counts: a client is not blamed for what the server takes.
    """

    def __init__(self, most: float, speed: float) -> None:
        self._most = self._left = most
        self._speed = speed

    def wait(self, socket_: socket.socket, event: int) -> None:
        """Return when a socket is ready to be read from, or written to."""
        begun = time.monotonic()
        with _Selector() as selector:
            selector.register(socket_, event)
            is_ready = selector.select(max(self._left, 0))
        self._left -= time.monotonic() - begun
        if not is_ready or self._left <= 0:
            raise TimeoutError("timed out")  # cheroot knows it by these words

    def earn(self, count: int) -> None:
        """Take into account that so many bytes have moved."""
        self._left = min(self._most, self._left + count / self._speed)


class Incoming:
    """What a client sends: first the head of a request, then its body."""

    def __init__(self, socket_: socket.socket, wait: Wait, head_limit: int) -> None:
        self._socket = socket_
        self._wait = wait
        self._head_limit = head_limit
        self._buffer = bytearray()
        self._searched = 0  # bytes of the buffer in which a head does not end
        self._is_line_skipped = False
        self.patience: Patience | None = None  # of the one who reads a body
        self.is_ended = False

    def has_data(self) -> bool:
        """Tell whether bytes are here that nobody has looked at."""
        return len(self._buffer) > self._searched

    def is_begun(self) -> bool:
        """Tell whether a part of a head is here."""
        return bool(self._buffer)

    def receive(self) -> None:
        """Take what the client has sent, if there is any."""
        try:
            data = self._socket.recv(_AT_ONCE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._buffer += data
        self.is_ended = not data

    def take_head(self) -> bytes | None:
        """Return the head of a request, None as long as there is more to come.

        A head that is too long, or can become none, is returned as far as it is here.
        """
        if not self._is_line_skipped and self._buffer.startswith(b"\r\n"):
            # One empty line may stand before a request (RFC 9112 section 2.2).
            del self._buffer[:2]
            self._is_line_skipped = True
        # The end may have begun in what was searched already.
        found = _END_OF_HEAD.search(self._buffer, max(self._searched - 3, 0))
        self._searched = len(self._buffer)
        end = found.end() if found else self._searched
        if not found and end <= self._head_limit and not self.is_ended:
            return None
        head = bytes(self._buffer[: min(end, self._head_limit + 1)])
        del self._buffer[:end]
        self._searched = 0
        self._is_line_skipped = False
        return head

    def take_rest(self) -> bytes:
        """Return what is here of a head that is not whole."""
        return bytes(self._buffer)

    def read(self, size: int) -> bytes:
        """Return some of the next `size` bytes, one at least; none at the end."""
        if not self._buffer:
            if size >= _AT_ONCE:
                return self._receive(size)
            self._buffer += self._receive(_AT_ONCE)
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def readline(self, limit: int) -> bytes:
        """Return the next line with its end, or `limit` bytes, or what is left."""
        searched = 0
        while not (end := self._buffer.find(b"\n", searched, limit) + 1):
            searched = len(self._buffer)
            more = self._receive(_AT_ONCE) if searched < limit else b""
            if not more:
                end = limit
                break
            self._buffer += more
        line = bytes(self._buffer[:end])
        del self._buffer[:end]
        return line

    def _receive(self, size: int) -> bytes:
        while True:
            try:
                data = self._socket.recv(size)
            except BlockingIOError:
                self._wait(selectors.EVENT_READ)
            else:
                if self.patience:
                    self.patience.earn(len(data))
                return data

    def close(self) -> None:
        """Forget what is here."""
        self._buffer.clear()
        self._searched = 0


class Outgoing:
    """What a client is sent."""

    def __init__(self, socket_: socket.socket, wait: Wait) -> None:
        self._socket = socket_
        self._wait = wait
        self.patience: Patience | None = None  # with the one who reads an answer
        self.is_broken = False

    def write(self, data: bytes) -> int:
        """Send bytes, all of them."""
        rest = memoryview(data)
        try:
            while rest:
                try:
                    count = self._socket.send(rest)
                except BlockingIOError:
                    self._wait(selectors.EVENT_WRITE)
                else:
                    rest = rest[count:]
                    if self.patience:
                        self.patience.earn(count)
        except OSError:
            self.is_broken = True
            raise
        return len(data)

    def close(self) -> None:
        """Do nothing: no byte is kept here."""
