"""Images as they are stored: where each frame is in its file.

A `StoredImage` knows a file's attributes and the position of its Pixel Data. It reads the frame
that is asked for, and no other.
"""

import functools
import os
import struct
from contextlib import contextmanager
from io import BytesIO

import numpy
import pydicom
from pydicom.encaps import get_frame
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, MPEGTransferSyntaxes

_PIXEL_DATA = (0x7FE0, 0x0010)


class NotAvailable(ValueError):
    """What was asked for cannot be made of what is stored.

    Attributes
    ----------
    detail : str
        What is the matter, in one sentence.
    hint : str
        What to ask for instead.
    """

    def __init__(self, detail, hint=""):
        super().__init__(detail)
        self.detail = detail
        self.hint = hint


class NoSuchFrame(NotAvailable):
    """A frame number that the image does not have."""


class StoredImage:
    """An image in a DICOM file. Make one with `open_image`.

    Attributes
    ----------
    path : path-like
        The file.
    header : pydicom.Dataset
        Every attribute before Pixel Data. Shared between requests: copy it before changing it.
    transfer_syntax : pydicom.uid.UID
        How the file is encoded.
    has_pixel_data : bool
        False for a document, a report, a presentation state.
    header_is_whole : bool
        True if `header` is all that the file holds. Where it is not, and there is no Pixel Data,
        there are Float or Double Float Pixel Data.
    frame_count : int
        Number of Frames; 1 where the file does not say.
    """

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            self.header = pydicom.dcmread(file, stop_before_pixels=True)
            self.transfer_syntax = self.header.file_meta.TransferSyntaxUID
            if self.transfer_syntax == DeflatedExplicitVRLittleEndian:
                # The position in the file means nothing: what was read is the inflated copy.
                whole = pydicom.dcmread(path)
                self.has_pixel_data = "PixelData" in whole
                self.header_is_whole = len(whole) == len(self.header)
            else:
                tag = self._stopped_at(file)
                self.has_pixel_data = tag == _PIXEL_DATA
                self.header_is_whole = tag is None
        self.frame_count = int(self.header.get("NumberOfFrames") or 1)

    def _stopped_at(self, file):
        """Return the tag of the pixel data that pydicom found, and note where its value begins."""
        tag = file.read(4)
        if not tag:
            return None
        vr = None if self.transfer_syntax.is_implicit_VR else file.read(4)[:2]
        file.read(4)  # the length
        self._position = file.tell()
        self._in_words = vr == b"OW"
        order = "<HH" if self.transfer_syntax.is_little_endian else ">HH"
        return struct.unpack(order, tag)

    @property
    def shape(self):
        """Rows and columns; and the samples of a pixel, if more than one."""
        plane = (self.header.Rows, self.header.Columns)
        samples = self.header.SamplesPerPixel
        return plane if samples == 1 else (*plane, samples)

    @property
    def frame_bits(self):
        """Bits of one frame when it is not compressed."""
        samples = self.header.Rows * self.header.Columns * self.header.SamplesPerPixel
        if self.header.PhotometricInterpretation == "YBR_FULL_422":
            # Two pixels share their colour: Y1 Y2 Cb Cr (PS3.3 C.7.6.3.1.2).
            samples = samples // 3 * 2
        return samples * self.header.BitsAllocated

    def require_pixel_data(self):
        """Raise NotAvailable if there is nothing to see."""
        if not self.has_pixel_data:
            raise NotAvailable(
                f"This instance (modality {self.header.get('Modality', 'unknown')}) is no image: "
                "it has no Pixel Data.",
                "Retrieve the instance itself, or its metadata.",
            )

    def frame(self, number):
        """Frame `number`, counted from 1, as it is stored.

        Returns
        -------
        bytes
            The compressed frame; or the samples, in little endian whatever the file is.

        Raises
        ------
        NotAvailable
            No Pixel Data, a video, or a file that ends too early.
        NoSuchFrame
            No frame has that number.
        """
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
    def _pixel_data(self):
        """Open the file at the first byte of the value of Pixel Data."""
        if self.transfer_syntax == DeflatedExplicitVRLittleEndian:
            yield BytesIO(pydicom.dcmread(self.path).PixelData)
            return
        with open(self.path, "rb") as file:
            file.seek(self._position)
            yield file

    def _from_fragments(self, file, number):
        if self.transfer_syntax in MPEGTransferSyntaxes:
            raise NotAvailable("A video has no separate frames.", "Retrieve the instance.")
        offsets = None
        if "ExtendedOffsetTable" in self.header:
            offsets = (self.header.ExtendedOffsetTable, self.header.ExtendedOffsetTableLengths)
        try:
            return get_frame(
                file, number - 1, number_of_frames=self.frame_count, extended_offsets=offsets
            )
        except (ValueError, EOFError) as error:
            raise NotAvailable(f"The stored file is broken at frame {number}: {error}") from error

    def _from_samples(self, file, number):
        start, bit = divmod((number - 1) * self.frame_bits, 8)
        data = _read(file, start, -(-(bit + self.frame_bits) // 8))
        if self.frame_bits % 8 == 0:
            return data
        # Frames of single bits follow each other without a gap (PS3.5 8.1.1).
        bits = numpy.unpackbits(numpy.frombuffer(data, "u1"), bitorder="little")
        return numpy.packbits(bits[bit : bit + self.frame_bits], bitorder="little").tobytes()

    def _from_big_endian(self, file, number):
        """Swap the bytes of samples, or of the words that hold 8-bit samples (PS3.5 8.1.1)."""
        width = self.header.BitsAllocated // 8
        if width < 2 and not self._in_words:
            return self._from_samples(file, number)
        if width == 0:
            raise NotAvailable("Single bits in big endian words cannot be read here.")
        length = self.frame_bits // 8
        start = (number - 1) * length
        # A frame of 8-bit samples can begin in the middle of a word, and end in one.
        before = start % 2 if width == 1 else 0
        whole = before + length + (before + length) % 2
        words = numpy.frombuffer(_read(file, start - before, whole), f"u{max(width, 2)}")
        return words.byteswap().tobytes()[before : before + length]


def _read(file, start, length):
    file.seek(start, os.SEEK_CUR)
    data = file.read(length)
    if len(data) < length:
        raise NotAvailable(
            f"The stored file is cut short: {length} bytes expected, {len(data)} there."
        )
    return data


@functools.lru_cache(maxsize=256)
def _open(path, changed, size):
    return StoredImage(path)


def open_image(path):
    """Read a file's attributes, or remember them if the file has not changed since.

    Parameters
    ----------
    path : path-like
        A DICOM file.

    Returns
    -------
    StoredImage

    Examples
    --------
    >>> image = open_image("data/archive/joe/CT001_0001.dcm")
    >>> image.shape, image.frame_count, len(image.frame(1))
    ((600, 512), 1, 614400)
    """
    status = os.stat(path)
    return _open(path, status.st_mtime_ns, status.st_size)
