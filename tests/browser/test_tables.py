"""Tables in JupyterLab: they fit, and a copy of them has what is whole."""

import nbformat
import pandas
import pydicom
import pytest

from helpers.tables import table_html
from tests.archive import JOE
from tests.browser.lab import THEMES, Notebook, Tab
from tests.browser.looks import cut_off, hard_to_read
from tests.tools import needs_tool

pytestmark = needs_tool("chromium", "chromium")

IMAGE = pydicom.dcmread(JOE[0], stop_before_pixels=True)
STUDY, SERIES = IMAGE.StudyInstanceUID, IMAGE.SeriesInstanceUID
URL = f"http://127.0.0.1:8042/dicomweb/studies/{STUDY}/series/{SERIES}"
URL += f"/instances/{IMAGE.SOPInstanceUID}"
FIVE = pandas.DataFrame(
    {
        "SOPInstanceUID": [IMAGE.SOPInstanceUID],
        "Modality": ["CT"],
        "RetrieveURL": [URL],
        "SeriesNumber": [1],
        "InstanceNumber": [1],
    }
)
SIX = pandas.DataFrame(
    {
        "PatientName": ["Ravi SIIM", "Water PHANTOM"],
        "PatientID": ["RAVI-TEACH-01", "QA-CT-01"],
        "StudyDate": ["20150812", "20180618"],
        "ModalitiesInStudy": ["CT, DOC, KO, PR, SR", "CT"],
        "NumberOfStudyRelatedInstances": [36, 3],
        "StudyInstanceUID": [STUDY, "2.25.376823938970936436722019209917784829"],
    }
)
COPY = """table => {
    getSelection().selectAllChildren(table);
    document.execCommand('copy');
    return navigator.clipboard.readText();
}"""
# Whether a text is seen whole, in the middle of its line, or cut at one side.
IS_CUT = "cell => cell.scrollWidth > cell.clientWidth"


@pytest.fixture(scope="module", params=[1024, 911])
def notebook(request, browser, lab):
    """Open tables from elsewhere: JupyterLab does not trust them, and keeps few styles."""
    tab = Tab(browser, width=request.param, height=768)
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    path = lab.write(f"tables-{request.param}.ipynb", "1", "2")
    written = nbformat.read(lab.root / path, as_version=4)
    for cell, table in zip(written.cells, (FIVE, SIX), strict=True):
        data = {"text/html": table_html(table)}
        cell.outputs = [nbformat.v4.new_output("display_data", data)]
    nbformat.write(written, lab.root / path)
    yield Notebook(tab, lab, path)
    tab.close()


def test_tables_fit_the_screen(notebook):
    assert cut_off(notebook.panel) == []
    for table in notebook.panel.locator("table").all():
        output = table.locator("xpath=ancestor::*[contains(@class, 'jp-OutputArea-output')]")
        assert table.bounding_box()["width"] <= output.bounding_box()["width"]
    notebook.screenshot(notebook.name)


def test_row_of_short_names_is_low(notebook):
    row = notebook.panel.locator("table").first.locator("tbody tr")
    assert row.bounding_box()["height"] <= 50


def test_copy_has_the_whole_names(notebook):
    copied = notebook.panel.locator("table").first.evaluate(COPY)
    cells = [cell.strip() for cell in copied.strip().splitlines()[-1].split("\t")]
    assert cells == ["0", IMAGE.SOPInstanceUID, "CT", URL, "1", "1"]


def test_mouse_over_a_short_name_shows_the_whole(notebook):
    names = notebook.panel.locator("table").first.get_by_title(URL)
    assert names.last.is_visible()
    assert names.last.evaluate(IS_CUT)


@pytest.mark.parametrize("theme", THEMES)
def test_tables_are_legible_in_each_theme(notebook, theme):
    notebook.use_theme(theme)
    assert hard_to_read(notebook.panel) == []
