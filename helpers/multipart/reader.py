r"""Multipart answers: many parts in one body (RFC 2046 section 5.1, RFC 2387).

A DICOMweb server sends several things in one answer as parts: the files of a study, the frames of
an image. The Content-Type header of the answer names the boundary, a text that stands between the
parts. Each part has headers of its own, a blank line, and data. `helpers.multipart.pieces` finds
them in the body; this module puts them together to parts.
"""

from email.message import Message
from io import BytesIO

import requests

from helpers.errors import MissingBoundary, NotMultipart
from helpers.multipart.part import LargeFile, Part, parse_headers
from helpers.multipart.pieces import CLOSING, DATA, DELIMITER, HEADERS, pieces
from helpers.web.answer import check
from helpers.web.bodies import stream

# A part that is larger, or comes in more pieces (each costs memory too), goes to a temporary file.
MEMORY_LIMIT = 8 * 1024 * 1024
PIECES_LIMIT = 1024


def parts(response):
    """Return all parts of a multipart answer.

    Parameters
    ----------
    response : requests.Response

    Returns
    -------
    list of Part
        Empty for the status 204 (No Content).

    Raises
    ------
    WorkbookError
        As `iter_parts` does, which also gives the parts that came whole before the error.
    """
    return list(iter_parts(response))


def iter_parts(response):
    """Yield the parts of a multipart answer, each as soon as it is complete.

    Ask with ``requests.get(url, stream=True)``: then the body is never in memory as a whole, and of
    a part at most 8 MiB. When the last part was read, the connection is given back.

    Parameters
    ----------
    response : requests.Response

    Returns
    -------
    iterator of Part
        Without any part for the status 204 (No Content).

    Raises
    ------
    HTTPProblem
        The status is 400 or more.
    NotMultipart, MissingBoundary, BadPartHeader, TruncatedMultipart
        As `parse` does.
    ConnectionCut
        The connection ended early. The parts that came whole have been yielded before.
    """
    check(response)
    if response.status_code == requests.codes.no_content:
        return iter(())
    return parse(stream(response), response.headers.get("Content-Type"))


def parse(chunks, content_type):
    r"""Yield the parts of a multipart body: the parser without HTTP.

    Parameters
    ----------
    chunks : iterable of bytes
        The body, in one or many chunks: cut anywhere.
    content_type : str
        The Content-Type header that came with it: it names the boundary.

    Returns
    -------
    iterator of Part
        Each part comes as soon as its end is certain.

    Raises
    ------
    NotMultipart
        The content type is another one.
    MissingBoundary
        The content type names no boundary, or the body does not contain it.
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


def assemble(labelled):
    """Put the pieces of a body together to parts."""
    header_fields, views, size, file = [], [], 0, None
    begun = False
    for kind, data in labelled:
        if kind == DATA:
            views.append(data)
            size += len(data)
            if file or size > MEMORY_LIMIT or len(views) > PIECES_LIMIT:
                file = file or LargeFile()
                file.writelines(views)
                views.clear()
        elif kind == HEADERS:
            header_fields = parse_headers(bytes(data))
        elif kind in (DELIMITER, CLOSING):
            if begun:
                yield Part(header_fields, file or BytesIO(b"".join(views)), size)
            header_fields, views, size, file = [], [], 0, None
            begun = True


def boundary_of(content_type):
    """Return the boundary that a Content-Type header names (RFC 2046 section 5.1.1).

    Parameters
    ----------
    content_type : str or None
        None if the header did not come.

    Returns
    -------
    bytes

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
    header = Message()
    header["Content-Type"] = content_type or ""
    if header.get_content_maintype() != "multipart":
        raise not_multipart(content_type or "")
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


def not_multipart(content_type):
    """Explain what came instead of a multipart body, and what to do with it."""
    start = next(start for start in INSTEAD if content_type.lower().startswith(start))
    came, hint = INSTEAD[start]
    return NotMultipart(
        "The answer is not multipart.",
        expected="the media type multipart/related",
        came=f"{came}: {content_type or 'no Content-Type at all'}",
        hint=f'{hint} Or ask for parts: Accept: multipart/related; type="..."',
    )
