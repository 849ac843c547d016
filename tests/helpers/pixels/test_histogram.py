"""How often each value occurs in a picture, drawn with its window."""

import numpy
import pydicom
import pytest
from matplotlib import pyplot

from helpers import show_histogram
from helpers.errors import FrameError
from helpers.pixels.display import Window
from tests.archive import RAVI


@pytest.fixture(autouse=True)
def no_figure_stays():
    yield
    pyplot.close("all")


def bars(ax):
    """Return how high the bars are, and where they begin and end."""
    [steps] = [patch for patch in ax.patches if hasattr(patch, "get_data")]
    return steps.get_data().values, steps.get_data().edges


@pytest.mark.parametrize("kind", ["int16", "uint16", "uint8", "float32"])
def test_every_pixel_is_counted_once(kind):
    values = numpy.random.default_rng(1).integers(0, 255, (60, 50)).astype(kind)
    counts, edges = bars(show_histogram(values))
    assert counts.sum() == values.size
    assert edges[0] <= values.min() and edges[-1] >= values.max()


def test_bars_of_whole_numbers_hold_equally_many_of_them():
    # One of each: with other borders, some bars would be twice as high as others.
    counts, edges = bars(show_histogram(numpy.arange(-1000, 1000)))
    assert set(counts[:-1]) == {edges[1] - edges[0]}


def test_window_is_drawn_where_the_picture_becomes_black_and_white(capsys):
    values = pydicom.dcmread(RAVI[0]).pixel_array.astype("int16")
    ax = show_histogram(values, window=(40, 400))
    lines = sorted(line.get_xdata()[0] for line in ax.lines)
    assert lines == [-160, 239]
    # As the window of all other pictures calculates it.
    grey = Window(40, 400).apply(values)
    out = capsys.readouterr().out
    assert f"{(grey <= 0).mean() * 100:.0f} % black" in out
    assert f"{(grey >= 255).mean() * 100:.0f} % white" in out


def test_greys_above_the_bars_stand_above_their_values():
    ax = show_histogram(numpy.arange(1000), window=(500, 400))
    [strip] = ax.child_axes
    [image] = strip.images
    greys = image.get_array()[0]
    shown = image.to_rgba(greys)[:, 0]
    assert (greys[0], greys[-1]) == ax.get_xlim()
    assert (shown[greys < 299] == 0).all() and (shown[greys > 701] == 1).all()


def test_window_beyond_the_values_is_seen():
    ax = show_histogram(numpy.arange(100), window=(0, 2000))
    low, high = ax.get_xlim()
    assert low < -1000 and high > 999


def test_picture_of_one_value_and_one_with_holes_are_drawn(capsys):
    show_histogram(numpy.zeros((4, 4)))
    show_histogram(numpy.array([numpy.nan, 1.5, 2.5]), unit="HU")
    out = capsys.readouterr().out.splitlines()
    assert out == ["16 pixels, 0 to 0", "2 pixels, 1.5 to 2.5 HU"]


def test_figure_stands_on_white_in_any_theme_and_in_given_axes():
    assert show_histogram([1, 2]).figure.get_facecolor() == (1, 1, 1, 1)
    _, ax = pyplot.subplots()
    assert show_histogram([1, 2], ax=ax, title="Two") is ax
    assert ax.get_title() == "Two"


@pytest.mark.parametrize("values", [[], ["CT"], [numpy.nan], [[True]]])
def test_what_cannot_be_counted_is_explained(values):
    with pytest.raises(FrameError, match="nothing to count"):
        show_histogram(values)


def test_window_without_width_is_explained():
    with pytest.raises(FrameError, match="cannot be that narrow"):
        show_histogram([1, 2], window=(40, 0))
