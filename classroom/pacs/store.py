"""STOW-RS: DICOM files that a client sends are kept and served (PS3.18, section 10.5).

All whole files of a request become visible at once. A file is never changed and never replaced:
the same bytes again are a success, other bytes under the same SOP Instance UID a failure.
"""

import filecmp
import warnings

import pydicom
from pydicom.uid import UID
from werkzeug.wrappers import Response

from classroom.pacs.http.body import BodyCut, chunks
from classroom.pacs.http.problems import Problem, not_acceptable
from classroom.pacs.instance import NotServed, read_instance
from classroom.pacs.receipt import (
    CANNOT_UNDERSTAND,
    DOES_NOT_MATCH_SOP_CLASS,
    DUPLICATE,
    WRONG_STUDY,
    Failure,
    response_module,
)
from classroom.pacs.responses import JSON_TYPES, XML_TYPES, json_response
from classroom.pacs.service import accept_header, accepted, check_parameters
from helpers.dicom.names import is_uid
from helpers.dicom.native_model import write_native
from helpers.errors import MissingBoundary, MultipartError
from helpers.multipart.pieces import CLOSING, DATA, DELIMITER, pieces
from helpers.multipart.reader import boundary_of
from helpers.web.media_types import choose, parse_one

_CONTENT_TYPE = 'multipart/related; type="application/dicom"; boundary=...'


def instances(service, request, study=None):
    """Store the DICOM files that are the parts of a request.

    Parameters
    ----------
    service : Service
    request : werkzeug.wrappers.Request
    study : str, optional
        The UID of the study that all of them belong to.

    Returns
    -------
    werkzeug.wrappers.Response
        The Store Instances Response Module (PS3.18, annex I) as DICOM JSON or XML. Its status is
        200 if all was stored, 202 if there were failures or warnings, 409 if nothing was stored.

    Raises
    ------
    Problem
        400 if there is not one whole part, 406, 413, 415 or 507. Nothing is stored then.
    """
    check_parameters(request, ["accept"])
    offers = [*JSON_TYPES, *XML_TYPES] if service.default == "json" else [*XML_TYPES, *JSON_TYPES]
    offer = choose(accepted(request), offers)
    if offer is None:
        raise not_acceptable(accept_header(request), offers)
    boundary = _boundary(request)
    files = []
    try:
        cut = _receive(service, request, boundary, files)
        stored, failures = _keep(service, [file for file in files if file.is_whole], study)
    finally:
        for file in files:
            if not file.is_kept:
                file.discard()
    if cut:
        failures.append(cut)
    module = response_module(service, stored, failures)
    warned = any(warning for _, warning in stored)
    if offer in JSON_TYPES:
        response = json_response(module, offer.name)
    else:
        response = Response(write_native(module), content_type=str(offer))
    response.status_code = 409 if not stored else 202 if failures or warned else 200
    return response


def _boundary(request):
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


def _receive(service, request, boundary, files):
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
            return Failure(CANNOT_UNDERSTAND, cut)
        raise Problem(
            400, cut, "Nothing was stored. A body ends with its closing delimiter: --boundary--"
        ) from error
    if not files:
        raise Problem(400, "The body has no part.", "Send at least one DICOM file.")
    return None


def _keep(service, files, study):
    """Make the files that are as they should be visible, all at once.

    Returns
    -------
    stored : list of tuple
        Each an Instance and its Warning Reason, 0 if there is none.
    failures : list of Failure
    """
    readable, failures = [], []
    for number, file in enumerate(files, 1):
        try:
            instance = read_instance(file.path)
        except NotServed as reason:
            comment = f"part {number}: {reason}"
            failures.append(Failure(CANNOT_UNDERSTAND, comment, *_reference(file.path)))
            continue
        if not is_uid(str(instance.value("SOPClassUID", ""))):
            comment = f"part {number}: it has no SOP Class UID, or a malformed one"
            failures.append(Failure(CANNOT_UNDERSTAND, comment))
        elif study not in (None, instance.study):
            failures.append(_failure(WRONG_STUDY, "it belongs to another study", instance))
        else:
            readable.append((file, instance))

    left_out = {i.path for i in service.archive.add([instance for _, instance in readable])}
    for file, instance in readable:
        file.is_kept = instance.path not in left_out
    stored = []
    for file, instance in readable:
        if file.is_kept or _is_the_same(instance.path, service.archive.path(instance.uid)):
            stored.append((instance, _warning(instance)))
        else:
            failures.append(_failure(DUPLICATE, "other content is stored under its UID", instance))
    return stored, failures


def _is_the_same(new, old):
    try:
        return filecmp.cmp(new, old, shallow=False)
    except OSError:  # the archive's file was taken away
        return False


def _reference(path):
    """Return SOP Class and SOP Instance UID of a broken file, or nothing if they are lost."""
    keywords = ["SOPClassUID", "SOPInstanceUID"]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(path, specific_tags=keywords, stop_before_pixels=True)
            uids = [str(dataset[keyword].value) for keyword in keywords]
    except Exception:  # whatever a broken file brings about
        return []
    return uids if all(map(is_uid, uids)) else []


def _failure(reason, comment, instance):
    return Failure(reason, comment, instance.value("SOPClassUID"), instance.uid)


def _warning(instance):
    """Return the reason to be in doubt about an instance that was stored all the same."""
    is_image = "Image Storage" in UID(instance.value("SOPClassUID")).name
    return DOES_NOT_MATCH_SOP_CLASS if is_image and not instance.frames else 0
