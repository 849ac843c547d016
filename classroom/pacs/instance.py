"""One DICOM file: what the classroom PACS remembers of it."""

import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path

from pydicom.datadict import dictionary_description, dictionary_VR, tag_for_keyword
from pydicom.errors import InvalidDicomError
from pydicom.uid import MediaStorageDirectoryStorage

from classroom.pacs.part10 import NotServed, check_image, is_image, read_dataset
from helpers.dicom.json_model import json_model

PIXEL_DATA = "7FE00010"

_UID = re.compile(r"[0-9]+(?:\.[0-9]+)*")


@dataclass(frozen=True)
class Instance:
    """A file of the archive and its attributes.

    Parameters
    ----------
    path : pathlib.Path
        The DICOM file, as it will be served byte for byte.
    study, series, uid : str
        Study, Series and SOP Instance UID.
    transfer_syntax : str
        UID of the transfer syntax in which the file is stored.
    attributes : dict
        The data set in the DICOM JSON Model (PS3.18, annex F). Bulk values are left out: their
        BulkDataURI is relative to the instance, for example "bulkdata/00420011".
    frames : int
        0 if there are no pixels.
    """

    path: Path
    study: str
    series: str
    uid: str
    transfer_syntax: str
    attributes: dict = field(repr=False)
    frames: int

    def value(self, keyword, default=None):
        """Return the first value of an attribute, or `default` if it is empty or absent."""
        values = self.attributes.get(tag_of(keyword), {}).get("Value")
        return values[0] if values and values[0] is not None else default

    @property
    def resource(self):
        """The path of this instance below the DICOMweb root."""
        return f"studies/{self.study}/series/{self.series}/instances/{self.uid}"


def tag_of(keyword):
    """Return the tag of a keyword as DICOM JSON writes it.

    Examples
    --------
    >>> tag_of("PatientName")
    '00100010'
    """
    return f"{tag_for_keyword(keyword):08X}"


def element(keyword, *values):
    """Return an attribute of DICOM JSON.

    Examples
    --------
    >>> element("Modality", "CT")
    {'vr': 'CS', 'Value': ['CT']}
    """
    return {"vr": dictionary_VR(keyword), "Value": list(values)}


def is_uid(text):
    """Tell whether `text` can be a UID: numbers with dots between, at most 64 characters.

    Examples
    --------
    >>> is_uid("1.2.840.10008.1.2"), is_uid("../secret"), is_uid("1..2")
    (True, False, False)
    """
    return len(text) <= 64 and _UID.fullmatch(text) is not None


def read_instance(path):
    """Read a DICOM file up to its pixels.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    Instance

    Raises
    ------
    NotServed
        If it is not DICOM, is cut short, lacks a well-formed UID, or describes an image that
        cannot be.
    """
    try:
        with warnings.catch_warnings(), open(path, "rb") as file:
            warnings.simplefilter("ignore")
            return _read(path, file)
    except NotServed:
        raise
    except InvalidDicomError:
        raise NotServed("it is not a DICOM file") from None
    except Exception as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise NotServed(f"it cannot be read ({reason})") from error


def _read(path, file):
    dataset = read_dataset(file)
    if dataset.file_meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
        raise NotServed("it is a DICOMDIR, a list of other files")
    transfer_syntax = _uid(dataset.file_meta, "TransferSyntaxUID")
    if not dataset.file_meta.TransferSyntaxUID.is_transfer_syntax:
        raise NotServed(f"its Transfer Syntax UID is unknown: {transfer_syntax}")
    uids = [
        _uid(dataset, keyword)
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    ]
    attributes = json_model(dataset)
    frames = 0
    if is_image(dataset):
        check_image(dataset, file)
        frames = int(dataset.get("NumberOfFrames") or 1)
        is_bytes = dataset.file_meta.TransferSyntaxUID.is_compressed or dataset.BitsAllocated <= 8
        attributes[PIXEL_DATA] = {
            "vr": "OB" if is_bytes else "OW",
            "BulkDataURI": f"bulkdata/{PIXEL_DATA}",
        }
    return Instance(Path(path), *uids, transfer_syntax, attributes, frames)


def _uid(dataset, keyword):
    uid = str(dataset.get(keyword) or "")
    name = dictionary_description(keyword)
    if not uid:
        raise NotServed(f"it has no {name}")
    if not is_uid(uid):
        raise NotServed(f"its {name} is malformed: {uid!r}")
    return uid
