r"""Parts -> a multipart body, made while it is sent (RFC 2046 section 5.1.1, RFC 2387).

The way back is `helpers.multipart.reader`:

>>> from helpers.multipart import parse
>>> body = MultipartBody("text/plain", [PartToSend("text/plain", 5, [b"Hello"])], boundary="cut")
>>> body.content_type
'multipart/related; type="text/plain"; boundary=cut'
>>> b"".join(body)
b'--cut\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nHello\r\n--cut--\r\n'
>>> [part.content for part in parse(body, body.content_type)]
[b'Hello']
"""

import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from helpers.web.media_types import MediaType

CHUNK = 1024 * 1024  # bytes of a file that are in memory at a time
SMALL = 64 * 1024  # pieces below that size are joined


class PartToSend(NamedTuple):
    """A part of a body that goes out: its type, its size, its data, and its URL if it has one."""

    media_type: str
    size: int
    chunks: Iterable[bytes]
    location: str = ""

    @property
    def head(self) -> bytes:
        """The part's headers and the blank line after them (RFC 2046 section 5.1)."""
        lines = [f"Content-Type: {self.media_type}", f"Content-Length: {self.size}"]
        if self.location:
            lines.append(f"Content-Location: {self.location}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


class MultipartBody:
    """A multipart body that is made while it is iterated over, for requests and for answers."""

    def __init__(self, media_type: str, parts: Iterable[PartToSend], boundary: str = "") -> None:
        # Random, and so long that no part contains it.
        boundary = boundary or secrets.token_hex(16)
        related = MediaType("multipart/related", {"type": media_type, "boundary": boundary})
        self.content_type = str(related)
        self.length: int | None = None
        self._parts = parts
        self._delimiter = f"--{boundary}\r\n".encode()
        self._closing = f"--{boundary}--\r\n".encode()
        # Without a length, a body is sent in chunks, which some proxies refuse with the status 411.
        # An iterator has none: it is asked for each part when the one before it is sent.
        if isinstance(parts, list):
            around = len(self._delimiter + b"\r\n")
            self.length = sum(around + len(part.head) + part.size for part in parts)
            self.length += len(self._closing)

    def __len__(self) -> int:
        if self.length is None:
            raise TypeError("The length of parts that are made one by one is not known before.")
        return self.length

    def __iter__(self) -> Iterator[bytes]:
        return join_small(self._pieces())

    def _pieces(self) -> Iterator[bytes]:
        for part in self._parts:
            yield self._delimiter + part.head
            yield from part.chunks
            yield b"\r\n"
        yield self._closing


def join_small(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Join small pieces, so that each write to the socket is worth its cost; pass on large ones."""
    pending, size = [], 0
    for piece in pieces:
        if len(piece) < SMALL:
            pending.append(piece)
            size += len(piece)
        if pending and (size >= SMALL or len(piece) >= SMALL):
            yield b"".join(pending)
            pending, size = [], 0
        if len(piece) >= SMALL:
            yield piece
    if pending:
        yield b"".join(pending)


def file_chunks(path: Path, size: int) -> Iterator[bytes]:
    """Yield the first `size` bytes of a file, which is opened when the first is asked for."""
    with path.open("rb", buffering=0) as file:
        yield from chunks_of(file, size)


def chunks_of(file: IO[bytes], size: int) -> Iterator[bytes]:
    """Yield the next `size` bytes of an open file, never more than a piece of it in memory."""
    while size:
        chunk = file.read(min(size, CHUNK))
        if not chunk:
            raise OSError(f"{file.name} became shorter while it was sent")
        size -= len(chunk)
        yield chunk
