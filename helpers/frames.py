"""An encoded frame to pixels."""

import numpy
from pydicom import Dataset
from pydicom.pixels import convert_color_space
from pydicom.pixels.utils import expand_ybr422

from .encodings import RAW, RLE, content, encoding, jpeg_markers, size_of
from .errors import FrameError, MediaTypeMismatch
from .palettes import colours, has_palette

# What describes raw samples, and RLE, which is raw samples made shorter.
NEEDED = ("Rows", "Columns", "BitsAllocated")
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
        pixels = _samples(name, data, dataset)
    else:
        pixels = _decode(name, data, dataset)
        if dataset is None or name.startswith(SHADES):
            return pixels
        pixels = _stored_values(pixels, dataset)
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


def _samples(name, data, dataset):
    """Read raw samples or RLE as the data set describes them."""
    _require_description(name, dataset)
    photometric = dataset.get("PhotometricInterpretation") or ""
    by_plane = dataset.get("PlanarConfiguration", 0) == 1
    if name == RLE:
        data = _call(name, "dicomrle_decode", data, f"<u{dataset.BitsAllocated // 8}")
        by_plane = True  # always, in RLE (PS3.5 G.2)
    elif photometric == "YBR_FULL_422":
        if len(data) >= _size(dataset):
            # A server that decoded a JPEG itself, to RGB, and left the metadata as they were.
            photometric = "RGB"
        else:
            _check_length(data, _size(dataset) * 2 // 3, dataset)
            data = expand_ybr422(data[: _size(dataset) * 2 // 3], dataset.BitsAllocated)
    _check_length(data, _size(dataset), dataset)
    pixels = _stored_values(_laid_out(data, dataset, by_plane), dataset)
    if photometric.startswith("YBR_FULL"):
        return convert_color_space(pixels, "YBR_FULL", "RGB")
    return pixels


def _require_description(name, dataset):
    absent = [keyword for keyword in NEEDED if getattr(dataset, keyword, None) is None]
    if absent:
        raise FrameError(
            f"This is {name}: bytes that do not say how wide and how deep the image is.",
            expected=f"a data set with {', '.join(NEEDED)}",
            came="none" if dataset is None else f"one without {', '.join(absent)}",
            hint="Get the instance's /metadata, and call frame(part, datasets(response)[0]).",
        )
    if dataset.BitsAllocated not in (1, 8, 16, 32, 64):
        raise FrameError(
            "The data set gives its samples a size that none can have.",
            expected="BitsAllocated of 1, 8, 16, 32 or 64",
            came=str(dataset.BitsAllocated),
            hint="Get the instance's /metadata once more: is it that of this frame?",
        )


def _size(dataset):
    """Bytes of one frame of samples."""
    samples = dataset.Rows * dataset.Columns * _samples_a_pixel(dataset)
    return -(-samples * dataset.BitsAllocated // 8)


def _samples_a_pixel(dataset):
    # It may be there and empty.
    return dataset.get("SamplesPerPixel") or 1


def _check_length(data, size, dataset):
    # A frame of an odd length may carry a byte that makes it even.
    if len(data) in (size, size + size % 2):
        return
    rows, columns, samples = dataset.Rows, dataset.Columns, _samples_a_pixel(dataset)
    bits = dataset.BitsAllocated
    raise FrameError(
        "The frame is too short: it is cut." if len(data) < size else "The frame is too long.",
        expected=f"{rows} rows x {columns} columns x {samples} samples x {bits} bits "
        f"= {size} bytes",
        came=f"{len(data)} bytes",
        hint="Is the data set that of this instance? Then ask for the frame again.",
    )


def _laid_out(data, dataset, by_plane):
    """Give samples their shape: (rows, columns) or (rows, columns, samples)."""
    rows, columns, samples = dataset.Rows, dataset.Columns, _samples_a_pixel(dataset)
    count = rows * columns * samples
    if dataset.BitsAllocated == 1:
        bits = numpy.frombuffer(data, "u1")
        pixels = numpy.unpackbits(bits, count=count, bitorder="little")
    else:
        pixels = numpy.frombuffer(data, f"<u{dataset.BitsAllocated // 8}", count)
    if samples == 1:
        return pixels.reshape(rows, columns)
    if by_plane:
        return pixels.reshape(samples, rows, columns).transpose(1, 2, 0)
    return pixels.reshape(rows, columns, samples)


def _stored_values(pixels, dataset):
    """Take away what lies above Bits Stored, and give negative values their sign."""
    stored = dataset.get("BitsStored")
    is_signed = dataset.get("PixelRepresentation", 0) == 1
    unused = pixels.itemsize * 8 - stored if stored else 0
    kind = f"{'i' if is_signed else 'u'}{pixels.itemsize}"
    if unused <= 0 or dataset.get("BitsAllocated") == 1:
        return pixels.astype(kind)
    return (pixels << unused).astype(kind) >> unused
