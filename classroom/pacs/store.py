"""STOW-RS: DICOM files that a client sends are kept and served (PS3.18 section 10.5).

All whole files of a request become visible at once. A file is never changed and never replaced:
the same bytes again are a success, other bytes under the same SOP Instance UID a failure.
"""

import filecmp
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom
from pydicom.uid import UID
from werkzeug.wrappers import Response

from classroom.pacs.http.body import BodyCut, chunks
from classroom.pacs.http.problems import Problem
from classroom.pacs.image_file import NotAvailable, open_image
from classroom.pacs.instance import SOPInstance, read_instance
from classroom.pacs.part10 import NotServed, check_inflated
from classroom.pacs.responses import JSON_TYPES, XML_TYPES, json_response, xml_response
from classroom.pacs.service import PacsRequest, Service, check_parameters, choose_offer
from classroom.pacs.storage import IncomingFile
from helpers.dicom.json_model import element, elements
from helpers.dicom.names import is_uid, tag_of
from helpers.dicom.quiet import quietly
from helpers.errors import MissingBoundary, MultipartError
from helpers.multipart.pieces import CLOSING, DATA, DELIMITER, pieces
from helpers.multipart.reader import boundary_of
from helpers.web.media_types import parse_one

_CONTENT_TYPE = 'multipart/related; type="application/dicom"; boundary=...'

# Reasons of a failure (PS3.18 table I.2-2; the third is of PS3.7 annex C), and of a warning
# (PS3.18 table I.2-1).
_CANNOT_UNDERSTAND = 0xC000
_WRONG_STUDY = 0xA901
_DUPLICATE = 0x0111
_DOES_NOT_MATCH_SOP_CLASS = 0xB007

_COMMENT_LIMIT = 64  # characters of the VR LO

# With what is to be warned of, empty if nothing is.
Stored = list[tuple[SOPInstance, str]]


@dataclass(frozen=True)
class Failure:
    """Why a part was not stored; what it is, if that could be read."""

    reason: int
    comment: str
    sop_class: str = ""
    uid: str = ""


def store(service: Service, request: PacsRequest, study: str | None = None) -> Response:
    """Store the DICOM files that are the parts of a request, all of one study if it is named."""
    check_parameters(service, request, ["accept"])
    offers = [*XML_TYPES, *JSON_TYPES]
    if service.edition == "current":
        offers = [*JSON_TYPES, *XML_TYPES]
    offer = choose_offer(request, offers)
    boundary = _read_boundary(request)
    files: list[IncomingFile] = []
    try:
        cut = _receive(service, request, boundary, files)
        stored, failures = _keep(service, [file for file in files if file.is_whole], study)
    finally:
        for file in files:
            if not file.is_kept:
                file.discard()
    if cut:
        failures.append(cut)
    module = _describe_response(service, stored, failures)
    warned = any(warning for _, warning in stored)
    if offer in JSON_TYPES:
        response = json_response(module, offer.name)
    else:
        response = xml_response(module, offer)
    response.status_code = 409 if not stored else 202 if failures or warned else 200
    return response


def _read_boundary(request: PacsRequest) -> bytes:
    coding = request.headers.get("Content-Encoding", "identity")
    if coding.lower() != "identity":
        raise Problem(
            415, f"A body in {coding} is not read here.", "Send it without Content-Encoding."
        )
    content_type = parse_one(request.headers.get("Content-Type", ""))
    if content_type.name != "multipart/related" or content_type.part.name != "application/dicom":
        raise Problem(
            415,
            f"{request.headers.get('Content-Type') or 'A body of no type'} is not stored here.",
            f"Send DICOM files, each a part, with Content-Type: {_CONTENT_TYPE}",
        )
    try:
        return boundary_of(request.headers["Content-Type"])
    except MissingBoundary:
        raise Problem(
            400, "The Content-Type names no boundary.", f"Send Content-Type: {_CONTENT_TYPE}"
        ) from None


def _receive(
    service: Service, request: PacsRequest, boundary: bytes, files: list[IncomingFile]
) -> Failure | None:
    """Write each part into a file; return what is to be said if the body ended early."""
    try:
        for kind, data in pieces(chunks(request.environ, service.request_limit), boundary):
            if kind in (DELIMITER, CLOSING) and files:
                files[-1].finish()
            if kind == DELIMITER:
                files.append(service.storage.new_file())
            elif kind == DATA:
                files[-1].write(data)
    except (MultipartError, BodyCut) as error:
        cut = str(error).partition("\n")[0]
        if any(file.is_whole for file in files):
            return Failure(_CANNOT_UNDERSTAND, cut)
        raise Problem(
            400, cut, "Nothing was stored. A body ends with its closing delimiter: --boundary--"
        ) from error
    if not files:
        raise Problem(400, "The body has no part.", "Send at least one DICOM file.")
    return None


def _keep(
    service: Service, files: list[IncomingFile], study: str | None
) -> tuple[Stored, list[Failure]]:
    """Make the files that are as they should be visible; return what is stored, and what is not."""
    readable: list[tuple[IncomingFile, SOPInstance]] = []
    failures: list[Failure] = []
    for number, file in enumerate(files, 1):
        try:
            instance = read_instance(file.path)
        except NotServed as reason:
            comment = f"part {number}: {reason}"
            failures.append(Failure(_CANNOT_UNDERSTAND, comment, *_read_uids(file.path)))
            continue
        if not is_uid(str(instance.value("SOPClassUID", ""))):
            comment = f"part {number}: it has no SOP Class UID, or a malformed one"
            failures.append(Failure(_CANNOT_UNDERSTAND, comment))
        elif study not in (None, instance.study):
            failures.append(_refuse(_WRONG_STUDY, "it belongs to another study", instance))
        else:
            readable.append((file, instance))

    left_out = {i.path for i in service.archive.add([instance for _, instance in readable])}
    for file, instance in readable:
        file.is_kept = instance.path not in left_out
    stored: Stored = []
    for file, instance in readable:
        if file.is_kept or _is_the_same(instance.path, service.archive.path(instance.uid)):
            stored.append((instance, _find_warning(instance)))
        else:
            failures.append(_refuse(_DUPLICATE, "other content is stored under its UID", instance))
    return stored, failures


def _is_the_same(new: Path, old: Path) -> bool:
    try:
        return filecmp.cmp(new, old, shallow=False)
    except OSError:  # the archive's file was taken away
        return False


def _read_uids(path: Path) -> list[str]:
    """Return SOP Class and SOP Instance UID of a broken file, or nothing if they are lost."""
    keywords = ["SOPClassUID", "SOPInstanceUID"]
    try:
        with quietly(), open(path, "rb") as file:
            check_inflated(file)
            dataset = pydicom.dcmread(file, specific_tags=keywords, stop_before_pixels=True)
            uids = [str(dataset[keyword].value) for keyword in keywords]
    except Exception:  # whatever a broken file brings about
        return []
    return uids if all(map(is_uid, uids)) else []


def _refuse(reason: int, comment: str, instance: SOPInstance) -> Failure:
    return Failure(reason, comment, instance.value("SOPClassUID"), instance.uid)


def _find_warning(instance: SOPInstance) -> str:
    """Say what is not as its SOP Class wants it in an instance that was stored all the same."""
    if not instance.frames:
        is_image = "Image Storage" in UID(instance.value("SOPClassUID")).name
        return "it says that it is an image, and has no pixels" if is_image else ""
    try:
        open_image(instance.path).check_frames()
    except NotAvailable as reason:
        return reason.detail
    return ""


def _describe_response(service: Service, stored: Stored, failures: list[Failure]) -> dict[str, Any]:
    """Return the Store Instances Response Module (PS3.18 table I.1-1) in DICOM JSON."""
    studies = {instance.study for instance, _ in stored}
    sequences = {
        "FailedSOPSequence": [_describe_failure(f) for f in failures if f.uid],
        "ReferencedSOPSequence": [_describe_stored(service, *one) for one in stored],
        "OtherFailuresSequence": [_describe_failure(f) for f in failures if not f.uid],
    }
    module: dict[str, Any] = {tag_of("RetrieveURL"): {"vr": "UR"}}
    if len(studies) == 1:
        module |= elements(RetrieveURL=f"{service.url}/studies/{studies.pop()}")
    for keyword, items in sequences.items():
        if items:
            module[tag_of(keyword)] = element(keyword, *items)
    return module


def _describe_stored(service: Service, instance: SOPInstance, warning: str) -> dict[str, Any]:
    item = elements(
        ReferencedSOPClassUID=instance.value("SOPClassUID"),
        ReferencedSOPInstanceUID=instance.uid,
        RetrieveURL=f"{service.url}/{instance.resource}",
    )
    if warning:
        item |= elements(
            WarningReason=_DOES_NOT_MATCH_SOP_CLASS, ErrorComment=warning[:_COMMENT_LIMIT]
        )
    return item


def _describe_failure(failure: Failure) -> dict[str, Any]:
    # Error Comment says what went wrong with a C-STORE (PS3.4 table B.2-1); so it does here.
    item = elements(ErrorComment=failure.comment[:_COMMENT_LIMIT])
    if failure.uid:
        item |= elements(
            ReferencedSOPClassUID=failure.sop_class, ReferencedSOPInstanceUID=failure.uid
        )
    return item | elements(FailureReason=failure.reason)
