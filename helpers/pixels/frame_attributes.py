"""What an enhanced multi-frame image says of one frame (PS3.3 C.7.6.16)."""

from pydicom import Dataset

SHARED, OWN = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"
RESCALE = "PixelValueTransformationSequence"
GROUPS = ("PixelMeasuresSequence", RESCALE, "FrameVOILUTSequence")


def frame_attributes(dataset, number):
    """Return the attributes of a frame where an ordinary image has them.

    Parameters
    ----------
    dataset : pydicom.Dataset
        Of the instance.
    number : int
        Of the frame, from 1.

    Returns
    -------
    pydicom.Dataset
        With Pixel Spacing, rescale and window of this frame; the data set itself if it has no
        functional groups.

    Examples
    --------
    >>> measures, group, dataset = Dataset(), Dataset(), Dataset()
    >>> measures.PixelSpacing = [0.5, 0.5]
    >>> group.PixelMeasuresSequence = [measures]
    >>> dataset.SharedFunctionalGroupsSequence = [group]
    >>> frame_attributes(dataset, 1).PixelSpacing
    [0.5, 0.5]
    """
    found = [item for name in GROUPS for _, item in _items(dataset, number, name)]
    if not found:
        return dataset
    flat = Dataset(dataset)
    for item in found:
        flat.update(item)
    return flat


def rescale_in_python(dataset, number):
    """Write where the rescale of a frame is, if it is in a functional group; else an empty text."""
    return next((place for place, _ in _items(dataset, number, RESCALE)), "")


def _items(dataset, number, name):
    """Yield each item of a functional group that holds for a frame, and where it is, in Python."""
    for sequence, index in ((SHARED, 0), (OWN, number - 1)):
        groups = dataset.get(sequence) or []
        for group in groups[index : index + 1]:
            for item in (group.get(name) or [])[:1]:
                yield f"{sequence}[{index}].{name}[0]", item
