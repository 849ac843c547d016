"""Pixels to what people look at: one way for the viewer and for the server's own pictures.

The steps are those of PS3.4 N.2: stored values, Modality LUT or rescale, VOI LUT or window, and
MONOCHROME1 turned round. They depend on the stored value alone, so they are worked out once for
each value that can occur, and every pixel is looked up.
"""

import io

import numpy
from PIL import Image
from pydicom import Dataset
from pydicom.multival import MultiValue

from helpers.pixels.stored import Pixels, read_image_pixel
from helpers.pixels.values import modality_values, padding_of
from helpers.pixels.windows import (
    FILE,
    WHITE,
    Window,
    curve_of,
    file_window,
    full_range,
    voi_lut,
    window_of,
)

CAPTION_SIZE = 14  # of its letters, in pixels
LONGER_SIDE = 512  # of a picture, in pixels of the screen


def eight_bits(pixels: Pixels, dataset: Dataset, window: Window | None = None) -> Pixels:
    """Turn stored values or RGB into shades of 8 bits; without a window, as the file says.

    That is its VOI LUT, else its first window, else the range of its values.
    """
    if pixels.ndim == 2:
        return _grey(pixels, dataset, window)
    if pixels.dtype == numpy.uint8:
        return pixels
    bits = read_image_pixel(dataset).bits_stored or 16
    return (pixels >> max(bits - 8, 0)).astype("u1")


def _grey(pixels: Pixels, dataset: Dataset, window: Window | None) -> Pixels:
    padding = padding_of(dataset)
    low, high = min(int(pixels.min()), 0), int(pixels.max())
    # Values of 32 bits can be too many for a table: then each pixel is worked out.
    is_table = pixels.dtype.kind in "iu" and high - low < 1 << 16
    stored = numpy.arange(low, high + 1).astype(pixels.dtype) if is_table else pixels
    values = modality_values(stored, dataset)
    table = None if window else voi_lut(dataset)
    if table:
        screen = table.look_up(values) * (WHITE / (2**table.bits - 1))
    else:
        screen = (window or file_window(dataset) or full_range(pixels, dataset)).apply(values)
    screen = (screen + 0.5).clip(0, WHITE).astype("u1")
    if is_inverted(dataset, False):
        screen = WHITE - screen
    if padding:
        # What lies outside the image stays in the background (PS3.3 C.7.5.1.1.2).
        screen[(stored >= padding[0]) & (stored <= padding[1])] = 0
    if not is_table:
        return screen
    return screen.take((pixels - low).astype("u2") if low else pixels)


def is_inverted(dataset: Dataset, invert: bool) -> bool:
    """Tell whether the least value is white: the image is so, or the viewer, but not both."""
    return invert != (dataset.get("PhotometricInterpretation") == "MONOCHROME1")


def aspect_of(dataset: Dataset) -> float:
    """Return the height of a pixel divided by its width.

    >>> dataset = Dataset()
    >>> dataset.PixelSpacing = [1.5, 0.5]
    >>> aspect_of(dataset)
    3.0
    """
    # PS3.3 section 10.7.1.3: between rows first, then between columns. The ratio is the last
    # resort: a file has it only where it has no size in millimetres (PS3.3 C.7.6.3.1.7).
    for keyword in ("PixelSpacing", "ImagerPixelSpacing", "PixelAspectRatio"):
        pair = dataset.get(keyword)
        if isinstance(pair, MultiValue) and len(pair) == 2 and all(pair):
            return min(max(float(pair[0]) / float(pair[1]), 0.01), 100)
    return 1.0


def picture(
    pixels: Pixels,
    dataset: Dataset,
    window: str | tuple[float, float] = FILE,
    invert: bool = False,
    zoom: float = 1.0,
    at: tuple[float, float] = (0.5, 0.5),
) -> Image.Image:
    """Draw an image as people look at it, its longer side 512 pixels; pixels are stored values.

    >>> ramp = numpy.arange(256).reshape(1, 256)
    >>> drawn = picture(ramp, Dataset(), (128, 256))
    >>> drawn.size, drawn.getpixel((0, 0)), drawn.getpixel((511, 0))
    ((512, 2), 0, 255)
    """
    chosen = None
    if not isinstance(window, str):
        chosen = Window(window[0], window[1], curve_of(dataset))
    elif pixels.ndim == 2 and not (window == FILE and voi_lut(dataset)):
        chosen = window_of(window, dataset, pixels)
    shown = eight_bits(_cropped(pixels, zoom, at), dataset, chosen)
    if invert:
        shown = WHITE - shown
    height, width = shown.shape[0] * aspect_of(dataset), shown.shape[1]
    scale = LONGER_SIDE / max(height, width)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    return Image.fromarray(numpy.ascontiguousarray(shown)).resize(size, Image.Resampling.BILINEAR)


def _cropped(pixels: Pixels, zoom: float, at: tuple[float, float]) -> Pixels:
    """Cut out what the zoom shows, never beyond the edge."""
    rows, columns = pixels.shape[:2]
    height, width = max(round(rows / zoom), 1), max(round(columns / zoom), 1)
    left = round((columns - width) * at[0])
    top = round((rows - height) * at[1])
    return pixels[top : top + height, left : left + width]


def png(image: Image.Image) -> bytes:
    """Pack a picture as PNG, in a hurry: the browser is on the same computer."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()


def captioned(image: Image.Image, words: str) -> Image.Image:
    """Return a picture with words below it, where nothing else than a picture stays.

    >>> captioned(Image.new("L", (200, 100)), "Image 1 of 2: two lines of words, or more").size
    (200, 149)
    """
    from PIL import ImageDraw, ImageFont

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
