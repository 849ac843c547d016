"""The body of a request: measured while it is read, and never in memory as a whole."""

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO
from wsgiref.types import StartResponse, WSGIEnvironment

from cheroot.server import HTTPRequest
from werkzeug.wrappers import Response

from classroom.pacs.http.problems import Problem

READ_SIZE = 1 << 18
# A client that is refused goes on sending, and reads the answer afterwards: so what it sends is
# read too, but not for ever.
PATIENCE = 1 << 30

_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}")
_LINE_LIMIT = 4096
_TRAILER_LINES = 100


class BodyCut(ValueError):
    """A body that ended too early, or is not what its headers say."""


def chunks(environ: WSGIEnvironment, limit: int) -> Iterator[bytes]:
    """Yield the body of a request in pieces; a 413 at once if it says that it is larger."""
    announced = int(environ.get("CONTENT_LENGTH") or "0")
    received = 0
    while max(received, announced) <= limit:
        try:
            chunk = environ["wsgi.input"].read(READ_SIZE)
        except OSError as error:
            raise BodyCut("The connection was lost.") from error
        if not chunk:
            return
        received += len(chunk)
        if received <= limit:
            yield chunk
    raise Problem(
        413,
        f"The request is larger than the {limit:,} bytes that this server takes at once.",
        "Nothing was stored. Send fewer instances in a request.",
    )


def respond(
    response: Response, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    """Send an answer when the body has been read, or its rest would be the next request."""
    if not drain(environ):
        problem = Problem(413, "The request is far too large.", "Send less in a request.")
        response = problem.response()
    return response(environ, start_response)


def drain(environ: WSGIEnvironment) -> bool:
    """Read what is left of a body; tell whether that was all, as far as can be known."""
    if not (environ.get("CONTENT_LENGTH") or environ.get("HTTP_TRANSFER_ENCODING")):
        return True
    left = PATIENCE
    try:
        while left > 0:
            chunk = environ["wsgi.input"].read(READ_SIZE)
            if not chunk:
                return True
            left -= len(chunk)
    except (OSError, BodyCut):
        return True  # There is nobody to read the rest from.
    return False


class ChunkedBody:
    """A body of `Transfer-Encoding: chunked` (RFC 9112 section 7.1), read piece by piece.

    cheroot's own reader holds each chunk whole, however large the client made it.
    """

    def __init__(self, request: HTTPRequest) -> None:
        self._request = request
        self._file: BinaryIO = request.conn.rfile
        self._left = 0  # bytes of a chunk that are still to come
        self._ended = False
        # The connection is closed after the answer unless the body was read to its end.
        self._keep_alive = not request.close_connection
        request.close_connection = True

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes; none at the end of the body."""
        if not self._left and not self._ended:
            self._begin_chunk()
        if self._ended:
            return b""
        data = self._file.read(min(size, self._left))
        self._left -= len(data)
        if not data or (not self._left and self._line()):
            raise self._cut()
        return data

    def _begin_chunk(self) -> None:
        size, _, _ = self._line().partition(b";")
        if not _CHUNK_SIZE.fullmatch(size.strip()):
            raise self._cut()
        self._left = int(size, 16)
        if self._left:
            return
        for _ in range(_TRAILER_LINES):
            if not self._line():
                self._ended = True
                self._request.close_connection = not self._keep_alive
                return
        raise self._cut()

    def _line(self) -> bytes:
        """Return the next line without its end."""
        line = self._file.readline(_LINE_LIMIT)
        if not line.endswith(b"\n"):
            raise self._cut()
        return line.rstrip(b"\r\n")

    def _cut(self) -> BodyCut:
        self._ended = True
        return BodyCut("The body ended early, or its chunks are none.")
