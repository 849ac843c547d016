"""An encoded frame to pixels."""

from pydicom import Dataset

from helpers.errors import FrameError, MediaTypeMismatch
from helpers.pixels.palettes import colours, has_palette
from helpers.pixels.samples import require_description, samples, stored_values
from helpers.pixels.signatures import RAW, RLE, content, encoding, jpeg_markers, size_of

# Decoders of imagecodecs, by how the name of an encoding begins.
DECODERS = {
    "JPEG-LS": "jpegls_decode",
    "JPEG 2000": "jpeg2k_decode",
    "JPEG": "jpeg8_decode",
    "PNG": "png_decode",
}
# Pictures for the eye: their numbers are shades of grey, and no longer the stored values.
SHADES = ("JPEG baseline", "JPEG progressive", "PNG")
# A frame that says it has more pixels is damaged, and decoding it may take all the memory there is.
MOST_PIXELS = 2**28
END_OF_IMAGE = b"\xff\xd9"


def frame(part_or_bytes, dataset=None):
    r"""Decode one frame to an array of pixels.

    Which encoding it is, the bytes say themselves; a wrong label does no harm.

    Parameters
    ----------
    part_or_bytes : Part, bytes or requests.Response
        One frame: a part of an answer of ``/frames``, or an answer of ``/rendered`` or WADO-URI.
        Raw samples, JPEG (baseline, extended, lossless), JPEG-LS, JPEG 2000, RLE or PNG.
    dataset : pydicom.Dataset, optional
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
        The frame is cut or damaged, its length is not what the data set says, or the data set,
        the palette or the decoder is missing.
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
        if name == RLE:
            data = _call(name, "dicomrle_decode", data, f"<u{dataset.BitsAllocated // 8}")
        pixels = samples(data, dataset, is_rle=name == RLE)
    else:
        pixels = _decode(name, data, dataset)
        if dataset is None or name.startswith(SHADES):
            return pixels
        pixels = stored_values(pixels, dataset)
    return colours(pixels, dataset) if pixels.ndim == 2 and has_palette(dataset) else pixels


def _mismatch(name, data):
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


def _decode(name, data, dataset):
    # libjpeg and OpenJPEG paint what is missing grey, and say nothing.
    has_end = name.startswith("JPEG") and "JP2" not in name
    # The byte that makes a length even need not be zero: Orthanc's JPEG-LS ends in any byte.
    is_whole = data.rstrip(b"\0").endswith(END_OF_IMAGE) or data[-3:-1] == END_OF_IMAGE
    if has_end and not is_whole:
        raise FrameError(
            "The frame is cut: its end is missing.",
            expected=f"{name}, ending in the marker FF D9",
            came=f"{len(data)} bytes, ending in {data[-2:].hex(' ').upper()}",
            hint="Ask for it again, and compare the part's Content-Length.",
        )
    width, height = size_of(data)
    if width * height > MOST_PIXELS:
        raise FrameError(
            "The frame cannot be decoded: it is damaged.",
            expected=f"{name}, with {MOST_PIXELS:,} pixels at most",
            came=f"{width} x {height} pixels",
            hint="Ask for it again, or for application/octet-stream.",
        )
    function = next(DECODERS[start] for start in DECODERS if name.startswith(start))
    return _call(name, function, data, **_colours_of(name, data, dataset))


def _colours_of(name, data, dataset):
    # JFIF and Adobe segments say how the colours are coded. A decoder that finds neither guesses
    # YCbCr: there the data set knows better.
    is_rgb = getattr(dataset, "PhotometricInterpretation", "") == "RGB"
    is_marked = {0xE0, 0xEE} & {marker.code for marker in jpeg_markers(data)}
    if name.startswith("JPEG baseline") and not is_marked and is_rgb:
        return {"colorspace": "RGB", "outcolorspace": "RGB"}
    return {}


def _call(name, function, *arguments, **options):
    """Call a decoder of imagecodecs, a library that is needed only here."""
    try:
        import imagecodecs
    except ImportError as error:
        raise FrameError(
            f"Decoding {name} takes the library imagecodecs, which is not installed.",
            hint="Run: pip install imagecodecs. Then restart the kernel. Or ask the server for "
            "application/octet-stream: raw samples need no decoder.",
        ) from error
    try:
        return getattr(imagecodecs, function)(*arguments, **options)
    except (RuntimeError, ValueError, MemoryError) as error:
        raise FrameError(
            "The frame cannot be decoded: it is damaged.",
            expected=name,
            came=str(error),
            hint="Ask for it again, or for application/octet-stream.",
        ) from error
