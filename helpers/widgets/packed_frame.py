"""A frame as the browser gets it: the values, once, and all that turns them into a picture.

The browser applies the window; what it needs to do so is worked out here, by the same functions
that draw the picture of `view_frame`.
"""

from typing import Any, NamedTuple

import numpy
from pydicom import Dataset

from helpers.pixels.display import aspect_of, eight_bits, is_inverted
from helpers.pixels.stored import Pixels
from helpers.pixels.values import first_number, modality_values, padding_of, rescale_of, unit_of
from helpers.pixels.windows import (
    FILE,
    WHITE,
    curve_of,
    label_of,
    voi_lut,
    window_names,
    window_of,
)
from helpers.widgets.frame_source import Shot

TICK = 100.0  # milliseconds from picture to picture, where the file does not say it
QUICKEST, SLOWEST = 20.0, 2000.0
ESSENTIALS = (
    "PatientName",
    "StudyDate",
    "Modality",
    "SeriesDescription",
    "InstanceNumber",
    "Rows",
    "Columns",
    "BitsStored",
    "PhotometricInterpretation",
    "RescaleType",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "PixelAspectRatio",
    "SliceLocation",
    "WindowCenter",
    "WindowWidth",
)


class PackedFrame(NamedTuple):
    """What the browser reads as JSON, and the arrays beside it."""

    header: dict[str, Any]
    buffers: list[bytes]


def pack_frame(shot: Shot) -> PackedFrame:
    """Pack a frame: its pixels and, where the file brings tables, what each value becomes."""
    pixels, dataset = shot.pixels, shot.dataset
    header: dict[str, Any] = {
        "rows": pixels.shape[0],
        "columns": pixels.shape[1],
        "aspect": aspect_of(dataset),
        "interval": interval_of(dataset),
        "curve": curve_of(dataset),
        "attributes": {
            name: str(dataset.get(name))
            for name in ESSENTIALS
            if dataset.get(name) not in (None, "")
        },
        "windows": [
            {"name": name, "label": label_of(name, dataset)}
            | window_of(name, dataset, pixels)._asdict()
            for name in (window_names(dataset) if pixels.ndim == 2 else [])
        ],
    }
    if pixels.ndim == 3:
        return PackedFrame({**header, "kind": "rgb"}, [eight_bits(pixels, dataset).tobytes()])
    low, high = int(pixels.min()), int(pixels.max())
    is_table = pixels.dtype.kind in "iu" and high - low < 1 << 16
    packed = _in_little_endian(pixels)
    slope, intercept = rescale_of(dataset) or (1.0, 0.0)
    header |= {
        "kind": packed.dtype.str[1:],
        "low": low,
        "high": high if is_table else None,
        "slope": slope,
        "intercept": intercept,
        "unit": unit_of(dataset),
        "padding": padding_of(dataset),
        "inverted": is_inverted(dataset, False),
    }
    stored = numpy.arange(low, high + 1).astype(pixels.dtype) if is_table else pixels[:0]
    return PackedFrame(header, [packed.tobytes(), *_tables(stored, dataset)])


def _tables(stored: Pixels, dataset: Dataset) -> tuple[bytes, bytes]:
    """Return what the Modality LUT makes of each stored value, and which grey the VOI LUT."""
    table = voi_lut(dataset)
    values = modality_values(stored, dataset)
    meant = values.astype("<f4").tobytes() if dataset.get("ModalityLUTSequence") else b""
    if not table or FILE not in window_names(dataset):
        return meant, b""
    greys = table.look_up(values) * (WHITE / (2**table.bits - 1)) + 0.5
    return meant, greys.clip(0, WHITE).astype("u1").tobytes()


def _in_little_endian(pixels: Pixels) -> Pixels:
    """Return values in a type that browsers have."""
    is_known = pixels.dtype.kind in "iu" and pixels.itemsize <= 4
    return pixels.astype(pixels.dtype.newbyteorder("<") if is_known else "<f4", copy=False)


def interval_of(dataset: Dataset) -> float:
    """Return the milliseconds from frame to frame that a film asks for (PS3.3 C.7.6.5).

    >>> dataset = Dataset()
    >>> dataset.RecommendedDisplayFrameRate = 25
    >>> interval_of(dataset)
    40.0
    """
    # How the frames are best shown, if it is said, goes before how they were taken.
    rates = (first_number(dataset, name) for name in ("RecommendedDisplayFrameRate", "CineRate"))
    times = [1000 / rate for rate in rates if rate]
    time = next(iter(times), None) or first_number(dataset, "FrameTime") or TICK
    return min(max(time, QUICKEST), SLOWEST)
