"""Images as they are stored: where each frame is in its file.

An `ImageFile` knows a file's attributes and the position of its Pixel Data. It reads the frame
that is asked for, and no other.
"""

import functools
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import BinaryIO

import numpy
import pydicom
from pydicom import Dataset
from pydicom.encaps import generate_frames, get_frame
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    MPEGTransferSyntaxes,
)

from classroom.pacs.http.problems import Problem
from classroom.pacs.instance import SOPInstance
from classroom.pacs.part10 import TransferSyntax, put_right
from classroom.pacs.recent import Recent
from helpers.errors import FrameError
from helpers.pixels.codecs import DECODABLE, check_stored, decode_stored
from helpers.pixels.stored import (
    DESCRIBING,
    ImagePixel,
    Pixels,
    read_image_pixel,
    require_description,
)
from helpers.web.limits import BODY_BYTES, REMEMBERED_BYTES

_PIXEL_DATA = 0x7FE00010
# Bytes of a word of Pixel Data and its like; of integers, Bits Allocated may say more.
_PIXELS = {_PIXEL_DATA: 2, 0x7FE00008: 4, 0x7FE00009: 8}
_OFFSETS = "7FE00001"  # the Extended Offset Table
_ELEMENT = 12  # bytes before the value: tag, VR, two of nothing, and the length (PS3.5 7.1.2)
_CHUNK = 1 << 20


class NotAvailable(ValueError):
    """What was asked for cannot be made of what is stored: what is the matter, and what to do."""

    def __init__(self, detail: str, hint: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint


class NoSuchFrame(NotAvailable):
    """A frame number that the image does not have."""


@contextmanager
def refusing() -> Iterator[None]:
    """Turn whatever a stored file does wrong into NotAvailable: never an error of the server."""
    try:
        yield
    except NotAvailable:
        raise
    except FrameError as error:
        if not error.expected and not error.came and error.hint:  # it is the wish that cannot be
            raise NotAvailable(error.problem, error.hint) from error
        words = [] if "cannot be decoded" in error.problem else ["The frame cannot be decoded."]
        words += [error.problem]
        words += [f"Expected: {error.expected}."] if error.expected else []
        words += [f"Stored: {error.came.rstrip('.')}."] if error.came else []
        hint = "Ask for transfer-syntax=*, the frame as it is stored."
        raise NotAvailable(" ".join(words), hint) from error
    except (OSError, Problem):  # not of the file's making
        raise
    except Exception as error:
        raise NotAvailable(
            f"The stored image cannot be read ({str(error).rstrip('.') or type(error).__name__}).",
            "Ask for the instance as it is stored: transfer-syntax=*.",
        ) from error


class ImageFile:
    """An image in a DICOM file; make one with `open_image`.

    `header` is every attribute before Pixel Data, in little endian and with a true VR: shared
    between requests, so copy it before changing it. `pixel_tag` is that of Pixel Data, or of Float
    or Double Float Pixel Data; None if the file holds no more.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path
        with open(path, "rb") as file:
            self.header = pydicom.dcmread(file, stop_before_pixels=True)
            self.transfer_syntax: UID = TransferSyntax.of(self.header)
            if self.transfer_syntax == DeflatedExplicitVRLittleEndian:
                # The position in the file means nothing: what was read is the inflated copy.
                whole = pydicom.dcmread(path)
                self.pixel_tag = next((int(tag) for tag in _PIXELS if tag in whole), None)
                self.header_size = BODY_BYTES  # as large as it may be
            else:
                self.pixel_tag = self._stopped_at(file)
                self.header_size = file.tell()
            self.has_pixel_data = self.pixel_tag == _PIXEL_DATA
        put_right(self.header)
        self.frame_count = int(self.header.get("NumberOfFrames") or 1)

    @classmethod
    def of(cls, instance: SOPInstance) -> "ImageFile | None":
        """Return what the archive's index knows of an image, which spares reading its attributes.

        That is enough for frames in fragments whose places no attribute tells; else None.
        """
        syntax = TransferSyntax(instance.transfer_syntax)
        if not (instance.frames and syntax.is_encapsulated) or _OFFSETS in instance.attributes:
            return None
        image = cls.__new__(cls)
        image.path, image.transfer_syntax = instance.path, syntax
        image.header = pydicom.FileDataset("", Dataset())  # not read
        image.pixel_tag, image.has_pixel_data = _PIXEL_DATA, True
        image.frame_count = instance.frames
        image._position = instance.pixels_at + _ELEMENT
        image.pixel = read_image_pixel({name: instance.value(name) for name in DESCRIBING})
        return image

    def _stopped_at(self, file: BinaryIO) -> int | None:
        """Return the tag of the pixel data that pydicom found, and note where its value begins."""
        tag = file.read(4)
        if not tag:
            return None
        vr = None if self.transfer_syntax.is_implicit_VR else file.read(4)[:2]
        order = "<" if self.transfer_syntax.is_little_endian else ">"
        [self._length] = struct.unpack(f"{order}L", file.read(4))
        self._position = file.tell()
        self._in_words = vr == b"OW"
        group, element = struct.unpack(f"{order}HH", tag)
        return group << 16 | element

    @functools.cached_property
    def pixel(self) -> ImagePixel:
        """How the samples are described."""
        return require_description("an image", self.header)

    def require_pixel_data(self) -> None:
        """Raise NotAvailable if there is nothing to see."""
        if not self.has_pixel_data:
            raise NotAvailable(
                f"This instance (modality {self.header.get('Modality', 'unknown')}) is no image: "
                "it has no Pixel Data.",
                "Retrieve the instance itself, or its metadata.",
            )

    @property
    def encoded_header(self) -> bytes:
        """The file up to the element Pixel Data, which is encapsulated."""
        with open(self.path, "rb") as file:
            header = _read(file, 0, self._position - _ELEMENT)
            if file.read(4) != struct.pack("<HH", _PIXEL_DATA >> 16, _PIXEL_DATA & 0xFFFF):
                raise NotAvailable("The stored file has changed since the server read it.")
            return header

    def samples(self) -> Iterator[bytes]:
        """Yield the value of uncompressed Pixel Data, or Float Pixel Data, in little endian."""
        assert self.pixel_tag is not None
        if self.transfer_syntax == DeflatedExplicitVRLittleEndian:
            yield pydicom.dcmread(self.path)[self.pixel_tag].value
            return
        width = 1
        if not self.transfer_syntax.is_little_endian:
            width = _PIXELS[self.pixel_tag]
            if self.has_pixel_data:
                width = max(self.pixel.bits_allocated // 8, 2 if self._in_words else 1)
        with self._pixel_data() as file:
            for start in range(0, self._length, _CHUNK):
                data = _read(file, 0, min(_CHUNK, self._length - start))
                yield (
                    data if width == 1 else numpy.frombuffer(data, f"u{width}").byteswap().tobytes()
                )

    def check_frames(self) -> None:
        """Raise NotAvailable if a frame cannot be decoded, as far as its bytes tell of themselves.

        Samples that are not compressed, the archive has counted.
        """
        if not self.transfer_syntax.is_encapsulated or self.transfer_syntax not in DECODABLE:
            return
        with refusing(), self._pixel_data() as file:
            frames = generate_frames(
                file, number_of_frames=self.frame_count, extended_offsets=self._offsets()
            )
            for number, data in zip(range(1, self.frame_count + 1), frames, strict=False):
                try:
                    check_stored(data, self.transfer_syntax, self.pixel)
                except FrameError as error:
                    raise NotAvailable(
                        f"frame {number} is damaged, and sent only as it is"
                    ) from error

    def decode(self, number: int, rgb: bool) -> Pixels:
        """Decode frame `number` to stored values; see `codecs.decode`."""
        return decode_stored(self.frame(number), self.transfer_syntax, self.pixel, rgb)

    def frame(self, number: int) -> bytes:
        """Return frame `number`, from 1: compressed as stored, or samples in little endian."""
        self.require_pixel_data()
        if not 1 <= number <= self.frame_count:
            raise NoSuchFrame(
                f"There is no frame {number}.", f"This image has {self.frame_count}, from 1."
            )
        with self._pixel_data() as file:
            if self.transfer_syntax.is_encapsulated:
                return self._from_fragments(file, number)
            if self.transfer_syntax == ExplicitVRBigEndian:
                return self._from_big_endian(file, number)
            return self._from_samples(file, number)

    @contextmanager
    def _pixel_data(self) -> Iterator[BinaryIO]:
        """Open the file at the first byte of the value of Pixel Data."""
        if self.transfer_syntax == DeflatedExplicitVRLittleEndian:
            yield BytesIO(pydicom.dcmread(self.path).PixelData)
            return
        with open(self.path, "rb") as file:
            file.seek(self._position)
            yield file

    def _from_fragments(self, file: BinaryIO, number: int) -> bytes:
        if self.transfer_syntax in MPEGTransferSyntaxes:
            raise NotAvailable("A video has no separate frames.", "Retrieve the instance.")
        try:
            return get_frame(
                file,
                number - 1,
                number_of_frames=self.frame_count,
                extended_offsets=self._offsets(),
            )
        except (ValueError, EOFError) as error:
            raise NotAvailable(f"The stored file is broken at frame {number}: {error}") from error

    def _offsets(self) -> tuple[bytes, bytes] | None:
        if "ExtendedOffsetTable" not in self.header:
            return None
        return self.header.ExtendedOffsetTable, self.header.ExtendedOffsetTableLengths

    def _from_samples(self, file: BinaryIO, number: int) -> bytes:
        bits = self.pixel.bits
        start, bit = divmod((number - 1) * bits, 8)
        data = _read(file, start, -(-(bit + bits) // 8))
        if bits % 8 == 0:
            return data
        # Frames of single bits follow each other without a gap (PS3.5 section 8.1.1).
        unpacked = numpy.unpackbits(numpy.frombuffer(data, "u1"), bitorder="little")
        return numpy.packbits(unpacked[bit : bit + bits], bitorder="little").tobytes()

    def _from_big_endian(self, file: BinaryIO, number: int) -> bytes:
        """Swap the bytes of samples, or of the words that hold 8-bit samples (PS3.5 8.1.1)."""
        width = self.pixel.bits_allocated // 8
        if width < 2 and not self._in_words:
            return self._from_samples(file, number)
        if width == 0:
            raise NotAvailable("Single bits in big endian words cannot be read here.")
        length = self.pixel.bits // 8
        start = (number - 1) * length
        # A frame of 8-bit samples can begin in the middle of a word, and end in one.
        before = start % 2 if width == 1 else 0
        whole = before + length + (before + length) % 2
        words = numpy.frombuffer(_read(file, start - before, whole), f"u{max(width, 2)}")
        return words.byteswap().tobytes()[before : before + length]


def _read(file: BinaryIO, start: int, length: int) -> bytes:
    file.seek(start, os.SEEK_CUR)
    data = file.read(length)
    if len(data) < length:
        raise NotAvailable(
            f"The stored file is cut short: {length} bytes expected, {len(data)} there."
        )
    return data


_recent = Recent(ImageFile, lambda image: image.header_size, REMEMBERED_BYTES)


def open_image(path: str | os.PathLike[str]) -> ImageFile:
    """Read a file's attributes, or remember them if the file has not changed since.

    >>> image = open_image("data/archive/joe/CT001_0001.dcm")
    >>> image.pixel.shape, image.frame_count, len(image.frame(1))
    ((600, 512), 1, 614400)
    """
    status = os.stat(path)
    return _recent.get(os.fspath(path), (status.st_mtime_ns, status.st_size))
