"""Pixels to what people look at: one way for the viewer and for the server's own pictures.

The steps are those of PS3.4 N.2: stored values, Modality LUT or rescale, VOI LUT or window, and
MONOCHROME1 turned round. They depend on the stored value alone, so they are worked out once for
each value that can occur, and every pixel is looked up.
"""

import io
import math
from typing import NamedTuple

import numpy
from PIL import Image
from pydicom import Dataset
from pydicom.multival import MultiValue

from helpers.errors import WorkbookError
from helpers.pixels.lookup_tables import LookupTable, lookup_table
from helpers.pixels.stored import Pixels, read_image_pixel

WHITE = 255
FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")

# Centre and width in Hounsfield units, as radiologists commonly set them for CT.
PRESETS = {"lung": (-600.0, 1500.0), "mediastinum": (40.0, 400.0), "bone": (400.0, 1800.0)}
FILE, FULL_RANGE = "file", "full range"
CAPTION_SIZE = 14  # of its letters, in pixels
LONGER_SIDE = 512  # of a picture, in pixels of the screen


class Window(NamedTuple):
    """Which values are seen between black and white, and how (PS3.3 C.11.2.1.2, C.11.2.1.3)."""

    center: float
    width: float
    function: str = "LINEAR"

    @property
    def makes_sense(self) -> bool:
        """Whether the function is known, and the width one that it can have."""
        is_wide_enough = self.width >= 1 if self.function == "LINEAR" else self.width > 0
        return self.function in FUNCTIONS and is_wide_enough and math.isfinite(self.center)

    def apply(self, values: Pixels) -> Pixels:
        """Map values to 0 (black) to 255 (white).

        >>> Window(40, 400).apply(numpy.array([-160, 40, 239, 1000])).round().tolist()
        [0.0, 128.0, 255.0, 255.0]
        """
        distance = numpy.asarray(values, "f8") - self.center
        # A window of no width, or of 1 where it is linear, is a threshold: white lies above.
        if self.function == "SIGMOID":
            steepness = numpy.clip(-4 * distance / max(self.width, 1e-6), -500, 500)
            share = 1 / (1 + numpy.exp(steepness))
        elif self.function == "LINEAR_EXACT":
            share = distance / max(self.width, 1e-6) + 0.5
        elif self.width > 1:
            share = (distance + 0.5) / (self.width - 1) + 0.5
        else:
            share = numpy.where(distance > -0.5, 1.0, 0.0)
        return share.clip(0, 1) * WHITE


def modality_values(pixels: Pixels, dataset: Dataset) -> Pixels:
    """Turn stored values into what they mean, for example Hounsfield units (PS3.3 C.11.1).

    Colour, and what is not rescaled, stay as they are.
    """
    if pixels.ndim == 3:
        return pixels
    table = lookup_table(dataset, "ModalityLUTSequence", _is_signed(dataset))
    if table:
        return table.look_up(pixels)
    slope, intercept = (_first(dataset, name) for name in ("RescaleSlope", "RescaleIntercept"))
    if slope is None or intercept is None:
        return pixels
    return pixels.astype("f8") * slope + intercept


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
    padding = _padding(dataset)
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


def voi_lut(dataset: Dataset) -> LookupTable | None:
    """Return the table that the file brings in the place of a window (PS3.3 C.11.2.1.1)."""
    is_signed = _is_signed(dataset) or (_first(dataset, "RescaleIntercept") or 0) < 0
    return lookup_table(dataset, "VOILUTSequence", is_signed)


def file_window(dataset: Dataset) -> Window | None:
    """Return the first window that the file brings, or None if it has none that makes sense."""
    center, width = _first(dataset, "WindowCenter"), _first(dataset, "WindowWidth")
    if center is None or width is None:
        return None
    window = Window(center, width, curve_of(dataset))
    return window if window.makes_sense else None


def full_range(pixels: Pixels, dataset: Dataset) -> Window:
    """Return the window in which the least value is black and the greatest white; no padding."""
    padding = _padding(dataset)
    if padding and pixels.ndim == 2:
        inside = pixels[(pixels < padding[0]) | (pixels > padding[1])]
        pixels = inside if inside.size else pixels
    if not dataset.get("ModalityLUTSequence"):  # a rescale leaves the ends where they are
        pixels = numpy.array([pixels.min(), pixels.max()])
    values = modality_values(pixels, dataset)
    low, high = float(values.min()), float(values.max())
    return Window((low + high + 1) / 2, high - low + 1)


def _padding(dataset: Dataset) -> tuple[int, int] | None:
    """Return the lowest and highest value of Pixel Padding (PS3.3 C.7.5.1.1.2)."""
    value = _first(dataset, "PixelPaddingValue")
    if value is None:
        return None
    limit = _first(dataset, "PixelPaddingRangeLimit")
    ends = sorted(int(end) for end in (value, value if limit is None else limit))
    if _is_signed(dataset):  # a writer may have called them unsigned
        ends = sorted(end - 65536 if 32767 < end < 65536 else end for end in ends)
    return ends[0], ends[1]


def _is_signed(dataset: Dataset) -> bool:
    return bool(dataset.get("PixelRepresentation") == 1)


def _first(dataset: Dataset, keyword: str) -> float | None:
    """Return the first number of an attribute; None if it is absent, empty or no number."""
    value = dataset.get(keyword)
    if isinstance(value, MultiValue | list | tuple):
        value = value[0] if value else None
    try:
        number = float(value)  # type: ignore[arg-type]  # None and more is what it is tried for
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def curve_of(dataset: Dataset) -> str:
    """Return what a window does between black and white (PS3.3 C.11.2.1.3)."""
    return str(dataset.get("VOILUTFunction") or "LINEAR")


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


def window_names(dataset: Dataset) -> list[str]:
    """List the windows that make sense for an image; none for colour."""
    pixel = read_image_pixel(dataset)
    if pixel.samples != 1 or pixel.has_palette:
        return []
    presets = list(PRESETS) if dataset.get("Modality") == "CT" else []
    own = [FILE] if voi_lut(dataset) or file_window(dataset) else []
    return [*own, *presets, FULL_RANGE]


def window_of(name: str, dataset: Dataset, pixels: Pixels) -> Window:
    """Return the window that a name stands for; of a VOI LUT, the range of values that it maps."""
    if name in PRESETS:
        return Window(*PRESETS[name], curve_of(dataset))
    if name not in (FILE, FULL_RANGE):
        raise WorkbookError(
            "There is no such window.",
            expected=f"{', '.join([FILE, *PRESETS, FULL_RANGE])}, or (centre, width)",
            came=str(name),
            hint="For soft tissue in CT: (40, 400).",
        )
    if name == FILE:
        table = voi_lut(dataset)
        if table:
            count = len(table.entries)
            return Window(table.first + count / 2, count)
        own = file_window(dataset)
        if own:
            return own
    return full_range(pixels, dataset)


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
