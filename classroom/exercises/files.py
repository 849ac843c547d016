"""DICOM files as an exercise compares them."""

import warnings
from io import BytesIO
from typing import Any

import numpy
import numpy.typing as npt
import pydicom
from pydicom.encaps import get_frame
from pydicom.errors import InvalidDicomError

from classroom.exercises.expected import DICOM, ask
from helpers.errors import WorkbookError
from helpers.multipart.reader import parts
from helpers.pixels.frame import frame
from helpers.servers.server import Server


def instances_of(server: Server, study_uid: str) -> dict[str, bytes]:
    """Return the DICOM files of a study: bytes by SOP Instance UID."""
    contents = [part.content for part in parts(ask(server, f"/studies/{study_uid}", accept=DICOM))]
    return {pydicom.dcmread(BytesIO(content)).SOPInstanceUID: content for content in contents}


def read(content: bytes) -> pydicom.Dataset | None:
    """Return the data set in the bytes of a file; None if it is not DICOM."""
    try:
        with warnings.catch_warnings():
            # pydicom warns of a file that was cut. What is said of it here is enough.
            warnings.simplefilter("ignore")
            return pydicom.dcmread(BytesIO(content))
    except (InvalidDicomError, EOFError, ValueError, AttributeError):
        return None


def same(content: bytes, other: bytes) -> bool:
    """Tell whether two files hold the same. One may have been asked for packed another way."""
    if content == other:
        return True
    dataset, another = read(content), read(other)
    if dataset is None or another is None:
        return False
    return numpy.array_equal(taken_pixels(dataset), taken_pixels(another)) and dataset == another


def taken_pixels(dataset: pydicom.Dataset) -> npt.NDArray[Any]:
    """Take the pixels out of a data set, and return them: decoded, if that is possible."""
    element = dataset.pop("PixelData", None)
    if element is None:
        return numpy.empty(0)
    value: Any = element.value
    try:
        if dataset.file_meta.TransferSyntaxUID.is_compressed:
            return frame(get_frame(value, 0, number_of_frames=1), dataset)
        return frame(value, dataset)
    except (WorkbookError, ValueError, AttributeError):
        return numpy.frombuffer(value, "u1")
