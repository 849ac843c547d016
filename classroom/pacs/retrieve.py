"""WADO-RS: metadata, frames and bulk values (PS3.18 section 10.4)."""

import errno
import re
import sys
from collections.abc import Iterator, Sequence

from pydicom import Dataset
from pydicom.sequence import Sequence as Items
from werkzeug.wrappers import Response

from classroom.pacs import frames as encoded_frames
from classroom.pacs.http.problems import Problem, not_acceptable
from classroom.pacs.image_file import NotAvailable
from classroom.pacs.instance import PIXEL_DATA, SOPInstance
from classroom.pacs.part10 import read_dataset
from classroom.pacs.responses import NO_PAGE, describe, multipart
from classroom.pacs.service import PacsRequest, Service, check_parameters, choose_offer, read_accept
from helpers.dicom.json_model import with_bulk_data_uris
from helpers.multipart.writer import PartToSend
from helpers.web import media_types
from helpers.web.media_types import MediaType, choose

_ENCAPSULATED_DOCUMENT = "00420011"
_MIME_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+", re.ASCII | re.IGNORECASE)


def send_metadata(
    service: Service,
    request: PacsRequest,
    study: str,
    series: str | None = None,
    instance: str | None = None,
) -> Response:
    """Answer with all attributes, bulk values as BulkDataURI."""
    check_parameters(service, request, ["accept"])
    found = service.find(study, series, instance)
    models = [with_bulk_data_uris(i.attributes, f"{service.url}/{i.resource}") for i in found]
    return describe(service, request, models)


def send_frames(
    service: Service, request: PacsRequest, study: str, series: str, instance: str, frames: str
) -> Response:
    """Answer with frames of an image, each a part, in a transfer syntax that the client accepts."""
    check_parameters(service, request, ["accept"])
    [image] = service.find(study, series, instance)
    return _send_frames(service, request, image, frame_numbers(image, frames))


def frame_numbers(image: SOPInstance, text: str) -> list[int]:
    """Read frame numbers, such as "1" or "1,3", from a path."""
    if not re.fullmatch(r"0*[1-9][0-9]{0,8}(,0*[1-9][0-9]{0,8})*", text):
        raise Problem(
            400,
            f"{text!r} is no list of frame numbers.",
            "Frames are counted from 1. Several have commas between: /frames/1,3",
        )
    numbers = [int(number) for number in text.split(",")]
    if not image.frames:
        raise Problem(
            404,
            "This instance has no frames: it is no image.",
            f"Retrieve it as DICOM: GET .../{image.resource}",
        )
    if max(numbers) > image.frames:
        raise Problem(
            404,
            f"The image has no frame {max(numbers)}.",
            f"Its frames are 1 to {image.frames}.",
        )
    return numbers


def _send_frames(
    service: Service, request: PacsRequest, image: SOPInstance, numbers: Sequence[int]
) -> Response:
    traits = {
        "bits_stored": image.value("BitsStored"),
        "samples_per_pixel": image.value("SamplesPerPixel"),
    }
    refusal = ""
    ranges = media_types.parse(read_accept(request))
    for media_range in ranges:
        if not media_range.is_multipart or media_range.quality == 0:
            continue
        asked = media_range.part.name, media_range.transfer_syntax
        try:
            syntax = encoded_frames.choose(image.transfer_syntax, *asked, **traits)
            kind = encoded_frames.media_type_of(syntax)
            offer = MediaType("multipart/related", {"type": kind})
            if "*" in asked[0] and choose(ranges, [offer]) is None:
                continue  # `q=0` takes it out of the wider range
            first = encoded_frames.read_frame(image.file, numbers[0], syntax)
        except NotAvailable as reason:
            refusal = refusal or f"{reason.detail} {reason.hint}"
            continue
        part_type = str(MediaType(kind, {"transfer-syntax": syntax}))
        url = f"{service.url}/{image.resource}/frames"
        parts = (
            PartToSend(part_type, len(content), [content], f"{url}/{number}")
            for number, content in _read_frames(image, numbers, first, syntax)
        )
        return multipart(kind, list(parts) if len(numbers) == 1 else parts)
    offers = [
        MediaType("multipart/related", {"type": offer.name, **offer.parameters})
        for offer in map(
            media_types.parse_one, encoded_frames.available(image.transfer_syntax, **traits)
        )
    ]
    raise not_acceptable(read_accept(request), offers, refusal)


def _read_frames(
    image: SOPInstance, numbers: Sequence[int], first: bytes, syntax: str
) -> Iterator[tuple[int, bytes]]:
    yield numbers[0], first
    for number in numbers[1:]:
        try:
            content = encoded_frames.read_frame(image.file, number, syntax)
        except NotAvailable as reason:
            # The answer has begun, so all that is left is to cut it. Every client notices.
            print(f"{image.path}, frame {number}: {reason.detail}", file=sys.stderr)
            raise ConnectionAbortedError(errno.ECONNABORTED, reason.detail) from reason
        yield number, content


def send_bulk_value(
    service: Service, request: PacsRequest, study: str, series: str, instance: str, path: str
) -> Response:
    """Answer with a value that the metadata left out, at a path as "00081140/1/00420011"."""
    check_parameters(service, request, ["accept"])
    [found] = service.find(study, series, instance)
    if path == PIXEL_DATA and found.frames:
        # Pixel Data is its frames, each a part of its own.
        return _send_frames(service, request, found, range(1, found.frames + 1))
    types = ["application/octet-stream"]
    if path == _ENCAPSULATED_DOCUMENT:
        named = str(found.value("MIMETypeOfEncapsulatedDocument", ""))
        types += [named] if _MIME_TYPE.fullmatch(named) else []
    parts = [MediaType("multipart/related", {"type": name}) for name in types]
    offers = [*parts, *(MediaType(name) for name in types)]
    offer = choose_offer(request, offers)
    content = _read_bulk_value(found, path)
    if offer in parts:
        url = f"{service.url}/{found.resource}/bulkdata/{path}"
        return multipart(
            offer.part.name, [PartToSend(offer.part.name, len(content), [content], url)]
        )
    return Response(content, headers=NO_PAGE, content_type=offer.name)


def _read_bulk_value(instance: SOPInstance, path: str) -> bytes:
    value: object = read_dataset(instance.file)
    for step in path.split("/"):
        if isinstance(value, Items) and step.isdecimal() and 1 <= int(step) <= len(value):
            value = value[int(step) - 1]
        elif re.fullmatch("[0-9A-F]{8}", step) and isinstance(value, Dataset) and step in value:
            value = value[int(step, 16)].value
        else:
            value = None
    if not isinstance(value, bytes):
        raise Problem(
            404,
            f"The instance has no bulk value {path}.",
            "Follow a BulkDataURI of the instance's metadata.",
        )
    return value
