"""Encoded frames to samples, and the guard that stands before every decoder.

The decoders are C. What they are given is checked here first, and nowhere else: where the parts
of a frame are, how large it says it is, and whether its end is there.
"""

import struct
from typing import Any

import numpy
from pydicom.uid import (
    UID,
    JPEG2000TransferSyntaxes,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSTransferSyntaxes,
    RLELossless,
    UncompressedTransferSyntaxes,
)

from helpers.errors import FrameError
from helpers.pixels.signatures import (
    RAW,
    RLE,
    START_OF_SCAN,
    Declared,
    declared,
    encoding,
    is_rle,
    jpeg_colours,
    jpeg_markers,
)
from helpers.pixels.stored import (
    ImagePixel,
    Pixels,
    by_pixel,
    stored_values,
    unpack,
    ybr_to_rgb,
)
from helpers.web.limits import PIXEL_BYTES

MOST_TILES = 4096  # of JPEG 2000; a decoder keeps some kilobytes for each

# Samples and nothing else, bare or wrapped in fragments.
ENCAPSULATED_UNCOMPRESSED = UID("1.2.840.10008.1.2.1.98")
UNCOMPRESSED = {*UncompressedTransferSyntaxes, ENCAPSULATED_UNCOMPRESSED}
LOSSY_JPEG = {JPEGBaseline8Bit, JPEGExtended12Bit}
DECODABLE = {
    *UNCOMPRESSED,
    *LOSSY_JPEG,
    JPEGLossless,
    JPEGLosslessSV1,
    *JPEGLSTransferSyntaxes,
    *JPEG2000TransferSyntaxes,
    RLELossless,
}
# Decoders of imagecodecs, by how the name of an encoding begins.
DECODERS = {
    "JPEG-LS": "jpegls_decode",
    "JPEG 2000": "jpeg2k_decode",
    "JPEG": "jpeg8_decode",
    "PNG": "png_decode",
}
# The JPEGs of photographs, whose colours a decoder can convert.
PHOTOGRAPHIC = ("JPEG baseline", "JPEG extended", "JPEG progressive")
# Pictures for the eye, of any size; their numbers are shades, if they have less bits than stored.
PICTURES = ("JPEG baseline", "JPEG progressive", "PNG")
END_OF_IMAGE = b"\xff\xd9"
START_OF_DATA = b"\xff\x93"  # of a tile-part of JPEG 2000


def check_stored(data: bytes, transfer_syntax: UID, pixel: ImagePixel) -> str:
    """Raise FrameError if a frame of a file is not what the file says; return what it is.

    All that can be seen without decoding it.
    """
    if transfer_syntax in UNCOMPRESSED:
        return RAW
    if transfer_syntax == RLELossless:
        _check_segments(data, pixel)
        return RLE
    name = encoding(data)
    if not name.startswith("JPEG"):
        raise _damaged(transfer_syntax.name, f"{name}, {len(data)} bytes")
    _check_codestream(data, name, pixel)
    return name


def decode_stored(data: bytes, transfer_syntax: UID, pixel: ImagePixel, rgb: bool = True) -> Pixels:
    """Decode a frame of a file, whose transfer syntax says what the bytes are."""
    name = check_stored(data, transfer_syntax, pixel)
    if name in (RAW, RLE):
        return _decode_cells(data, name, pixel, rgb)
    samples = _decode_codestream(data, name, pixel, pixel, rgb)
    if samples.shape != pixel.shape or samples.itemsize * 8 > max(pixel.bits_allocated, 8):
        came = f"{samples.itemsize * 8} bits, shape {samples.shape}"
        raise _damaged(f"{name}, {pixel.bits_allocated} bits, shape {pixel.shape}", came)
    return _settle(samples, name, pixel, rgb)


def decode(data: bytes, name: str, pixel: ImagePixel | None, rgb: bool = True) -> Pixels:
    """Decode a frame to stored values: (rows, columns), or (rows, columns, 3) for colour.

    Colour is RGB, or with `rgb=False` what Photometric Interpretation says; YBR_FULL_422 is spread
    to YBR_FULL then, and YBR_ICT and YBR_RCT, which exist only inside JPEG 2000, are RGB.
    """
    if name in (RAW, RLE):
        assert pixel is not None
        return _decode_cells(data, name, pixel, rgb)
    # A picture that a server drew may have another size than the frame that it shows.
    same_size = None if name.startswith(PICTURES) else pixel
    samples = _decode_codestream(data, name, pixel, same_size, rgb)
    if pixel is None or (samples.ndim == 3 and pixel.has_palette):
        return samples
    if name.startswith(PICTURES) and samples.itemsize * 8 < pixel.bits_stored:
        return samples  # shades
    return _settle(samples, name, pixel, rgb)


def unpack_rle(data: bytes, pixel: ImagePixel) -> Pixels:
    """Undo RLE and no more: the cells of raw samples, with what is beside the stored bits."""
    _check_size(Declared(pixel.columns, pixel.rows, pixel.samples, pixel.bits_allocated), RLE)
    return _decode_rle(data, pixel)[0]


def _decode_cells(data: bytes, name: str, pixel: ImagePixel, rgb: bool) -> Pixels:
    """Read raw samples, or undo RLE, which holds the same."""
    _check_size(Declared(pixel.columns, pixel.rows, pixel.samples, pixel.bits_allocated), name)
    samples, pixel = (_decode_rle if name == RLE else unpack)(data, pixel)
    values = stored_values(samples, pixel, in_cells=True)
    return ybr_to_rgb(values, pixel.bits_stored) if rgb and pixel.is_ybr else values


def _settle(samples: Pixels, name: str, pixel: ImagePixel, rgb: bool) -> Pixels:
    """Turn what a decoder gave into stored values, as wide as Bits Allocated says."""
    width = max(pixel.bits_allocated // 8, samples.itemsize)
    values = stored_values(samples.astype(f"u{width}", copy=False), pixel)
    is_converted = name.startswith((*PHOTOGRAPHIC, "PNG"))
    if rgb and pixel.is_ybr and values.ndim == 3 and not is_converted:
        return ybr_to_rgb(values, pixel.bits_stored)
    return values


def _decode_codestream(
    data: bytes, name: str, pixel: ImagePixel | None, same_size: ImagePixel | None, rgb: bool
) -> Pixels:
    found = _check_codestream(data, name, same_size)
    options = {}
    if name.startswith("JPEG ") and not name.startswith("JPEG 2000") and found.samples == 3:
        options = _colours(data, name, pixel, rgb)
    function = next(DECODERS[start] for start in DECODERS if name.startswith(start))
    return _call(name, function, data, **options)


def _colours(data: bytes, name: str, pixel: ImagePixel | None, rgb: bool) -> dict[str, str]:
    """Return how a JPEG decoder shall treat colours: one rule for all that is decoded."""
    if not name.startswith(PHOTOGRAPHIC):
        # Lossless frames are never converted: the data set alone says what the colours are.
        return {"colorspace": "RGB", "outcolorspace": "RGB"}
    # The frame is right more often than the data set; but a decoder that finds no mark guesses
    # YCbCr, and there the data set knows better.
    is_rgb = pixel is not None and pixel.photometric == "RGB"
    is_ybr = pixel is not None and pixel.is_ybr
    coded = jpeg_colours(data) or ("RGB" if is_rgb else "YCBCR")
    return {"colorspace": coded, "outcolorspace": "YCBCR" if is_ybr and not rgb else "RGB"}


def _decode_rle(data: bytes, pixel: ImagePixel) -> tuple[Pixels, ImagePixel]:
    """Undo RLE: a segment for each byte of a sample, colours by plane (PS3.5 G.2)."""
    _check_segments(data, pixel)
    width = pixel.bits_allocated // 8
    # Room for the pixels, and no more: a decoder without it makes 64 bytes of each two.
    planes = numpy.zeros(pixel.sample_count, f"<u{width}")
    _call(RLE, "dicomrle_decode", data, planes.dtype.str, out=planes.view("u1"))
    return by_pixel(planes, pixel), pixel


def _check_segments(data: bytes, pixel: ImagePixel) -> None:
    """Refuse an RLE frame whose header names other segments than its image needs (PS3.5 G.5)."""
    segments = pixel.samples * (pixel.bits_allocated // 8)
    [count] = struct.unpack_from("<L", data) if len(data) >= 64 else [0]
    if not segments or count != segments or not is_rle(data):
        raise _damaged(
            f"{RLE}, with {segments} segments inside the frame",
            f"{count} segments in {len(data)} bytes",
        )


def _check_codestream(data: bytes, name: str, pixel: ImagePixel | None) -> Declared:
    """Refuse what is cut, what is larger than the limit, and what the data set contradicts."""
    _check_end(data, name)
    found = declared(data)
    if found is None:
        raise _damaged(name, "a frame that does not say how large it is")
    _check_size(found, name)
    if pixel is None or not pixel.rows or not pixel.columns:
        return found
    is_looked_up = pixel.has_palette and found.samples == 3
    samples = found.samples if is_looked_up else pixel.samples
    if (found.height, found.width, found.samples) != (pixel.rows, pixel.columns, samples):
        raise _damaged(
            f"{name}, {pixel.columns} x {pixel.rows} pixels of {pixel.samples} samples",
            f"{found.width} x {found.height} pixels of {found.samples} samples",
        )
    return found


def _check_end(data: bytes, name: str) -> None:
    """Refuse a frame without its end: libjpeg and OpenJPEG paint what is missing grey."""
    if not name.startswith("JPEG"):
        return  # PNG has sums of its own
    if name.startswith("JPEG 2000"):
        start = data.find(START_OF_DATA)
    else:
        scans = [mark.offset for mark in jpeg_markers(data) if mark.code == START_OF_SCAN]
        start = scans[0] if scans else -1
    # Among compressed samples these two bytes cannot be but the end (T.81 B.1.1.5, T.800 B.10.1),
    # and what follows is no part of the image: stray bytes, or one that makes the length even.
    if start >= 0 and data.find(END_OF_IMAGE, start) > start:
        return
    raise FrameError(
        "The frame is cut: its end is missing.",
        expected=f"{name}, ending in the marker FF D9",
        came=f"{len(data)} bytes, ending in {data[-2:].hex(' ').upper()}",
        hint="Ask for it again, and compare the part's Content-Length.",
    )


def _check_size(found: Declared, name: str) -> None:
    if found.width <= 0 or found.height <= 0 or found.samples <= 0:
        raise _damaged(name, f"{found.width} x {found.height} pixels of {found.samples} samples")
    if found.size > PIXEL_BYTES or found.tiles > MOST_TILES:
        tiles = f" in {found.tiles:,} tiles" if found.tiles > 1 else ""
        raise _damaged(
            f"{name}, with {PIXEL_BYTES:,} bytes of pixels at most",
            f"{found.width} x {found.height} pixels of {found.samples} samples{tiles}",
        )


def _damaged(expected: str, came: str) -> FrameError:
    return FrameError(
        "The frame cannot be decoded: it is damaged.",
        expected=expected,
        came=came,
        hint="Ask for it again, or for application/octet-stream.",
    )


def _call(name: str, function: str, *arguments: Any, **options: Any) -> Pixels:
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
        decoded: Pixels = getattr(imagecodecs, function)(*arguments, **options)
        return decoded
    except (RuntimeError, ValueError, MemoryError) as error:
        raise _damaged(name, str(error)) from error
