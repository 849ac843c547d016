from io import BytesIO

import numpy
import pydicom
import pytest
from IPython.core.pylabtools import print_figure
from matplotlib import pyplot
from PIL import Image
from pydicom.pixels import apply_windowing

from helpers.errors import FrameError
from helpers.pixels.show_frame import show_frame
from tests.classroom.pacs.variants import JOE

RAMP = numpy.arange(4096, dtype="uint16").reshape(64, 64)


@pytest.fixture(autouse=True)
def closed_figures():
    pyplot.switch_backend("agg")
    yield
    pyplot.close("all")


def seen(ax, **options):
    """Return what Jupyter shows of a figure, as an array of grey or RGB."""
    shown = print_figure(ax.figure, "png", bbox_inches="tight", **options)
    return numpy.asarray(Image.open(BytesIO(shown)).convert("RGB"))


def test_the_line_below_says_what_is_seen(capsys):
    show_frame(pydicom.dcmread(JOE).pixel_array, window=(1064, 400))
    line = capsys.readouterr().out
    assert line.startswith("512 x 600, uint16, 0 to ")
    assert ", window 1064/400, checksum " in line
    assert line.count("\n") == 1


def test_colour_and_fractions(capsys):
    show_frame(numpy.full((4, 6, 3), 7, "uint8"))
    assert capsys.readouterr().out.startswith("6 x 4, RGB, uint8, 7 to 7, full range, checksum ")
    show_frame(RAMP / 8)
    assert capsys.readouterr().out.startswith("64 x 64, float64, 0 to 511.875, full range")


def test_the_checksum_is_that_of_the_values_alone(capsys):
    for same in (RAMP, RAMP.astype(">u2"), numpy.asfortranarray(RAMP)):
        show_frame(same)
    lines = capsys.readouterr().out.splitlines()
    assert len({line[-8:] for line in lines}) == 1
    show_frame(RAMP.T)
    assert capsys.readouterr().out.strip()[-8:] != lines[0][-8:]


def test_the_picture_has_a_pixel_for_each_pixel():
    pixels = numpy.random.default_rng(1).integers(0, 256, (400, 500), "uint8")
    shown = seen(show_frame(pixels))[..., 0].astype(int)
    assert abs(shown - pixels).max() <= 1


def test_a_window_is_black_below_and_white_above():
    shown = seen(show_frame(numpy.repeat(RAMP, 5, axis=0).repeat(5, axis=1), window=(2048, 100)))
    assert shown[2, 2].tolist() == [0, 0, 0]
    assert shown[-2, -2].tolist() == [255, 255, 255]
    assert shown[:150].max() == 0
    assert shown[-150:].min() == 255


def test_a_window_is_that_of_pydicom():
    dataset = pydicom.Dataset()
    dataset.WindowCenter, dataset.WindowWidth = 2048, 1000
    dataset.BitsStored, dataset.PixelRepresentation = 12, 0
    dataset.PhotometricInterpretation = "MONOCHROME2"
    theirs = apply_windowing(RAMP, dataset) * (255 / 4095)
    shown = seen(show_frame(RAMP, window=(2048, 1000)))[2::5, 2::5, 0]
    # matplotlib knows 256 colours, and rounds down to one of them.
    assert abs(shown - theirs).max() <= 2


def test_colours_are_shown_as_they_are():
    pixels = numpy.zeros((400, 400, 3), "uint8")
    pixels[:] = (200, 80, 40)
    assert seen(show_frame(pixels))[200, 200].tolist() == [200, 80, 40]


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((600, 512), (600, 512)),
        ((64, 64), (320, 320)),
        ((2000, 1000), (640, 320)),
        ((100, 400), (100, 400)),
    ],
)
def test_the_figure_has_the_shape_of_the_pixels_and_a_size_for_the_eye(shape, size):
    assert seen(show_frame(numpy.ones(shape, "uint8"))).shape[:2] == size


@pytest.mark.parametrize(
    ("shape", "aspect", "size"),
    [
        ((400, 400), 0.5, (200, 400)),
        ((200, 400), 2, (400, 400)),
        ((200, 100, 3), 3, (600, 100)),
        ((640, 100), 2, (640, 50)),
    ],
)
def test_pixels_that_are_no_squares_are_not_drawn_as_squares(shape, aspect, size):
    ax = show_frame(numpy.full(shape, 255, "uint8"), aspect=aspect)
    shown = seen(ax)
    assert shown.shape[:2] == size
    # All of the figure is picture, and no white edge is left: one value is drawn black.
    if len(shape) == 2:
        assert shown.max() == 0


def test_proportions_hold_in_a_given_axes():
    _, ax = pyplot.subplots()
    show_frame(RAMP, ax=ax, aspect=2)
    ax.figure.canvas.draw()
    box = ax.get_window_extent()
    assert box.height / box.width == pytest.approx(2)


@pytest.mark.parametrize("aspect", [0, -1, float("nan"), 1000])
def test_an_aspect_that_cannot_be(aspect):
    with pytest.raises(FrameError, match="Pixels cannot have that shape"):
        show_frame(RAMP, aspect=aspect)


def test_a_title_stands_on_white_above_the_picture():
    """In a dark theme too, black letters need something light behind them."""
    shown = seen(show_frame(numpy.zeros((400, 400), "uint8"), title="Joe's chest"))
    assert shown.shape[:2] == (430, 400)
    title = shown[:30]
    assert title[0, 0].tolist() == [255, 255, 255]
    assert title.min() < 60


def test_a_given_axes_is_drawn_in():
    _, (left, right) = pyplot.subplots(1, 2)
    assert show_frame(RAMP, ax=right) is right
    assert right.images
    assert not left.images


def test_other_formats_still_work():
    ax = show_frame(RAMP)
    assert "<svg" in print_figure(ax.figure, "svg", bbox_inches="tight")
    file = BytesIO()
    ax.figure.savefig(file)
    assert Image.open(file).format == "PNG"


@pytest.mark.parametrize(
    "array",
    [
        numpy.zeros(5),
        numpy.zeros((2, 3, 4, 5)),
        numpy.zeros((4, 4, 2)),
        numpy.zeros((0, 4)),
        numpy.array([["a", "b"]]),
    ],
)
def test_an_array_that_is_no_picture(array):
    with pytest.raises(FrameError, match="no picture") as caught:
        show_frame(array)
    assert str(array.shape) in caught.value.came


def test_windows_that_make_no_sense():
    with pytest.raises(FrameError, match="narrow"):
        show_frame(RAMP, window=(40, 0))
    with pytest.raises(FrameError, match="no window"):
        show_frame(numpy.zeros((4, 4, 3), "uint8"), window=(40, 400))
    assert not pyplot.get_fignums()
