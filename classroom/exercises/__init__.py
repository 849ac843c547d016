"""Exercises with feedback, quizzes, and what is done of them: the names that notebooks import."""

from classroom.exercises.answers import ____ as ____
from classroom.exercises.exercise import Exercise, find_exercises
from classroom.exercises.progress import export_progress as export_progress
from classroom.exercises.progress import progress as progress
from classroom.exercises.progress import reset_progress as reset_progress
from classroom.exercises.quizzes import quiz as quiz

# Exercises are looked up when one is asked for (PEP 562): a quiz alone takes none of them.
_OTHERS = ["____", "export_progress", "progress", "quiz", "reset_progress"]


def __getattr__(name: str) -> Exercise | list[str]:
    """Return an exercise by its name, or the names of all."""
    if name == "__all__":
        return [*_OTHERS, *find_exercises()]
    if not name.startswith("_") and name in find_exercises():
        return find_exercises()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
