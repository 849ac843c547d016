"""What an exercise says: right, not yet, not attempted, a hint, a solution."""

import html
import re
from dataclasses import dataclass

from helpers.notebook import CODE

RIGHT, NOT_YET, NOT_ATTEMPTED = "Right", "Not yet", "Not attempted"
# The colour repeats what the title says; each is legible on white and on black.
COLOURS = {RIGHT: "#2e8b57", NOT_YET: "#c77700", NOT_ATTEMPTED: "#808080"}
OTHER_COLOUR = "#4682b4"


@dataclass(frozen=True)
class Note:
    """A title, a few sentences, and perhaps code: plain in a terminal, framed in a notebook.

    >>> Note(NOT_YET, "Your search finds 0 studies.")
    Not yet. Your search finds 0 studies.
    """

    title: str
    text: str
    code: str = ""

    def __repr__(self) -> str:
        lines = f"{self.title}. {self.text}".rstrip()
        return f"{lines}\n\n{self.code}" if self.code else lines

    def _repr_html_(self) -> str:
        colour = COLOURS.get(self.title, OTHER_COLOUR)
        code = (
            f"<pre style='margin: 0.4em 0; {CODE}'>{html.escape(self.code)}</pre>"
            if self.code
            else ""
        )
        return (
            f'<div style="border-left: 4px solid {colour}; padding: 0.2em 0.8em">'
            f"<b>{html.escape(self.title)}.</b> {rich(self.text)}{code}</div>"
        )


def rich(text: str) -> str:
    """Return a text as HTML, with what stands between backticks as code.

    >>> rich("`a < b` is code")
    '<code>a &lt; b</code> is code'
    """
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))
    return marked.replace("\n", "<br>")
