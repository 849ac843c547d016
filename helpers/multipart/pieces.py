r"""A multipart body, every byte of it labelled (RFC 2046 section 5.1).

With the boundary ``cut``, and CR LF at the end of each line::

    --cut                             delimiter: a part begins
    Content-Type: application/dicom   headers of the part
                                      blank line
    DICM ...                          data, any bytes at all
    --cut                             delimiter: the part ends, the next one begins
                                      blank line: this part has no headers
    DICM ...                          data
    --cut--                           closing delimiter: nothing is missing

The line end in front of a delimiter belongs to it, not to the data. What comes before the first
delimiter (the preamble) and after the closing one (the epilogue) means nothing.
"""

import re
from collections.abc import Generator, Iterable, Iterator
from enum import StrEnum
from typing import TypeAlias

from helpers.errors import BadPartHeader, MissingBoundary, TruncatedMultipart


class Kind(StrEnum):
    """What a piece of a body is."""

    PREAMBLE = "preamble"
    DELIMITER = "delimiter"
    HEADERS = "headers"
    BLANK = "blank line"
    DATA = "data"
    CLOSING = "closing delimiter"
    EPILOGUE = "epilogue"


PREAMBLE, DELIMITER, HEADERS, BLANK, DATA, CLOSING, EPILOGUE = Kind

Labelled: TypeAlias = tuple[Kind, memoryview]  # a view into the chunk that came, not a copy

HEADER_LIMIT = 16 * 1024  # bytes of a preamble, or of the headers of one part
PADDING_LIMIT = 80  # blanks that may follow a boundary on its line: "transport-padding"


def pieces(chunks: Iterable[bytes], boundary: bytes) -> Iterator[Labelled]:
    r"""Yield the pieces of a body that comes in chunks, cut anywhere: joined, they are the body.

    >>> body = b"--cut\r\nContent-Type: text/plain\r\n\r\nHello\r\n--cut--\r\n"
    >>> for kind, data in pieces([body], b"cut"):
    ...     print(f"{kind}: {bytes(data)}")
    delimiter: b'--cut\r\n'
    headers: b'Content-Type: text/plain\r\n'
    blank line: b'\r\n'
    data: b'Hello'
    closing delimiter: b'\r\n--cut--'
    epilogue: b'\r\n'
    """
    body = Body(chunks, boundary)
    kind = yield from preamble(body)
    while kind is DELIMITER:
        body.part += 1
        if lines := headers(body):
            yield HEADERS, lines
        kind = yield from data(body)
    yield from epilogue(body)


def preamble(body: "Body") -> Generator[Labelled, None, Kind]:
    """Read to the first delimiter, whose line end, CR LF or LF, is that of the whole body."""
    # [preamble CRLF] dash-boundary, and "--" or transport-padding CRLF
    first_line = re.compile(
        rb"(?:\A|\r?\n)%b(?:--|[ \t]{0,%d}(\r?\n))" % (re.escape(body.dashes), PADDING_LIMIT)
    )
    longest = len(b"\r\n" + body.dashes + b"\r\n") + PADDING_LIMIT
    start = 0
    while not (line := first_line.search(body.buffer, start, HEADER_LIMIT)):
        if len(body.buffer) >= HEADER_LIMIT:
            raise missing_boundary(body)
        # Only a line that the next chunk completes can still match: search no byte twice.
        start = max(0, len(body.buffer) - longest)
        body.more()
    body.end_lines_with(line[1] or b"\r\n")
    if line.start():
        yield PREAMBLE, body.take(line.start())
    kind = DELIMITER if line[1] else CLOSING
    yield kind, body.take(line.end())
    return kind


def headers(body: "Body") -> memoryview | None:
    """Read to the blank line, but leave that: it may be the line end of a delimiter."""
    while not body.buffer.startswith(body.newline, body.place):
        limit = body.place + HEADER_LIMIT
        end = body.buffer.find(body.newline * 2, body.place, limit)
        if end >= 0:
            return body.take(end + len(body.newline))
        if len(body.buffer) >= limit:
            raise endless_headers(body)
        body.more()
    return None


def data(body: "Body") -> Generator[Labelled, None, Kind]:
    """Read the blank line, the data, in pieces as soon as they are certain, and the delimiter."""
    # A part without data may lack the blank line: what looks like it is then the line end of the
    # delimiter. So the search for the delimiter begins at the blank line, not behind it.
    is_blank_line_next = True
    while True:
        end, rest = find_delimiter(body)
        if is_blank_line_next and end > body.place:
            yield BLANK, body.take(body.place + len(body.newline))
            is_blank_line_next = False
        if end > body.place:
            yield DATA, body.take(end)
        if rest:
            kind = CLOSING if rest[0] == b"--" else DELIMITER
            yield kind, body.take(rest.end())
            return kind
        body.more()


def find_delimiter(body: "Body") -> tuple[int, re.Match[bytes] | None]:
    """Return where the data ends as far as is certain, and the rest of a whole delimiter line."""
    buffer, line = body.buffer, body.delimiter
    end = buffer.find(line, body.place)
    while end >= 0:
        rest = body.rest_of_line.match(buffer, end + len(line))
        if rest or REST_SO_FAR.fullmatch(buffer, end + len(line)):
            return end, rest
        # As in "--cutlery": data that only begins like a delimiter line.
        end = buffer.find(line, end + 1)
    # Bytes that may begin a delimiter line wait for the next chunk.
    begun = buffer.rfind(line[:1], max(body.place, len(buffer) - len(line) + 1))
    if begun >= 0 and line.startswith(buffer[begun:]):
        return begun, None
    return len(buffer), None


def epilogue(body: "Body") -> Iterator[Labelled]:
    """Read what is left, so that the connection can be used again."""
    if rest := body.take(len(body.buffer)):
        yield EPILOGUE, rest
    for chunk in body.chunks:
        yield EPILOGUE, memoryview(chunk)


# What a chunk may end with, behind a boundary: the beginning of "--", or of padding and line end.
REST_SO_FAR = re.compile(rb"-?|[ \t]{0,%d}\r?" % PADDING_LIMIT)


class Body:
    """A window on the bytes that came: one chunk, behind what was not read of those before it."""

    # So it never holds more than a chunk, a delimiter line and the headers of one part.

    def __init__(self, chunks: Iterable[bytes], boundary: bytes) -> None:
        self.dashes = b"--" + boundary  # "dash-boundary"
        self.part = 0  # that is being read; 0 before the first one
        self.chunks = filter(None, chunks)  # an empty one is not the end
        self.buffer = b""
        self.offset = 0  # of the buffer's first byte, in the body
        self.place = 0  # in the buffer: everything before it is read
        self._view = memoryview(self.buffer)

    def end_lines_with(self, newline: bytes) -> None:
        """Note the line end of the body, and with it what a delimiter line is."""
        self.newline = newline
        self.delimiter = newline + self.dashes
        # close-delimiter := delimiter "--"; any other ends with transport-padding CRLF
        self.rest_of_line = re.compile(rb"--|[ \t]{0,%d}%b" % (PADDING_LIMIT, newline))

    def take(self, end: int) -> memoryview:
        """Read up to a place in the buffer."""
        start, self.place = self.place, end
        return self._view[start:end]

    def more(self) -> None:
        """Put the next chunk behind what is left to read; there must be one."""
        chunk = next(self.chunks, b"")
        if not chunk:
            raise truncated(self)
        self.offset += self.place
        self.buffer, self.place = self.buffer[self.place :] + chunk, 0
        self._view = memoryview(self.buffer)


def truncated(body: Body) -> TruncatedMultipart:
    """Explain a body that ended too early."""
    size = f"{body.offset + len(body.buffer):,} bytes"
    if body.part == 0:
        return TruncatedMultipart(
            "The body ended before its first part.",
            expected=f"the line {body.dashes!r}",
            came=f"{size}: {excerpt(body.buffer)}" if body.buffer else "nothing",
            hint="Ask again. If the same comes: does the Content-Type name another boundary?",
        )
    whole = body.part - 1
    return TruncatedMultipart(
        f"The body ended in the middle of part {body.part}.",
        expected=f"the closing delimiter {body.dashes + b'--'!r}",
        came=f"{size}, with {whole} whole {'part' if whole == 1 else 'parts'}",
        hint="Ask again. A loop over iter_parts(response) keeps the parts that came whole.",
    )


def missing_boundary(body: Body) -> MissingBoundary:
    """Explain a body that does not contain the boundary."""
    return MissingBoundary(
        f"The boundary is not in the first {HEADER_LIMIT:,} bytes of the body.",
        expected=f"the line {body.dashes!r}",
        came=excerpt(body.buffer),
        hint="Look at both with show(response): the Content-Type header and the body disagree.",
    )


def endless_headers(body: Body) -> BadPartHeader:
    """Explain headers without an end."""
    return BadPartHeader(
        f"The headers of part {body.part} do not end.",
        expected=f"a blank line within {HEADER_LIMIT:,} bytes",
        came=excerpt(body.buffer[body.place :]),
        hint="Look at the body with show(response): does the part lack its blank line?",
    )


def excerpt(data: bytes) -> str:
    """Return the first bytes as they are written in Python."""
    return repr(data[:60]) + (" ..." if len(data) > 60 else "")
