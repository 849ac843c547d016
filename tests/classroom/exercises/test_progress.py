"""What is done is kept: by several kernels at once, whole, and only here."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path

import pytest

from classroom.exercises import export_progress, progress, reset_progress
from classroom.exercises.progress import place, tasks
from classroom.exercises.record import FILE, done, path, record
from helpers.errors import WorkbookError

ROOT = Path(__file__).parents[3]


def test_what_is_done_stays_done_and_the_first_day_counts():
    record("find_sally")
    path().write_text(path().read_text().replace("20", "19", 1))
    [(name, day)] = done().items()
    record("find_sally")
    assert done() == {name: day} and day.startswith("19")
    assert path().read_text().count("find_sally") == 1


def test_without_a_file_nothing_is_done():
    assert done() == {}


def test_a_line_that_was_cut_harms_no_other():
    record("first")
    with path().open("ab") as file:
        file.write(b'\n{"name": "sec\xff')
    record("third")
    assert list(done()) == ["first", "third"]


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"[]\n{}\n1\nnull\n", b'{"name": 1}\n', b"\0" * 99]
)
def test_a_file_of_something_else_is_no_error(content):
    path().write_bytes(content)
    assert done() == {}
    record("find_sally")
    assert list(done()) == ["find_sally"]


WRITER = """
import sys
from classroom.exercises.record import record
for number in range(50):
    record(f"{sys.argv[1]}-{number}")
"""


@pytest.mark.slow
def test_several_kernels_write_at_the_same_time():
    def run(name):
        subprocess.run([sys.executable, "-c", WRITER, name], check=True, cwd=ROOT)

    with ThreadPoolExecutor() as pool:
        list(pool.map(run, "abc"))
    assert set(done()) == {f"{name}-{number}" for name in "abc" for number in range(50)}


def test_a_place_that_cannot_be_written_is_said_and_no_error(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WORKBOOK_PROGRESS", str(tmp_path / "no" / "such" / "folder"))
    record("find_sally")
    assert "could not be kept" in capsys.readouterr().out


def test_the_file_is_in_the_project_and_git_leaves_it_out(monkeypatch):
    monkeypatch.delenv("WORKBOOK_PROGRESS")
    assert path() == FILE == ROOT / ".progress.jsonl"
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert FILE.name in ignored and "notebooks/progress.html" in ignored


def test_the_progress_names_every_task_by_notebook():
    record("find_sally")
    text = repr(progress())
    everything = [task.name for found in tasks().values() for task in found]
    assert text.startswith(f"1 of {len(everything)} exercises and quizzes are done.")
    assert all(f" {name}: " in text for name in everything)
    assert all(f"\n{notebook}\n" in text for notebook in tasks())
    assert f"{done()['find_sally']}  find_sally: Search by name" in text
    assert "not yet     pick_the_ct: Choose one of several studies" in text
    assert "<code>find_sally</code></td><td style='text-align: left'>Search by name" in (
        progress()._repr_html_()
    )


def test_one_notebook_is_a_line_that_says_what_is_done_in_words():
    notebook = "01-find-the-patient"
    before = progress(notebook)
    assert repr(before).startswith("Exercises here: find_sally (not yet), ")
    assert repr(progress(notebook)) == repr(before)
    assert "aria-label='done'" not in before._repr_html_()
    record("find_sally")
    assert "find_sally (done)" in repr(progress(notebook))
    assert "aria-label='done'>&#9679;</span> <code>find_sally" in (progress(notebook)._repr_html_())
    assert "\n" not in repr(before)


def test_a_notebook_without_exercises_is_explained():
    with pytest.raises(WorkbookError, match="No notebook of that name") as error:
        progress("01")
    assert "01-find-the-patient" in str(error.value)


def test_the_workshop_comes_first_and_then_the_deeper_row_in_its_order():
    names = ["deeper/fhir", "04-retrieve-the-study", "deeper/queries", "00-start-here"]
    assert sorted(names, key=place) == [names[3], names[1], names[2], names[0]]


def test_a_name_that_no_notebook_has_is_not_counted():
    record("an_exercise_of_last_year")
    assert repr(progress()).startswith("0 of ")


def test_reset():
    record("find_sally")
    assert "forgotten" in repr(reset_progress())
    assert done() == {} and not path().exists()
    reset_progress()


class Tags(HTMLParser):
    """Sees that every element is closed."""

    def __init__(self):
        super().__init__()
        self.open, self.words = [], []

    def handle_starttag(self, tag, attrs):
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_the_page_for_an_instructor(tmp_path):
    record("find_sally")
    file = export_progress("Ann <b>Example</b>", tmp_path / "pages" / "ann.html")
    page = Tags()
    page.feed(file.read_text(encoding="utf-8"))
    assert page.open == []
    words = " ".join(page.words)
    assert "Ann <b>Example</b>" in words and "has done 1 of " in words
    assert "no proof" in words and "Search by name" in words
    assert [path.name for path in file.parent.iterdir()] == ["ann.html"]
    # The instructor may read it, as any file that the learner makes in a shared folder.
    plain = tmp_path / "plain.html"
    plain.touch()
    assert file.stat().st_mode == plain.stat().st_mode
    record("pick_the_ct")
    export_progress("Ann", file)
    assert "has done 2 of " in file.read_text(encoding="utf-8")
