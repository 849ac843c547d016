"""How a request of these helpers travels: within a time that covers all of it.

The time-out of `requests` is one for each read. A server that sends a byte a second never comes to
it, in the head of its answer no more than in the body. Here, each read waits no longer than what is
left of the whole time. It holds for the sessions that this adapter is mounted on, and no others.
"""

import http.client
import io
import socket
import time
from contextvars import ContextVar
from typing import Any, ClassVar

import requests
import urllib3
from requests.adapters import HTTPAdapter

# When the request that this thread sends has to be answered, on the clock of time.monotonic.
_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


class _InTime(io.RawIOBase):
    """What comes through a socket, up to a deadline."""

    def __init__(self, stream: io.RawIOBase, sock: socket.socket, deadline: float) -> None:
        self._stream, self._socket, self._deadline = stream, sock, deadline
        self._silence = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time for the whole answer is over")
        self._socket.settimeout(left if self._silence is None else min(left, self._silence))
        return self._stream.readinto(buffer)

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    """An answer whose head and body have to come before the deadline."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        deadline = _deadline.get()
        if deadline is not None:
            self.fp = io.BufferedReader(_InTime(self.fp.detach(), sock, deadline))


class Connection(urllib3.connection.HTTPConnection):
    """A connection over http."""

    response_class = _Answer


class SecureConnection(urllib3.connection.HTTPSConnection):
    """A connection over https."""

    response_class = _Answer


class Adapter(HTTPAdapter):
    """Sends a request, and keeps the `total` of its time-out, a `urllib3.Timeout`."""

    connections: ClassVar[dict[str, Any]] = {"http": Connection, "https": SecureConnection}

    def send(  # type: ignore[override]
        self, request: requests.PreparedRequest, *, timeout: Any = None, **options: Any
    ) -> requests.Response:
        """Send a request; its answer may be read until the time is over."""
        total = timeout.total if isinstance(timeout, urllib3.Timeout) else None
        token = _deadline.set(time.monotonic() + total if isinstance(total, int | float) else None)
        try:
            return super().send(request, timeout=timeout, **options)
        finally:
            _deadline.reset(token)

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        """Return a pool of this adapter's own, which makes connections of ours."""
        pool: Any = super().get_connection_with_tls_context(*args, **options)
        pool.ConnectionCls = self.connections[pool.scheme]
        return pool

    def close(self) -> None:
        """Close the connections: urllib3 leaves them open while somebody keeps an answer."""
        pools = self.poolmanager.pools
        for pool in [pools.get(key) for key in pools.keys()]:  # noqa: SIM118
            if pool is not None:
                pool.close()
        super().close()
