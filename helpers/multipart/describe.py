"""A multipart body as a table: a row for each piece, with its place and its meaning."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pandas
import requests

from helpers.errors import WorkbookError
from helpers.multipart.pieces import DATA, DELIMITER, EPILOGUE, Kind, pieces
from helpers.multipart.reader import boundary_of
from helpers.web.answer import READ_SIZE, check, stream

MISSING = "missing"
MEANINGS = {
    "preamble": "before the first delimiter: means nothing",
    "delimiter": "a part begins",
    "headers": "what the part says of itself",
    "blank line": "the headers end, the data begin",
    "data": "the data of the part",
    "closing delimiter": "the end: nothing is missing",
    "epilogue": "after the closing delimiter: means nothing",
    MISSING: "here the body ends too early",
}
# Of long data only the beginning is kept: a study may be larger than the memory.
BEGINNING = 1024
EXCERPT = 60
HEX, HEX_LINES = 16, 256


# A live answer, or a saved body: its bytes, or the file that holds them.
Source: TypeAlias = requests.Response | bytes | str | Path


def describe_multipart(response: Source, content_type: str | None = None) -> pandas.DataFrame:
    r"""List the pieces of a multipart body, as `MultipartView` shows them (RFC 2046 section 5.1).

    Parameters
    ----------
    response
        A live answer, or a saved body: its bytes, or the file that holds them. An answer that was
        asked for with ``stream=True`` is read to its end here, and cannot be read again.
    content_type
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
    found, error = label_pieces(response, content_type)
    if error and not found:
        raise error
    return as_table(found)


@dataclass
class Piece:
    """A piece of a body: what it is, its part (from 1; 0 before the first), where, how long."""

    kind: str
    part: int
    offset: int
    size: int
    beginning: bytes

    @property
    def written(self) -> str:
        r"""The beginning as Python writes it, with line ends as ``\r\n``, without quotes."""
        return repr(self.beginning)[2:-1]

    @property
    def excerpt(self) -> str:
        """The first bytes: as Python writes text, or in hexadecimal if they are none."""
        if self._is_text:
            return repr(self.beginning[:EXCERPT])[1:] + (" ..." if self.size > EXCERPT else "")
        return self.beginning[:HEX].hex(" ") + (" ..." if self.size > HEX else "")

    @property
    def preview(self) -> str:
        """The beginning as lines: text, or hexadecimal if it is none."""
        if self._is_text:
            lines, shown = self.beginning.decode("utf-8", "replace"), BEGINNING
        else:
            lines, shown = hexadecimal(self.beginning[:HEX_LINES]), HEX_LINES
        return f"{lines}\n... {self.size:,} bytes in all" if self.size > shown else lines

    @property
    def _is_text(self) -> bool:
        return all(byte >= 32 or byte in b"\t\r\n" for byte in self.beginning)


def as_table(found: list[Piece]) -> pandas.DataFrame:
    """Make a table of pieces."""
    columns = ["part", "offset", "bytes", "piece", "meaning", "content"]
    cells = [
        (piece.part, piece.offset, piece.size, piece.kind, MEANINGS[piece.kind], piece.excerpt)
        for piece in found
    ]
    return pandas.DataFrame(cells, columns=columns)


def label_pieces(
    response: Source, content_type: str | None = None
) -> tuple[list[Piece], WorkbookError | None]:
    """Return the pieces of a body, and the error that ended them too early, or None."""
    found: list[Piece] = []
    try:
        chunks, content_type = _open(response, content_type)
        boundary = boundary_of(content_type)
        with closing(chunks):
            for kind, data in pieces(chunks, boundary):
                _add(found, kind, data)
    except WorkbookError as error:
        if found:
            end = found[-1].offset + found[-1].size
            found.append(Piece(MISSING, found[-1].part, end, 0, b""))
        return found, error
    return found, None


def _add(found: list[Piece], kind: Kind, data: memoryview) -> None:
    """Add a piece, or make the last one longer: long data come in several pieces."""
    last = found[-1] if found else Piece("", 0, 0, 0, b"")
    if kind == last.kind and kind in (DATA, EPILOGUE):
        last.beginning += bytes(data[: BEGINNING - len(last.beginning)])
        last.size += len(data)
        return
    part, offset = last.part + (kind is DELIMITER), last.offset + last.size
    found.append(Piece(kind.value, part, offset, len(data), bytes(data[:BEGINNING])))


def _open(
    response: Source, content_type: str | None
) -> tuple[Generator[bytes, None, None], str | None]:
    """Return a body as chunks, and its Content-Type."""
    if isinstance(response, requests.Response):
        check(response)
        return stream(response), response.headers.get("Content-Type")
    try:
        body = response if isinstance(response, bytes) else Path(response).read_bytes()
    except OSError as error:
        raise WorkbookError(
            "The saved body cannot be read.",
            expected="the path of a file with the body of an answer",
            came=f"{response!s}: {error.strerror}",
            hint="Look where you saved it.",
        ) from error
    # Most servers begin with a delimiter.
    first = body[:200].splitlines()[0] if body else b""
    if not content_type and first.startswith(b"--"):
        boundary = first.removeprefix(b"--").decode("latin-1").strip()
        content_type = f'multipart/related; boundary="{boundary}"'
    return (body[at : at + READ_SIZE] for at in range(0, len(body), READ_SIZE)), content_type


def hexadecimal(content: bytes) -> str:
    """Return bytes in lines of sixteen; a star stands for lines like the one before.

    >>> print(hexadecimal(bytes(48) + b"DICM"))
    0000  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  ................
    *
    0030  44 49 43 4d                                      DICM
    """
    rows, before = [], b""
    for offset in range(0, len(content), 16):
        row = content[offset : offset + 16]
        if row != before:
            characters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
            rows.append(f"{offset:04x}  {row.hex(' '):<47}  {characters}")
        elif rows[-1] != "*":
            rows.append("*")
        before = row
    return "\n".join(rows)
