"""Images that the shipped archive lacks: palettes, and pixels that are no squares."""

import numpy
import pydicom
from pydicom.filewriter import correct_ambiguous_vr
from pydicom.uid import generate_uid

from helpers.palettes import TABLES
from tests.archive import JOE

STUDY, SERIES = "2.25.7001", "2.25.7002"


def write_image(path, pixels, **attributes):
    """Write Joe's first image with other pixels and attributes; return what was written."""
    dataset = pydicom.dcmread(JOE[0])
    for keyword in ("PixelSpacing", "ImagerPixelSpacing", "WindowCenter", "WindowWidth"):
        if keyword in dataset:
            delattr(dataset, keyword)
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = STUDY, SERIES
    dataset.SOPInstanceUID, dataset.Modality = generate_uid(), "OT"
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated = dataset.BitsStored = pixels.itemsize * 8
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OW"
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
        if value is None:
            delattr(dataset, keyword)
    correct_ambiguous_vr(dataset, is_little_endian=True)
    dataset.save_as(path)
    return dataset


def palette(count):
    """Return a palette of 16 bits, as attributes of an image."""
    red = numpy.linspace(0, 65535, count).astype("<u2")
    tables = (red, red[::-1], numpy.roll(red, count // 3))
    descriptors = [name.replace("Data", "Descriptor") for name in TABLES]
    return {
        "PhotometricInterpretation": "PALETTE COLOR",
        **{name: [count, 0, 16] for name in descriptors},
        **{name: table.tobytes() for name, table in zip(TABLES, tables, strict=True)},
    }


def functional_groups():
    """Return what an enhanced image says of its two frames: a size, two rescales, two windows."""
    measures = item(PixelSpacing=[0.5, 1])
    rescales = [item(RescaleSlope=slope, RescaleIntercept=-100) for slope in (1, 2)]
    windows = [item(WindowCenter=center, WindowWidth=1000) for center in (1000, 3000)]
    return {
        "SharedFunctionalGroupsSequence": [item(PixelMeasuresSequence=[measures])],
        "PerFrameFunctionalGroupsSequence": [
            item(PixelValueTransformationSequence=[rescale], FrameVOILUTSequence=[window])
            for rescale, window in zip(rescales, windows, strict=True)
        ],
    }


def item(**attributes):
    """Return an item of a sequence."""
    made = pydicom.Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made
