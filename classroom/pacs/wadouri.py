"""WADO-URI, the older way to one object: parameters in place of a path (PS3.18 section 9)."""

from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Response

from classroom.pacs.files import send_file
from classroom.pacs.http.problems import Problem, not_acceptable
from classroom.pacs.instance import SOPInstance
from classroom.pacs.rendered import LARGEST_SIDE, PICTURES, numbers, picture, whole_number
from classroom.pacs.service import PacsRequest, Service, check_parameters
from helpers.dicom.names import is_uid
from helpers.pixels.windows import Window
from helpers.web import media_types as accept
from helpers.web.media_types import MediaType, choose

_REQUIRED = ["requestType", "studyUID", "seriesUID", "objectUID"]
_OPTIONAL = ["contentType", "transferSyntax", "frameNumber", "rows", "columns"]
_OPTIONAL += ["windowCenter", "windowWidth", "imageQuality", "anonymize"]
_DICOM = MediaType("application/dicom")

Parameters = Mapping[str, str]


def retrieve(service: Service, request: PacsRequest) -> Response:
    """Answer with an instance as a picture or as a DICOM file.

    The picture is a JPEG unless `contentType` says something else; what is no image, and asked for
    without a `contentType`, is sent as DICOM.
    """
    parameters = request.args
    if parameters.get("anonymize", "no") != "no":
        # To ignore it would give away what was to stay hidden; PS3.18 section 9.4.2.3 lets a server
        # refuse that is unable.
        raise Problem(406, "This server does not anonymize.", "Leave the parameter anonymize out.")
    check_parameters(service, request, _REQUIRED + _OPTIONAL)
    for name in _REQUIRED:
        if not parameters.get(name):
            raise Problem(
                400, f"The parameter {name} is missing.", f"Needed are {', '.join(_REQUIRED)}."
            )
    if parameters["requestType"] != "WADO":
        raise Problem(400, f"requestType={parameters['requestType']} is unknown.", "Send WADO.")
    uids = [parameters[name] for name in _REQUIRED[1:]]
    for name, uid in zip(_REQUIRED[1:], uids, strict=True):
        if not is_uid(uid):
            raise Problem(400, f"{name}={uid!r} is not a UID.", "A UID is numbers and dots.")
    [found] = service.find(*uids)

    offers = [*PICTURES, _DICOM] if found.frames else [_DICOM]
    wanted = parameters.get("contentType", "*/*")
    ranges = accept.parse(wanted)
    offer = choose(ranges, offers)
    if offer is None:
        raise not_acceptable(wanted, offers, name="contentType")
    if offer is _DICOM:
        # Not this service's way to name one, but that of all others.
        inside = next(r.transfer_syntax for r in ranges if r.includes(_DICOM))
        return send_file(service, found, parameters.get("transferSyntax") or inside)
    return picture(found, _frame(found, parameters), offer.name, _options(parameters))


def _frame(image: SOPInstance, parameters: Parameters) -> int:
    number = whole_number("frameNumber", parameters.get("frameNumber", "1"))
    if number > image.frames:
        raise Problem(
            400, f"The image has no frame {number}.", f"Its frames are 1 to {image.frames}."
        )
    return number


def _options(parameters: Parameters) -> dict[str, Any]:
    """Return what `render` is to do, from the parameters of PS3.18 section 9.1.2.2."""
    options: dict[str, Any] = {}
    if "rows" in parameters or "columns" in parameters:
        options["viewport"] = tuple(
            whole_number(name, parameters.get(name, str(LARGEST_SIDE)))
            for name in ("columns", "rows")
        )
    if "windowCenter" in parameters or "windowWidth" in parameters:
        [center], [width] = (
            numbers(name, parameters.get(name, ""), 1) for name in ("windowCenter", "windowWidth")
        )
        options["window"] = Window(center, width)
    if "imageQuality" in parameters:
        options["quality"] = whole_number("imageQuality", parameters["imageQuality"])
    return options
