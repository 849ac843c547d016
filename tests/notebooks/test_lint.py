"""What nbval cannot see: budgets, cells that never ran, headings, words for pictures, traces."""

import json
import re
from itertools import pairwise

import nbformat
import pytest

from tests.notebooks.rows import (
    CODE_BLOCK,
    DEEPER,
    FOLDER,
    GLOSSARY,
    NOTEBOOKS,
    WORKSHOP,
    code_cells,
    count_words,
    is_tagged,
    name_of,
    prose,
)

EVERYWHERE = [
    "**What you'll do:**",
    "**What you'll be able to do:**",
    "**Time:**",
    "**In the workshop:**",
]
ENDING = ["You now can", "In practice", "Further reading"]
DEEPER_NAMES = {"queries", "multipart", "pixels", "files", "storing", "servers", "fhir"}
# What one sitting holds: words, code cells, and minutes, of a notebook and of all.
WORDS, CELLS = 700, 12
ALL_WORDS, ALL_CELLS, ALL_MINUTES = 3000, 45, 60
# The sections say by these signs which plan they belong to: 45 or 90 minutes.
SIGN = re.compile(r" · (45|90)$")
PICTURES = {"image/png", "image/jpeg"}

# Where files lie on a machine, and ports, which another run chooses anew.
TRACES = re.compile(r"(?<![\w/])/(?:root|home|Users|tmp|work|usr|var)/|[A-Z]:\\\\|127\.0\.0\.1:\d")


def read(path):
    return nbformat.read(path, as_version=4)


@pytest.fixture(params=NOTEBOOKS, ids=name_of)
def notebook(request):
    return read(request.param)


def headings(notebook):
    """Return (level, text) of each heading; a # in a code block is none."""
    text = CODE_BLOCK.sub("", prose(notebook))
    return [(len(marks), words) for marks, words in re.findall(r"^(#+) (.+)$", text, re.MULTILINE)]


def shows_a_picture(cell):
    """Tell whether a reader sees a picture below a cell, or the kept picture of a widget."""
    for output in cell.outputs:
        data = output.get("data", {})
        if PICTURES & set(data) or "wb-kept" in data.get("text/html", ""):
            return True
    return False


def test_the_workshop_row_is_the_preparation_and_the_four_exercises():
    assert [path.name[:2] for path in WORKSHOP] == ["00", "01", "02", "03", "04"]
    titles = [headings(read(path))[0][1] for path in WORKSHOP]
    assert [title.partition(":")[0] for title in titles] == [
        "Start here",
        *(f"Exercise {number}" for number in range(1, 5)),
    ]


def test_the_deeper_row_is_complete():
    assert {path.stem for path in DEEPER} == DEEPER_NAMES


@pytest.mark.parametrize("path", WORKSHOP, ids=name_of)
def test_a_notebook_of_the_workshop_keeps_its_budget(path):
    notebook = read(path)
    assert count_words(notebook) <= WORDS
    assert len(code_cells(notebook)) <= CELLS


def test_the_workshop_row_is_one_sitting():
    row = [read(path) for path in WORKSHOP]
    assert sum(map(count_words, row)) <= ALL_WORDS
    assert sum(len(code_cells(notebook)) for notebook in row) <= ALL_CELLS
    minutes = [int(re.search(r"\*\*Time:\*\* (\d+) minutes", prose(nb))[1]) for nb in row]
    assert 45 <= sum(minutes) <= ALL_MINUTES
    # 00 says the same.
    listed = re.findall(r"\[0\d [^]]*\]\([^)]*\) \((\d+)", prose(row[0]))
    assert list(map(int, listed)) == minutes[1:]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_a_picture_or_a_widget_comes_first(path):
    """Of 00, the first cell shows Joe. tests/browser measures that it is on the first screen."""
    first = code_cells(read(path))[: 1 if path in WORKSHOP else 2]
    assert any(map(shows_a_picture, first))


@pytest.mark.parametrize("path", WORKSHOP[1:], ids=name_of)
def test_an_exercise_opens_with_the_card_of_the_handout(path):
    text = prose(read(path))
    card = text.partition("| The handout | |")[2].partition("\n\n")[0]
    assert "URL" in card and "`apikey: HackathonOrientationSession`" in card


@pytest.mark.parametrize("path", WORKSHOP, ids=name_of)
def test_each_section_says_which_plan_it_belongs_to(path):
    sections = [words for level, words in headings(read(path)) if level == 2]
    free = {"You now can", "How to go on"}
    assert [words for words in sections if words not in free and not SIGN.search(words)] == []


def test_every_cell_ran_from_the_top_to_the_bottom(notebook):
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))


def test_one_h1_and_headings_in_order(notebook):
    levels = [level for level, _ in headings(notebook)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_the_anatomy_of_a_notebook(notebook):
    text = prose(notebook)
    assert all(words in text for words in EVERYWHERE)
    assert "You now can" in [words for _, words in headings(notebook)]


@pytest.mark.parametrize("path", DEEPER, ids=name_of)
def test_a_deeper_notebook_ends_with_where_to_go_on(path):
    names = [words for _, words in headings(read(path))]
    assert [name for name in names if name in ENDING] == ENDING


def test_the_end_mirrors_the_objectives_of_the_beginning(notebook):
    opening = (
        prose(notebook).partition("**What you'll be able to do:**")[2].partition("**Time:**")[0]
    )
    objectives = re.findall(r"^- (.+)$", opening, re.MULTILINE)
    closing = prose(notebook).partition("## You now can")[2].partition("\n## ")[0]
    achieved = re.findall(r"^- (.+)$", closing, re.MULTILINE)
    assert 3 <= len(objectives) <= 5
    assert achieved == objectives


def words_of(output):
    """Return what an output says to somebody who sees no picture."""
    return output.get("text", "") + output.get("data", {}).get("text/plain", "")


def test_every_picture_has_words(notebook):
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if not PICTURES & set(output.get("data", {})):
                continue
            alternative = [about.get("alt") for about in output.metadata.values()]
            printed = "".join(map(words_of, cell.outputs))
            assert any(alternative) or "checksum" in printed or "window" in printed, cell.source
    for alternative in re.findall(r"!\[(.*?)\]\(", prose(notebook), re.DOTALL):
        assert len(alternative.split()) >= 8
    assert "<img" not in prose(notebook)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
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
        assert ("error" in kinds) == is_tagged(cell, "raises-exception")
        assert all(output.get("name") != "stderr" for output in cell.outputs)


def test_nothing_of_the_authors_session_is_stored(notebook):
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert all(set(cell.metadata) <= {"tags"} for cell in notebook.cells)


ACRONYMS = ["UID", "CT", "JSON", "XML", "PACS", "HTTP", "PNG"]


def check_acronyms(texts, acronyms=ACRONYMS):
    """Each is spelled out where it is used first, in the order of reading."""
    text = "\n".join(texts)
    text = re.sub(r"```.*?```|`[^`]*`|\]\(.*?\)|<.*?>|!\[.*?\]", "", text, flags=re.DOTALL)
    for acronym in acronyms:
        uses = [found.start() for found in re.finditer(rf"\b{acronym}s?\b", text)]
        spelled = re.search(rf"\b{acronym}s?\*{{0,2}} \(|\({acronym}\)", text)
        assert not uses or (spelled and spelled.start() <= uses[0] + 300), acronym


def test_acronyms_are_spelled_out_once_in_the_workshop_row():
    check_acronyms((prose(read(path)) for path in WORKSHOP), [*ACRONYMS, "DICOM"])


@pytest.mark.parametrize("path", DEEPER, ids=name_of)
def test_acronyms_are_spelled_out_in_each_deeper_notebook(path):
    """One may begin with any of them."""
    check_acronyms([prose(read(path))])


def test_the_glossary_explains_them_all_in_the_order_of_the_alphabet():
    text = prose(read(GLOSSARY))
    words = re.findall(r"^\| \*\*(.+?)\*\* \|", text, re.MULTILINE)
    assert {*ACRONYMS, "DICOM"} <= set(words)
    assert words == sorted(words, key=str.casefold)


@pytest.mark.parametrize("path", [*NOTEBOOKS, GLOSSARY], ids=name_of)
def test_links_lead_somewhere(path):
    links = re.findall(r"\]\((?!https?:|#)([^)]+)\)", prose(read(path)))
    assert [link for link in links if not (path.parent / link).exists()] == []


FIGURES = sorted((FOLDER / "figures").glob("*.svg"))


@pytest.mark.parametrize("path", FIGURES, ids=lambda path: path.stem)
def test_each_drawing_is_used(path):
    assert any(f"figures/{path.name})" in prose(read(other)) for other in NOTEBOOKS)
