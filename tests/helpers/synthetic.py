"""Images that the shipped archive lacks: palettes, and pixels that are no squares."""

import struct

import numpy
import pydicom
from pydicom.filewriter import correct_ambiguous_vr
from pydicom.uid import generate_uid

from helpers.pixels.lookup_tables import TABLES
from tests.archive import JOE

STUDY, SERIES = "2.25.7001", "2.25.7002"


RAMP = numpy.arange(60 * 80, dtype="u2").reshape(60, 80)
COLUMNS = numpy.linspace(0, 255, 80).astype("u1").reshape(1, 80).repeat(60, axis=0)


def write_odd_images(folder):
    """Write one image of each kind into a study; return them by name, in their order."""
    grey = {"PhotometricInterpretation": "MONOCHROME1", "RescaleSlope": 1, "RescaleIntercept": 0}
    no_rescale = {"RescaleSlope": None, "RescaleIntercept": None}
    two_frames = {"NumberOfFrames": 2, "Rows": 60, **functional_groups()}
    kinds = {
        # Short enough for the metadata, and too long for it.
        "palette": ((RAMP % 64).astype("u1"), palette(64)),
        "long palette": (RAMP, palette(4096)),
        "segments": (RAMP % 1024, segmented(1024)),
        "high pixels": (RAMP, {"PixelSpacing": [1.5, 0.75], **grey}),
        "8 bits": (COLUMNS, grey),
        "enhanced": (numpy.vstack([RAMP, RAMP[::-1]]), two_frames | no_rescale),
    }
    return {
        name: write_image(folder / f"{number}.dcm", pixels, InstanceNumber=number, **attributes)
        for number, (name, (pixels, attributes)) in enumerate(kinds.items(), 1)
    }


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


def segmented(count):
    """Return a palette in segments, here one for each colour, that is too long for the metadata."""
    plain = palette(count)
    return {
        **{name: value for name, value in plain.items() if name not in TABLES},
        **{f"Segmented{name}": struct.pack("<2H", 0, count) + plain[name] for name in TABLES},
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
