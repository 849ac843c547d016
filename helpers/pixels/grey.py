"""Grey images: from stored values to what the screen shows.

The steps are those of PS3.4 N.2: stored values, modality LUT or rescale, VOI LUT or window, and
MONOCHROME1 turned round. They depend on the stored value alone, so they are worked out once for
each value that can occur, and every pixel is looked up.
"""

import itertools

import numpy
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut
from pydicom.pixels.processing import apply_voi

WHITE = 255
FUNCTIONS = ("linear", "linear-exact", "sigmoid")

# Attributes that an enhanced multi-frame image keeps in functional groups (PS3.3 C.7.6.16).
_GROUPS = {
    "PixelValueTransformationSequence": ("RescaleSlope", "RescaleIntercept"),
    "FrameVOILUTSequence": ("WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence"),
}


def grey(pixels, header, number, window=None):
    """Turn stored values to shades of grey.

    Parameters
    ----------
    pixels : numpy.ndarray
        Stored values, shape (rows, columns); what `decode.samples` returns.
    header : pydicom.Dataset
        The image's attributes.
    number : int
        Which frame it is, from 1: enhanced images have attributes of their own for each.
    window : tuple, optional
        ``(center, width)`` or ``(center, width, function)``. Without it, the VOI LUT or window
        of the file, and else the range of the values.

    Returns
    -------
    numpy.ndarray
        uint8, shape (rows, columns), 0 black, 255 white.
    """
    attributes = _functional_groups(header, number)
    padding = _padding(header)
    low, high = min(int(pixels.min()), 0), int(pixels.max())
    # Values of 32 bits can be too many for a table: then each pixel is worked out.
    is_table = high - low < 1 << 16
    stored = numpy.arange(low, high + 1).astype(pixels.dtype) if is_table else pixels
    screen = _screen_values(stored, pixels, attributes, window, padding)
    if header.PhotometricInterpretation == "MONOCHROME1":
        screen = WHITE - screen
    if padding:
        # What lies outside the image stays in the background.
        screen[(stored >= padding[0]) & (stored <= padding[1])] = 0
    screen = screen.round().astype("u1")
    if not is_table:
        return screen
    return screen.take((pixels - low).astype("u2") if low else pixels)


def windowed(values, center, width, function="linear"):
    """Map values to 0 (black) to 255 (white) through a window (PS3.3 C.11.2.1.2, C.11.2.1.3).

    Parameters
    ----------
    values : numpy.ndarray
        Output of the modality LUT, any shape.
    center, width : float
        In the units of `values`.
    function : str
        ``linear``, ``linear-exact`` or ``sigmoid``.

    Returns
    -------
    numpy.ndarray
        float64, the shape of `values`.

    Raises
    ------
    ValueError
        A width that is too small, or an unknown function.

    Examples
    --------
    >>> windowed(numpy.array([-160, 40, 239, 1000]), 40, 400).round().tolist()
    [0.0, 128.0, 255.0, 255.0]
    """
    if not _is_wide_enough(width, function):
        least = "1 or more" if function == "linear" else "more than 0"
        raise ValueError(f"The width of a {function} window is {least}, not {width}.")
    distance = numpy.asarray(values, dtype="float64") - center
    if function == "linear":
        if width == 1:
            share = numpy.where(distance > -0.5, 1.0, 0.0)
        else:
            share = (distance + 0.5) / (width - 1) + 0.5
    elif function == "linear-exact":
        share = distance / width + 0.5
    elif function == "sigmoid":
        share = 1 / (1 + numpy.exp(numpy.clip(-4 * distance / width, -500, 500)))
    else:
        raise ValueError(f"A window is linear, linear-exact or sigmoid, not {function}.")
    return share.clip(0, 1) * WHITE


def _screen_values(stored, pixels, attributes, window, padding):
    """Turn stored values to 0 .. 255, as float."""
    values = apply_modality_lut(stored, attributes)
    if window:
        return windowed(values, *window)
    if attributes.get("VOILUTSequence"):
        bits = attributes.VOILUTSequence[0].LUTDescriptor[2]
        return apply_voi(_whole(values), attributes) * (WHITE / (2**bits - 1))
    own_window = _own_window(attributes)
    if own_window:
        return windowed(values, *own_window)
    inside = pixels
    if padding:
        seen = pixels[(pixels < padding[0]) | (pixels > padding[1])]
        inside = seen if seen.size else pixels
    ends = apply_modality_lut(numpy.array([inside.min(), inside.max()]), attributes)
    low, high = float(ends.min()), float(ends.max())
    return windowed(values, (low + high) / 2, (high - low) or 1.0, "linear-exact")


def _whole(values):
    """Integers, which a VOI LUT is indexed by, from rescaled values."""
    return values if values.dtype.kind in "iu" else values.round().astype("i4")


def _own_window(attributes):
    """Return the first window of the file, or None if it has none that could be applied."""
    center, width = attributes.get("WindowCenter"), attributes.get("WindowWidth")
    if center is None or width is None:
        return None
    try:
        center, width = (float(numpy.atleast_1d(value)[0]) for value in (center, width))
    except ValueError:  # "40,5", say
        return None
    function = (attributes.get("VOILUTFunction") or "LINEAR").lower().replace("_", "-")
    if function not in FUNCTIONS or not _is_wide_enough(width, function):
        return None
    return (center, width, function) if numpy.isfinite(center + width) else None


def _is_wide_enough(width, function):
    return width >= 1 if function == "linear" else width > 0


def _padding(header):
    """Return the lowest and highest value of Pixel Padding, or None (PS3.3 C.7.5.1.1.2)."""
    value = header.get("PixelPaddingValue")
    if value is None:
        return None
    limit = header.get("PixelPaddingRangeLimit", value)
    return min(value, limit), max(value, limit)


def _functional_groups(header, number):
    """Gather what the grey pipeline needs, from the frame's functional groups if there are any."""
    per_frame = header.get("PerFrameFunctionalGroupsSequence") or []
    groups = [*header.get("SharedFunctionalGroupsSequence", []), *per_frame[number - 1 : number]]
    if not groups:
        return header
    attributes = Dataset()
    for name in ("BitsStored", "PixelRepresentation", *itertools.chain(*_GROUPS.values())):
        if name in header:
            attributes.add(header[name])
    for group in groups:
        for sequence, names in _GROUPS.items():
            for item in group.get(sequence, [])[:1]:
                for name in names:
                    if name in item:
                        attributes.add(item[name])
    return attributes
