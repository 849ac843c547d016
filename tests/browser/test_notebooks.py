"""Each notebook opened in JupyterLab and run from the top to the bottom, as a learner does."""

import nbformat
import pytest

from tests.browser.lab import ROOT, THEMES, Notebook, Tab
from tests.browser.looks import cut_off, hard_to_read
from tests.notebooks.rows import NOTEBOOKS, WORKSHOP, name_of
from tests.tools import needs_tool

pytestmark = needs_tool("chromium", "chromium")

WIDGET = "application/vnd.jupyter.widget-view+json"
# A common laptop; a narrow window; the laptop with everything magnified to 150 %.
LAPTOP, NARROW, MAGNIFIED = (1366, 768), (1024, 768), (911, 512)
SCREENS = 8


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=name_of)
def path(request):
    return request.param


@pytest.fixture(scope="module")
def notebook(path, browser, lab):
    """Run the notebook once, for all tests of this file."""
    tab = Tab(browser)
    opened = Notebook(tab, lab, path.relative_to(ROOT).as_posix())
    opened.run_all()
    yield opened
    tab.close()


def saved_code_cells(path):
    cells = nbformat.read(path, as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code"]


def is_meant_to_fail(cell):
    return "raises-exception" in cell.metadata.get("tags", [])


def kinds(cell):
    return {output.output_type for output in cell.outputs}


def test_every_cell_ran_and_the_errors_are_those_that_are_meant(notebook):
    cells = notebook.code_cells()
    errors = [cell.source for cell in cells if "error" in kinds(cell)]
    assert errors == [cell.source for cell in cells if is_meant_to_fail(cell)]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))


def test_each_cell_shows_what_the_file_says(notebook, path):
    # A progress bar is not kept in the file.
    seen, expected = (
        [kinds(c) for c in cells if "nbval-ignore-output" not in c.metadata.get("tags", [])]
        for cells in (notebook.code_cells(), saved_code_cells(path))
    )
    assert seen == expected


def test_nothing_is_written_on_stderr(notebook):
    outputs = [output for cell in notebook.code_cells() for output in cell.outputs]
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []


def test_every_picture_is_there_with_words(notebook):
    outputs = [output for cell in notebook.code_cells() for output in cell.outputs]
    kept = {"image/png", "image/jpeg"}
    pictures = sum(bool(kept & set(output.get("data", {}))) for output in outputs)
    shown = notebook.panel.locator(".jp-OutputArea-output img")
    assert shown.count() >= pictures - notebook.panel.locator(".wb-frame-viewer").count()
    visible = shown.filter(visible=True)
    widths = visible.evaluate_all("images => images.map(image => image.naturalWidth)")
    assert all(width >= 50 for width in widths)
    words = visible.evaluate_all("images => images.map(image => image.alt)")
    assert all(words)


def test_every_widget_is_there(notebook):
    assert "Error displaying widget" not in notebook.panel.inner_text()


@pytest.mark.parametrize("size", [LAPTOP, NARROW, MAGNIFIED], ids="{0[0]} x {0[1]}".format)
def test_no_table_is_cut_off(notebook, size):
    with notebook.resized(*size):
        assert cut_off(notebook.panel) == []


def test_the_first_screen_shows_a_picture_or_a_widget(notebook):
    with notebook.resized(*LAPTOP):
        seen = notebook.first_picture()
        screen = notebook.screen()
    # Enough of it that one sees what it is.
    assert seen["top"] + min(seen["height"], 100) <= screen, seen


def test_a_notebook_of_the_workshop_has_eight_screens_at_most(notebook, path):
    with notebook.resized(*LAPTOP):
        screens = notebook.length() / notebook.screen()
    assert path not in WORKSHOP or screens <= SCREENS


@pytest.mark.parametrize("theme", THEMES)
def test_outputs_are_legible_in_each_theme(notebook, theme):
    notebook.use_theme(theme)
    notebook.screenshot(f"{notebook.name[:2]}-{theme}")
    assert hard_to_read(notebook.panel) == []


def test_nothing_leaves_the_computer(notebook):
    assert notebook.tab.refused == []


def test_no_error_in_the_browser(notebook):
    assert notebook.tab.errors == []
