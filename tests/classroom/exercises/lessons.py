"""The notebooks as the tests of exercises see them: starter cells, and what is known by then."""

import re
from pathlib import Path
from symtable import symtable

import nbformat
from IPython.display import display
from matplotlib import pyplot

from classroom.exercises.exercise import Exercise
from classroom.exercises.expected import instance_resource, study_of
from classroom.exercises.progress import tasks

FOLDER = Path(__file__).parents[3] / "notebooks"
PATHS = [*FOLDER.glob("*.ipynb"), *FOLDER.glob("deeper/*.ipynb")]
# By their names below the folder, without the ending: "01-find-the-patient", "deeper/queries".
NOTEBOOKS = {
    path.relative_to(FOLDER).with_suffix("").as_posix(): nbformat.read(path, as_version=4).cells
    for path in PATHS
}
EXERCISES = [task for found in tasks().values() for task in found if isinstance(task, Exercise)]
# What a notebook imports and does before its exercises, for one that is not written yet.
PROLOGUE = """
import numpy as np
import pydicom
import requests
import helpers
from classroom.exercises import *
vars().update({name: getattr(helpers, name) for name in helpers.__all__})
server = connect()
"""


def name_of(task):
    return task.name


def code(notebook):
    return [cell for cell in NOTEBOOKS.get(notebook, ()) if cell.cell_type == "code"]


def is_meant_to_fail(cell):
    return "raises-exception" in cell.metadata.get("tags", ())


def starters(exercise, notebook=None):
    """Return the cells that check an answer to an exercise: one, if all is well."""
    return [
        cell
        for cell in code(notebook or exercise.notebook)
        if re.search(rf"^{exercise.name}\.check\(", cell.source, re.MULTILINE)
    ]


def names_before(exercise, server):
    """Return what a learner's kernel holds when it comes to an exercise."""
    # IPython has it without an import.
    names = {"display": display}
    if starters(exercise):
        [starter] = starters(exercise)
        cells = code(exercise.notebook)
        for cell in needed(starter.source + "\n" + exercise.code, cells[: cells.index(starter)]):
            exec(cell.source, names)
        pyplot.close("all")
    else:
        exec(PROLOGUE, names)
        for patient in ("joe", "ravi"):
            names[patient] = picked(server, f"SIIM^{patient.title()}", "CT")
    assert names["server"] == server
    return names


def needed(source, cells):
    """Return, of the cells, those that make what some code reads, or what makes that."""
    wanted, found = {"server", *names_in(source)[0]}, []
    for cell in reversed(cells):
        read, made = names_in(cell.source)
        if wanted & made and not is_meant_to_fail(cell):
            found.insert(0, cell)
            wanted = (wanted - made) | read
    return found


def names_in(source):
    """Return the names that a cell reads, and those that it makes for other cells."""
    try:
        table = symtable(source, "cell", "exec")
    except SyntaxError:
        return set(), set()  # a magic of IPython
    symbols = table.get_symbols()
    made = {one.get_name() for one in symbols if one.is_assigned() or one.is_imported()}
    read = {one.get_name() for one in symbols if one.is_referenced()}
    below = table.get_children()
    while below:
        inner = below.pop()
        below += inner.get_children()
        read |= {one.get_name() for one in inner.get_symbols() if one.is_global()}
    return read, made


class Picked(tuple):
    """The UIDs of a study, its series and its instance, as `pick_study` gives them."""

    study_uid, series_uid, instance_uid = (property(lambda self, n=n: self[n]) for n in range(3))


def picked(server, patient, modality):
    """Return the UIDs of the first image of a patient's study."""
    resource = instance_resource(server, patient, modality).split("/")
    assert resource[2] == study_of(server, patient, modality)
    return Picked(resource[2::2])
