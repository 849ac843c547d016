"""Texts with titles that a notebook folds and a terminal prints one after the other."""

import html

# The size is that of code in JupyterLab: a line of a hexadecimal dump fits a screen of 1024 pixels.
# A longer line is broken where it is full: at a blank, the indentation would be lost.
PRE = (
    "margin: 0.3em 0 0.9em 1em; padding: 0; white-space: pre-wrap; word-break: break-all; "
    "font-size: var(--jp-code-font-size, 13px)"
)


class Sections:
    """Texts, each with a title.

    Attributes
    ----------
    sections : dict of str to str
        The titles, and the text below each.
    folded : tuple of str
        The titles that a notebook shows closed; a click opens them.

    Examples
    --------
    >>> page = Sections()
    >>> page.sections = {"Request": "GET /dicomweb/studies", "Answer": "200 OK"}
    >>> page
    GET /dicomweb/studies
    <BLANKLINE>
    200 OK
    """

    sections = {}
    folded = ()

    def __repr__(self):
        return "\n\n".join(self.sections.values())

    def _repr_html_(self):
        blocks = (
            f"<details{'' if title in self.folded else ' open'}>"
            f"<summary><b>{html.escape(title)}</b></summary>"
            f"<pre style='{PRE}'>{html.escape(text)}</pre></details>"
            for title, text in self.sections.items()
        )
        return "".join(blocks)
