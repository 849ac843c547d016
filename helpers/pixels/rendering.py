"""Pixels -> a picture: the window, the zoom, and a PNG. No server here, and no widget."""

import io

import numpy
from PIL import Image, ImageDraw, ImageFont
from pydicom.multival import MultiValue
from pydicom.pixels import apply_modality_lut

from helpers.errors import WorkbookError
from helpers.pixels.palettes import has_palette

# Centre and width in Hounsfield units, as radiologists commonly set them for CT.
PRESETS = {"lung": (-600, 1500), "mediastinum": (40, 400), "bone": (400, 1800)}
FILE, FULL_RANGE = "file", "full range"
CAPTION_SIZE = 14  # of its letters, in pixels
LONGER_SIDE = 512  # of a picture, in pixels of the screen


def values_of(pixels, dataset):
    """Turn stored values into what they mean, for example Hounsfield units (PS3.3 C.11.1).

    Parameters
    ----------
    pixels : numpy.ndarray
        As `helpers.frame` returns them.
    dataset : pydicom.Dataset
        The attributes of the instance.

    Returns
    -------
    numpy.ndarray
        float64 of the shape (rows, columns) where the file says how to rescale; colour, and what
        is not rescaled, stay as they are.
    """
    return pixels if pixels.ndim == 3 else apply_modality_lut(pixels, dataset)


def window_names(dataset):
    """List the windows that make sense for an image."""
    if dataset.get("SamplesPerPixel", 1) != 1 or has_palette(dataset):
        return []
    presets = list(PRESETS) if dataset.get("Modality") == "CT" else []
    return [*([FILE] if _file_window(dataset) else []), *presets, FULL_RANGE]


def window_of(name, dataset, values):
    """Return the centre and the width that a name stands for.

    Parameters
    ----------
    name : str
        "lung", "mediastinum", "bone", "file" or "full range". An image without a window of its own
        is shown in full range.
    dataset : pydicom.Dataset
    values : numpy.ndarray
        From `values_of`.

    Returns
    -------
    tuple of float

    Raises
    ------
    WorkbookError
        There is no such window.
    """
    if name in PRESETS:
        return PRESETS[name]
    if name not in (FILE, FULL_RANGE):
        raise WorkbookError(
            "There is no such window.",
            expected=f"{', '.join([FILE, *PRESETS, FULL_RANGE])}, or (centre, width)",
            came=str(name),
            hint="For soft tissue in CT: (40, 400).",
        )
    own = _file_window(dataset)
    if name == FILE and own:
        return own
    # The least value is black and the greatest white, by the formula of PS3.3 C.11.2.1.2.1.
    low, high = float(values.min()), float(values.max())
    return (low + high + 1) / 2, high - low + 1


def _file_window(dataset):
    """Return the first window that the file brings, or None."""
    centers, widths = dataset.get("WindowCenter"), dataset.get("WindowWidth")
    if centers is None or widths is None:
        return None
    return tuple(float(v if isinstance(v, int | float) else v[0]) for v in (centers, widths))


def aspect_of(dataset):
    """Return the height of a pixel divided by its width.

    Examples
    --------
    >>> from pydicom import Dataset
    >>> dataset = Dataset()
    >>> dataset.PixelSpacing = [1.5, 0.5]
    >>> aspect_of(dataset)
    3.0
    """
    # PS3.3 10.7.1.3: between rows first, then between columns. The ratio is the last resort: a file
    # has it only where it has no size in millimetres (PS3.3 C.7.6.3.1.7).
    for keyword in ("PixelSpacing", "ImagerPixelSpacing", "PixelAspectRatio"):
        pair = dataset.get(keyword)
        if isinstance(pair, MultiValue) and len(pair) == 2 and all(pair):
            return min(max(float(pair[0]) / float(pair[1]), 0.01), 100)
    return 1.0


def is_inverted(dataset, invert):
    """Tell whether the least value is white: the image is so, or the viewer, but not both."""
    return invert != (dataset.get("PhotometricInterpretation") == "MONOCHROME1")


def picture(values, window, dataset, invert=False, zoom=1.0, at=(0.5, 0.5)):
    """Draw an image as people look at it.

    Parameters
    ----------
    values : numpy.ndarray
        From `values_of`.
    window : tuple of float
        Centre and width (PS3.3 C.11.2.1.2.1); colour has none.
    dataset : pydicom.Dataset
        Its Photometric Interpretation says whether the least value is black or white, its VOI LUT
        Function whether a window is a line or a curve, its Pixel Spacing or Pixel Aspect Ratio what
        shape a pixel has.
    invert : bool
        Black for white.
    zoom : float
        1 shows all of it, 2 a quarter of it, twice as large.
    at : tuple of float
        Where to look when zoomed: across and down, from 0 to 1.

    Returns
    -------
    PIL.Image.Image
        Mode "L" or "RGB", its longer side 512 pixels.

    Examples
    --------
    >>> from pydicom import Dataset
    >>> ramp = numpy.arange(256).reshape(1, 256)
    >>> drawn = picture(ramp, (128, 256), Dataset())
    >>> drawn.size, drawn.getpixel((0, 0)), drawn.getpixel((511, 0))
    ((512, 2), 0, 255)
    """
    shown = _cropped(values, zoom, at)
    if shown.ndim == 2:
        shown = _windowed(shown, *window, curve_of(dataset))
    elif shown.dtype != numpy.uint8:
        shown = (shown >> max(dataset.get("BitsStored", 16) - 8, 0)).astype("uint8")
    if is_inverted(dataset, invert):
        shown = 255 - shown
    height, width = shown.shape[0] * aspect_of(dataset), shown.shape[1]
    scale = LONGER_SIDE / max(height, width)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    return Image.fromarray(numpy.ascontiguousarray(shown)).resize(size, Image.Resampling.BILINEAR)


def _cropped(values, zoom, at):
    """Cut out what the zoom shows, never beyond the edge."""
    rows, columns = values.shape[:2]
    height, width = max(round(rows / zoom), 1), max(round(columns / zoom), 1)
    left = round((columns - width) * at[0])
    top = round((rows - height) * at[1])
    return values[top : top + height, left : left + width]


def curve_of(dataset):
    """Return what a window does between black and white (PS3.3 C.11.2.1.3)."""
    return dataset.get("VOILUTFunction") or "LINEAR"


def _windowed(values, center, width, curve):
    # A window of width 0, or 1 where it is linear, is a threshold: white lies above one value.
    if curve == "SIGMOID":
        steepness = numpy.clip(-4 * (values - center) / max(width, 1e-6), -500, 500)
        shades = 255 / (1 + numpy.exp(steepness))
    elif curve == "LINEAR_EXACT":
        shades = (values - center + width / 2) * (255 / max(width, 1e-6))
    else:
        low = center - 0.5 - (width - 1) / 2
        shades = (values - low) * (255 / max(width - 1, 1e-6))
    return (numpy.clip(shades, 0, 255) + 0.5).astype("uint8")


def png(image):
    """Pack a picture as PNG, in a hurry: the browser is on the same computer."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()


def captioned(image, words):
    """Return a picture with words below it, where nothing else than a picture stays.

    Parameters
    ----------
    image : PIL.Image.Image
    words : str

    Returns
    -------
    PIL.Image.Image
        As wide, and as much higher as the words need.

    Examples
    --------
    >>> captioned(Image.new("L", (200, 100)), "Image 1 of 2: two lines of words, or more").size
    (200, 149)
    """
    font = ImageFont.load_default(CAPTION_SIZE)
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".lstrip()
        if font.getlength(longer) <= image.width:
            lines[-1] = longer
        else:
            lines.append(word)
    room = CAPTION_SIZE // 2
    line_height = CAPTION_SIZE + room
    height = image.height + len(lines) * line_height + room
    whole = Image.new(image.mode, (image.width, height), "white")
    whole.paste(image)
    pen = ImageDraw.Draw(whole)
    for number, line in enumerate(lines):
        pen.text((0, image.height + room + number * line_height), line, fill="black", font=font)
    return whole
