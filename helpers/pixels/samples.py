"""Samples as they lie in a file, or as RLE unpacks them, to pixels (PS3.5 section 8)."""

import numpy
from pydicom.pixels import convert_color_space
from pydicom.pixels.utils import expand_ybr422

from helpers.errors import FrameError

# What describes raw samples, and RLE, which is raw samples made shorter.
NEEDED = ("Rows", "Columns", "BitsAllocated")


def samples(data, dataset, is_rle=False):
    r"""Lay out samples as the data set describes them.

    Parameters
    ----------
    data : bytes
        Little endian.
    dataset : pydicom.Dataset
        One that `require_description` found right.
    is_rle : bool
        Whether RLE held them: then colours come plane by plane (PS3.5 G.2), and all of them.

    Returns
    -------
    numpy.ndarray
        Stored values of the shape (rows, columns), or RGB of the shape (rows, columns, 3).

    Raises
    ------
    FrameError
        The length is not what the data set says.

    Examples
    --------
    >>> from pydicom import Dataset
    >>> dataset = Dataset()
    >>> dataset.Rows, dataset.Columns, dataset.BitsAllocated = 1, 2, 16
    >>> samples(b"\x01\x00\x02\x00", dataset)
    array([[1, 2]], dtype=uint16)
    """
    photometric = dataset.get("PhotometricInterpretation") or ""
    by_plane = is_rle or dataset.get("PlanarConfiguration", 0) == 1
    if photometric == "YBR_FULL_422" and not is_rle:
        if len(data) >= _size(dataset):
            # A server that decoded a JPEG itself, to RGB, and left the metadata as they were.
            photometric = "RGB"
        else:
            _check_length(data, _size(dataset) * 2 // 3, dataset)
            data = expand_ybr422(data[: _size(dataset) * 2 // 3], dataset.BitsAllocated)
    _check_length(data, _size(dataset), dataset)
    pixels = stored_values(_laid_out(data, dataset, by_plane), dataset)
    if photometric.startswith("YBR_FULL"):
        return convert_color_space(pixels, "YBR_FULL", "RGB")
    return pixels


def require_description(name, dataset):
    """Explain a data set that does not say how samples lie.

    Parameters
    ----------
    name : str
        Of the encoding.
    dataset : pydicom.Dataset or None

    Raises
    ------
    FrameError
    """
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


def stored_values(pixels, dataset):
    """Take away what lies above Bits Stored, and give negative values their sign.

    Parameters
    ----------
    pixels : numpy.ndarray
        Unsigned.
    dataset : pydicom.Dataset

    Returns
    -------
    numpy.ndarray
        Of the same shape and size; signed if Pixel Representation says so.

    Examples
    --------
    >>> from pydicom import Dataset
    >>> dataset = Dataset()
    >>> dataset.BitsAllocated, dataset.BitsStored, dataset.PixelRepresentation = 16, 12, 1
    >>> stored_values(numpy.array([1, 0x0FFF, 0xF001], "u2"), dataset)
    array([ 1, -1,  1], dtype=int16)
    """
    stored = dataset.get("BitsStored")
    is_signed = dataset.get("PixelRepresentation", 0) == 1
    unused = pixels.itemsize * 8 - stored if stored else 0
    kind = f"{'i' if is_signed else 'u'}{pixels.itemsize}"
    if unused <= 0 or dataset.get("BitsAllocated") == 1:
        return pixels.astype(kind)
    return (pixels << unused).astype(kind) >> unused
