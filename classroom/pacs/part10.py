"""DICOM files (PS3.10): read up to their pixels, and checked to be whole."""

import os
import struct
from typing import BinaryIO

import numpy
import pydicom
from pydicom import Dataset
from pydicom.datadict import dictionary_description
from pydicom.dataelem import RawDataElement
from pydicom.filewriter import correct_ambiguous_vr
from pydicom.multival import MultiValue
from pydicom.pixels.utils import get_expected_length
from pydicom.uid import UID, MPEGTransferSyntaxes

from helpers.dicom.inflated import inflates_beyond
from helpers.pixels.stored import DESCRIBING
from helpers.web.limits import BODY_BYTES

# Values of these are words, with their size in bytes. pydicom leaves them in the order of the file.
_WORDS = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
_PIXEL_DATA = 0x7FE00010
_UNDEFINED_LENGTH = 0xFFFFFFFF
_META = 132  # where the File Meta Information begins (PS3.10 section 7.1)
_LONG = (b"OB", b"OW", b"SQ", b"UN", b"UT")  # VRs in it whose length has four bytes
_ITEM = b"\xfe\xff\x00\xe0"
_SEQUENCE_END = b"\xfe\xff\xdd\xe0" + bytes(4)


# JPEG, JPEG-LS, JPEG 2000, JPEG XL, video: all of them encapsulated (PS3.5 section A.4).
_COMPRESSED_IMAGES = "1.2.840.10008.1.2.4."


class NotServed(ValueError):
    """A file that the archive leaves out; the message says why."""


class TransferSyntax(UID):
    """A transfer syntax, also one of compressed images that is newer than pydicom's dictionary.

    >>> TransferSyntax("1.2.840.10008.1.2.4.110").is_encapsulated
    True
    """

    @property
    def type(self) -> str:
        """What the UID is of; all else that pydicom tells of a transfer syntax follows from it."""
        return "Transfer Syntax" if self.startswith(_COMPRESSED_IMAGES) else super().type

    @classmethod
    def of(cls, dataset: Dataset) -> "TransferSyntax":
        """Return that of a data set which was read from a file."""
        return cls(dataset.file_meta.TransferSyntaxUID)


def read_dataset(file: str | os.PathLike[str] | BinaryIO) -> Dataset:
    """Read a data set without its pixels, with values as explicit VR little endian has them."""
    if not isinstance(file, str | os.PathLike):
        check_inflated(file)
    dataset = pydicom.dcmread(file, stop_before_pixels=True)
    _check_whole(dataset)
    put_right(dataset)
    return dataset


def with_transfer_syntax(head: bytes, transfer_syntax: str) -> bytes:
    """Name another transfer syntax in the beginning of a file, which holds all of the File Meta."""
    elements, position = [], _META
    while head[position : position + 2] == b"\x02\x00":
        is_long = head[position + 4 : position + 6] in _LONG
        value = position + (12 if is_long else 8)
        length = int.from_bytes(head[value - (4 if is_long else 2) : value], "little")
        element = head[position + 2 : position + 4]
        if element == b"\x10\x00":
            uid = transfer_syntax.encode() + b"\0" * (len(transfer_syntax) % 2)
            elements.append(b"\x02\x00\x10\x00UI" + len(uid).to_bytes(2, "little") + uid)
        elif element != b"\x00\x00":
            elements.append(head[position : value + length])
        position = value + length
    meta = b"".join(elements)
    length_of_meta = b"\x02\x00\x00\x00UL\x04\x00" + len(meta).to_bytes(4, "little")
    return head[:_META] + length_of_meta + meta + head[position:]


def check_inflated(file: BinaryIO) -> None:
    """Raise NotServed if a deflated data set is too large: one MB can be a thousand."""
    if inflates_beyond(file, BODY_BYTES):
        raise NotServed(f"inflated, it has more than {BODY_BYTES:,} bytes")


def put_right(dataset: Dataset) -> None:
    """Give a data set that was just read a true VR for each value, and words in little endian."""
    implicit, little = dataset.original_encoding
    if implicit:
        correct_ambiguous_vr(dataset, bool(little))
    if not little:
        for element in dataset.iterall():
            if element.VR in _WORDS and element.value:
                words = numpy.frombuffer(element.value, f"u{_WORDS[element.VR]}")
                element.value = words.byteswap().tobytes()


def _check_whole(dataset: Dataset) -> None:
    """Raise NotServed if the last value is shorter than it says; pydicom reads it in silence."""
    if not dataset:
        raise NotServed("it has no attributes")
    last = dataset.get_item(list(dataset.keys())[-1])
    if isinstance(last, RawDataElement):
        if last.length != _UNDEFINED_LENGTH and len(last.value or b"") < last.length:
            raise NotServed("it is cut short")
    elif last.VR == "SQ" and last.value and len(last.value[-1]):
        _check_whole(last.value[-1])


def check_numbers(dataset: Dataset) -> None:
    """Raise NotServed if an attribute that describes pixels is no single whole number."""
    for keyword in (*DESCRIBING, "NumberOfFrames"):
        if keyword == "PhotometricInterpretation" or keyword not in dataset:
            continue
        try:
            value = dataset[keyword].value
        except Exception:  # whatever pydicom raises of a value that is none
            value = dataset.get_item(keyword).value.decode("ascii", "replace").strip("\0 ")
        if isinstance(value, MultiValue):
            value = "\\".join(map(str, value))
        if not (value in (None, "") or isinstance(value, int)):
            raise NotServed(f"its {_name(keyword)} cannot be {value!r}")


def is_image(dataset: Dataset) -> bool:
    """Tell whether a data set describes pixels that DICOMweb has frames of."""
    # PixelRepresentation is that of integers: Float Pixel Data has no frames in DICOMweb.
    needed = ("Rows", "Columns", "BitsAllocated", "PixelRepresentation")
    return all(dataset.get(keyword) is not None for keyword in needed)


def has_pixel_data(dataset: Dataset, file: BinaryIO) -> bool:
    """Tell whether Pixel Data follows the attributes that were read; `file` stands behind them."""
    syntax = TransferSyntax.of(dataset)
    if syntax.is_deflated:  # there the file is no longer where the pixel data is
        file.seek(0)
        return _PIXEL_DATA in pydicom.dcmread(file)
    start = file.tell()
    tag = struct.unpack(f"{'<' if syntax.is_little_endian else '>'}HH", file.read(4).ljust(4))
    file.seek(start)
    return tag == (_PIXEL_DATA >> 16, _PIXEL_DATA & 0xFFFF)


def check_image(dataset: Dataset, file: BinaryIO) -> None:
    """Raise NotServed if an image cannot be as it is described; `file` stands at the pixels."""
    for keyword in ("SamplesPerPixel", "PhotometricInterpretation", "BitsStored"):
        if not dataset.get(keyword):
            raise NotServed(f"it describes an image, but has no {_name(keyword)}")
    allocated = dataset.BitsAllocated
    possible = {
        "Rows": dataset.Rows > 0,
        "Columns": dataset.Columns > 0,
        "BitsAllocated": allocated in (1, 8, 16, 32, 64),
        "BitsStored": dataset.BitsStored <= allocated,
        "NumberOfFrames": int(dataset.get("NumberOfFrames") or 1) > 0,
    }
    for keyword, is_possible in possible.items():
        if not is_possible:
            raise NotServed(f"its {_name(keyword)} cannot be {dataset[keyword].value}")
    syntax = TransferSyntax.of(dataset)
    if not syntax.is_deflated:
        _check_pixel_data(dataset, file, syntax)


def _check_pixel_data(dataset: Dataset, file: BinaryIO, syntax: UID) -> None:
    header = file.read(8)
    if not syntax.is_implicit_VR:
        header = header[:4] + file.read(4)
    length = int.from_bytes(header[4:], "little" if syntax.is_little_endian else "big")
    if length == _UNDEFINED_LENGTH:
        _check_fragments(dataset, file, syntax)
    elif file.tell() + length > os.fstat(file.fileno()).st_size:
        raise NotServed("its pixel data is cut short")
    elif length < (expected := get_expected_length(dataset)):
        raise NotServed(f"its pixel data has {length} bytes, and its frames need {expected}")


def _check_fragments(dataset: Dataset, file: BinaryIO, syntax: UID) -> None:
    fragments = -1  # The first item is the offset table.
    while (item := file.read(8))[:4] == _ITEM:
        file.seek(int.from_bytes(item[4:], "little"), os.SEEK_CUR)
        fragments += 1
    if item != _SEQUENCE_END:
        raise NotServed("its pixel data is cut short")
    frames = 1 if syntax in MPEGTransferSyntaxes else int(dataset.get("NumberOfFrames") or 1)
    if fragments < frames:
        raise NotServed(f"its pixel data has {fragments} fragments, too few for {frames} frames")


def _name(keyword: str) -> str:
    return dictionary_description(keyword)
