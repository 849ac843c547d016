"""DICOM files (PS3.10): read up to their pixels, and checked to be whole."""

import functools
import os
import struct
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO, NamedTuple

import numpy
import pydicom
from pydicom import Dataset
from pydicom.datadict import dictionary_description
from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileMetaDataset
from pydicom.filereader import data_element_generator
from pydicom.filewriter import correct_ambiguous_vr
from pydicom.multival import MultiValue
from pydicom.pixels.utils import get_expected_length
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID, MPEGTransferSyntaxes

from helpers.dicom.inflated import inflates_beyond
from helpers.pixels.stored import DESCRIBING
from helpers.web.limits import BODY_BYTES

# Values of these are words, with their size in bytes. pydicom leaves them in the order of the file.
_WORDS = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
_PIXEL_DATA = 0x7FE00010
_UNDEFINED_LENGTH = 0xFFFFFFFF
_NUMBERS = [*DESCRIBING, "NumberOfFrames"]
_NUMBERS.remove("PhotometricInterpretation")
_DESCRIBING = [Tag(keyword) for keyword in (*DESCRIBING, "NumberOfFrames")]
_HEAD = 1 << 14  # bytes that hold all attributes of most images
_SHORT = 1024  # bytes in which no more sequences are nested than may be
_META = 132  # where the File Meta Information begins (PS3.10 section 7.1)
_TRANSFER_SYNTAX = 0x0010  # its element in group 2
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


def glance(file: BinaryIO, tags: list[int]) -> Dataset | None:
    """Read some attributes of an ordinary image; `file` stands at its pixels then.

    None if that is not enough to know that the others can be read, too: if there are no pixels
    soon, or long sequences, in which others may be nested.
    """
    data = file.read(_HEAD)
    if data[128:_META] != b"DICM":
        return None
    syntax, head = TransferSyntax(""), BytesIO(data)
    for element, start, end in _meta_elements(data):
        if element == _TRANSFER_SYNTAX:
            syntax = TransferSyntax(data[start + 8 : end].rstrip(b"\0 ").decode("ascii"))
        head.seek(end)
    if not syntax.is_transfer_syntax or syntax.is_deflated or not syntax.is_little_endian:
        return None
    is_ordinary = True
    before: tuple[str | None, int] = ("", head.tell())

    def is_at_pixels(tag: BaseTag, vr: str | None, length: int) -> bool:
        nonlocal is_ordinary, before
        size = head.tell() - before[1]
        is_ordinary &= size <= _SHORT or before[0] not in (None, "SQ", "UN")
        before = vr, head.tell()
        return int.__eq__(tag, _PIXEL_DATA)  # a BaseTag compares in Python, and slowly

    found = data_element_generator(
        head, syntax.is_implicit_VR, True, is_at_pixels, specific_tags=[Tag(tag) for tag in tags]
    )
    dataset = Dataset({raw.tag: raw for raw in found})
    at_pixels = head.tell()
    if not is_ordinary or data[at_pixels : at_pixels + 4] != struct.pack("<HH", 0x7FE0, 0x0010):
        return None
    file.seek(at_pixels)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    return dataset


def with_transfer_syntax(head: bytes, transfer_syntax: str) -> bytes:
    """Name another transfer syntax in the beginning of a file, which holds all of the File Meta."""
    elements, position = [], _META
    for element, value, position in _meta_elements(head):
        if element == _TRANSFER_SYNTAX:
            uid = transfer_syntax.encode() + b"\0" * (len(transfer_syntax) % 2)
            elements.append(b"\x02\x00\x10\x00UI" + len(uid).to_bytes(2, "little") + uid)
        elif element != 0:
            elements.append(head[value:position])
    meta = b"".join(elements)
    length_of_meta = b"\x02\x00\x00\x00UL\x04\x00" + len(meta).to_bytes(4, "little")
    return head[:_META] + length_of_meta + meta + head[position:]


def _meta_elements(head: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield each element of the File Meta Information: its number, where it begins and ends."""
    at = _META
    while head[at : at + 2] == b"\x02\x00":
        is_long = head[at + 4 : at + 6] in _LONG
        value = at + (12 if is_long else 8)
        end = value + int.from_bytes(head[value - (4 if is_long else 2) : value], "little")
        yield int.from_bytes(head[at + 2 : at + 4], "little"), at, end
        at = end


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


class Frames(NamedTuple):
    """The frames that a data set describes: how many, and of how many bytes together."""

    number: int
    size: int  # not compressed
    bits_allocated: int


def describe_frames(dataset: Dataset) -> Frames | None:
    """Read what a data set says of its pixels; None if it does not describe frames.

    NotServed says that an image cannot be as it is described.
    """
    raw: list[RawDataElement] = []
    for tag in _DESCRIBING:
        element = dataset.get_item(tag) if tag in dataset else None
        if isinstance(element, RawDataElement):
            raw.append(element._replace(value_tell=0))
        elif element is not None:
            return _read_frames(dataset)
    # The images of a series are described in the same bytes: thousands of times.
    return _describe_frames(*raw)


@functools.lru_cache(maxsize=1000)
def _describe_frames(*raw: RawDataElement) -> Frames | None:
    return _read_frames(Dataset({element.tag: element for element in raw}))


def _read_frames(dataset: Dataset) -> Frames | None:
    numbers = {keyword: _number(dataset, keyword) for keyword in _NUMBERS}
    # PixelRepresentation is that of integers: Float Pixel Data has no frames in DICOMweb.
    needed = ("Rows", "Columns", "BitsAllocated", "PixelRepresentation")
    if any(numbers[keyword] is None for keyword in needed):
        return None
    for keyword in ("SamplesPerPixel", "PhotometricInterpretation", "BitsStored"):
        if not dataset.get(keyword):
            raise NotServed(f"it describes an image, but has no {_name(keyword)}")
    rows, columns, allocated = (numbers[keyword] or 0 for keyword in needed[:3])
    frames = 1 if numbers["NumberOfFrames"] in (None, 0) else numbers["NumberOfFrames"] or 0
    possible = {
        "Rows": rows > 0,
        "Columns": columns > 0,
        "BitsAllocated": allocated in (1, 8, 16, 32, 64),
        "BitsStored": (numbers["BitsStored"] or 0) <= allocated,
        "NumberOfFrames": frames > 0,
    }
    for keyword, is_possible in possible.items():
        if not is_possible:
            raise NotServed(f"its {_name(keyword)} cannot be {dataset[keyword].value}")
    return Frames(frames, get_expected_length(dataset), allocated)


def _number(dataset: Dataset, keyword: str) -> int | None:
    """Return a number that describes pixels; None if it is absent or empty."""
    if keyword not in dataset:
        return None
    try:
        value = dataset[keyword].value
    except Exception:  # whatever pydicom raises of a value that is none
        value = dataset.get_item(keyword).value.decode("ascii", "replace").strip("\0 ")
    if isinstance(value, MultiValue):
        value = "\\".join(map(str, value))
    if value in (None, ""):
        return None
    if not isinstance(value, int):
        raise NotServed(f"its {_name(keyword)} cannot be {value!r}")
    return int(value)


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


def check_pixel_data(file: BinaryIO, syntax: TransferSyntax, frames: Frames) -> None:
    """Raise NotServed if the pixels, at which `file` stands, are not as many as are described."""
    header = file.read(8)
    if not syntax.is_implicit_VR:
        header = header[:4] + file.read(4)
    length = int.from_bytes(header[4:], "little" if syntax.is_little_endian else "big")
    if length == _UNDEFINED_LENGTH:
        _check_fragments(file, 1 if syntax in MPEGTransferSyntaxes else frames.number)
    elif file.tell() + length > os.fstat(file.fileno()).st_size:
        raise NotServed("its pixel data is cut short")
    elif length < frames.size:
        raise NotServed(f"its pixel data has {length} bytes, and its frames need {frames.size}")


def _check_fragments(file: BinaryIO, frames: int) -> None:
    fragments = -1  # The first item is the offset table.
    while (item := file.read(8))[:4] == _ITEM:
        file.seek(int.from_bytes(item[4:], "little"), os.SEEK_CUR)
        fragments += 1
    if item != _SEQUENCE_END:
        raise NotServed("its pixel data is cut short")
    if fragments < frames:
        raise NotServed(f"its pixel data has {fragments} fragments, too few for {frames} frames")


def _name(keyword: str) -> str:
    return dictionary_description(keyword)
