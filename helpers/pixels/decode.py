"""Stored frames to samples: the numbers that an image's header describes."""

import imagecodecs
import numpy
from pydicom.pixels import convert_color_space
from pydicom.pixels.utils import expand_ybr422
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

from helpers.pixels.stored import NotAvailable

LOSSY_JPEG = {JPEGBaseline8Bit, JPEGExtended12Bit}
# Samples and nothing else, bare or wrapped in fragments.
ENCAPSULATED_UNCOMPRESSED = UID("1.2.840.10008.1.2.1.98")
UNCOMPRESSED = {*UncompressedTransferSyntaxes, ENCAPSULATED_UNCOMPRESSED}
DECODABLE = {
    *UNCOMPRESSED,
    *LOSSY_JPEG,
    JPEGLossless,
    JPEGLosslessSV1,
    *JPEGLSTransferSyntaxes,
    *JPEG2000TransferSyntaxes,
    RLELossless,
}


def samples(image, number):
    """Decode frame `number` of a StoredImage to its stored values.

    Returns
    -------
    numpy.ndarray
        Shape (rows, columns) or (rows, columns, samples per pixel). Integers of Bits Allocated,
        signed if Pixel Representation says so, without what lies above Bits Stored. Colours are
        as Photometric Interpretation names them, but YBR_FULL_422 is spread to YBR_FULL, and
        YBR_ICT and YBR_RCT, which exist only inside JPEG 2000, are RGB.

    Raises
    ------
    NotAvailable
        There is no such frame, or it cannot be decoded.

    Examples
    --------
    >>> from helpers.pixels.stored import open_image
    >>> pixels = samples(open_image("data/archive/joe/CT001_0001.dcm"), 1)
    >>> pixels.shape, pixels.dtype
    ((600, 512), dtype('uint16'))
    """
    photometric = image.header.PhotometricInterpretation
    colours = "YCBCR" if photometric.startswith("YBR_FULL") else "RGB"
    return _stored_values(_decode(image, number, colours), image.header)


def rgb(image, number):
    """Decode frame `number` of a colour image to RGB, shape (rows, columns, 3)."""
    if image.transfer_syntax in LOSSY_JPEG:
        return _decode(image, number, "RGB")
    pixels = samples(image, number)
    if image.header.PhotometricInterpretation.startswith("YBR_FULL"):
        return convert_color_space(pixels, "YBR_FULL", "RGB")
    return pixels


def _decode(image, number, colours):
    """Undo the compression; `colours` is what a lossy colour JPEG becomes."""
    frame = image.frame(number)
    syntax = image.transfer_syntax
    try:
        if syntax in UNCOMPRESSED:
            pixels = _unpack(frame, image)
        elif syntax == RLELossless:
            dtype = f"<u{image.header.BitsAllocated // 8}"
            planes = numpy.frombuffer(imagecodecs.dicomrle_decode(frame, dtype), dtype)
            pixels = _by_pixel(planes, image.shape)  # RLE is always by plane (PS3.5 G.2)
        elif syntax in LOSSY_JPEG:
            pixels = _decode_lossy_jpeg(frame, image, colours)
        elif syntax in (JPEGLossless, JPEGLosslessSV1):
            # Lossless frames are never converted: the header alone says what the colours are.
            same = "RGB" if len(image.shape) == 3 else None
            pixels = imagecodecs.jpeg8_decode(frame, colorspace=same, outcolorspace=same)
        elif syntax in JPEGLSTransferSyntaxes:
            pixels = imagecodecs.jpegls_decode(frame)
        elif syntax in JPEG2000TransferSyntaxes:
            pixels = imagecodecs.jpeg2k_decode(frame)
        else:
            raise NotAvailable(f"The server has no decoder for {syntax.name}.")
        return pixels.reshape(image.shape)
    except NotAvailable as error:
        error.hint = error.hint or "Ask for transfer-syntax=*, the frame as it is stored."
        raise
    except (RuntimeError, ValueError) as error:
        raise NotAvailable(
            f"The stored frame ({syntax.name}) cannot be decoded: {str(error).rstrip('.')}.",
            "Ask for transfer-syntax=*, the frame as it is stored.",
        ) from error


def _unpack(frame, image):
    header = image.header
    if header.BitsAllocated == 1:
        bits = numpy.unpackbits(numpy.frombuffer(frame, "u1"), bitorder="little")
        return bits[: image.frame_bits]
    if header.PhotometricInterpretation == "YBR_FULL_422":
        frame = expand_ybr422(frame, header.BitsAllocated)
    # A frame of compressed origin may be padded to an even length.
    count = numpy.prod(image.shape)
    pixels = numpy.frombuffer(frame, f"<u{header.BitsAllocated // 8}", count)
    if header.get("PlanarConfiguration") == 1:
        return _by_pixel(pixels, image.shape)
    return pixels


def _by_pixel(planes, shape):
    """Turn colour by plane (all red, all green, all blue) into colour by pixel."""
    if len(shape) == 2:
        return planes
    rows, columns, count = shape
    return planes.reshape(count, rows, columns).transpose(1, 2, 0)


def _decode_lossy_jpeg(frame, image, colours):
    if len(image.shape) == 2:
        return imagecodecs.jpeg8_decode(frame)
    # JFIF and Adobe markers say how the colours are coded, and are right more often than the
    # header. A decoder that finds neither guesses YCbCr: there the header knows better.
    marked = b"JFIF" in frame[:64] or b"Adobe" in frame[:256]
    is_rgb = image.header.PhotometricInterpretation == "RGB" and not marked
    return imagecodecs.jpeg8_decode(
        frame, colorspace="RGB" if is_rgb else None, outcolorspace=colours
    )


def _stored_values(pixels, header):
    """Give samples the type that the header names, with the sign and without stray high bits."""
    bits = max(header.BitsAllocated, 8)
    signed = header.PixelRepresentation == 1
    pixels = pixels.astype(f"u{bits // 8}", copy=False)
    unused = bits - header.BitsStored if header.BitsAllocated > 1 else 0
    if unused:
        pixels = pixels << unused
    if signed:
        pixels = pixels.view(f"i{bits // 8}")
    return pixels >> unused if unused else pixels
