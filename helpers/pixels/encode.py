"""Samples to frames: one function, and the transfer syntaxes that this server can write."""

import imagecodecs
import numpy
from pydicom.pixels import convert_color_space
from pydicom.pixels.encoders import RLELosslessEncoder
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from helpers.pixels.stored import NotAvailable

# Orders of preference: what a list of alternatives shows first.
LOSSLESS = (JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless, RLELossless)
WRITABLE = (ExplicitVRLittleEndian, *LOSSLESS, JPEGBaseline8Bit)
BASELINE_QUALITY = 90


def refuse_bits(transfer_syntax, bits_stored, samples_per_pixel):
    """Raise NotAvailable if samples of this depth do not fit into the transfer syntax."""
    if transfer_syntax == JPEGBaseline8Bit and bits_stored != 8:
        raise NotAvailable(
            f"JPEG baseline holds 8 bits a sample, and this image has {bits_stored}.",
            "Ask for /rendered to get an 8-bit picture, or for JPEG Lossless "
            f"(transfer-syntax={JPEGLosslessSV1}) to get every bit.",
        )
    if transfer_syntax in LOSSLESS and (bits_stored is None or not 2 <= bits_stored <= 16):
        raise NotAvailable(
            f"Samples of {bits_stored} bits are sent only as they are, not compressed.",
            "Ask for application/octet-stream.",
        )
    if samples_per_pixel not in (1, 3):
        raise NotAvailable(f"Images of {samples_per_pixel} samples a pixel are not converted.")


def encode(pixels, header, transfer_syntax):
    """Encode one frame.

    Parameters
    ----------
    pixels : numpy.ndarray
        Stored values, shape (rows, columns) or (rows, columns, 3); what `decode.samples` returns.
    header : pydicom.Dataset
        Bits Allocated, Bits Stored, Photometric Interpretation, Planar Configuration.
    transfer_syntax : str
        One of `WRITABLE`.

    Returns
    -------
    bytes

    Raises
    ------
    NotAvailable
        The samples do not fit, or the transfer syntax is none of `WRITABLE`.
    """
    refuse_bits(transfer_syntax, header.BitsStored, header.SamplesPerPixel)
    if transfer_syntax == ExplicitVRLittleEndian:
        return _raw(pixels, header)
    if transfer_syntax == JPEGBaseline8Bit:
        return _baseline(pixels, header)
    if transfer_syntax == JPEG2000Lossless:
        # No colour transform, so the photometric interpretation stays true.
        return imagecodecs.jpeg2k_encode(
            numpy.ascontiguousarray(pixels),
            level=0,
            reversible=True,
            mct=False,
            codecformat="j2k",
            bitspersample=header.BitsStored,
        )
    unsigned = numpy.ascontiguousarray(pixels).view(f"u{pixels.itemsize}")
    if transfer_syntax == RLELossless:
        return _rle(unsigned, header)
    # JPEG and JPEG-LS know no sign: what they hold is the bits, up to Bits Stored.
    unsigned = unsigned & ((1 << header.BitsStored) - 1)
    if header.BitsStored <= 8:
        unsigned = unsigned.astype("u1")
    if transfer_syntax == JPEGLSLossless:
        return imagecodecs.jpegls_encode(unsigned)
    if transfer_syntax == JPEGLosslessSV1:
        same = "RGB" if pixels.ndim == 3 else None
        # Predictor 1 is what "SV1" means. imagecodecs.ljpeg_encode is faster, and uses 6.
        return imagecodecs.jpeg8_encode(
            unsigned,
            lossless=True,
            predictor=1,
            bitspersample=header.BitsStored,
            colorspace=same,
            outcolorspace=same,
        )
    raise NotAvailable(
        f"The server cannot write the transfer syntax {transfer_syntax}.",
        "It writes " + ", ".join(WRITABLE) + ".",
    )


def _raw(pixels, header):
    """Lay out samples as the header says: by plane, by pixel, or two pixels sharing a colour."""
    if header.BitsAllocated == 1:
        return numpy.packbits(pixels.ravel(), bitorder="little").tobytes()
    if pixels.ndim == 3:
        if header.PhotometricInterpretation == "YBR_FULL_422":
            pairs = pixels.reshape(-1, 2, 3)
            pixels = numpy.concatenate([pairs[:, :, 0], pairs[:, 0, 1:]], axis=1)
        elif header.get("PlanarConfiguration") == 1:
            pixels = pixels.transpose(2, 0, 1)
    return pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes()


def _baseline(pixels, header):
    photometric = header.PhotometricInterpretation
    if photometric == "PALETTE COLOR" or header.PixelRepresentation == 1:
        raise NotAvailable(
            f"A lossy JPEG would spoil these samples ({photometric}, "
            f"{'signed' if header.PixelRepresentation else 'indexes into a palette'}).",
            "Ask for /rendered to get a picture.",
        )
    pixels = pixels.astype("u1", copy=False)
    if photometric.startswith("YBR_FULL"):
        pixels = convert_color_space(pixels, "YBR_FULL", "RGB")
    return imagecodecs.jpeg8_encode(numpy.ascontiguousarray(pixels), level=BASELINE_QUALITY)


def _rle(pixels, header):
    rows, columns = pixels.shape[:2]
    return RLELosslessEncoder.encode(
        pixels.tobytes(),
        encoding_plugin="pydicom",
        rows=rows,
        columns=columns,
        number_of_frames=1,
        samples_per_pixel=header.SamplesPerPixel,
        bits_allocated=header.BitsAllocated,
        bits_stored=header.BitsAllocated,
        pixel_representation=0,
        photometric_interpretation="RGB" if header.SamplesPerPixel == 3 else "MONOCHROME2",
        planar_configuration=0,
    )
