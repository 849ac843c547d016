"""Pixels to pictures, compared with pydicom and with the server's own picture."""

import io

import numpy
import pydicom
import pytest
from PIL import Image
from pydicom.pixels import apply_modality_lut, apply_windowing

from helpers.pixels.display import aspect_of, picture, png
from helpers.pixels.values import modality_values
from helpers.pixels.windows import window_names, window_of
from tests.archive import FOLDER, RAVI

CT = pydicom.dcmread(RAVI[0])
PIXELS = CT.pixel_array
VALUES = modality_values(PIXELS, CT)


def test_values_are_hounsfield_units():
    assert numpy.array_equal(VALUES, apply_modality_lut(PIXELS, CT))


@pytest.mark.parametrize("window", [(40, 400), (-600, 1500), (50.5, 350.0), (0, 2)])
@pytest.mark.parametrize("curve", [None, "LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_window_is_that_of_pydicom(window, curve):
    dataset = pydicom.Dataset()
    dataset.PhotometricInterpretation, dataset.BitsStored = "MONOCHROME2", 8
    dataset.PixelRepresentation = 0
    dataset.WindowCenter, dataset.WindowWidth = window
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0
    if curve:
        dataset.VOILUTFunction = curve
    with numpy.errstate(over="ignore"):  # far from a narrow window
        expected = apply_windowing(VALUES, dataset)
    drawn = numpy.asarray(picture(VALUES, dataset, window), dtype=float)
    assert abs(drawn - expected).max() <= 0.5 + 1e-9


def test_window_of_width_one_is_a_threshold():
    ramp = numpy.arange(10).reshape(1, 10)
    shades = set(
        numpy.asarray(picture(ramp, pydicom.Dataset(), (5, 1)).resize((10, 1), Image.NEAREST)).flat
    )
    assert shades == {0, 255}


@pytest.mark.parametrize("curve", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_window_of_no_width_is_a_threshold_too(curve):
    dataset = pydicom.Dataset()
    dataset.VOILUTFunction = curve
    ramp = numpy.arange(10).reshape(1, 10)
    shades = numpy.asarray(picture(ramp, dataset, (4.5, 0)).resize((10, 1), Image.NEAREST))
    assert list(shades.flat) == [0] * 5 + [255] * 5


def test_full_range_makes_the_least_black_and_the_greatest_white():
    drawn = numpy.asarray(picture(PIXELS, CT, "full range"))
    assert (drawn.min(), drawn.max()) == (0, 255)
    assert drawn[numpy.unravel_index(VALUES.argmin(), VALUES.shape)] == 0
    assert drawn[numpy.unravel_index(VALUES.argmax(), VALUES.shape)] == 255


def test_image_of_one_value_is_no_error():
    flat = numpy.zeros((4, 4), "u2")
    assert picture(flat, CT, "full range").size == (512, 512)


def test_monochrome1_is_white_where_the_values_are_least():
    dataset = pydicom.Dataset()
    dataset.PhotometricInterpretation = "MONOCHROME1"
    usual = numpy.asarray(picture(PIXELS, CT, (40, 400)))
    assert numpy.array_equal(numpy.asarray(picture(VALUES, dataset, (40, 400))), 255 - usual)


def test_file_without_a_window_gets_the_full_range():
    dataset = pydicom.Dataset()
    assert window_names(dataset) == ["full range"]
    assert window_of("file", dataset, VALUES) == window_of("full range", dataset, VALUES)


def test_first_of_several_windows_is_that_of_the_file():
    assert [*CT.WindowCenter] == [40, -600]
    assert window_of("file", CT, PIXELS)[:2] == (40, 400)


def test_longer_side_has_512_pixels():
    tall = numpy.zeros((600, 300))
    assert picture(tall, CT, (0, 2)).size == (256, 512)


@pytest.mark.parametrize(
    ("attributes", "aspect"),
    [
        ({}, 1),
        ({"PixelSpacing": [1.5, 0.5]}, 3),
        ({"ImagerPixelSpacing": [0.1, 0.2]}, 0.5),
        ({"PixelAspectRatio": [2, 1]}, 2),
        # Calibrated comes before the plane of the detector, and millimetres before a ratio.
        ({"PixelAspectRatio": [7, 1], "ImagerPixelSpacing": [5, 1], "PixelSpacing": [3, 1]}, 3),
        ({"PixelAspectRatio": [7, 1], "ImagerPixelSpacing": [5, 1]}, 5),
        # What makes no sense is left out.
        ({"PixelSpacing": [1, 0]}, 1),
        ({"PixelSpacing": [0.5]}, 1),
        ({"PixelSpacing": None}, 1),
        ({"PixelSpacing": [0, 1], "PixelAspectRatio": [2, 1]}, 2),
    ],
)
def test_shape_of_a_pixel_is_read_from_the_file(attributes, aspect):
    dataset = pydicom.Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    assert aspect_of(dataset) == pytest.approx(aspect)


def test_picture_is_as_wide_and_high_as_the_image_in_millimetres():
    dataset = pydicom.Dataset()
    dataset.PixelSpacing = [0.5, 1]
    square = numpy.arange(256 * 256).reshape(256, 256)
    drawn = picture(square, dataset, (32768, 65536))
    assert drawn.size == (512, 256)
    # Nothing is cut off: the corners of the image are those of the picture.
    shades = numpy.asarray(drawn)
    assert (shades[0, 0], shades[-1, -1]) == (0, 255)
    assert picture(square, dataset, (32768, 65536), zoom=2).size == (512, 256)


@pytest.mark.parametrize("at", [(0, 0), (1, 1), (0.5, 0.5)])
@pytest.mark.parametrize("zoom", [1, 1.25, 8, 10_000])
def test_zoom_never_leaves_the_image(zoom, at):
    assert picture(PIXELS, CT, (40, 400), zoom=zoom, at=at).size == (512, 512)


def test_colour_of_more_than_8_bits_keeps_the_upper_ones():
    dataset = pydicom.Dataset()
    dataset.BitsStored, dataset.PhotometricInterpretation = 12, "RGB"
    drawn = picture(numpy.full((2, 2, 3), 4080, "uint16"), dataset)
    assert drawn.getpixel((0, 0)) == (255, 255, 255)


def test_colour_stays_as_it_is():
    andy = pydicom.dcmread(FOLDER / "andy" / "US001_0001.dcm")
    first = modality_values(numpy.full((2, 2, 3), 7, "uint8"), andy)
    assert numpy.asarray(picture(first, andy)).tolist()[0][0] == [7, 7, 7]


def test_png_loses_nothing():
    drawn = picture(PIXELS, CT, (40, 400))
    assert numpy.array_equal(
        numpy.asarray(Image.open(io.BytesIO(png(drawn)))), numpy.asarray(drawn)
    )
