"""One DICOM file: what the classroom PACS remembers of it."""

import os
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from pydicom import Dataset
from pydicom.datadict import dictionary_description
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from classroom.pacs.part10 import (
    NotServed,
    TransferSyntax,
    check_pixel_data,
    describe_frames,
    glance,
    has_pixel_data,
    read_dataset,
)
from helpers.dicom.json_model import DEEPEST, Record, first_value, write_model
from helpers.dicom.names import HEAD, is_uid, tag_of, why_no_instance
from helpers.dicom.quiet import quietly
from helpers.errors import AttributeProblem
from helpers.pixels.stored import DESCRIBING

PIXEL_DATA = "7FE00010"
# What the order of the archive and its lists are made of, and what else tells where a file belongs.
_INDEXED = [int(tag_of(name), 16) for name in ("SOPClassUID", "Modality", "InstanceNumber")]
_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_PLACE = [*_INDEXED, *(int(tag_of(name), 16) for name in (*_UIDS, *DESCRIBING, "NumberOfFrames"))]


@dataclass(frozen=True)
class SOPInstance:
    """A file of the archive, and its attributes."""

    path: Path
    study: str
    series: str
    uid: str
    transfer_syntax: str
    # All attributes, or those that a glance at the file gave.
    known: Record = field(repr=False, compare=False)
    frames: int  # 0 if there are no pixels
    pixels_at: int = 0  # where the element Pixel Data begins in the file, if it has frames
    stamp: tuple[int, int] = (0, 0)  # the file's size, and when it was changed last
    is_whole: bool = field(default=True, compare=False)  # whether all attributes are known

    @cached_property
    def attributes(self) -> Record:
        """All attributes; the URIs of bulk data are relative to the instance: "bulkdata/...".

        Of a file that cannot be read any more, those that are known.
        """
        if not self.is_whole:
            with suppress(NotServed, OSError):
                now = read_instance(self.path)
                if replace(now, stamp=self.stamp) == self:
                    return now.known
        return self.known

    @property
    def file(self) -> Path:
        """The path of the file, to be read; raises FileChanged if it holds something else now."""
        if _stamp(os.stat(self.path)) != self.stamp:
            try:
                now = read_instance(self.path)
            except NotServed as reason:
                raise FileChanged(self.path) from reason
            if replace(now, stamp=self.stamp) != self or now.known != self.attributes:
                raise FileChanged(self.path)
        return self.path

    def value(self, keyword: str, default: Any = None) -> Any:
        """Return the first value of an attribute, or `default` if it is empty or absent."""
        record = self.known if tag_of(keyword) in self.known else self.attributes
        return first_value(record, keyword, default)

    @property
    def resource(self) -> str:
        """The path of this instance below the DICOMweb root."""
        return f"studies/{self.study}/series/{self.series}/instances/{self.uid}"


class FileChanged(Exception):
    """A file that is not the one that the index knows."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} has changed since the server read it")
        self.path = path


def read_instance(path: Path) -> SOPInstance:
    """Read a DICOM file up to its pixels; raise NotServed if it cannot be what it says it is."""
    try:
        with quietly(), open(path, "rb") as file:
            return _read(path, file)
    except NotServed:
        raise
    except (AttributeProblem, RecursionError) as error:
        raise NotServed(f"its sequences are nested in more than {DEEPEST} levels") from error
    except OSError as error:
        raise NotServed(f"it cannot be read ({error.strerror})") from error
    except Exception as error:
        # What pydicom or Python says of it is no help to who has the file.
        raise NotServed("it cannot be read: a length or a value in it makes no sense") from error


def read_place(path: Path) -> SOPInstance:
    """Read what the index needs of a file, in a fourth of the time; all that is odd, as a whole."""
    with suppress(Exception), quietly(), open(path, "rb", buffering=0) as file:
        dataset = glance(file, _PLACE)
        if dataset is not None:
            return _describe(path, file, dataset, is_whole=False)
    return read_instance(path)


def _read(path: Path, file: BinaryIO) -> SOPInstance:
    if reason := why_no_instance(file.read(HEAD)):
        raise NotServed(reason)
    file.seek(0)
    return _describe(path, file, read_dataset(file), is_whole=True)


def _describe(path: Path, file: BinaryIO, dataset: Dataset, is_whole: bool) -> SOPInstance:
    transfer_syntax = TransferSyntax(_uid(dataset.file_meta, "TransferSyntaxUID"))
    if not transfer_syntax.is_transfer_syntax:
        raise NotServed(f"its Transfer Syntax UID is unknown: {transfer_syntax}")
    study, series, uid = (_uid(dataset, keyword) for keyword in _UIDS)
    attributes = write_model(dataset) if is_whole else _indexed(dataset)
    frames = 0
    pixels_at = file.tell()
    described = None
    if "Rows" in dataset and has_pixel_data(dataset, file):
        described = describe_frames(dataset)
    if described:
        if not transfer_syntax.is_deflated:
            check_pixel_data(file, transfer_syntax, described)
        frames = described.number
        is_bytes = transfer_syntax.is_compressed or described.bits_allocated <= 8
        attributes[PIXEL_DATA] = {
            "vr": "OB" if is_bytes else "OW",
            "BulkDataURI": f"bulkdata/{PIXEL_DATA}",
        }
    stamp = _stamp(os.fstat(file.fileno()))
    place = (Path(path), study, series, uid, transfer_syntax)
    return SOPInstance(*place, attributes, frames, pixels_at, stamp, is_whole)


def _stamp(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns


def _indexed(dataset: Dataset) -> Record:
    """Write the attributes of a glance that the index needs."""
    record: Record = {}
    for tag in map(Tag, _INDEXED):
        raw = dataset.get_item(tag) if tag in dataset else None
        if isinstance(raw, RawDataElement):
            record |= _written(raw._replace(value_tell=0))
    return record


@lru_cache(maxsize=10_000)
def _written(raw: RawDataElement) -> Record:
    return write_model(Dataset({raw.tag: raw}))


def _uid(dataset: Dataset, keyword: str) -> str:
    found = dataset.get_item(keyword) if keyword in dataset else None
    if isinstance(found, RawDataElement):
        uid = (found.value or b"").decode("ascii", "replace").rstrip("\0 ")
    else:
        uid = str(found.value or "") if found else ""
    name = dictionary_description(keyword)
    if not uid:
        raise NotServed(f"it has no {name}")
    if not is_uid(uid):
        raise NotServed(f"its {name} is malformed: {uid!r}")
    return uid
