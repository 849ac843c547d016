"""A whole DICOM file in another transfer syntax, frame by frame."""

import os
import struct
from copy import deepcopy
from tempfile import TemporaryFile

import pydicom
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, RLELossless

from classroom.pacs.frame_types import LOSSY
from classroom.pacs.part10 import swap_words
from helpers.pixels.decode import DECODABLE, LOSSY_JPEG, UNCOMPRESSED, rgb, samples
from helpers.pixels.encode import LOSSLESS, encode, refuse_bits
from helpers.pixels.stored import NotAvailable, open_image

# Encapsulated Pixel Data (PS3.5 A.4): of undefined length, one item a frame, then a delimiter.
_PIXEL_DATA = struct.pack("<HH", 0x7FE0, 0x0010)
_UNDEFINED_LENGTH = 0xFFFFFFFF
_ITEM = struct.pack("<HH", 0xFFFE, 0xE000)
_SEQUENCE_DELIMITER = struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
# They described the old encoding.
_STALE = ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")


def transcode(path, transfer_syntax):
    """Write an instance in another transfer syntax.

    No copy under the same SOP Instance UID may lose anything (PS3.3 C.7.6.1.1.5 wants a new UID for
    what was compressed with a loss), so what can be asked for is Explicit VR Little Endian, and the
    lossless ones.

    Parameters
    ----------
    path : path-like
        A DICOM file.
    transfer_syntax : str
        UID.

    Returns
    -------
    file : binary file
        A Part 10 object in a temporary file, rewound. Close it (``with file:``): then it is gone.
    size : int
        Its length in bytes.

    Raises
    ------
    NotAvailable
        The instance cannot be had in this transfer syntax.

    Examples
    --------
    >>> file, size = transcode("data/archive/joe/CT001_0001.dcm", "1.2.840.10008.1.2.4.80")
    >>> with file:
    ...     print(pydicom.dcmread(file).file_meta.TransferSyntaxUID.name)
    JPEG-LS Lossless Image Compression
    """
    image = open_image(path)
    if transfer_syntax == image.transfer_syntax:
        return open(path, "rb"), os.stat(path).st_size
    _refuse(image, transfer_syntax)
    file = TemporaryFile()  # noqa: SIM115 - the caller closes it
    try:
        header = _header(image, transfer_syntax)
        pydicom.dcmwrite(file, header, enforce_file_format=True)
        if image.has_pixel_data:
            frames = _frames(image, header, transfer_syntax)
            if transfer_syntax in LOSSLESS:
                _write_encapsulated(file, frames, image.frame_count)
            else:
                _write_native(file, frames, header.BitsAllocated)
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file, size


def _refuse(image, wanted):
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
    if not image.has_pixel_data:
        if not image.header_is_whole:
            raise NotAvailable("Pixels that are floating-point numbers stay as stored.", as_stored)
        return
    if image.transfer_syntax not in DECODABLE:
        raise NotAvailable(f"The server cannot decode {image.transfer_syntax.name}.", as_stored)
    if image.frame_bits % 8 and image.frame_count > 1:
        raise NotAvailable("Frames of single bits that share bytes stay as stored.", as_stored)
    if wanted in LOSSLESS:
        refuse_bits(wanted, image.header.BitsStored, image.header.SamplesPerPixel)


def _header(image, transfer_syntax):
    """Copy all attributes before Pixel Data, made true for the new encoding."""
    header = deepcopy(image.header)
    header.file_meta.TransferSyntaxUID = transfer_syntax
    if image.transfer_syntax == ExplicitVRBigEndian:
        swap_words(header)
    for name in _STALE:
        if name in header:
            del header[name]
    if not image.has_pixel_data or _is_copied(image, transfer_syntax):
        return header
    if image.transfer_syntax in LOSSY:
        header.LossyImageCompression = "01"
    if transfer_syntax in LOSSLESS and header.BitsStored <= 8:
        header.BitsAllocated = 8
    if header.SamplesPerPixel == 3:
        header.PlanarConfiguration = 1 if transfer_syntax == RLELossless else 0
        header.PhotometricInterpretation = _photometric(image)
    return header


def _photometric(image):
    """Name the colours that `_frames` gives."""
    stored = image.header.PhotometricInterpretation
    if image.transfer_syntax in LOSSY_JPEG or stored in ("YBR_ICT", "YBR_RCT"):
        return "RGB"
    return "YBR_FULL" if stored == "YBR_FULL_422" else stored


def _is_copied(image, transfer_syntax):
    return image.transfer_syntax in UNCOMPRESSED and transfer_syntax == ExplicitVRLittleEndian


def _frames(image, header, transfer_syntax):
    """Yield each frame in the new transfer syntax."""
    for number in range(1, image.frame_count + 1):
        if _is_copied(image, transfer_syntax):
            yield image.frame(number)
        elif image.transfer_syntax in LOSSY_JPEG and header.SamplesPerPixel == 3:
            yield encode(rgb(image, number), header, transfer_syntax)
        else:
            yield encode(samples(image, number), header, transfer_syntax)


def _write_native(file, frames, bits_allocated):
    vr = b"OW" if bits_allocated > 8 else b"OB"
    file.write(_PIXEL_DATA + vr + bytes(2))
    length_at = file.tell()
    file.write(bytes(4))
    length = sum(file.write(frame) for frame in frames)
    if length % 2:
        length += file.write(b"\0")
    _fill_in(file, length_at, [length])


def _write_encapsulated(file, frames, count):
    file.write(_PIXEL_DATA + b"OB" + bytes(2) + struct.pack("<L", _UNDEFINED_LENGTH))
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


def _fill_in(file, position, numbers):
    """Write what had to be left open."""
    if max(numbers) >= _UNDEFINED_LENGTH:
        raise NotAvailable(
            "In this transfer syntax the instance would be larger than 4 GiB.",
            "Ask for transfer-syntax=*, the instance as stored.",
        )
    file.seek(position)
    file.write(struct.pack(f"<{len(numbers)}L", *numbers))
