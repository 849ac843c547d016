"""WADO-RS: frames and bulk data (PS3.18, section 10.4)."""

import errno
import re
import sys

from pydicom.sequence import Sequence
from werkzeug.wrappers import Response

from classroom.pacs import frames as encoded_frames
from classroom.pacs.http.problems import Problem, not_acceptable
from classroom.pacs.instance import PIXEL_DATA
from classroom.pacs.part10 import read_dataset
from classroom.pacs.responses import multipart
from classroom.pacs.service import accept_header, accepted, check_parameters
from helpers.multipart.writer import PartToSend
from helpers.web.media_types import MediaType, choose, parse_one

ENCAPSULATED_DOCUMENT = "00420011"
_MIME_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+", re.ASCII | re.IGNORECASE)


def frames(service, request, study, series, instance, frames):
    """Answer with frames of an image, each a part, in a transfer syntax that the client accepts."""
    check_parameters(request, ["accept"])
    [image] = service.find(study, series, instance)
    return _frames(service, request, image, frame_numbers(image, frames))


def frame_numbers(image, text):
    """Read a list of frame numbers from a path.

    Parameters
    ----------
    image : Instance
    text : str
        For example "1" or "1,3".

    Returns
    -------
    list of int

    Raises
    ------
    Problem
        400 if it is no such list, 404 if the image lacks one of them.
    """
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


def _frames(service, request, image, numbers):
    traits = {
        "bits_stored": image.value("BitsStored"),
        "samples_per_pixel": image.value("SamplesPerPixel"),
    }
    refusal = ""
    ranges = accepted(request)
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
            first = encoded_frames.read_frame(image.path, numbers[0], syntax)
        except encoded_frames.NotAvailable as reason:
            refusal = refusal or f"{reason.detail} {reason.hint}"
            continue
        part_type = str(MediaType(kind, {"transfer-syntax": syntax}))
        url = f"{service.url}/{image.resource}/frames"
        parts = (
            PartToSend(part_type, len(content), [content], f"{url}/{number}")
            for number, content in _contents(image, numbers, first, syntax)
        )
        return multipart(kind, list(parts) if len(numbers) == 1 else parts)
    offers = [
        MediaType("multipart/related", {"type": offer.name, **offer.parameters})
        for offer in map(parse_one, encoded_frames.available(image.transfer_syntax, **traits))
    ]
    raise not_acceptable(accept_header(request), offers, refusal)


def _contents(image, numbers, first, syntax):
    yield numbers[0], first
    for number in numbers[1:]:
        try:
            content = encoded_frames.read_frame(image.path, number, syntax)
        except encoded_frames.NotAvailable as reason:
            # The answer has begun, so all that is left is to cut it. Every client notices.
            print(f"{image.path}, frame {number}: {reason.detail}", file=sys.stderr)
            raise ConnectionAbortedError(errno.ECONNABORTED, reason.detail) from reason
        yield number, content


def bulkdata(service, request, study, series, instance, path):
    """Answer with a value that the metadata left out.

    Parameters
    ----------
    path : str
        Tag of the attribute; inside a sequence, tags and item numbers: "00081140/1/00420011".
    """
    check_parameters(request, ["accept"])
    [found] = service.find(study, series, instance)
    if path == PIXEL_DATA and found.frames:
        # Pixel Data is its frames, each a part of its own.
        return _frames(service, request, found, range(1, found.frames + 1))
    types = ["application/octet-stream"]
    if path == ENCAPSULATED_DOCUMENT:
        named = str(found.value("MIMETypeOfEncapsulatedDocument", ""))
        types += [named] if _MIME_TYPE.fullmatch(named) else []
    parts = [MediaType("multipart/related", {"type": name}) for name in types]
    offers = [*parts, *(MediaType(name) for name in types)]
    offer = choose(accepted(request), offers)
    if offer is None:
        raise not_acceptable(accept_header(request), offers)
    content = _bulk_value(found, path)
    if offer in parts:
        url = f"{service.url}/{found.resource}/bulkdata/{path}"
        return multipart(
            offer.part.name, [PartToSend(offer.part.name, len(content), [content], url)]
        )
    return Response(content, content_type=offer.name)


def _bulk_value(instance, path):
    value = read_dataset(instance.path)
    for step in path.split("/"):
        if isinstance(value, Sequence) and step.isdecimal() and 1 <= int(step) <= len(value):
            value = value[int(step) - 1]
        elif re.fullmatch("[0-9A-F]{8}", step) and hasattr(value, "get_item") and step in value:
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
