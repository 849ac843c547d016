"""The body of a request: measured while it is read, and never in memory as a whole."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO
from wsgiref.types import StartResponse, WSGIEnvironment

from cheroot.server import HTTPRequest
from werkzeug.wrappers import Response

from classroom.pacs.http.grammar import chunk_size, read_field
from classroom.pacs.http.problems import Problem

READ_SIZE = 1 << 18
# What is left of a body after the answer is known, and still read: so little that the connection
# is worth it.
PATIENCE = 1 << 20
_LINE_LIMIT = 4096
_TRAILER_LINES = 100


class BodyCut(ValueError):
    """A body that ended too early."""


class BadChunk(BodyCut):
    """A body whose chunks are none: what belongs to it is not to be known."""


def chunks(environ: WSGIEnvironment, limit: int) -> Iterator[bytes]:
    """Yield the body of a request in pieces; a 413 at once if it says that it is larger."""
    announced = int(environ.get("CONTENT_LENGTH") or "0")
    received = 0
    while max(received, announced) <= limit:
        try:
            chunk = environ["wsgi.input"].read(READ_SIZE)
        except BadChunk as error:
            raise Problem(
                400, str(error), "A chunk is its size, CR LF, its bytes, CR LF (RFC 9112 7.1)."
            ) from error
        except TimeoutError as error:
            raise BodyCut("The body came too slowly.") from error
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
    """Send an answer to somebody who may ask, and keep the connection if that costs little.

    What is left of the body would be the next request: it is read if it is small; otherwise the
    connection is closed after the answer, and nobody waits for the rest.
    """
    drain(environ)
    return response(environ, start_response)


def drain(environ: WSGIEnvironment) -> bool:
    """Read what is left of a small body; tell whether that was all, as far as can be known."""
    if not (environ.get("CONTENT_LENGTH") or environ.get("HTTP_TRANSFER_ENCODING")):
        return True
    left = PATIENCE
    if "HTTP_EXPECT" in environ or int(environ.get("CONTENT_LENGTH") or "0") > left:
        return False
    try:
        while left > 0:
            chunk = environ["wsgi.input"].read(READ_SIZE)
            if not chunk:
                return True
            left -= len(chunk)
    except (OSError, BodyCut):
        return True  # There is nobody to read the rest from.
    return False


class SizedBody:
    """A body of `Content-Length`, read piece by piece.

    The connection is closed after the answer unless the body was read to its end.
    """

    def __init__(self, request: HTTPRequest, length: int) -> None:
        self._request = request
        self._file: BinaryIO = request.conn.rfile
        self._left = length
        self._keep_alive = not request.close_connection
        request.close_connection = not self._keep_alive or length > 0

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes; none at the end of the body, or of what came of it."""
        data = self._file.read(min(size, self._left)) if self._left else b""
        self._left -= len(data)
        if data and not self._left:
            self._request.close_connection = not self._keep_alive
        return data


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
        if not data:
            raise self._cut()
        if not self._left and self._line():
            raise self._bad("A chunk is longer than its size.")
        return data

    def _begin_chunk(self) -> None:
        size = chunk_size(self._line())
        if size is None:
            raise self._bad("A chunk begins with no size.")
        self._left = size
        if size:
            return
        for _ in range(_TRAILER_LINES):
            line = self._line()
            if not line:
                self._ended = True
                self._request.close_connection = not self._keep_alive
                return
            try:
                read_field(line)
            except ValueError as error:
                raise self._bad(str(error)) from error
        raise self._bad("Too many headers follow the last chunk.")

    def _line(self) -> bytes:
        """Return the next line without its end."""
        line = self._file.readline(_LINE_LIMIT)
        if line.endswith(b"\r\n"):
            return line[:-2]
        if line.endswith(b"\n") or len(line) == _LINE_LIMIT:
            raise self._bad("A line of a chunk is too long, or does not end with CR LF.")
        raise self._cut()

    def _cut(self) -> BodyCut:
        self._ended = True
        return BodyCut("The body ended early.")

    def _bad(self, reason: str) -> BadChunk:
        self._ended = True
        return BadChunk(reason)
