"""A multipart body as a table: a row for each piece, with its place and its meaning."""

from dataclasses import dataclass
from pathlib import Path

import pandas
import requests

from helpers.errors import WorkbookError
from helpers.multipart.pieces import (
    BLANK,
    CLOSING,
    DATA,
    DELIMITER,
    EPILOGUE,
    HEADERS,
    PREAMBLE,
    pieces,
)
from helpers.multipart.reader import boundary_of
from helpers.web.answer import check
from helpers.web.bodies import stream

MISSING = "missing"
MEANINGS = {
    PREAMBLE: "before the first delimiter: means nothing",
    DELIMITER: "a part begins",
    HEADERS: "what the part says of itself",
    BLANK: "the headers end, the data begin",
    DATA: "the data of the part",
    CLOSING: "the end: nothing is missing",
    EPILOGUE: "after the closing delimiter: means nothing",
    MISSING: "here the body ends too early",
}
# Of long data only the beginning is kept: a study may be larger than the memory.
BEGINNING = 1024
EXCERPT = 60
HEX, HEX_LINES = 16, 256
CHUNK = 256 * 1024


@dataclass
class Piece:
    """A piece of a body.

    Attributes
    ----------
    kind : str
        As `helpers.multipart.pieces` names it, or "missing".
    part : int
        The part that it belongs to, from 1; 0 before the first one.
    offset, size : int
        Where it begins in the body, and how long it is, in bytes.
    beginning : bytes
        The first 1,024 bytes.
    """

    kind: str
    part: int
    offset: int
    size: int
    beginning: bytes

    @property
    def written(self):
        r"""The beginning as Python writes it, with line ends as ``\r\n``, without quotes."""
        return repr(self.beginning)[2:-1]

    @property
    def excerpt(self):
        """The first bytes: as Python writes text, or in hexadecimal if they are none."""
        if self._is_text:
            return repr(self.beginning[:EXCERPT])[1:] + (" ..." if self.size > EXCERPT else "")
        return self.beginning[:HEX].hex(" ") + (" ..." if self.size > HEX else "")

    @property
    def preview(self):
        """The beginning as lines: text, or hexadecimal if it is none."""
        if self._is_text:
            lines, shown = self.beginning.decode("utf-8", "replace"), BEGINNING
        else:
            lines, shown = hexadecimal(self.beginning[:HEX_LINES]), HEX_LINES
        return f"{lines}\n... {self.size:,} bytes in all" if self.size > shown else lines

    @property
    def _is_text(self):
        return all(byte >= 32 or byte in b"\t\r\n" for byte in self.beginning)


def describe_multipart(response, content_type=None):
    r"""List the pieces of a multipart body, as `MultipartView` shows them.

    Parameters
    ----------
    response : requests.Response, bytes, str or pathlib.Path
        A live answer, or a saved body: its bytes, or the file that holds them. An answer that was
        asked for with ``stream=True`` is read to its end here, and cannot be read again.
    content_type : str, optional
        The Content-Type header of a saved body. Without it, the first line of the body is taken
        for the boundary.

    Returns
    -------
    pandas.DataFrame
        The columns part, offset, bytes, piece, meaning and content (the first bytes). A body that
        ends too early ends with a row "missing".

    Raises
    ------
    WorkbookError
        It is not multipart at all, or the answer has a bad status.

    Notes
    -----
    RFC 2046 section 5.1.

    Examples
    --------
    >>> body = b"--cut\r\nContent-Type: text/plain\r\n\r\nHello\r\n--cut--"
    >>> describe_multipart(body)[["offset", "bytes", "piece"]]
       offset  bytes              piece
    0       0      7          delimiter
    1       7     26            headers
    2      33      2         blank line
    3      35      5               data
    4      40      9  closing delimiter
    """
    found, error = described(response, content_type)
    if error and not found:
        raise error
    return as_table(found)


def as_table(found):
    """Make a table of pieces."""
    rows = [
        (piece.part, piece.offset, piece.size, piece.kind, MEANINGS[piece.kind], piece.excerpt)
        for piece in found
    ]
    columns = ["part", "offset", "bytes", "piece", "meaning", "content"]
    return pandas.DataFrame(rows, columns=columns)


def described(response, content_type=None):
    """Return the pieces of a body, and the error that ended them too early, or None."""
    found = []
    try:
        chunks, content_type = _opened(response, content_type)
        for kind, data in pieces(chunks, boundary_of(content_type)):
            _add(found, kind, data)
    except WorkbookError as error:
        if found:
            end = found[-1].offset + found[-1].size
            found.append(Piece(MISSING, found[-1].part, end, 0, b""))
        return found, error
    return found, None


def _add(found, kind, data):
    """Add a piece, or make the last one longer: long data come in several pieces."""
    last = found[-1] if found else Piece("", 0, 0, 0, b"")
    if kind == last.kind and kind in (DATA, EPILOGUE):
        last.beginning += bytes(data[: BEGINNING - len(last.beginning)])
        last.size += len(data)
        return
    number = last.part + (kind == DELIMITER)
    found.append(Piece(kind, number, last.offset + last.size, len(data), bytes(data[:BEGINNING])))


def _opened(response, content_type):
    """Return the body as chunks, and its Content-Type."""
    if isinstance(response, requests.Response):
        check(response)
        return stream(response), response.headers.get("Content-Type")
    body = response if isinstance(response, bytes) else _read(response)
    chunks = (body[start : start + CHUNK] for start in range(0, len(body), CHUNK))
    return chunks, content_type or _guessed(body)


def _read(path):
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise WorkbookError(
            "The saved body cannot be read.",
            expected="the path of a file with the body of an answer",
            came=f"{path}: {error.strerror}",
            hint="Look where you saved it.",
        ) from error


def _guessed(body):
    """Take the first line for a delimiter, as most servers write it."""
    line = body[:200].splitlines()[0] if body else b""
    boundary = line.removeprefix(b"--").decode("latin-1").strip()
    return f'multipart/related; boundary="{boundary}"' if line.startswith(b"--") else ""


def hexadecimal(content):
    """Return bytes as lines of sixteen: offset, hexadecimal, and the characters among them.

    Lines like the one before are left out, with a star in their place.

    Parameters
    ----------
    content : bytes

    Returns
    -------
    str

    Examples
    --------
    >>> print(hexadecimal(bytes(48) + b"DICM"))
    0000  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  ................
    *
    0030  44 49 43 4d                                      DICM
    """
    rows, before = [], None
    for offset in range(0, len(content), 16):
        row = content[offset : offset + 16]
        if row != before:
            characters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
            rows.append(f"{offset:04x}  {row.hex(' '):<47}  {characters}")
        elif rows[-1] != "*":
            rows.append("*")
        before = row
    return "\n".join(rows)
