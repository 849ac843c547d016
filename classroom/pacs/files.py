"""WADO-RS: whole instances, as DICOM files (PS3.18 sections 8.7.3 and 10.4)."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from tempfile import TemporaryFile
from typing import IO

from pydicom.uid import ExplicitVRLittleEndian
from werkzeug.wrappers import Response

from classroom.pacs.frames import LOSSY
from classroom.pacs.http.problems import Problem, not_acceptable
from classroom.pacs.image_file import ImageFile, NotAvailable
from classroom.pacs.instance import SOPInstance
from classroom.pacs.responses import multipart
from classroom.pacs.service import PacsRequest, Service, check_parameters, read_accept
from classroom.pacs.transcode import transcode
from helpers.multipart.writer import CHUNK, PartToSend, chunks_of, file_chunks
from helpers.web import media_types
from helpers.web.media_types import MediaType, choose

_DICOM = MediaType("application/dicom")
_DICOM_PARTS = MediaType("multipart/related", {"type": "application/dicom"})


def send_instances(
    service: Service,
    request: PacsRequest,
    study: str,
    series: str | None = None,
    instance: str | None = None,
) -> Response:
    """Answer with the DICOM files of a study, a series or an instance."""
    check_parameters(service, request, ["accept"])
    found = service.find(study, series, instance)
    offers = [_DICOM_PARTS] if instance is None else [_DICOM_PARTS, _DICOM]
    refusal = ""
    ranges = media_types.parse(read_accept(request))
    # `q=0` takes a type out of a wider range.
    welcome = [offer for offer in offers if choose(ranges, [offer])]
    for media_range in ranges:
        offer = choose([media_range], welcome)
        if offer is None:
            continue
        try:
            parts, free = _collect_files(service, found, media_range.transfer_syntax)
        except NotAvailable as reason:
            refusal = refusal or f"{reason.detail} {reason.hint}"
            continue
        if offer is _DICOM:
            return _send_single(next(iter(parts)), free)
        response = multipart("application/dicom", parts)
        response.call_on_close(free)
        return response
    raise not_acceptable(read_accept(request), offers, refusal)


def send_file(
    service: Service, instance: SOPInstance, transfer_syntax: str | None = None
) -> Response:
    """Answer with one DICOM file, not wrapped in multipart."""
    try:
        parts, free = _collect_files(service, [instance], transfer_syntax)
    except NotAvailable as reason:
        raise Problem(406, reason.detail, reason.hint, acceptable=[str(_DICOM)]) from None
    return _send_single(next(iter(parts)), free)


def _collect_files(
    service: Service, found: Sequence[SOPInstance], transfer_syntax: str | None
) -> tuple[Iterable[PartToSend], Callable[[], None]]:
    """Return a part for each instance, and a function that frees what they need."""
    if transfer_syntax is None:
        return _collect_by_default(service, found)
    # All that was asked for by name is made before the answer begins: afterwards nothing could be
    # refused.
    parts: list[PartToSend] = []
    spool: IO[bytes] | None = None
    with ExitStack() as resources:
        for instance in found:
            # As it is stored, byte for byte.
            if transfer_syntax in ("*", instance.transfer_syntax):
                parts.append(_as_stored(service, instance))
                continue
            spool = spool or resources.enter_context(TemporaryFile())
            file, size = transcode(instance.file, transfer_syntax)
            with file:
                start = spool.tell()
                shutil.copyfileobj(file, spool, CHUNK)
            chunks = _read_spool(spool, start, size)
            parts.append(_part(service, instance, transfer_syntax, size, chunks))
        return parts, resources.pop_all().close


def _collect_by_default(
    service: Service, found: Sequence[SOPInstance]
) -> tuple[Iterable[PartToSend], Callable[[], None]]:
    if len(found) > 1 and any(map(_is_converted, found)):
        for instance in found:
            _ = instance.file  # one that was taken away is a 410, while that can be said
        # One at a time, while the answer is sent: so its length is not known.
        return _convert(service, found), lambda: None
    with ExitStack() as resources:
        parts = [_by_default(service, instance, resources) for instance in found]
        return parts, resources.pop_all().close


def _convert(service: Service, found: Iterable[SOPInstance]) -> Iterator[PartToSend]:
    for instance in found:
        with ExitStack() as resources:
            yield _by_default(service, instance, resources)


def _is_converted(instance: SOPInstance) -> bool:
    return instance.transfer_syntax not in {ExplicitVRLittleEndian, *LOSSY}


def _by_default(service: Service, instance: SOPInstance, resources: ExitStack) -> PartToSend:
    """Return an instance as who names no transfer syntax gets it: in Explicit VR Little Endian.

    As it is stored come those that lost something when they were compressed, or would be longer
    than it can say, which PS3.18 section 8.7.3 excepts; and those whose pixels cannot be read,
    which would not be had at all otherwise. The part's header says which it is.
    """
    if _is_converted(instance):
        with suppress(NotAvailable):
            known = ImageFile.of(instance)
            file, size = transcode(instance.file, ExplicitVRLittleEndian, known)
            resources.enter_context(file)
            return _part(service, instance, ExplicitVRLittleEndian, size, chunks_of(file, size))
    return _as_stored(service, instance)


def _as_stored(service: Service, instance: SOPInstance) -> PartToSend:
    size = instance.file.stat().st_size
    chunks = file_chunks(instance.path, size)
    return _part(service, instance, instance.transfer_syntax, size, chunks)


def _part(
    service: Service, instance: SOPInstance, syntax: str, size: int, chunks: Iterable[bytes]
) -> PartToSend:
    media_type = MediaType("application/dicom", {"transfer-syntax": syntax})
    return PartToSend(str(media_type), size, chunks, f"{service.url}/{instance.resource}")


def _send_single(part: PartToSend, free: Callable[[], None]) -> Response:
    response = Response(part.chunks, content_type=part.media_type)
    response.content_length = part.size
    response.call_on_close(free)
    return response


def _read_spool(spool: IO[bytes], start: int, size: int) -> Iterator[bytes]:
    spool.seek(start)
    yield from chunks_of(spool, size)
