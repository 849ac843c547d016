"""Bodies of answers: JSON, XML, multipart/related (RFC 2387)."""

import json
from collections.abc import Iterable
from typing import Any

from werkzeug.wrappers import Request, Response

from classroom.pacs.service import Service, choose_offer
from helpers.dicom.native_model import write_native
from helpers.multipart.writer import MultipartBody, PartToSend
from helpers.web.media_types import MediaType

# Bytes that somebody stored, whatever they say that they are, are never a page of this server: a
# browser keeps them as a file, and runs no script where it shows them all the same.
NO_PAGE = {"Content-Disposition": "attachment", "Content-Security-Policy": "sandbox"}
XML_PARTS = MediaType("multipart/related", {"type": "application/dicom+xml"})
JSON_TYPES = [MediaType("application/dicom+json"), MediaType("application/json")]
XML_TYPES = [MediaType(f"{name}xml") for name in ("application/dicom+", "application/", "text/")]


def multipart(media_type: str, parts: Iterable[PartToSend]) -> Response:
    """Answer with a multipart/related body, sent part by part; of a list its length is known."""
    body = MultipartBody(media_type, parts)
    response = Response(iter(body), content_type=body.content_type)
    if body.length is not None:
        response.content_length = body.length
    return response


def describe(service: Service, request: Request, models: list[dict[str, Any]]) -> Response:
    """Answer with data sets in the representation that the client accepts."""
    # XML has one document for each data set (PS3.19 A.1), so several of them travel as multipart,
    # also when the client asked for `application/dicom+xml` without saying multipart.
    offers = [XML_PARTS, *JSON_TYPES, *XML_TYPES]
    if service.edition == "current":
        offers = [*JSON_TYPES, XML_PARTS, *XML_TYPES]
    offer = choose_offer(request, offers)
    if offer in JSON_TYPES:
        return json_response(models, offer.name)
    if not models:
        return no_content()
    if offer in XML_TYPES and len(models) == 1:
        return xml_response(models[0], offer)
    documents = [write_native(model) for model in models]
    return multipart(
        "application/dicom+xml",
        [PartToSend("application/dicom+xml", len(document), [document]) for document in documents],
    )


def json_response(content: object, media_type: str = "application/json") -> Response:
    """Answer with JSON, which is UTF-8 always (RFC 8259)."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Response(text.encode(), content_type=media_type)


def xml_response(model: dict[str, Any], offer: MediaType) -> Response:
    """Answer with a Native DICOM Model; in a browser it is a page that can do nothing."""
    headers = {"Content-Security-Policy": NO_PAGE["Content-Security-Policy"]}
    return Response(write_native(model), headers=headers, content_type=str(offer))


def no_content() -> Response:
    """Answer that there is nothing: 204."""
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response
