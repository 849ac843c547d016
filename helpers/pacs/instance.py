"""One DICOM file: what the classroom PACS remembers of it."""

import base64
import math
import os
import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy
import pydicom
from pydicom.datadict import dictionary_description, dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.errors import InvalidDicomError
from pydicom.filewriter import correct_ambiguous_vr

PIXEL_DATA = "7FE00010"

_UID = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_BULK_BYTES = 768
_SAMPLE_BYTES = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
_UNDEFINED_LENGTH = 0xFFFFFFFF
_ITEM = b"\xfe\xff\x00\xe0"
_SEQUENCE_END = b"\xfe\xff\xdd\xe0" + bytes(4)


class NotServed(ValueError):
    """A file that the archive leaves out; the message says why."""


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


def with_bulk_data_uris(attributes, url):
    """Return a copy of an instance's attributes whose BulkDataURIs are absolute.

    Parameters
    ----------
    attributes : dict
        DICOM JSON, from `Instance.attributes`.
    url : str
        Of the instance, without a trailing slash.

    Examples
    --------
    >>> with_bulk_data_uris({"00420011": {"vr": "OB", "BulkDataURI": "bulkdata/00420011"}}, "/x")
    {'00420011': {'vr': 'OB', 'BulkDataURI': '/x/bulkdata/00420011'}}
    """
    absolute = {}
    for tag, attribute in attributes.items():
        if "BulkDataURI" in attribute:
            attribute = {**attribute, "BulkDataURI": f"{url}/{attribute['BulkDataURI']}"}
        elif attribute["vr"] == "SQ" and "Value" in attribute:
            items = [with_bulk_data_uris(item, url) for item in attribute["Value"]]
            attribute = {**attribute, "Value": items}
        absolute[tag] = attribute
    return absolute


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
        If it is not DICOM, is cut short, or lacks a well-formed UID.
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
    transfer_syntax = _uid(dataset.file_meta, "TransferSyntaxUID")
    uids = [
        _uid(dataset, keyword)
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    ]
    attributes = _attributes(dataset)
    frames = 0
    if _is_image(dataset):
        _check_pixel_data(file, dataset.file_meta.TransferSyntaxUID)
        frames = int(dataset.get("NumberOfFrames") or 1)
        is_bytes = dataset.file_meta.TransferSyntaxUID.is_compressed or dataset.BitsAllocated <= 8
        attributes[PIXEL_DATA] = {
            "vr": "OB" if is_bytes else "OW",
            "BulkDataURI": f"bulkdata/{PIXEL_DATA}",
        }
    return Instance(Path(path), *uids, transfer_syntax, attributes, frames)


def read_dataset(file):
    """Read a data set without its pixels, with values as explicit VR little endian has them.

    Parameters
    ----------
    file : path or binary file

    Returns
    -------
    pydicom.Dataset

    Raises
    ------
    NotServed
        If its last value is cut short.
    """
    dataset = pydicom.dcmread(file, stop_before_pixels=True)
    _check_whole(dataset)
    implicit, little = dataset.original_encoding
    if implicit:
        correct_ambiguous_vr(dataset, little)
    if not little:
        for element in dataset.iterall():
            if element.VR in _SAMPLE_BYTES and element.value:
                samples = numpy.frombuffer(element.value, f">u{_SAMPLE_BYTES[element.VR]}")
                element.value = samples.byteswap().tobytes()
    return dataset


def _uid(dataset, keyword):
    uid = str(dataset.get(keyword) or "")
    name = dictionary_description(keyword)
    if not uid:
        raise NotServed(f"it has no {name}")
    if not is_uid(uid):
        raise NotServed(f"its {name} is malformed: {uid!r}")
    return uid


def _is_image(dataset):
    # PixelRepresentation is that of integers: Float Pixel Data has no frames in DICOMweb.
    needed = ("Rows", "Columns", "BitsAllocated", "PixelRepresentation")
    return all(dataset.get(keyword) is not None for keyword in needed)


def _check_whole(dataset):
    """Raise NotServed if the last value is shorter than it says; pydicom reads it in silence."""
    last = dataset.get_item(list(dataset.keys())[-1])
    if isinstance(last, RawDataElement):
        if last.length != _UNDEFINED_LENGTH and len(last.value or b"") < last.length:
            raise NotServed("it is cut short")
    elif last.VR == "SQ" and last.value and len(last.value[-1]):
        _check_whole(last.value[-1])


def _check_pixel_data(file, syntax):
    """Raise NotServed if the pixel data, where `file` now stands, is missing or cut short."""
    if syntax.is_deflated:  # the file is no longer where the pixel data is
        return
    order = "little" if syntax.is_little_endian else "big"
    header = file.read(8)
    if not header:
        raise NotServed("it describes an image, but has no pixel data")
    if not syntax.is_implicit_VR:
        header = header[:4] + file.read(4)
    length = int.from_bytes(header[4:], order)
    if length != _UNDEFINED_LENGTH:
        if file.tell() + length > os.fstat(file.fileno()).st_size:
            raise NotServed("its pixel data is cut short")
        return
    while (item := file.read(8))[:4] == _ITEM:
        file.seek(int.from_bytes(item[4:], "little"), os.SEEK_CUR)
    if item != _SEQUENCE_END:
        raise NotServed("its pixel data is cut short")


def _attributes(dataset, path="bulkdata"):
    """Return the DICOM JSON Model of a data set (PS3.18, annex F)."""
    attributes = {}
    for tag in sorted(dataset.keys()):
        if tag.element == 0:  # group lengths are not part of the model
            continue
        try:
            element = dataset[tag]
            attributes[f"{tag:08X}"] = _element(element, f"{path}/{tag:08X}")
        except Exception:
            # A value that its VR does not allow: the rest of the data set is worth having.
            continue
    if "00080005" in attributes:
        attributes["00080005"] = {"vr": "CS", "Value": ["ISO_IR 192"]}  # JSON is UTF-8
    return attributes


def _element(element, path):
    vr = element.VR[:2]  # "US or SS" where nothing in the data set decides
    if vr == "SQ":
        items = [_attributes(item, f"{path}/{n}") for n, item in enumerate(element.value, 1)]
        return {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
    if isinstance(element.value, bytes):
        if not element.value:
            return {"vr": vr}
        if len(element.value) > _BULK_BYTES:
            return {"vr": vr, "BulkDataURI": path}
        return {"vr": vr, "InlineBinary": base64.b64encode(element.value).decode()}
    model = element.to_json_dict(bulk_data_element_handler=None, bulk_data_threshold=_BULK_BYTES)
    model["vr"] = vr
    if vr in ("FL", "FD") and "Value" in model:
        model["Value"] = [v if v is None or math.isfinite(v) else str(v) for v in model["Value"]]
    return model
