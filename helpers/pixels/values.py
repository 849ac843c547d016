"""What stored values mean: the rescale or the Modality LUT, the unit, and which are no image."""

import math

from pydicom import Dataset
from pydicom.multival import MultiValue

from helpers.pixels.lookup_tables import lookup_table
from helpers.pixels.stored import Pixels

HOUNSFIELD = "HU"
UNSPECIFIED = "US"  # a Rescale Type that says that it says nothing


def modality_values(pixels: Pixels, dataset: Dataset) -> Pixels:
    """Turn stored values into what they mean, for example Hounsfield units (PS3.3 C.11.1).

    Colour, and what is not rescaled, stay as they are.
    """
    if pixels.ndim == 3:
        return pixels
    table = lookup_table(dataset, "ModalityLUTSequence", is_signed(dataset))
    if table:
        return table.look_up(pixels)
    rescale = rescale_of(dataset)
    return pixels.astype("f8") * rescale[0] + rescale[1] if rescale else pixels


def rescale_of(dataset: Dataset) -> tuple[float, float] | None:
    """Return slope and intercept; None if a value means itself."""
    slope, intercept = (first_number(dataset, f"Rescale{end}") for end in ("Slope", "Intercept"))
    return None if slope is None or intercept is None else (slope, intercept)


def unit_of(dataset: Dataset) -> str:
    """Return the unit of the values after the rescale; empty if the file does not say it.

    >>> dataset = Dataset()
    >>> dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = 1, -1024, "HU"
    >>> unit_of(dataset)
    'HU'
    """
    tables = dataset.get("ModalityLUTSequence") or []
    if tables:
        unit = tables[0].get("ModalityLUTType")
    elif rescale_of(dataset) is None:
        return ""
    else:
        unit = dataset.get("RescaleType") or (HOUNSFIELD if _is_slice_of_ct(dataset) else "")
    return "" if unit in (None, UNSPECIFIED) else str(unit)


def _is_slice_of_ct(dataset: Dataset) -> bool:
    """Tell whether an image must have Hounsfield units, even if it does not name them."""
    kind = dataset.get("ImageType") or []
    # PS3.3 C.8.2.1.1.4: not what is derived, and not a localizer, which is a projection.
    return (
        dataset.get("Modality") == "CT"
        and len(kind) >= 3
        and kind[0] == "ORIGINAL"
        and kind[2] != "LOCALIZER"
    )


def padding_of(dataset: Dataset) -> tuple[int, int] | None:
    """Return the lowest and highest value of Pixel Padding (PS3.3 C.7.5.1.1.2)."""
    value = first_number(dataset, "PixelPaddingValue")
    if value is None:
        return None
    limit = first_number(dataset, "PixelPaddingRangeLimit")
    ends = sorted(int(end) for end in (value, value if limit is None else limit))
    if is_signed(dataset):  # a writer may have called them unsigned
        ends = sorted(end - 65536 if 32767 < end < 65536 else end for end in ends)
    return ends[0], ends[1]


def is_signed(dataset: Dataset) -> bool:
    """Tell whether stored values can be negative."""
    return bool(dataset.get("PixelRepresentation") == 1)


def numbers(dataset: Dataset, keyword: str) -> list[float]:
    """Return the numbers of an attribute, up to what is absent, empty or no number."""
    value = dataset.get(keyword)
    found = []
    for one in value if isinstance(value, MultiValue | list | tuple) else [value]:
        try:
            number = float(one)
        except (TypeError, ValueError):
            break
        if not math.isfinite(number):
            break
        found.append(number)
    return found


def first_number(dataset: Dataset, keyword: str) -> float | None:
    """Return the first number of an attribute; None if it is absent, empty or no number."""
    return next(iter(numbers(dataset, keyword)), None)
