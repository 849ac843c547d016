"""The drawings in the notebooks, as a browser lays them out."""

import itertools

import pytest

from tests.browser.lab import ROOT
from tests.tools import needs_tool

pytestmark = needs_tool("chromium", "chromium")

DRAWINGS = sorted((ROOT / "notebooks" / "figures").glob("*.svg"))
# Each text and each box: where it is, and its colour.
MEASURE = """() => ["text", "rect, circle"].map(
    kind => [...document.querySelectorAll(kind)].map(item => {
        const {x, y, width, height} = item.getBBox()
        return {words: item.textContent, x, y, width, height, colour: getComputedStyle(item).fill}
    })
)"""
# Between a text and the border of its box.
MARGIN = 3


@pytest.fixture(scope="module", params=DRAWINGS, ids=lambda path: path.stem)
def measured(request, browser):
    page = browser.new_page()
    page.goto(request.param.as_uri())
    yield page.evaluate(MEASURE)
    page.close()


def holds(box, x, y):
    return box["x"] <= x <= box["x"] + box["width"] and box["y"] <= y <= box["y"] + box["height"]


def box_of(text, boxes):
    """Return the smallest box with a ground in which the middle of a text is."""
    x, y = text["x"] + text["width"] / 2, text["y"] + text["height"] / 2
    around = [box for box in boxes if holds(box, x, y) and box["colour"] != "none"]
    return min(around, key=lambda box: box["width"] * box["height"])


def brightness(colour):
    """Return the relative luminance of WCAG 2."""
    values = [int(number) / 255 for number in colour.removeprefix("rgb(").rstrip(")").split(",")]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    return sum(share * value for share, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_every_text_fits_its_box(measured):
    texts, boxes = measured
    assert texts
    for text in texts:
        box = box_of(text, boxes)
        assert text["x"] >= box["x"] + MARGIN, text["words"]
        assert text["x"] + text["width"] <= box["x"] + box["width"] - MARGIN, text["words"]
        assert text["y"] >= box["y"], text["words"]
        assert text["y"] + text["height"] <= box["y"] + box["height"], text["words"]


def test_no_text_lies_on_another(measured):
    texts, _ = measured
    for one, other in itertools.combinations(texts, 2):
        apart = (
            one["x"] + one["width"] <= other["x"]
            or other["x"] + other["width"] <= one["x"]
            or one["y"] + one["height"] <= other["y"] + 1
            or other["y"] + other["height"] <= one["y"] + 1
        )
        assert apart, (one["words"], other["words"])


def test_every_text_stands_out_from_its_ground(measured):
    texts, boxes = measured
    for text in texts:
        colours = box_of(text, boxes)["colour"], text["colour"]
        darker, lighter = sorted(map(brightness, colours))
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, text["words"]
