"""Pictures in a page have an alternative text; a file keeps what code hosts show."""

import io
import re

import numpy
import pytest
from IPython.display import Image
from matplotlib import pyplot
from PIL import Image as Pillow

from helpers import show_frame
from helpers.notebook import prepare_notebook
from helpers.pictures import PAGE


@pytest.fixture
def page(shell, monkeypatch):
    """Return the shell of a kernel whose notebook a page shows."""
    monkeypatch.setenv(PAGE, "lesson.ipynb")
    prepare_notebook(shell)
    yield shell
    pyplot.close("all")


def alternative(shell, thing):
    data, _ = shell.display_formatter.format(thing)
    return re.search("alt='(.*?)'", data["text/html"])[1]


def test_a_figure_is_said_by_its_title_and_its_text_twin(page, capsys):
    ax = show_frame(numpy.arange(64).reshape(8, 8), title="A ramp")
    printed = capsys.readouterr().out.strip()
    assert alternative(page, ax.figure) == f"A ramp; {printed}"


def test_an_image_is_said_by_its_alt_and_has_its_width(page):
    packed = io.BytesIO()
    Pillow.new("L", (40, 30)).save(packed, "JPEG")
    image = Image(packed.getvalue(), width=20, alt="A chest's front")
    assert alternative(page, image) == "A chest&#x27;s front"
    data, _ = page.display_formatter.format(image)
    assert "width='20'" in data["text/html"] and "data:image/jpeg;" in data["text/html"]


def test_a_file_keeps_the_picture_alone(shell, monkeypatch):
    monkeypatch.delenv(PAGE, raising=False)
    prepare_notebook(shell)
    data, _ = shell.display_formatter.format(Image(b"\x89PNG", format="png", alt="Nothing"))
    assert "text/html" not in data
