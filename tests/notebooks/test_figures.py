"""The drawings in the notebooks: legible everywhere, small, and with nothing from outside."""

import re
from xml.etree import ElementTree

import nbformat
import pytest
from nbconvert import HTMLExporter

from helpers.widgets.multipart_view import COLOURS
from tests.notebooks.recording import ROOT
from tests.notebooks.rows import GLOSSARY, NOTEBOOKS

FOLDER = ROOT / "notebooks" / "figures"
DRAWINGS = sorted(FOLDER.glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"
# A drawing is so wide at least, on a screen of 1024 pixels without the list of files; and so large
# are its letters there.
NARROWEST, SMALLEST = 640, 13

each_drawing = pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.stem)


def texts_of(element, size=16.0, fill="#000"):
    """Yield (size, colour) of each text, as it inherits them."""
    size = float(element.get("font-size", size))
    fill = element.get("fill", fill)
    if element.tag in (f"{SVG}text", f"{SVG}tspan"):
        yield size, fill
    for child in element:
        yield from texts_of(child, size, fill)


@each_drawing
def test_drawing_says_in_words_what_it_shows(path):
    root = ElementTree.parse(path).getroot()
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title.text and len(description.text) > 100
    assert root.get("role") == "img"
    assert root.get("aria-labelledby").split() == [title.get("id"), description.get("id")]


@each_drawing
def test_drawing_has_a_size_of_its_own(path):
    root = ElementTree.parse(path).getroot()
    left, top, width, height = map(float, root.get("viewBox").split())
    assert (left, top) == (0, 0)
    scale = float(root.get("width")) / width
    assert float(root.get("height")) == pytest.approx(scale * height, abs=0.5)
    assert float(root.get("width")) <= NARROWEST
    assert path.stat().st_size < 15_000


@each_drawing
def test_drawing_needs_nothing_from_outside_and_runs_nothing(path):
    root = ElementTree.parse(path).getroot()
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags.isdisjoint({"script", "style", "foreignObject", "image", "use", "a"})
    for element in root.iter():
        for name, value in element.attrib.items():
            assert not name.startswith("on") and not name.endswith("href")
            assert not re.search(r"url\((?!#)", value)


@each_drawing
def test_letters_are_large_enough_on_a_small_screen(path):
    root = ElementTree.parse(path).getroot()
    share = NARROWEST / float(root.get("width"))
    assert min(size for size, _ in texts_of(root)) * share >= SMALLEST


@each_drawing
def test_ground_is_light_whatever_the_theme(path):
    root = ElementTree.parse(path).getroot()
    ground = next(root.iter(f"{SVG}rect"))
    assert ground.get("fill") == "#fbfcfe"
    width, height = float(ground.get("width")), float(ground.get("height"))
    assert width + 2 >= float(root.get("width")) and height + 2 >= float(root.get("height"))


@each_drawing
def test_exported_page_holds_the_drawing(path):
    alt = "What it shows"
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell(f"![{alt}](figures/{path.name})")]
    )
    exporter = HTMLExporter(embed_images=True)
    page, _ = exporter.from_notebook_node(
        book, resources={"metadata": {"path": str(ROOT / "notebooks")}}
    )
    assert re.search(rf'<img alt="{alt}"[^>]* src="data:image/svg\+xml;base64,', page)


def test_body_has_the_colours_of_its_widget():
    root = ElementTree.parse(FOLDER / "multipart.svg").getroot()
    shown = {element.get("fill") for element in root.iter(f"{SVG}rect")}
    pieces = ("delimiter", "headers", "blank line", "data", "closing delimiter")
    assert {COLOURS[piece] for piece in pieces} <= shown


def test_notebooks_show_drawings_that_are_there_and_say_what_they_show():
    for path in [*NOTEBOOKS, GLOSSARY]:
        for cell in nbformat.read(path, 4).cells:
            if cell.cell_type == "markdown":
                for words, file in re.findall(r"!\[(.*?)\]\((\S*\.svg)", cell.source):
                    assert words, f"{path.name}: {file} has no words"
                    assert (path.parent / file).resolve() in DRAWINGS
