"""Quizzes: a question, some choices, and a reply to each. They stand in ``quizzes.toml``."""

import html
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from IPython.display import display

from classroom.exercises.answers import describe, is_untouched
from classroom.exercises.notes import NOT_ATTEMPTED, NOT_YET, RIGHT, Note, rich
from classroom.exercises.record import record
from helpers.errors import WorkbookError
from helpers.widgets.choice import Choice
from helpers.widgets.kept import Picture, display_kept

FILE = Path(__file__).with_name("quizzes.toml")


@dataclass(frozen=True)
class Quiz:
    """One question."""

    name: str
    notebook: str
    question: str
    choices: dict[str, str]
    right: str
    replies: dict[str, str]

    def answer(self, letter: object) -> None:
        """Say whether a choice is right, and why."""
        note = self.judge(letter)
        if note.title == RIGHT:
            record(self.name)
        display(note)

    def judge(self, letter: object) -> Note:
        """Return as a `Note` what `answer` shows."""
        letters = ", ".join(self.choices)
        if letter is None or is_untouched(letter):
            return Note(NOT_ATTEMPTED, f"Choose one of {letters}.")
        chosen = letter.strip().lower() if isinstance(letter, str) else None
        if chosen not in self.choices:
            return Note(NOT_YET, f"Choose one of {letters}. Yours is {describe(letter)}.")
        return Note(RIGHT if chosen == self.right else NOT_YET, self.replies[chosen])

    def __repr__(self) -> str:
        lines = [f"{letter}  {text}" for letter, text in self.choices.items()]
        how = f'Answer with the letter: quiz("{self.name}").answer("...")'
        return "\n".join([self.question, "", *lines, "", how])

    def _repr_html_(self) -> str:
        items = "".join(
            f"<li><b>{letter}</b> {rich(text)}</li>" for letter, text in self.choices.items()
        )
        how = html.escape(f'quiz("{self.name}").answer("...")')
        return (
            f"<p>{rich(self.question)}</p><ul style='list-style: none'>{items}</ul>"
            f"<p>Answer with the letter: <code>{how}</code></p>"
        )

    def _ipython_display_(self) -> None:
        # Its text has no reply: one to a choice of an earlier run would tell nothing of this one.
        picture: Picture = {"text/html": self._repr_html_(), "text/plain": repr(self)}
        display_kept(picture, self.widget())

    def widget(self) -> Choice:
        """Return the quiz as radio buttons, with the reply below them."""
        choices = {letter: rich(text) for letter, text in self.choices.items()}
        choice = Choice(rich(self.question), choices)

        def show_reply(change: Any) -> None:
            note = self.judge(change.new)
            if note.title == RIGHT:
                record(self.name)
            choice.reply = note._repr_html_()

        choice.observe(show_reply, "value")
        return choice


@cache
def quizzes() -> dict[str, Quiz]:
    """Return all quizzes, by name."""
    entries = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {name: Quiz(name, **entry) for name, entry in entries.items()}


def quiz(name: str) -> Quiz:
    """Return a quiz: radio buttons in a notebook, text elsewhere.

    Parameters
    ----------
    name : str

    Returns
    -------
    Quiz

    Raises
    ------
    WorkbookError
        There is no quiz of that name.

    Examples
    --------
    >>> quiz("empty_answer")
    You search for a patient. The server answers 204, and the body is empty. What happened?
    <BLANKLINE>
    a  The search was right, and no study matches it.
    b  The server has a fault. Ask again later.
    c  The key is missing.
    <BLANKLINE>
    Answer with the letter: quiz("empty_answer").answer("...")
    >>> quiz("empty_answer").answer("c")
    Not yet. Without a key comes a status from 400. What do numbers that begin with 2 say?
    """
    if isinstance(name, str) and name in quizzes():
        return quizzes()[name]
    raise WorkbookError(
        "There is no quiz of that name.",
        expected=", ".join(quizzes()),
        came=describe(name),
        hint='Take one of these names: quiz("...").',
    )
