"""What nbval cannot see: cells that never ran, headings, words for pictures, traces of a run."""

import json
import re
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
SECTIONS = ["You now can", "In practice", "Further reading"]
OPENING = [
    "**What you'll do:**",
    "**What you'll be able to do:**",
    "**Time:**",
    "**In the workshop:**",
]

# Where files lie on a machine, and ports, which another run chooses anew.
TRACES = re.compile(r"(?<![\w/])/(?:root|home|Users|tmp|work|usr|var)/|[A-Z]:\\\\|127\.0\.0\.1:\d")


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.name)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def headings(notebook):
    """Return (level, text) of each heading; a # in a code block is none."""
    text = re.sub(r"```.*?```", "", prose(notebook), flags=re.DOTALL)
    return [(len(marks), words) for marks, words in re.findall(r"^(#+) (.+)$", text, re.MULTILINE)]


def test_there_are_notebooks_in_the_order_of_the_workshop():
    assert [path.name[:2] for path in NOTEBOOKS] == [f"{n:02}" for n in range(len(NOTEBOOKS))]
    assert len(NOTEBOOKS) >= 5


def test_every_cell_ran_from_the_top_to_the_bottom(notebook):
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))


def test_one_h1_and_headings_in_order(notebook):
    levels = [level for level, _ in headings(notebook)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_the_anatomy_of_a_notebook(notebook):
    assert all(words in notebook.cells[0].source for words in OPENING)
    names = [words for _, words in headings(notebook)]
    assert [name for name in names if name in SECTIONS] == SECTIONS


def test_the_end_mirrors_the_objectives_of_the_beginning(notebook):
    objectives = re.findall(r"^- (.+)$", notebook.cells[0].source, re.MULTILINE)
    closing = prose(notebook).partition("## You now can")[2].partition("\n## ")[0]
    achieved = re.findall(r"^- (.+)$", closing, re.MULTILINE)
    assert 3 <= len(objectives) <= 5
    assert achieved == objectives


def words_of(output):
    """Return what an output says to somebody who sees no picture."""
    return output.get("text", "") + output.get("data", {}).get("text/plain", "")


def test_every_picture_has_words(notebook):
    for cell in code_cells(notebook):
        pictures = sum("image/png" in output.get("data", {}) for output in cell.outputs)
        printed = "".join(map(words_of, cell.outputs))
        assert printed.count("checksum") >= pictures, cell.source
    for alternative in re.findall(r"!\[(.*?)\]\(", prose(notebook)):
        assert alternative.strip()
    assert "<img" not in prose(notebook)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_quick_to_load(path):
    """A code host shows no notebook that is too large; pictures are packed by regenerate.py."""
    assert path.stat().st_size < 2_000_000


def test_outputs_hold_no_trace_of_a_machine(notebook):
    outputs = json.dumps([cell.outputs for cell in code_cells(notebook)])
    pictures_left_out = re.sub(r'"image/png": "[^"]*"', "", outputs)
    assert TRACES.findall(pictures_left_out) == []


def test_outputs_hold_no_warning_and_only_the_errors_that_are_meant(notebook):
    for cell in code_cells(notebook):
        kinds = [output.output_type for output in cell.outputs]
        assert ("error" in kinds) == ("raises-exception" in cell.metadata.get("tags", []))
        assert all(output.get("name") != "stderr" for output in cell.outputs)


def test_nothing_of_the_authors_session_is_stored(notebook):
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert all(set(cell.metadata) <= {"tags"} for cell in notebook.cells)


def test_acronyms_are_spelled_out(notebook):
    """At its first use in a notebook, in the order of reading."""
    acronyms = ["UID", "CT", "JSON", "XML", "PACS", "HTTP", "PNG"]
    text = re.sub(r"```.*?```|`[^`]*`|\]\(.*?\)|<.*?>", "", prose(notebook), flags=re.DOTALL)
    for acronym in acronyms:
        uses = [found.start() for found in re.finditer(rf"\b{acronym}s?\b", text)]
        spelled = re.search(rf"\b{acronym}s?\*{{0,2}} \(|\({acronym}\)", text)
        assert not uses or (spelled and spelled.start() <= uses[0] + 200), acronym


def test_links_to_other_notebooks_lead_somewhere(notebook):
    names = {path.name for path in NOTEBOOKS}
    assert set(re.findall(r"\]\(([\w-]+\.ipynb)\)", prose(notebook))) <= names
