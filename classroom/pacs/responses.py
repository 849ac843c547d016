"""Bodies of answers: JSON, XML, multipart/related (RFC 2387)."""

import json
import secrets
from dataclasses import dataclass, field

from werkzeug.wrappers import Response

from classroom.pacs.service import choose_offer
from helpers.dicom.native import native_xml
from helpers.web.media_types import MediaType

CHUNK = 1 << 20
_BLOCK = 1 << 16

XML_PARTS = MediaType("multipart/related", {"type": "application/dicom+xml"})
JSON_TYPES = [MediaType("application/dicom+json"), MediaType("application/json")]
XML_TYPES = [MediaType(f"{name}xml") for name in ("application/dicom+", "application/", "text/")]


@dataclass(frozen=True)
class Part:
    """One part of a multipart body.

    Parameters
    ----------
    media_type : str
        Its Content-Type.
    size : int
        Bytes.
    chunks : iterable of bytes
        The content, in pieces.
    location : str
        Its Content-Location, if it has a URL of its own.
    """

    media_type: str
    size: int
    chunks: object = field(repr=False)
    location: str = ""

    @property
    def head(self):
        """The part's headers and the blank line after them."""
        lines = [f"Content-Type: {self.media_type}", f"Content-Length: {self.size}"]
        if self.location:
            lines.append(f"Content-Location: {self.location}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


def multipart(media_type, parts):
    """Answer with a multipart/related body, sent part by part.

    Parameters
    ----------
    media_type : str
        Of the parts.
    parts : iterable of Part
        With a list, the answer's Content-Length is known; an iterator is asked for each part when
        the one before it is sent.

    Returns
    -------
    werkzeug.wrappers.Response
    """
    boundary = secrets.token_hex(16)
    delimiter = f"--{boundary}\r\n".encode()
    closing = f"--{boundary}--\r\n".encode()
    content_type = MediaType("multipart/related", {"type": media_type, "boundary": boundary})

    def body():
        for part in parts:
            yield delimiter + part.head
            yield from part.chunks
            yield b"\r\n"
        yield closing

    response = Response(_blocks(body()), content_type=str(content_type))
    if isinstance(parts, list):
        framing = len(delimiter) + len(b"\r\n")
        length = sum(framing + len(part.head) + part.size for part in parts) + len(closing)
        response.content_length = length
    return response


def file_chunks(path, size):
    """Yield the first `size` bytes of a file, without holding more than one piece in memory."""
    with open(path, "rb", buffering=0) as file:
        while size:
            chunk = file.read(min(size, CHUNK))
            if not chunk:
                raise OSError(f"{path} became shorter while it was sent")
            size -= len(chunk)
            yield chunk


def describe(service, request, models):
    """Answer with data sets in the representation that the client accepts.

    XML has one document for each data set (PS3.19, A.1), so several of them travel as multipart,
    also when the client asked for `application/dicom+xml` without saying multipart.

    Parameters
    ----------
    service : Service
    request : werkzeug.wrappers.Request
    models : list of dict
        DICOM JSON.

    Returns
    -------
    werkzeug.wrappers.Response
    """
    offers = [XML_PARTS, *JSON_TYPES, *XML_TYPES]
    if service.default == "json":
        offers = [*JSON_TYPES, XML_PARTS, *XML_TYPES]
    offer = choose_offer(request, offers)
    if offer in JSON_TYPES:
        return json_response(models, offer.name)
    if not models:
        return no_content()
    if offer in XML_TYPES and len(models) == 1:
        return Response(native_xml(models[0]), content_type=str(offer))
    documents = [native_xml(model) for model in models]
    return multipart(
        "application/dicom+xml",
        [Part("application/dicom+xml", len(document), [document]) for document in documents],
    )


def json_response(content, media_type="application/json"):
    """Answer with JSON, which is UTF-8 always (RFC 8259)."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Response(text.encode(), content_type=media_type)


def no_content():
    """Answer that there is nothing: 204."""
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response


def _blocks(chunks):
    """Join small pieces, so that each write to the socket is worth its cost; pass on large ones."""
    pending, size = [], 0
    for chunk in chunks:
        if len(chunk) < _BLOCK:
            pending.append(chunk)
            size += len(chunk)
        if pending and (size >= _BLOCK or len(chunk) >= _BLOCK):
            yield b"".join(pending)
            pending, size = [], 0
        if len(chunk) >= _BLOCK:
            yield chunk
    if pending:
        yield b"".join(pending)
