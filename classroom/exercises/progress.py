"""What is done and what is left, in all notebooks: as a table, and as a page for an instructor."""

import html
import os
from datetime import date
from pathlib import Path

from classroom.exercises.answers import describe
from classroom.exercises.exercise import DEEPER, Exercise, find_exercises
from classroom.exercises.notes import Note
from classroom.exercises.quizzes import Quiz, quizzes
from classroom.exercises.record import done, reset
from helpers.errors import WorkbookError

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>DICOMweb workbook: progress of {learner}</title>
<style>
body {{ font-family: sans-serif; max-width: 48em; margin: 2em auto; padding: 0 1em; }}
table {{ border-collapse: collapse; table-layout: fixed; width: 100%; margin-bottom: 1.5em; }}
th, td {{ border-bottom: 1px solid #999; padding: 0.3em; text-align: left; }}
th:last-child, td:last-child {{ width: 8em; }}
td {{ overflow-wrap: anywhere; }}
time {{ white-space: nowrap; }}
</style>
</head>
<body>
<h1>DICOMweb workbook</h1>
<p><b>{learner}</b> has done {count} exercises and quizzes. Written on <time>{today}</time>.</p>
{tables}
<p>This page was written on the learner's own computer. It is a note, and no proof.</p>
</body>
</html>
"""


def tasks() -> dict[str, list[Exercise | Quiz]]:
    """Return every exercise and quiz, by notebook."""
    everything: list[Exercise | Quiz] = [*find_exercises().values(), *quizzes().values()]
    notebooks = sorted({task.notebook for task in everything}, key=place)
    return {name: [task for task in everything if task.notebook == name] for name in notebooks}


def place(notebook: str) -> tuple[int, str]:
    """Return where a notebook stands: the workshop first, by its numbers, then the deeper row.

    >>> sorted(["deeper/files", "01-find-the-patient", "deeper/queries"], key=place)
    ['01-find-the-patient', 'deeper/queries', 'deeper/files']
    """
    row, _, name = notebook.rpartition("/")
    return (1 + DEEPER.index(name) if row and name in DEEPER else 0, notebook)


class Progress:
    """What was done when: a table of it, plain or for a notebook."""

    def __init__(self) -> None:
        self.days = done()
        self.tasks = tasks()

    @property
    def count(self) -> str:
        """How many are done of how many, in words."""
        everything = [task.name for found in self.tasks.values() for task in found]
        return f"{sum(name in self.days for name in everything)} of {len(everything)}"

    def __repr__(self) -> str:
        lines = [f"{self.count} exercises and quizzes are done."]
        for notebook, found in self.tasks.items():
            lines += ["", notebook]
            for task in found:
                lines.append(
                    f"  {self.days.get(task.name, 'not yet'):<10}  {task.name}: {about(task)}"
                )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<p>{self.count} exercises and quizzes are done.</p>{self.tables()}"

    def tables(self) -> str:
        """Return a table for each notebook, as HTML."""
        blocks = []
        for notebook, found in self.tasks.items():
            rows = "".join(
                f"<tr><td style='text-align: left'><code>{task.name}</code></td>"
                f"<td style='text-align: left'>{html.escape(about(task))}</td>"
                f"<td style='text-align: left'>{self.days.get(task.name, 'not yet')}</td></tr>"
                for task in found
            )
            head = "".join(
                f"<th style='text-align: left'>{words}</th>" for words in (notebook, "", "done")
            )
            blocks.append(f"<table><tr>{head}</tr>{rows}</table>")
        return "\n".join(blocks)


def about(task: Exercise | Quiz) -> str:
    """Say in a few words what a task is about."""
    return task.title if isinstance(task, Exercise) else "a quiz"


class Strip:
    """What is done of one notebook, on one line."""

    def __init__(self, notebook: str, found: list[Exercise | Quiz]) -> None:
        days = done()
        exercises = [task for task in found if isinstance(task, Exercise)]
        self.notebook = notebook
        self.exercises = {task.name: task.name in days for task in exercises}
        self.quizzes = [task.name in days for task in found if isinstance(task, Quiz)]

    def __repr__(self) -> str:
        words = [f"{name} ({state(is_done)})" for name, is_done in self.exercises.items()]
        if self.quizzes:
            words.append(f"quizzes ({sum(self.quizzes)} of {len(self.quizzes)} done)")
        return f"Exercises here: {', '.join(words) or 'none'}"

    def _repr_html_(self) -> str:
        items = [f"{mark(done)} <code>{name}</code>" for name, done in self.exercises.items()]
        if self.quizzes:
            items.append(f"quizzes {' '.join(map(mark, self.quizzes))}")
        shown = " ".join(
            f"<span style='margin-left: 1em; white-space: nowrap'>{item}</span>" for item in items
        )
        return f"<div>Exercises here: {shown or 'none'}</div>"


def state(is_done: bool) -> str:
    """Say in words whether a task is done."""
    return "done" if is_done else "not yet"


def mark(is_done: bool) -> str:
    """Return a full or an empty circle, with words for a screen reader."""
    sign = "&#9679;" if is_done else "&#9675;"
    return f"<span role='img' aria-label='{state(is_done)}'>{sign}</span>"


def progress(notebook: str = "") -> Progress | Strip:
    """Return what is done and what is left.

    Parameters
    ----------
    notebook : str
        The name of one notebook, such as ``"01-find-the-patient"`` or ``"deeper/queries"``. By
        default, all of them.

    Returns
    -------
    Progress or Strip
        It shows as a table; for one notebook, as a line.

    Raises
    ------
    WorkbookError
        No notebook of that name has exercises.
    """
    if not notebook:
        return Progress()
    found = tasks()
    if notebook not in found:
        raise WorkbookError(
            "No notebook of that name has exercises.",
            expected=", ".join(found),
            came=describe(notebook),
            hint=f'Take one of these names: progress("{next(iter(found))}").',
        )
    return Strip(notebook, found[notebook])


def reset_progress() -> Note:
    """Forget what was done, on this computer.

    Returns
    -------
    Note
        It says so.
    """
    reset()
    return Note("Progress", "All of it is forgotten. The notebooks stay as they are.")


def export_progress(learner: str, file: str | Path = "progress.html") -> Path:
    """Write a page for an instructor: what was done, and when.

    Parameters
    ----------
    learner : str
        Who did it.
    file : str or pathlib.Path
        An HTML file; another one of that name is replaced.

    Returns
    -------
    pathlib.Path
    """
    found = Progress()
    page = PAGE.format(
        learner=html.escape(str(learner)),
        count=found.count,
        today=date.today().isoformat(),
        tables=found.tables(),
    )
    file = Path(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    # Beside its place first: the page is whole, or not there.
    draft = file.with_name(f"{file.name}.part")
    try:
        draft.write_text(page, encoding="utf-8")
        os.replace(draft, file)
    finally:
        draft.unlink(missing_ok=True)
    return file
