"""What an exercise says: right, not yet, not attempted, a hint, a solution."""

import base64
import html
import re
from dataclasses import dataclass
from typing import NamedTuple

from IPython.display import display

from helpers.notebook import CODE

RIGHT, NOT_YET, NOT_ATTEMPTED, NOT_HERE = "Right", "Not yet", "Not attempted", "Not here"
# The colour repeats what the title says; each is legible on white and on black.
COLOURS = {RIGHT: "#2e8b57", NOT_YET: "#c77700", NOT_ATTEMPTED: "#808080", NOT_HERE: "#808080"}
OTHER_COLOUR = "#4682b4"
PICTURE_WIDTH = 300


class Shown(NamedTuple):
    """What is right, said with a picture: a sentence, a JPEG, and words for who cannot see it."""

    text: str
    jpeg: bytes
    alt: str


@dataclass(frozen=True)
class Note:
    """A title, a few sentences, perhaps code or a picture: plain in a terminal, framed elsewhere.

    >>> Note(NOT_YET, "Your search finds 0 studies.")
    Not yet. Your search finds 0 studies.
    """

    title: str
    text: str
    code: str = ""
    jpeg: bytes = b""
    alt: str = ""

    def __repr__(self) -> str:
        lines = f"{self.title}. {self.text}".rstrip()
        return f"{lines}\n\n{self.code}" if self.code else lines

    def _repr_html_(self) -> str:
        colour = COLOURS.get(self.title, OTHER_COLOUR)
        return (
            f'<div style="border-left: 4px solid {colour}; padding: 0.2em 0.8em">'
            f"<b>{html.escape(self.title)}.</b> {rich(self.text)}{preformatted(self.code)}"
            f"{self._picture()}</div>"
        )

    def _picture(self) -> str:
        if not self.jpeg:
            return ""
        alt, encoded = html.escape(self.alt, quote=True), base64.b64encode(self.jpeg).decode()
        style = f"display: block; margin: 0.5em 0; max-width: 100%; width: {PICTURE_WIDTH}px"
        return f'<img alt="{alt}" src="data:image/jpeg;base64,{encoded}" style="{style}">'


def preformatted(code: str) -> str:
    """Return code as HTML, to be selected and copied; nothing if there is none."""
    style = f"margin: 0.4em 0; {CODE}"
    return f"<pre style='{style}'>{html.escape(code)}</pre>" if code else ""


def rich(text: str) -> str:
    """Return a text as HTML, with what stands between backticks as code.

    >>> rich("`a < b` is code")
    '<code>a &lt; b</code> is code'
    """
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))
    return marked.replace("\n", "<br>")


class Hints:
    """The hints of an exercise: each call shows the next; without brackets it does the same."""

    def __init__(self, name: str, texts: list[str]) -> None:
        self.name = name
        self.texts = texts
        self.given = 0

    @property
    def next_note(self) -> Note:
        """The hint that comes next; after the last one, the first again."""
        number = self.given % len(self.texts)
        more = "hint" if number + 1 < len(self.texts) else "solution"
        text = f"{self.texts[number]} Still stuck? Run `{self.name}.{more}()`."
        return Note(f"Hint {number + 1} of {len(self.texts)}", text)

    def __call__(self) -> None:
        """Show the next hint; after the last one, the first again."""
        note = self.next_note
        self.given += 1
        display(note)

    def _ipython_display_(self) -> None:
        self()

    def __repr__(self) -> str:
        return repr(self.next_note)


class Solution:
    """The solution of an exercise: a call shows it; without brackets it does the same."""

    def __init__(self, code: str) -> None:
        self.note = Note("Solution", "One way among others. Try to say what each line does.", code)

    def __call__(self) -> None:
        """Show one way to do it."""
        display(self.note)

    def __repr__(self) -> str:
        return repr(self.note)

    def _repr_html_(self) -> str:
        return self.note._repr_html_()
