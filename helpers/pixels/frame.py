"""An encoded frame to pixels."""

from typing import Protocol

import requests
from pydicom import Dataset

from helpers.errors import FrameError, MediaTypeMismatch
from helpers.pixels.codecs import decode
from helpers.pixels.lookup_tables import colours
from helpers.pixels.signatures import RAW, RLE, encoding
from helpers.pixels.stored import Pixels, read_image_pixel, require_description
from helpers.web.answer import body, check


class HasContent(Protocol):
    """A part of an answer, or whatever else holds bytes as one does."""

    @property
    def content(self) -> bytes:
        """The bytes."""


def frame(
    part_or_bytes: HasContent | bytes | requests.Response, dataset: Dataset | None = None
) -> Pixels:
    r"""Decode one frame to an array of pixels.

    Which encoding it is, the bytes say themselves; a wrong label does no harm.

    Parameters
    ----------
    part_or_bytes
        One frame: a part of an answer of ``/frames``, or an answer of ``/rendered`` or WADO-URI.
        Raw samples, JPEG (baseline, extended, lossless), JPEG-LS, JPEG 2000, RLE or PNG.
    dataset
        The attributes of the instance, for example ``datasets(response)[0]`` of its
        ``/metadata``. Raw samples and RLE cannot be read without Rows, Columns and Bits Allocated
        (PS3.3 C.7.6.3); negative values in JPEG and JPEG-LS need Pixel Representation, and the
        colours of PALETTE COLOR need the palette.

    Returns
    -------
    numpy.ndarray
        Shape (rows, columns), or (rows, columns, 3) for colour, which is RGB. uint8 or uint16;
        int16 where the data set says that values are signed. Grey ones are stored values: use
        ``pydicom.pixels.apply_modality_lut(pixels, dataset)`` to get Hounsfield units from CT.

    Raises
    ------
    FrameError
        The frame is cut or damaged, its length or size is not what the data set says, or the data
        set, the palette or the decoder is missing.
    MediaTypeMismatch
        It is no frame at all, but HTML, JSON, XML or a DICOM file.

    Examples
    --------
    >>> from pydicom import Dataset
    >>> dataset = Dataset()
    >>> dataset.Rows, dataset.Columns, dataset.BitsAllocated = 2, 3, 16
    >>> frame(b"\x01\x00\x02\x00\x03\x00\x04\x00\x05\x00\x06\x00", dataset)
    array([[1, 2, 3],
           [4, 5, 6]], dtype=uint16)
    """
    data = content(part_or_bytes)
    if dataset is not None and not isinstance(dataset, Dataset):
        raise FrameError(
            "The attributes of a frame are one data set.",
            expected="pydicom.Dataset",
            came=type(dataset).__name__,
            hint="datasets(response) is a list. Take one of it: datasets(response)[0].",
        )
    name = encoding(data)
    if name in ("HTML", "JSON", "XML", "DICOM file"):
        raise _mismatch(name, data)
    if name == "nothing":
        raise FrameError("The frame is empty.", came="0 bytes", hint="Ask for it again.")
    if name in (RAW, RLE):
        require_description(name, dataset)
    if dataset is None:
        return decode(data, name, None)
    pixel = read_image_pixel(dataset)
    pixels = decode(data, name, pixel)
    return colours(pixels, dataset) if pixel.has_palette and pixels.ndim == 2 else pixels


def content(part_or_bytes: HasContent | bytes | requests.Response) -> bytes:
    """Return the bytes of a part, of a single-part answer, or of bytes as they are."""
    if isinstance(part_or_bytes, bytes | bytearray | memoryview):
        return bytes(part_or_bytes)
    if isinstance(part_or_bytes, requests.Response):
        check(part_or_bytes)
        label = part_or_bytes.headers.get("Content-Type", "")
        if label.lower().startswith("multipart/"):
            raise FrameError(
                "This answer has parts, and each of them is a frame.",
                expected="one part, or an answer with one image",
                came=f"Content-Type: {label}",
                hint="Take the parts first: frame(parts(response)[0]).",
            )
        return body(part_or_bytes)
    try:
        return part_or_bytes.content
    except AttributeError:
        raise FrameError(
            "A frame is made of bytes.",
            expected="a part, bytes, or an answer of requests",
            came=type(part_or_bytes).__name__,
            hint="Take one of the parts: frame(parts(response)[0]).",
        ) from None


def _mismatch(name: str, data: bytes) -> MediaTypeMismatch:
    hints = {
        "DICOM file": "Read it with pydicom: pydicom.dcmread(part.file).pixel_array.",
        "JSON": "Read it: it may be an error, or the metadata. Frames are under /frames/1.",
        "XML": "Read it: it may be an error, or the metadata. Frames are under /frames/1.",
        "HTML": "Look at the URL: a web page comes from a proxy, or from another address.",
    }
    start = "" if name == "DICOM file" else ": " + data[:60].decode("utf-8", "replace").strip()
    return MediaTypeMismatch(
        "This is no frame.",
        expected="an image or raw samples",
        came=f"{name}{start}",
        hint=hints[name],
    )
