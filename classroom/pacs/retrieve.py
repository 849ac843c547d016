"""WADO-RS: instances and their metadata (PS3.18, section 10.4)."""

import shutil
from contextlib import ExitStack
from tempfile import TemporaryFile

from werkzeug.wrappers import Response

from classroom.pacs.http.problems import Problem, not_acceptable
from classroom.pacs.image_file import NotAvailable
from classroom.pacs.responses import described, multipart
from classroom.pacs.service import accept_header, accepted, check_parameters
from classroom.pacs.transcode import transcode
from helpers.dicom.json_model import with_bulk_data_uris
from helpers.multipart.writer import CHUNK, PartToSend, chunks_of, file_chunks
from helpers.web.media_types import MediaType, choose

_DICOM = MediaType("application/dicom")
_DICOM_PARTS = MediaType("multipart/related", {"type": "application/dicom"})


def instances(service, request, study, series=None, instance=None):
    """Answer with the DICOM files of a study, a series or an instance.

    Without a transfer syntax, or with `*`, they are sent as they are stored, byte for byte.
    """
    check_parameters(request, ["accept"])
    found = service.find(study, series, instance)
    offers = [_DICOM_PARTS] if instance is None else [_DICOM_PARTS, _DICOM]
    refusal = ""
    ranges = accepted(request)
    # `q=0` takes a type out of a wider range.
    welcome = [offer for offer in offers if choose(ranges, [offer])]
    for media_range in ranges:
        offer = choose([media_range], welcome)
        if offer is None:
            continue
        try:
            parts, free = _files(service, found, media_range.transfer_syntax)
        except NotAvailable as reason:
            refusal = refusal or f"{reason.detail} {reason.hint}"
            continue
        if offer is _DICOM:
            return _single_part(parts[0], free)
        response = multipart("application/dicom", parts)
        response.call_on_close(free)
        return response
    raise not_acceptable(accept_header(request), offers, refusal)


def dicom_file(service, instance, transfer_syntax=None):
    """Answer with one DICOM file, not wrapped in multipart."""
    try:
        parts, free = _files(service, [instance], transfer_syntax)
    except NotAvailable as reason:
        raise Problem(406, reason.detail, reason.hint, acceptable=[str(_DICOM)]) from None
    return _single_part(parts[0], free)


def _files(service, found, transfer_syntax):
    """Return a part for each instance, and a function that frees what they need.

    All transcoding is done before the answer begins: afterwards nothing could be refused.
    """
    parts = []
    spool = None
    with ExitStack() as resources:
        for instance in found:
            syntax = transfer_syntax or "*"
            if syntax in ("*", instance.transfer_syntax):
                syntax, size = instance.transfer_syntax, instance.path.stat().st_size
                chunks = file_chunks(instance.path, size)
            else:
                spool = spool or resources.enter_context(TemporaryFile())
                file, size = transcode(instance.path, syntax)
                with file:
                    start = spool.tell()
                    shutil.copyfileobj(file, spool, CHUNK)
                chunks = _spooled(spool, start, size)
            media_type = MediaType("application/dicom", {"transfer-syntax": syntax})
            url = f"{service.url}/{instance.resource}"
            parts.append(PartToSend(str(media_type), size, chunks, url))
        return parts, resources.pop_all().close


def _single_part(part, free):
    response = Response(part.chunks, content_type=part.media_type)
    response.content_length = part.size
    response.call_on_close(free)
    return response


def _spooled(spool, start, size):
    spool.seek(start)
    yield from chunks_of(spool, size)


def metadata(service, request, study, series=None, instance=None):
    """Answer with all attributes, bulk values as BulkDataURI."""
    check_parameters(request, ["accept"])
    found = service.find(study, series, instance)
    models = [with_bulk_data_uris(i.attributes, f"{service.url}/{i.resource}") for i in found]
    return described(service, request, models)
