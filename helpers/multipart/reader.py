r"""Multipart answers: many parts in one body (RFC 2046 section 5.1, RFC 2387).

A DICOMweb server sends several things in one answer as parts: the files of a study, the frames of
an image. `helpers.multipart.pieces` finds headers and data in the body, at the boundary that the
Content-Type header of the answer names; this module puts them together to parts.
"""

import re
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from email.message import Message
from functools import cached_property
from io import BytesIO
from typing import IO

import requests
from requests.structures import CaseInsensitiveDict

from helpers.errors import BadPartHeader, LimitExceeded, MissingBoundary, NotMultipart
from helpers.multipart.pieces import CLOSING, DATA, DELIMITER, HEADERS, Labelled, excerpt, pieces
from helpers.web import limits
from helpers.web.answer import check, read_within
from helpers.web.media_types import parse_one

# A part that is larger, or comes in more pieces (each costs memory too), goes to a temporary file.
MEMORY_LIMIT = 8 * 1024 * 1024
PIECES_LIMIT = 1024


class Part:
    r"""One part of a multipart body: its headers and its data (RFC 2046 section 5.1).

    Examples
    --------
    >>> body = b"--cut\r\nContent-Type: text/plain\r\n\r\nHello\r\n--cut--"
    >>> [part] = parse([body], "multipart/related; boundary=cut")
    >>> part
    <Part text/plain, 5 bytes>
    >>> part.headers["content-type"], part.content
    ('text/plain', b'Hello')
    """

    def __init__(self, fields: list[tuple[str, str]], file: IO[bytes], size: int) -> None:
        self._fields = fields
        self._file = file
        self.size = size  # bytes of data

    @cached_property
    def headers(self) -> CaseInsensitiveDict[str]:
        """The part's own headers. Of a header that comes twice, the last one counts."""
        return CaseInsensitiveDict(self._fields)

    @property
    def media_type(self) -> str:
        """The media type without its parameters, in lower case; empty if the part names none."""
        return parse_one(self.headers.get("Content-Type", "")).name

    @property
    def content(self) -> bytes:
        """The data, as bytes."""
        return self.file.read()

    @property
    def file(self) -> IO[bytes]:
        """The data as a binary file, rewound: ``pydicom.dcmread(part.file)``."""
        self._file.seek(0)
        return self._file

    def __repr__(self) -> str:
        return f"<Part {self.media_type or 'without a media type'}, {self.size:,} bytes>"


def parts(response: requests.Response) -> list[Part]:
    r"""Return all parts of a multipart answer: none for the status 204 (No Content).

    Parameters
    ----------
    response
        What ``requests.get(...)`` returned.

    Raises
    ------
    WorkbookError
        As `iter_parts` does, which also gives the parts that came whole before the error.

    Examples
    --------
    >>> answer = requests.Response()
    >>> answer.status_code = 200
    >>> answer.headers["Content-Type"] = "multipart/related; boundary=cut"
    >>> answer.raw = BytesIO(b"--cut\r\nContent-Type: application/dicom\r\n\r\nDICM\r\n--cut--")
    >>> parts(answer)
    [<Part application/dicom, 4 bytes>]
    """
    return list(_parts_within(response, limits.PARTS))


def iter_parts(response: requests.Response) -> Iterator[Part]:
    """Yield the parts of a multipart answer, each as soon as it is complete.

    Ask with ``requests.get(url, stream=True)``: then the body is never in memory as a whole, and of
    a part at most 8 MiB. When the last part was read, the connection is given back.

    Parameters
    ----------
    response
        What ``requests.get(...)`` returned. The status 204 (No Content) has no parts.

    Raises
    ------
    HTTPProblem
        The status is 400 or more.
    NotMultipart, MissingBoundary, BadPartHeader, TruncatedMultipart
        As `parse` does.
    ConnectionCut
        The connection ended early. The parts that came whole have been yielded before.
    LimitExceeded
        Streamed, the answer or a part of it is too large or too slow (`helpers.web.limits`).
    """
    return _parts_within(response, limits.STREAM)


def _parts_within(response: requests.Response, at_most: limits.Limits) -> Iterator[Part]:
    check(response)
    if response.status_code == requests.codes.no_content:
        return iter(())
    chunks = read_within(response, at_most.raised())
    return _closing_after(parse(chunks, response.headers.get("Content-Type")), chunks)


def _closing_after(found: Iterator[Part], chunks: Generator[bytes, None, None]) -> Iterator[Part]:
    # Who keeps an error keeps its frames, and with them the body that was read: it has to be closed
    # for the connection to be given back.
    with closing(chunks):
        yield from found


def parse(chunks: Iterable[bytes], content_type: str | None) -> Iterator[Part]:
    r"""Yield the parts of a multipart body, each when its end is certain: the parser without HTTP.

    Parameters
    ----------
    chunks
        The body, in one or many chunks: cut anywhere.
    content_type
        The Content-Type header that came with it: it names the boundary.

    Raises
    ------
    NotMultipart
        The content type is another one.
    MissingBoundary
        The content type names no boundary, or the body does not contain it in its first 16 KiB.
    BadPartHeader
        A part's headers are not headers, or longer than 16 KiB.
    TruncatedMultipart
        The body ended before the closing delimiter. The whole parts have been yielded before.

    Examples
    --------
    >>> chunks = [b"--cut\r\n\r\nfirst\r", b"\n--cut\r\n\r\nsecond\r\n--c", b"ut--\r\n"]
    >>> for part in parse(chunks, 'multipart/related; boundary="cut"'):
    ...     print(part.content)
    b'first'
    b'second'
    """
    return assemble(pieces(chunks, boundary_of(content_type)))


def boundary_of(content_type: str | None) -> bytes:
    """Return the boundary that a Content-Type header names (RFC 2046 section 5.1.1).

    Parameters
    ----------
    content_type
        None if the header did not come.

    Raises
    ------
    NotMultipart
        The content type is another one.
    MissingBoundary
        It names no boundary, or one that cannot be.

    Examples
    --------
    >>> boundary_of('multipart/related; type="application/dicom"; boundary="a;b"')
    b'a;b'
    """
    content_type = content_type or ""
    header = Message()
    header["Content-Type"] = content_type
    if header.get_content_maintype() != "multipart":
        raise not_multipart(content_type)
    boundary = header.get_boundary() or ""
    if not boundary or not boundary.isascii() or not boundary.isprintable():
        raise MissingBoundary(
            "The Content-Type names no boundary, or one that cannot be.",
            expected="multipart/related; boundary=... with letters, digits and signs",
            came=content_type,
            hint="The server is at fault. Ask for one representation only, such as JSON.",
        )
    return boundary.encode("ascii")


# What may come instead of a multipart body, and how to go on: by the start of its media type.
INSTEAD = {
    "application/json": ("JSON", "Read it as it is: datasets(response), or response.json()."),
    "application/dicom+json": ("JSON", "Read it as it is: datasets(response), or response.json()."),
    "application/dicom+xml": ("XML", "Read it as it is: datasets(response), or response.text."),
    "application/dicom": ("one DICOM file", "Open it: pydicom.dcmread(BytesIO(response.content))."),
    "image/": ("one picture", "Open it: PIL.Image.open(BytesIO(response.content))."),
    "text/html": ("a web page", "Open the URL in a browser: a login page, or a wrong address?"),
    "": ("something else", "Look at it with show(response)."),
}


def not_multipart(content_type: str) -> NotMultipart:
    """Explain what came instead of a multipart body, and what to do with it."""
    start = next(start for start in INSTEAD if content_type.lower().startswith(start))
    came, hint = INSTEAD[start]
    return NotMultipart(
        "The answer is not multipart.",
        expected="the media type multipart/related",
        came=f"{came}: {content_type or 'no Content-Type at all'}",
        hint=f'{hint} Or ask for parts: Accept: multipart/related; type="..."',
    )


def assemble(labelled: Iterable[Labelled]) -> Iterator[Part]:
    """Put the pieces of a body together to parts."""
    fields: list[tuple[str, str]] = []
    views: list[memoryview] = []
    size, file = 0, None
    begun = False
    most = limits.PART_BYTES * limits.how_often()
    for kind, data in labelled:
        if kind is DATA:
            views.append(data)
            size += len(data)
            if size > most:
                raise _too_large(most)
            if file or size > MEMORY_LIMIT or len(views) > PIECES_LIMIT:
                file = file or LargeFile()
                file.writelines(views)
                views.clear()
        elif kind is HEADERS:
            fields = parse_headers(bytes(data))
        elif kind is DELIMITER or kind is CLOSING:
            if begun:
                yield Part(fields, file or BytesIO(b"".join(views)), size)
            fields, views, size, file = [], [], 0, None
            begun = True


def _too_large(most: float) -> LimitExceeded:
    return LimitExceeded(
        "A part of this answer is too large.",
        expected=f"at most {most / limits.MB:g} MB in each part",
        came="more than that",
        hint=f"Ask for less: a frame in the place of an instance. {limits.HOW_TO_RAISE}",
    )


class LargeFile(tempfile.SpooledTemporaryFile[bytes]):
    """The data of a large part: a temporary file that is gone when it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.rollover()

    def __del__(self) -> None:
        # Nobody closes a part. So its file closes itself, and Python need not warn.
        self.close()


def parse_headers(block: bytes) -> list[tuple[str, str]]:
    r"""Read the header lines of a part (RFC 5322 section 2.2): names and values.

    >>> parse_headers(b"Content-Type: image/jpeg;\r\n transfer-syntax=1.2.3\r\n")
    [('Content-Type', 'image/jpeg; transfer-syntax=1.2.3')]
    """
    text = block.decode("latin-1")
    if "\n " in text or "\n\t" in text:
        # RFC 5322 section 2.2.3: a line that begins with a blank continues the one before it.
        text = re.sub(r"\r?\n[ \t]+", " ", text)
    fields = []
    for line in text.removesuffix("\n").split("\n"):
        name, colon, value = line.partition(":")
        name = name.strip(" \t")
        if not name or not colon:
            raise BadPartHeader(
                "A part has a header line that is no header.",
                expected="a name, a colon and a value, as in Content-Type: application/dicom",
                came=excerpt(line.rstrip("\r").encode("latin-1")),
                hint="Look at the body with show(response): does the part lack its blank line?",
            )
        fields.append((name, value.strip(" \t\r")))
    return fields
