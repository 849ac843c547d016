"""The exercises of deeper/pixels: their solutions, and what a wrong answer is told."""

import io

import numpy
import pytest
import requests
from matplotlib import pyplot
from PIL import Image

from classroom.exercises.deeper.pixels import (
    NOTEBOOK,
    another_transfer_syntax,
    measure_cavity,
    read_pixels,
    which_jpeg,
    window_cavity,
)
from classroom.exercises.frames import ravis_slice
from helpers import frame, parts
from tests.archive import FOLDER
from tests.classroom.exercises.deeper.lesson import names_at_the_exercises, starter

EXERCISES = [read_pixels, window_cavity, measure_cavity, another_transfer_syntax, which_jpeg]


def refused(exercise, *answer):
    """Return the words of "not yet" for a wrong answer."""
    note = exercise.judge(*answer)
    assert note.title == "Not yet", note
    return note.text


def test_each_begins_untouched_and_its_solution_is_right(classroom, capsys):
    names = names_at_the_exercises(NOTEBOOK)
    pyplot.close("all")
    for exercise in EXERCISES:
        capsys.readouterr()
        exec(starter(NOTEBOOK, exercise), names)
        assert capsys.readouterr().out.startswith("Not attempted."), exercise
        exec(exercise.code, names)
        assert "Right." in capsys.readouterr().out, exercise


def shaped(raw, metadata):
    return numpy.frombuffer(raw, "<u2").reshape(metadata.Rows, metadata.Columns)


def always(raw, metadata):
    return shaped(raw, metadata) * float(metadata.RescaleSlope) + float(metadata.RescaleIntercept)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (shaped, "stored values"),
        (always, "Joe's topogram, your function returns an array"),
        (lambda raw, metadata: shaped(raw, metadata) - 1024.0, "an image with another slope"),
        (lambda raw, metadata: always(raw, metadata).T[:5], "the shape (5, 256)"),
        (lambda raw, metadata: None, "a NumPy array for the water phantom"),
        (
            lambda raw, metadata: always(raw, metadata) if metadata.RescaleType == "HU" else None,
            "a localizer whose Rescale Type is HU",
        ),
    ],
)
def test_hounsfield_units_where_they_hold_and_nowhere_else(function, words):
    assert words in refused(read_pixels, function)


def test_the_water_of_the_phantom_is_water(classroom):
    """What the exercise calls right, measured in a square of the archive's own file."""
    taken = []

    def take(raw, metadata):
        taken.append(always(raw, metadata))
        return taken[-1]

    read_pixels.judge(take)
    assert abs(taken[0][120:135, 120:135].mean()) < 1


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ((-600, 1500), "air and lung are"),
        ((40, 400), "pixels of the air are wholly black"),
        ((-700, 700), "pixels of the wall are wholly white"),
        ((40,), "two numbers"),
        (("a", 1), "the text 'a'"),
        ((0, 0), "shows nothing"),
        ((float("nan"), 100), "shows nothing"),
        (None, "a pair"),
    ],
)
def test_a_window_that_does_not_tell_the_three_apart(window, words):
    assert words in refused(window_cavity, window)


@pytest.mark.parametrize("window", [(-465, 1100), [-465, 1100], numpy.array([-465.0, 1100.0])])
def test_a_window_that_does(window):
    assert window_cavity.judge(window).title == "Right"


@pytest.mark.parametrize("depth", [43, 45.1, numpy.float64(46)])
def test_a_measured_depth(depth):
    assert measure_cavity.judge(depth).title == "Right"


@pytest.mark.parametrize(
    ("depth", "words"),
    [
        (4.5, "centimetres"),
        (61, "number of pixels"),
        (20, "wall and fluid alone"),
        (90, "It is less than that"),
        (33, "It is more than that"),
        (float("nan"), "no length"),
        ("45 mm", "a number, in millimetres"),
    ],
)
def test_a_depth_that_is_none(depth, words):
    assert words in refused(measure_cavity, depth)


def fetch(server, kind, resource=None):
    answer = requests.get(
        f"{server.dicomweb}{resource or ravis_slice(server)}/frames/1",
        headers={**server.headers, "Accept": f'multipart/related; type="{kind}"'},
        timeout=10,
    )
    return parts(answer)


def test_another_transfer_syntax(classroom):
    [lossless], [jls] = fetch(classroom, "image/jpeg"), fetch(classroom, "image/jls")
    pixels = frame(jls)
    assert another_transfer_syntax.judge(jls, pixels).title == "Right"
    assert "JPEG Lossless" in refused(another_transfer_syntax, lossless, pixels)
    assert "a part of an answer" in refused(another_transfer_syntax, jls.content, pixels)
    assert "not those of your part" in refused(another_transfer_syntax, jls, pixels + 1)


def by_pillow(jpeg):
    """An authority that knows of baseline only."""
    try:
        picture = Image.open(io.BytesIO(jpeg))
    except OSError:
        return None
    return "baseline" if picture.format == "JPEG" and not picture.info.get("progressive") else None


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (by_pillow, "None for Joe's frame"),
        (lambda jpeg: "lossless" if b"\xff\xc3" in jpeg else "baseline", "comment in front"),
        (lambda jpeg: "JPEG", "one of three words"),
        (lambda jpeg: None, "None for Joe's frame"),
        (lambda jpeg: jpeg[10_000_000], "IndexError"),
    ],
)
def test_a_kind_that_the_markers_do_not_name(kind, words):
    assert words in refused(which_jpeg, kind)


def test_the_archive_holds_what_these_exercises_are_about():
    assert {"ravi", "water_phantom", "joe", "andy"} <= {path.name for path in FOLDER.iterdir()}
