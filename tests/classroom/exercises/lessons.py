"""The notebooks as the tests of exercises see them: starter cells, and what is known by then."""

import re
from pathlib import Path

import nbformat
from pydicom.pixels import apply_modality_lut

from classroom.exercises.exercise import Exercise
from classroom.exercises.images import joes_image, raw_frame
from classroom.exercises.progress import tasks
from classroom.exercises.storage import retrieved

FOLDER = Path(__file__).parents[3] / "notebooks"
NOTEBOOKS = {path.stem: nbformat.read(path, as_version=4).cells for path in FOLDER.glob("*.ipynb")}
EXERCISES = [task for found in tasks().values() for task in found if isinstance(task, Exercise)]
UIDS_AND_URLS = re.compile(r"\w+_u(id|rl) = f?\"")


def name_of(task):
    return task.name


def code(notebook):
    return [cell for cell in NOTEBOOKS[notebook] if cell.cell_type == "code"]


def starters(exercise, notebook=None):
    """Return the cells that check an answer to an exercise: one, if all is well."""
    return [
        cell
        for cell in code(notebook or exercise.notebook)
        if re.search(rf"^{exercise.name}\.check\(", cell.source, re.MULTILINE)
    ]


def names_before(exercise, server):
    """Return what a learner's kernel holds when it comes to an exercise: imports, server, UIDs."""
    names = {}
    cells = code(exercise.notebook)
    exec(cells[0].source, names)
    for cell in cells[1:]:
        is_import = cell.source.startswith("from classroom.exercises import")
        if is_import or (re.match(UIDS_AND_URLS, cell.source) and "response" not in cell.source):
            exec(cell.source, names)
    assert names["server"] == server
    _, dataset, pixels = raw_frame(server, joes_image(server))
    names["hounsfield"] = apply_modality_lut(pixels, dataset)
    names["joe"] = retrieved(server, joes_image(server))
    return names
