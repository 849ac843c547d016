"""Which values are seen: a window, those that a file brings, and those that people are used to."""

import math
from typing import NamedTuple

import numpy
from pydicom import Dataset
from pydicom.multival import MultiValue

from helpers.errors import WorkbookError
from helpers.pixels.lookup_tables import LookupTable, lookup_table
from helpers.pixels.stored import Pixels, read_image_pixel
from helpers.pixels.values import (
    HOUNSFIELD,
    first_number,
    is_signed,
    modality_values,
    numbers,
    padding_of,
    unit_of,
)

WHITE = 255
FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")

# Centre and width in Hounsfield units, as radiologists commonly set them for CT.
PRESETS = {"lung": (-600.0, 1500.0), "mediastinum": (40.0, 400.0), "bone": (400.0, 1800.0)}
FILE, FULL_RANGE = "file", "full range"


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


def voi_lut(dataset: Dataset) -> LookupTable | None:
    """Return the table that the file brings in the place of a window (PS3.3 C.11.2.1.1)."""
    below_zero = is_signed(dataset) or (first_number(dataset, "RescaleIntercept") or 0) < 0
    return lookup_table(dataset, "VOILUTSequence", below_zero)


def file_window(dataset: Dataset) -> Window | None:
    """Return the first window that the file brings, or None if it has none that makes sense."""
    return next(iter(_file_windows(dataset).values()), None)


def _file_windows(dataset: Dataset) -> dict[str, Window]:
    """Return the windows that the file brings, by name; "file" is its first choice."""
    has_table = bool(voi_lut(dataset))
    pairs = zip(numbers(dataset, "WindowCenter"), numbers(dataset, "WindowWidth"), strict=False)
    found: dict[str, Window] = {}
    for number, (center, width) in enumerate(pairs, 1):
        window = Window(center, width, curve_of(dataset))
        if not window.makes_sense:
            continue
        words = _words(dataset.get("WindowCenterWidthExplanation"), number - 1) or str(number)
        name = f"{FILE}: {words}" if found or has_table else FILE
        found[name if name not in found else f"{name} {number}"] = window
    return found


def _words(value: object, place: int) -> str:
    """Return one of several explanations; empty if there are not so many."""
    several = value if isinstance(value, MultiValue | list | tuple) else [value]
    return str(several[place] or "") if place < len(several) else ""


def label_of(name: str, dataset: Dataset) -> str:
    """Say what a window is called: with the file's own name for its first choice."""
    if name != FILE:
        return name
    if voi_lut(dataset):
        words = _words(dataset.VOILUTSequence[0].get("LUTExplanation"), 0) or "a table"
    else:
        words = _words(dataset.get("WindowCenterWidthExplanation"), 0)
    return f"{FILE}: {words}" if words else FILE


def full_range(pixels: Pixels, dataset: Dataset) -> Window:
    """Return the window in which the least value is black and the greatest white; no padding."""
    padding = padding_of(dataset)
    if padding and pixels.ndim == 2:
        inside = pixels[(pixels < padding[0]) | (pixels > padding[1])]
        pixels = inside if inside.size else pixels
    if not dataset.get("ModalityLUTSequence"):  # a rescale leaves the ends where they are
        pixels = numpy.array([pixels.min(), pixels.max()])
    values = modality_values(pixels, dataset)
    low, high = float(values.min()), float(values.max())
    return Window((low + high + 1) / 2, high - low + 1)


def curve_of(dataset: Dataset) -> str:
    """Return what a window does between black and white (PS3.3 C.11.2.1.3)."""
    return str(dataset.get("VOILUTFunction") or "LINEAR")


def window_names(dataset: Dataset) -> list[str]:
    """List the windows that make sense for an image; none for colour."""
    pixel = read_image_pixel(dataset)
    if pixel.samples != 1 or pixel.has_palette:
        return []
    table = [FILE] if voi_lut(dataset) else []
    presets = list(PRESETS) if unit_of(dataset) == HOUNSFIELD else []
    return [*table, *_file_windows(dataset), *presets, FULL_RANGE]


def window_of(name: str, dataset: Dataset, pixels: Pixels) -> Window:
    """Return the window that a name stands for; of a VOI LUT, the range of values that it maps."""
    if name in PRESETS:
        return Window(*PRESETS[name], curve_of(dataset))
    table = voi_lut(dataset) if name == FILE else None
    if table:
        count = len(table.entries)
        return Window(table.first + count / 2, count)
    own = _file_windows(dataset)
    if name in own:
        return own[name]
    if name not in (FILE, FULL_RANGE):
        others = [other for other in own if other != FILE]
        raise WorkbookError(
            "There is no such window.",
            expected=f"{', '.join([FILE, *others, *PRESETS, FULL_RANGE])}, or (centre, width)",
            came=str(name),
            hint="For soft tissue in CT: (40, 400).",
        )
    return full_range(pixels, dataset)
