"""Samples to frames: one function, and the transfer syntaxes that can be written."""

import imagecodecs
import numpy
from pydicom.pixels.encoders.base import RLELosslessEncoder
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from helpers.errors import FrameError
from helpers.pixels.stored import ImagePixel, Pixels, pack, ybr_to_rgb

# Orders of preference: what a list of alternatives shows first.
LOSSLESS = (JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless, RLELossless)
WRITABLE = (ExplicitVRLittleEndian, *LOSSLESS, JPEGBaseline8Bit)
BASELINE_QUALITY = 90


def refuse_bits(transfer_syntax: str, bits_stored: int | None, samples_per_pixel: int) -> None:
    """Raise FrameError if samples of this depth do not fit into the transfer syntax."""
    if transfer_syntax == JPEGBaseline8Bit and bits_stored != 8:
        raise FrameError(
            f"JPEG baseline holds 8 bits a sample, and this image has {bits_stored}.",
            hint="Ask for /rendered to get an 8-bit picture, or for JPEG Lossless "
            f"(transfer-syntax={JPEGLosslessSV1}) to get every bit.",
        )
    if transfer_syntax in LOSSLESS and (bits_stored is None or not 2 <= bits_stored <= 16):
        raise FrameError(
            f"Samples of {bits_stored} bits are sent only as they are, not compressed.",
            hint="Ask for application/octet-stream.",
        )
    if samples_per_pixel not in (1, 3):
        raise FrameError(f"Images of {samples_per_pixel} samples a pixel are not converted.")


def encode(pixels: Pixels, pixel: ImagePixel, transfer_syntax: str) -> bytes:
    """Encode one frame of stored values, as `decode` with `rgb=False` gives them."""
    refuse_bits(transfer_syntax, pixel.bits_stored, pixel.samples)
    if transfer_syntax == ExplicitVRLittleEndian:
        return pack(pixels, pixel)
    if transfer_syntax == JPEGBaseline8Bit:
        return _encode_baseline(pixels, pixel)
    if transfer_syntax == JPEG2000Lossless:
        # No colour transform, so the photometric interpretation stays true.
        return bytes(
            imagecodecs.jpeg2k_encode(
                numpy.ascontiguousarray(pixels),
                level=0,
                reversible=True,
                mct=False,
                codecformat="j2k",
                bitspersample=pixel.bits_stored,
            )
        )
    unsigned = numpy.ascontiguousarray(pixels).view(f"u{pixels.itemsize}")
    if transfer_syntax == RLELossless:
        return _encode_rle(unsigned.astype(f"u{pixel.bits_allocated // 8}"), pixel)
    # JPEG and JPEG-LS know no sign: what they hold is the bits, up to Bits Stored.
    unsigned = unsigned & ((1 << pixel.bits_stored) - 1)
    if pixel.bits_stored <= 8:
        unsigned = unsigned.astype("u1")
    if transfer_syntax == JPEGLSLossless:
        return bytes(imagecodecs.jpegls_encode(unsigned))
    if transfer_syntax == JPEGLosslessSV1:
        same = "RGB" if pixels.ndim == 3 else None
        # Predictor 1 is what "SV1" means. imagecodecs.ljpeg_encode is faster, and uses 6.
        return bytes(
            imagecodecs.jpeg8_encode(
                unsigned,
                lossless=True,
                predictor=1,
                bitspersample=pixel.bits_stored,
                colorspace=same,
                outcolorspace=same,
            )
        )
    raise FrameError(
        f"The server cannot write the transfer syntax {transfer_syntax}.",
        hint="It writes " + ", ".join(WRITABLE) + ".",
    )


def _encode_baseline(pixels: Pixels, pixel: ImagePixel) -> bytes:
    if pixel.has_palette or pixel.is_signed:
        what = "signed" if pixel.is_signed else "indexes into a palette"
        raise FrameError(
            f"A lossy JPEG would spoil these samples ({pixel.photometric}, {what}).",
            hint="Ask for /rendered to get a picture.",
        )
    shades = ybr_to_rgb(pixels, 8) if pixel.is_ybr else pixels
    shades = numpy.ascontiguousarray(shades.astype("u1", copy=False))
    return bytes(imagecodecs.jpeg8_encode(shades, level=BASELINE_QUALITY))


def _encode_rle(pixels: Pixels, pixel: ImagePixel) -> bytes:
    rows, columns = pixels.shape[:2]
    return RLELosslessEncoder.encode(
        pixels.tobytes(),
        encoding_plugin="pydicom",
        rows=rows,
        columns=columns,
        number_of_frames=1,
        samples_per_pixel=pixel.samples,
        bits_allocated=pixels.itemsize * 8,
        bits_stored=pixels.itemsize * 8,
        pixel_representation=0,
        photometric_interpretation="RGB" if pixel.samples == 3 else "MONOCHROME2",
        planar_configuration=0,
    )
