"""A whole DICOM file in another transfer syntax, frame by frame."""

import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from tempfile import SpooledTemporaryFile
from typing import BinaryIO

import pydicom
from pydicom import Dataset
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    RLELossless,
    UncompressedTransferSyntaxes,
)

from classroom.pacs.frames import LOSSY
from classroom.pacs.image_file import ImageFile, NotAvailable, open_image, refusing
from classroom.pacs.part10 import with_transfer_syntax
from classroom.pacs.room import ROOM, room_for
from helpers.dicom.quiet import quietly
from helpers.pixels.codecs import DECODABLE, LOSSY_JPEG, UNCOMPRESSED, unpack_rle
from helpers.pixels.encode import LOSSLESS, encode, refuse_bits
from helpers.pixels.stored import ImagePixel, read_image_pixel

# Encapsulated Pixel Data (PS3.5 A.4): of undefined length, one item a frame, then a delimiter.
_PIXEL_DATA, _FLOAT_PIXEL_DATA = 0x7FE00010, 0x7FE00008
_UNDEFINED_LENGTH = 0xFFFFFFFF
_ITEM = struct.pack("<HH", 0xFFFE, 0xE000)
_SEQUENCE_DELIMITER = struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
_IN_MEMORY = 16 << 20  # bytes of what is made that need no file
# They described the old encoding.
_STALE = ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")


def transcode(
    path: str | os.PathLike[str], transfer_syntax: str, known: ImageFile | None = None
) -> tuple[BinaryIO, int]:
    """Write an instance in another transfer syntax; return a file, to be closed, and its size.

    `known` is what the index has of it, which may be enough.

    No copy under the same SOP Instance UID may lose anything (PS3.3 C.7.6.1.1.5 wants a new UID for
    what was compressed with a loss), so what can be asked for is Explicit VR Little Endian, and the
    lossless ones.

    >>> file, size = transcode("data/archive/joe/CT001_0001.dcm", "1.2.840.10008.1.2.4.80")
    >>> with file:
    ...     print(pydicom.dcmread(file).file_meta.TransferSyntaxUID.name)
    JPEG-LS Lossless Image Compression
    """
    with refusing(), quietly():
        if known is not None and _header_stays(known, transfer_syntax):
            image = known
        else:
            image = open_image(path)
        if transfer_syntax == image.transfer_syntax:
            return open(path, "rb"), os.stat(path).st_size
        _refuse(image, transfer_syntax)
        is_decoded = image.has_pixel_data and not _is_copied(image, transfer_syntax)
        with ROOM.take(room_for(image.pixel) if is_decoded else 0):
            return _write(image, transfer_syntax)


def _write(image: ImageFile, transfer_syntax: str) -> tuple[BinaryIO, int]:
    file: BinaryIO = SpooledTemporaryFile(_IN_MEMORY)  # type: ignore[assignment]  # noqa: SIM115 - the caller closes it
    try:
        is_copied = _is_copied(image, transfer_syntax)
        target = image.pixel if image.has_pixel_data and not is_copied else None
        if _header_stays(image, transfer_syntax):
            # Twenty times as fast as to write each attribute anew.
            file.write(with_transfer_syntax(image.encoded_header, transfer_syntax))
        else:
            header = _header(image, transfer_syntax)
            target = read_image_pixel(header) if target else None
            pydicom.dcmwrite(file, header, enforce_file_format=True)
        if image.pixel_tag is not None and is_copied:
            _write_native(file, image.samples(), _vr(image), image.pixel_tag)
        elif target is not None:
            frames = _frames(image, target, transfer_syntax)
            if transfer_syntax in LOSSLESS:
                _write_encapsulated(file, frames, image.frame_count)
            else:
                _write_native(file, frames, _vr_of(target.bits_allocated))
        file.seek(0, os.SEEK_END)
        size = file.tell()
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file, size


def _refuse(image: ImageFile, wanted: str) -> None:
    """Raise NotAvailable if `wanted` cannot be made, and say what can."""
    as_stored = "Ask for transfer-syntax=*, the instance as stored."
    possible = [ExplicitVRLittleEndian]
    if image.has_pixel_data and image.transfer_syntax not in LOSSY:
        possible += LOSSLESS
    if wanted not in possible:
        raise NotAvailable(
            f"This instance is not sent in the transfer syntax {wanted}.",
            f"{as_stored} Or for {', '.join(possible)}.",
        )
    if not image.has_pixel_data or _is_copied(image, wanted):
        return
    if image.transfer_syntax not in DECODABLE:
        raise NotAvailable(f"The server cannot decode {image.transfer_syntax.name}.", as_stored)
    if image.pixel.bits % 8 and image.frame_count > 1:
        raise NotAvailable("Frames of single bits that share bytes stay as stored.", as_stored)
    if wanted in LOSSLESS:
        refuse_bits(wanted, image.pixel.bits_stored, image.pixel.samples)


def _header_stays(image: ImageFile, transfer_syntax: str) -> bool:
    """Tell whether all attributes before Pixel Data are true, and encoded as they will be."""
    stored = image.transfer_syntax
    if not image.has_pixel_data or stored in UNCOMPRESSED or stored in LOSSY:
        return False
    pixel = image.pixel
    return (
        pixel.samples == 1
        and (pixel.high_bit == pixel.bits_stored - 1 or _is_unpacked(image, transfer_syntax))
        and not (transfer_syntax in LOSSLESS and pixel.bits_stored <= 8)
        and not any(name in image.header for name in _STALE)
    )


def _header(image: ImageFile, transfer_syntax: str) -> Dataset:
    """Copy all attributes before Pixel Data, made true for the new encoding."""
    header = deepcopy(image.header)
    header.file_meta.TransferSyntaxUID = UID(transfer_syntax)
    for name in _STALE:
        if name in header:
            del header[name]
    if not image.has_pixel_data or _is_copied(image, transfer_syntax):
        return header
    pixel = image.pixel
    if image.transfer_syntax in LOSSY:
        header.LossyImageCompression = "01"
    if transfer_syntax in LOSSLESS and pixel.bits_stored <= 8:
        header.BitsAllocated = 8
    if pixel.high_bit != pixel.bits_stored - 1 and not _is_unpacked(image, transfer_syntax):
        header.HighBit = pixel.bits_stored - 1
    if pixel.samples == 3:
        header.PlanarConfiguration = 1 if transfer_syntax == RLELossless else 0
        header.PhotometricInterpretation = _photometric(image)
    return header


def _photometric(image: ImageFile) -> str:
    """Name the colours that `_frames` gives."""
    stored = image.pixel.photometric
    if image.transfer_syntax in LOSSY_JPEG or stored in ("YBR_ICT", "YBR_RCT"):
        return "RGB"
    return "YBR_FULL" if stored == "YBR_FULL_422" else stored


def _is_copied(image: ImageFile, transfer_syntax: str) -> bool:
    stored = image.transfer_syntax
    return stored in UncompressedTransferSyntaxes and transfer_syntax == ExplicitVRLittleEndian


def _is_unpacked(image: ImageFile, transfer_syntax: str) -> bool:
    """Tell whether cells of samples stay as they are: RLE only makes them shorter."""
    return image.transfer_syntax == RLELossless and transfer_syntax == ExplicitVRLittleEndian


def _vr(image: ImageFile) -> bytes:
    """Name the Value Representation of samples that are not compressed (PS3.5 section 8)."""
    if not image.has_pixel_data:
        return b"OF" if image.pixel_tag == _FLOAT_PIXEL_DATA else b"OD"
    return _vr_of(image.header.get("BitsAllocated") or 16)


def _vr_of(bits_allocated: int) -> bytes:
    return b"OW" if bits_allocated > 8 else b"OB"


def _frames(image: ImageFile, target: ImagePixel, transfer_syntax: str) -> Iterator[bytes]:
    """Yield each frame in the new transfer syntax."""
    for number in range(1, image.frame_count + 1):
        if _is_unpacked(image, transfer_syntax):
            yield unpack_rle(image.frame(number), image.pixel).tobytes()
            continue
        samples = image.decode(number, rgb=image.transfer_syntax in LOSSY_JPEG)
        yield encode(samples, target, transfer_syntax)


def _write_native(
    file: BinaryIO, samples: Iterable[bytes], vr: bytes, tag: int = _PIXEL_DATA
) -> None:
    file.write(_encoded(tag) + vr + bytes(2))
    length_at = file.tell()
    file.write(bytes(4))
    length = sum(file.write(data) for data in samples)
    if length % 2:
        length += file.write(b"\0")
    _fill_in(file, length_at, [length])


def _write_encapsulated(file: BinaryIO, frames: Iterable[bytes], count: int) -> None:
    file.write(_encoded(_PIXEL_DATA) + b"OB" + bytes(2) + struct.pack("<L", _UNDEFINED_LENGTH))
    # The Basic Offset Table comes first, and is known last.
    file.write(_ITEM + struct.pack("<L", 4 * count))
    table_at = file.tell()
    file.write(bytes(4 * count))
    first = file.tell()
    offsets = []
    for frame in frames:
        offsets.append(file.tell() - first)
        padding = b"\0" * (len(frame) % 2)
        file.write(_ITEM + struct.pack("<L", len(frame) + len(padding)) + frame + padding)
    file.write(_SEQUENCE_DELIMITER)
    _fill_in(file, table_at, offsets)


def _encoded(tag: int) -> bytes:
    return struct.pack("<HH", tag >> 16, tag & 0xFFFF)


def _fill_in(file: BinaryIO, position: int, numbers: Sequence[int]) -> None:
    """Write what had to be left open."""
    if max(numbers) >= _UNDEFINED_LENGTH:
        raise NotAvailable(
            "In this transfer syntax the instance would be larger than 4 GiB.",
            "Ask for transfer-syntax=*, the instance as stored.",
        )
    file.seek(position)
    file.write(struct.pack(f"<{len(numbers)}L", *numbers))
