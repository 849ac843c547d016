"""An exercise: check an answer, give hints, show a solution.

To add one, write a function with this decorator into the module of its lesson, with all that
belongs to it::

    @exercise("01-find-the-patient", hints=[...], solution="...")
    def find_sally(server, params):
        '''Search by name.'''
        ...
        raise NotYet("Your search finds 0 studies.")
        ...
        return "Your search finds Sally and nobody else."

Then write the task into the notebook, its name into the cell there that imports exercises, and
`find_sally.check(____)`. Nothing else: `classroom.exercises`, the progress and the tests find it
here. A notebook that has had none needs a module for them, and its name in LESSONS.

An answer may be a widget: its check reads what it shows, as `find_sally` reads a form. Of one that
nobody touched, it raises `NotAttempted` with the next thing to do.

What is right, the function asks the server in use, the first thing that it is given, so that it
holds for any archive. There are three hints or more, from the concept to nearly the code.
"""

import inspect
from collections.abc import Callable
from datetime import date
from functools import cache
from importlib import import_module
from textwrap import dedent

from IPython.display import display
from ipywidgets import Widget

from classroom.exercises.answers import (
    NotAttempted,
    NotHere,
    NotYet,
    describe,
    is_untouched,
    name_error,
    plural,
)
from classroom.exercises.feedback import STUCK, Feedback
from classroom.exercises.notes import (
    NOT_ATTEMPTED,
    NOT_HERE,
    NOT_YET,
    RIGHT,
    Hints,
    Note,
    Shown,
    Solution,
)
from classroom.exercises.record import done, record
from helpers.errors import HTTPProblem, MediaTypeMismatch, WorkbookError
from helpers.servers.server import in_use

# The modules with exercises, in the order of their notebooks: the workshop, then the deeper row.
WORKSHOP = ("start", "search", "discovery", "images", "retrieval")
DEEPER = ("queries", "multipart", "pixels", "files", "storing", "servers", "fhir")
LESSONS = (*WORKSHOP, *(f"deeper.{name}" for name in DEEPER))
# What a server says that does not have, or cannot do, what a check asks it.
LACKING = (400, 404, 405, 406, 410, 415, 501)
CLASSROOM = (
    'This exercise needs the classroom PACS: run `server = connect("classroom")`, and then this '
    "notebook from the top."
)
TODO = "Put your answer in the place of `____`, and run the cell again."

# What is right in words, perhaps with a picture.
Examine = Callable[..., str | Shown]


class Exercise:
    """One exercise of a notebook."""

    def __init__(self, examine: Examine, notebook: str, hints: list[str], solution: str) -> None:
        self.name = examine.__name__
        self.notebook = notebook
        self.title = (inspect.getdoc(examine) or "").partition("\n")[0].rstrip(".")
        self.hints = hints
        self.code = dedent(solution).strip()
        self.hint = Hints(self.name, hints)
        self.solution = Solution(self.code)
        self._examine = examine

    def __repr__(self) -> str:
        return f"{self.name}: {self.title}. Use .check(answer), .hint() and .solution()."

    def check(self, *answer: object) -> None:
        """Say whether an answer is right, and what is wrong with it.

        Parameters
        ----------
        *answer : object
            What the task asks for: anything at all is taken, and a wrong kind is explained.

        Raises
        ------
        WorkbookError
            The server in use could not be asked what is right.
        """
        note = self.judge(*answer)
        if note.title == RIGHT:
            record(self.name)
        display(Feedback(note, self.hints, self.code))

    def judge(self, *answer: object) -> Note:
        """Return as a `Note` what `check` shows."""
        stuck = STUCK.format(name=self.name)
        try:
            right = self._examine_answer(answer)
        except NotAttempted as problem:
            return Note(NOT_ATTEMPTED, f"{str(problem) or TODO}{self._done_before()} {stuck}")
        except NotYet as problem:
            return Note(NOT_YET, f"{problem} {stuck}")
        except NotHere as problem:
            return Note(NOT_HERE, f"{problem} {CLASSROOM}")
        if isinstance(right, str):
            return Note(RIGHT, right)
        return Note(RIGHT, right.text, jpeg=right.jpeg, alt=right.alt)

    def _done_before(self) -> str:
        """Say on which day the exercise was done, if it was."""
        day = done().get(self.name)
        if not day:
            return ""
        try:
            written = date.fromisoformat(day)
        except ValueError:
            return " You did this one before."
        return f" You did this one on {written.day} {written:%B}."

    def _examine_answer(self, answer: tuple[object, ...]) -> str | Shown:
        wanted = list(inspect.signature(self._examine).parameters)[1:]
        if is_untouched(answer):
            raise NotAttempted
        if len(answer) != len(wanted):
            raise NotYet(
                f"Give `check` this: {', '.join(wanted)}. You gave {plural(len(answer), 'value')}."
            )
        for value in answer:
            if isinstance(value, type) and issubclass(value, Widget):
                raise NotYet(f"Yours is {describe(value)}. Give the name that stands before `=`.")
        server = in_use()
        try:
            return self._examine(server, *answer)
        except (HTTPProblem, MediaTypeMismatch) as error:
            if isinstance(error, HTTPProblem) and error.response.status_code not in LACKING:
                raise
            raise NotHere(
                f"{server.name} cannot say what is right: {error.problem.rstrip('.')}."
            ) from error
        except (NotAttempted, NotHere, NotYet, WorkbookError):
            raise
        except Exception as error:
            given = " and ".join(map(describe, answer))
            raise NotYet(
                f"Your answer is {given}, and looking at it stops with {name_error(error)}. "
                "Read the task again: what kind of thing does it ask for?"
            ) from error


def exercise(notebook: str, *, hints: list[str], solution: str) -> Callable[[Examine], Exercise]:
    """Make an exercise of a function that examines answers.

    Parameters
    ----------
    notebook : str
        The name of its notebook, without the ending.
    hints : list of str
    solution : str
        Lines of Python that do what the task asks for, ending in a call of ``check``.

    Returns
    -------
    callable
        A decorator. Its function takes the server in use and the answer, returns a sentence if the
        answer is right (or `Shown`: with a picture), and raises `NotYet` if not.

    Examples
    --------
    >>> @exercise("99-count", hints=["One.", "Two.", "Three."], solution="add_up.check(1 + 1)")
    ... def add_up(server, number):
    ...     '''Add up.'''
    ...     if number != 2:
    ...         raise NotYet(f"Yours is {number}.")
    ...     return "That is the sum."
    >>> add_up.judge(2)
    Right. That is the sum.
    >>> add_up.check(3)
    Not yet. Yours is 3. Stuck? Run `add_up.hint()`.
    >>> add_up.hint()
    Hint 1 of 3. One. Still stuck? Run `add_up.hint()`.
    """
    return lambda examine: Exercise(examine, notebook, hints, solution)


@cache
def find_exercises() -> dict[str, Exercise]:
    """Return the exercises of all lessons by their names, in the order of the notebooks."""
    modules = [import_module(f"classroom.exercises.{lesson}") for lesson in LESSONS]
    values = [value for module in modules for value in vars(module).values()]
    return {value.name: value for value in values if isinstance(value, Exercise)}
