"""One DICOM file: what the classroom PACS remembers of it."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from pydicom import Dataset
from pydicom.datadict import dictionary_description

from classroom.pacs.part10 import (
    NotServed,
    TransferSyntax,
    check_image,
    check_numbers,
    has_pixel_data,
    is_image,
    read_dataset,
)
from helpers.dicom.json_model import DEEPEST, Record, first_value, write_model
from helpers.dicom.names import HEAD, is_uid, why_no_instance
from helpers.dicom.quiet import quietly
from helpers.errors import AttributeProblem

PIXEL_DATA = "7FE00010"


@dataclass(frozen=True)
class SOPInstance:
    """A file of the archive, and its attributes."""

    path: Path
    study: str
    series: str
    uid: str
    transfer_syntax: str
    # The URIs of bulk data are relative to the instance: "bulkdata/00420011".
    attributes: Record = field(repr=False)
    frames: int  # 0 if there are no pixels
    pixels_at: int = 0  # where the element Pixel Data begins in the file, if it has frames
    stamp: tuple[int, int] = (0, 0)  # the file's size, and when it was changed last

    @property
    def file(self) -> Path:
        """The path of the file, to be read; raises FileChanged if it holds something else now."""
        if _stamp(os.stat(self.path)) != self.stamp:
            try:
                now = read_instance(self.path)
            except NotServed as reason:
                raise FileChanged(self.path) from reason
            if replace(now, stamp=self.stamp) != self:
                raise FileChanged(self.path)
        return self.path

    def value(self, keyword: str, default: Any = None) -> Any:
        """Return the first value of an attribute, or `default` if it is empty or absent."""
        return first_value(self.attributes, keyword, default)

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


def _read(path: Path, file: BinaryIO) -> SOPInstance:
    if reason := why_no_instance(file.read(HEAD)):
        raise NotServed(reason)
    file.seek(0)
    dataset = read_dataset(file)
    transfer_syntax = TransferSyntax(_uid(dataset.file_meta, "TransferSyntaxUID"))
    if not transfer_syntax.is_transfer_syntax:
        raise NotServed(f"its Transfer Syntax UID is unknown: {transfer_syntax}")
    study, series, uid = (
        _uid(dataset, keyword)
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    )
    attributes = write_model(dataset)
    frames = 0
    pixels_at = file.tell()
    if "Rows" in dataset and has_pixel_data(dataset, file):
        check_numbers(dataset)
    if is_image(dataset) and has_pixel_data(dataset, file):
        check_image(dataset, file)
        frames = int(dataset.get("NumberOfFrames") or 1)
        is_bytes = transfer_syntax.is_compressed or dataset.BitsAllocated <= 8
        attributes[PIXEL_DATA] = {
            "vr": "OB" if is_bytes else "OW",
            "BulkDataURI": f"bulkdata/{PIXEL_DATA}",
        }
    stamp = _stamp(os.fstat(file.fileno()))
    return SOPInstance(
        Path(path), study, series, uid, transfer_syntax, attributes, frames, pixels_at, stamp
    )


def _stamp(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns


def _uid(dataset: Dataset, keyword: str) -> str:
    uid = str(dataset.get(keyword) or "")
    name = dictionary_description(keyword)
    if not uid:
        raise NotServed(f"it has no {name}")
    if not is_uid(uid):
        raise NotServed(f"its {name} is malformed: {uid!r}")
    return uid
