"""A learner who runs a deeper notebook down to its exercises, and then tries one of them."""

import contextlib
import re
from pathlib import Path

import matplotlib
import nbformat

from classroom import exercises
from classroom.exercises.exercise import find_exercises

NOTEBOOKS = Path(__file__).parents[4] / "notebooks"


def exercises_of(notebook):
    """Return the names of the exercises of a notebook."""
    return [name for name, task in find_exercises().items() if task.notebook == notebook]


def run_to_the_exercises(notebook):
    """Return what a kernel holds once the lesson was run, and the starter cell of each exercise."""
    matplotlib.use("agg")
    path = NOTEBOOKS / f"{notebook}.ipynb"
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    names, starters = {"display": lambda *_: None}, {}
    for cell in cells:
        if found := re.search(r"^(\w+)\.check\(", cell.source, re.MULTILINE):
            starters[found[1]] = cell.source
        elif "quiz(" not in cell.source and "raises-exception" not in cell.metadata.get("tags", []):
            with contextlib.chdir(path.parent):
                exec(cell.source, names)
    return names, starters


def try_each(notebook, capsys):
    """Run the starter of each exercise, and then its solution; return what each said."""
    names, starters = run_to_the_exercises(notebook)
    assert set(starters) == set(exercises_of(notebook))
    said = {}
    for name, starter in starters.items():
        capsys.readouterr()
        exec(starter, names)
        before = capsys.readouterr().out
        exec(find_exercises()[name].code, names)
        said[name] = before, capsys.readouterr().out
    return said


def judged(name, *answers):
    """Return the words of "not yet" for a wrong answer."""
    note = getattr(exercises, name).judge(*answers)
    assert note.title == "Not yet", note
    return note.text
