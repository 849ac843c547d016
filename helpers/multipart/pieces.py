r"""A multipart body, every byte of it labelled (RFC 2046 section 5.1).

This is such a body, with the boundary ``cut``. Each line ends with the two bytes CR LF::

    --cut                             delimiter: a part begins
    Content-Type: application/dicom   headers of the part
                                      blank line
    DICM ...                          data, any bytes at all
    --cut                             delimiter: the part ends, the next one begins
                                      blank line: this part has no headers
    DICM ...                          data
    --cut--                           closing delimiter: nothing is missing

The line end in front of a delimiter belongs to the delimiter, not to the data. What comes before
the first delimiter (the preamble) and after the closing one (the epilogue) means nothing.
"""

import re

from helpers.errors import BadPartHeader, MissingBoundary, TruncatedMultipart

# The kinds of pieces.
PREAMBLE = "preamble"
DELIMITER = "delimiter"
HEADERS = "headers"
BLANK = "blank line"
DATA = "data"
CLOSING = "closing delimiter"
EPILOGUE = "epilogue"

HEADER_LIMIT = 16 * 1024  # bytes of a preamble, or of the headers of one part
PADDING_LIMIT = 80  # blanks that may follow a boundary on its line


def pieces(chunks, boundary):
    r"""Yield the pieces of a multipart body: joined, they are the body again.

    Parameters
    ----------
    chunks : iterable of bytes
        The body, in one or many chunks: cut anywhere.
    boundary : bytes
        As ``multipart.boundary_of`` gives it.

    Yields
    ------
    kind : str
        What the piece is: one of the constants above.
    data : memoryview
        The bytes of the piece: a view into the chunk that came, not a copy. Long data comes in
        several pieces, each as soon as it is certain.

    Raises
    ------
    MissingBoundary
        The first 16 KiB of the body do not contain the boundary.
    BadPartHeader
        The headers of a part do not end within 16 KiB.
    TruncatedMultipart
        The body ended before the closing delimiter.

    Examples
    --------
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
    reader = Reader(chunks, boundary)
    yield from reader.preamble()
    while not reader.closed:
        if headers := reader.headers():
            yield headers
        yield from reader.body()
    yield from reader.epilogue()


class Reader:
    """Reads a multipart body once, from its beginning to its end.

    It has one chunk in hand and a place in it. What was read is let go when the next chunk comes,
    so it never holds more than a chunk, a delimiter line and the headers of one part.
    """

    def __init__(self, chunks, boundary):
        self.chunks = iter(chunks)
        self.buffer = b""  # the chunk in hand, behind what was not read of the chunks before it
        self.view = memoryview(self.buffer)
        self.place = 0  # in the buffer: everything before it is read
        self.offset = 0  # of the buffer's first byte, in the body
        self.delimiters = 0
        self.closed = False  # the closing delimiter was read
        self.dashes = b"--" + boundary
        self.first_line = re.compile(
            rb"(?:\A|\r?\n)%b(?:--|[ \t]{0,%d}(?P<line_end>\r?\n))"
            % (re.escape(self.dashes), PADDING_LIMIT)
        )

    def preamble(self):
        """Read to the first delimiter. Its line end, CR LF or LF, is that of the whole body."""
        longest = len(self.dashes) + PADDING_LIMIT + len(b"\r\n\r\n")
        start = 0
        while not (line := self.first_line.search(self.buffer, start, HEADER_LIMIT)):
            if len(self.buffer) >= HEADER_LIMIT:
                raise self.missing_boundary()
            # Only a line that the next chunk completes can still match: search no byte twice.
            start = max(0, len(self.buffer) - longest)
            self.more()
        self.line_end = line["line_end"] or b"\r\n"
        self.blank_line = self.line_end * 2
        self.delimiter = self.line_end + self.dashes
        self.rest_of_line = re.compile(
            rb"--|[ \t]{0,%d}%b" % (PADDING_LIMIT, re.escape(self.line_end))
        )
        self.rest_so_far = re.compile(rb"-?|[ \t]{0,%d}\r?" % PADDING_LIMIT)
        if line.start():
            yield self.take(PREAMBLE, line.start())
        yield self.take_delimiter(line.end(), closing=line["line_end"] is None)

    def headers(self):
        """Read to the blank line, but leave that: it may be the line end of a delimiter."""
        while not self.buffer.startswith(self.line_end, self.place):
            limit = self.place + HEADER_LIMIT
            end = self.buffer.find(self.blank_line, self.place, limit)
            if end >= 0:
                return self.take(HEADERS, end + len(self.line_end))
            if len(self.buffer) >= limit:
                raise self.endless_headers()
            self.more()
        return None

    def body(self):
        """Read the blank line, the data and the delimiter that ends them.

        A part without data may lack the blank line: what looks like it is then the line end of the
        delimiter. So the search for the delimiter begins at the blank line, not behind it.
        """
        blank = True
        rest = None
        while rest is None:
            end, rest = self.find_delimiter()
            if blank and end > self.place:
                yield self.take(BLANK, self.place + len(self.line_end))
                blank = False
            if end > self.place:
                yield self.take(DATA, end)
            if rest is None:
                self.more()
        yield self.take_delimiter(rest.end(), closing=rest[0] == b"--")

    def find_delimiter(self):
        """Look for a delimiter line in the buffer.

        Returns
        -------
        end : int
            Where the data ends, as far as can be told. Bytes that may begin a delimiter line come
            behind it, and wait for the next chunk.
        rest : re.Match or None
            What follows the boundary on the delimiter line; None if there is no whole such line.
        """
        end = self.buffer.find(self.delimiter, self.place)
        while end >= 0:
            behind = end + len(self.delimiter)
            rest = self.rest_of_line.match(self.buffer, behind)
            if rest or self.rest_so_far.fullmatch(self.buffer, behind):
                return end, rest
            # As in "--cutlery": data that only begins like a delimiter line.
            end = self.buffer.find(self.delimiter, end + 1)
        last = max(self.place, len(self.buffer) - len(self.delimiter) + 1)
        end = self.buffer.rfind(self.line_end[:1], last)
        if end >= 0 and self.delimiter.startswith(self.buffer[end:]):
            return end, None
        return len(self.buffer), None

    def epilogue(self):
        """Read what is left, so that the connection can be used again."""
        while True:
            if self.place < len(self.buffer):
                yield self.take(EPILOGUE, len(self.buffer))
            if not self.advance():
                return

    def take(self, kind, end):
        """Read up to a place in the buffer, and return that as a piece."""
        start, self.place = self.place, end
        return kind, self.view[start:end]

    def take_delimiter(self, end, *, closing):
        """Read a delimiter line."""
        self.delimiters += 1
        self.closed = closing
        return self.take(CLOSING if closing else DELIMITER, end)

    def advance(self):
        """Put the next chunk behind what is left to read; tell whether there was one."""
        chunk = next(self.chunks, None)
        if chunk is None:
            return False
        self.buffer = self.buffer[self.place :] + chunk
        self.view = memoryview(self.buffer)
        self.offset += self.place
        self.place = 0
        return True

    def more(self):
        """Put the next chunk behind what is left to read; there must be one."""
        if not self.advance():
            raise self.truncated()

    def truncated(self):
        """Explain a body that ended too early."""
        size = f"{self.offset + len(self.buffer):,} bytes"
        if self.delimiters == 0:
            return TruncatedMultipart(
                "The body ended before its first part.",
                expected=f"the line {self.dashes!r}",
                came=f"{size}: {excerpt(self.buffer)}" if self.buffer else "nothing",
                hint="Ask again. If the same comes: does the Content-Type name another boundary?",
            )
        whole = self.delimiters - 1
        return TruncatedMultipart(
            f"The body ended in the middle of part {self.delimiters}.",
            expected=f"the closing delimiter {self.dashes + b'--'!r}",
            came=f"{size}, with {whole} whole {'part' if whole == 1 else 'parts'}",
            hint="Ask again. A loop over iter_parts(response) keeps the parts that came whole.",
        )

    def missing_boundary(self):
        """Explain a body that does not contain the boundary."""
        return MissingBoundary(
            f"The boundary is not in the first {HEADER_LIMIT:,} bytes of the body.",
            expected=f"the line {self.dashes!r}",
            came=excerpt(self.buffer),
            hint="Look at both with show(response): the Content-Type header and the body disagree.",
        )

    def endless_headers(self):
        """Explain headers without an end."""
        return BadPartHeader(
            f"The headers of part {self.delimiters} do not end.",
            expected=f"a blank line within {HEADER_LIMIT:,} bytes",
            came=excerpt(self.buffer[self.place :]),
            hint="Look at the body with show(response): does the part lack its blank line?",
        )


def excerpt(data):
    """Return the first bytes as they are written in Python."""
    return repr(data[:60]) + (" ..." if len(data) > 60 else "")
