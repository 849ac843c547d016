"""Frames as pictures to look at: 8 bits a sample, windowed, JPEG or PNG (PS3.18 8.3.5, 8.7.4)."""

import imagecodecs
import numpy
from PIL import Image
from pydicom.pixels import apply_color_lut

from helpers.pixels.decode import rgb, samples
from helpers.pixels.grey import grey
from helpers.pixels.stored import NotAvailable, open_image

LARGEST_SIDE = 8192
# Half the time of level 3, for pictures 15 % larger.
PNG_LEVEL = 1


def render(path, frame, media_type, *, window=None, viewport=None, quality=90):
    """Draw one frame.

    Parameters
    ----------
    path : path-like
        A DICOM file.
    frame : int
        Which frame, counted from 1.
    media_type : str
        ``image/jpeg`` or ``image/png``.
    window : tuple, optional
        ``(center, width)`` or ``(center, width, function)`` in output units of the modality LUT
        (Hounsfield units for CT); the function is ``linear``, ``linear-exact`` or ``sigmoid``.
        Without it, the file's own VOI LUT or window, and else the range of the frame's values.
        Colour images have no window.
    viewport : tuple of int, optional
        ``(columns, rows)`` of the space to fill. The picture is scaled, up or down, to the largest
        size that fits, and keeps its proportions.
    quality : int
        Of a JPEG, 1 to 100.

    Returns
    -------
    bytes

    Raises
    ------
    NotAvailable
        The instance is no image, or its frame cannot be decoded; another media type.
    ValueError
        A window, viewport or quality that makes no sense.

    Examples
    --------
    >>> jpeg = render("data/archive/joe/CT001_0001.dcm", 1, "image/jpeg", window=(40, 400))
    >>> jpeg[:2].hex()
    'ffd8'
    """
    if media_type not in ("image/jpeg", "image/png"):
        raise NotAvailable(f"Pictures are not sent as {media_type}.", "image/jpeg or image/png.")
    if not 1 <= quality <= 100:
        raise ValueError(f"The quality is 1 to 100, not {quality}.")
    image = open_image(path)
    image.require_pixel_data()
    photometric = image.header.PhotometricInterpretation
    if photometric.startswith("MONOCHROME"):
        pixels = grey(samples(image, frame), image.header, frame, window)
    elif photometric == "PALETTE COLOR":
        pixels = _eight_bits(_coloured(samples(image, frame), image.header), 16)
    else:
        pixels = _eight_bits(rgb(image, frame), image.header.BitsStored)
    if viewport:
        pixels = _scaled(pixels, viewport)
    pixels = numpy.ascontiguousarray(pixels)
    if media_type == "image/png":
        return imagecodecs.png_encode(pixels, level=PNG_LEVEL)
    return imagecodecs.jpeg8_encode(pixels, level=quality)


def _coloured(pixels, header):
    """Look up the colours of a palette."""
    try:
        return apply_color_lut(pixels, header)[..., :3]
    except (ValueError, AttributeError, LookupError) as error:
        raise NotAvailable(
            f"The palette of this image cannot be used: {error}", "Ask for its frames."
        ) from error


def _eight_bits(pixels, bits):
    """Keep the upper 8 bits of colours that have more."""
    return pixels if pixels.dtype == numpy.uint8 else (pixels >> (bits - 8)).astype("u1")


def _scaled(pixels, viewport):
    """Scale a picture to the largest size that fits, proportions kept (PS3.18 8.3.5.1.3)."""
    if not all(1 <= side <= LARGEST_SIDE for side in viewport):
        raise ValueError(f"A viewport is 1 to {LARGEST_SIDE} pixels wide and high.")
    rows, columns = pixels.shape[:2]
    scale = min(viewport[0] / columns, viewport[1] / rows)
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    return numpy.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
