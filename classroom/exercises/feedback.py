"""What stands under a check: the note, and the buttons Hint and Solution."""

import html

import ipywidgets as widgets

from classroom.exercises.notes import NOT_HERE, RIGHT, Note, preformatted, rich
from helpers.widgets.controls import button, code_box, row, text
from helpers.widgets.markup import status
from helpers.widgets.panel import Panel, Picture

STUCK = "Stuck? Run `{name}.hint()`."
SOLUTION = "One way among others. Try to say what each line does."


class Feedback(Panel):
    """A note on an answer. Each press of Hint shows one more; Solution shows code to copy.

    Where no button works, in a notebook that is only read, the same is folded below the note.

    Parameters
    ----------
    note
    hints
        Of a note that says right, none are shown.
    code
        The solution.
    """

    def __init__(self, note: Note, hints: list[str], code: str) -> None:
        self.note = note
        self.hints = [] if note.title in (RIGHT, NOT_HERE) else hints
        self.code = "" if note.title == NOT_HERE else code
        self.given = 0
        self.words = text(status(html_of(note)))
        self.hint_button = button("Hint", self.show_hint, icon="lightbulb-o")
        self.solution_button = button("Solution", self.show_solution, icon="key")
        self.said = text()
        self.solution = code_box(len(self.code.splitlines()))
        buttons = [self.hint_button] if self.hints else []
        buttons += [self.solution_button] if self.code else []
        self._below = widgets.VBox([self.said])
        super().__init__([self.words, *([row(*buttons)] if buttons else []), self._below])
        self._name_hint()

    def _name_hint(self) -> None:
        """Say on the button how many hints are left."""
        self.hint_button.disabled = self.given >= len(self.hints)
        if self.given:
            left = len(self.hints) - self.given
            self.hint_button.description = f"Next hint ({left} more)" if left else "No more hints"

    def show_hint(self) -> None:
        """Show one hint more, below those that are there."""
        self.given = min(self.given + 1, len(self.hints))
        lines = "".join(
            f"<p style='margin:0.3em 0'><b>Hint {number}.</b> {rich(hint)}</p>"
            for number, hint in enumerate(self.hints[: self.given], 1)
        )
        self.said.value = status(lines)
        self._name_hint()

    def show_solution(self) -> None:
        """Show the solution, ready to be copied."""
        self.solution.value = self.code
        self._below.children = [self.said, text(SOLUTION), self.solution]

    def static(self) -> Picture:
        """Return the note with its hints and its solution folded below it."""
        folded = {f"Hint {number}": rich(hint) for number, hint in enumerate(self.hints, 1)}
        if self.code:
            folded["Solution"] = f"{SOLUTION}{preformatted(self.code)}"
        blocks = "".join(
            "<details style='margin: 0.2em 0 0.2em 1em'>"
            f"<summary style='cursor: pointer'>{html.escape(title)}</summary>{words}</details>"
            for title, words in folded.items()
        )
        return {"text/html": f"{html_of(self.note)}{blocks}", "text/plain": repr(self.note)}


def html_of(note: Note) -> str:
    """Return a note as HTML, without the sentence that the buttons say."""
    before, stuck, _ = note.text.rpartition(STUCK.partition("{")[0])
    shown = Note(
        note.title, before.rstrip() if stuck else note.text, note.code, note.jpeg, note.alt
    )
    return shown._repr_html_()
