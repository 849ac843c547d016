"""What the panels say, as HTML: legible in each theme, and for a screen reader."""

import base64
import html
import re
from collections.abc import Iterable, Mapping

import pandas

from helpers.errors import WorkbookError
from helpers.tables import BREAK, table_html

# JupyterLab paints code in the colour of the page, also where a row of a table has another one.
PLAIN = "background:transparent;color:inherit"
# Where a line of media types and their parameters may end.
WORD_END = re.compile("(?<=[/;+=])")


def code(written: str) -> str:
    """Return text as code, in the colours of what is behind it."""
    return _code(html.escape(written))


def code_of_words(written: str) -> str:
    """Return media types as small code that goes on in another line where a word of them ends."""
    return _code(by_words(written), ";font-size:12px")


def by_words(written: str) -> str:
    """Return text that goes on in another line where a word of a media type ends."""
    return BREAK.join(map(html.escape, WORD_END.split(written)))


def _code(escaped: str, style: str = "") -> str:
    return f"<code style='{PLAIN};padding:0;overflow-wrap:anywhere{style}'>{escaped}</code>"


def preformatted(written: str) -> str:
    """Return lines of text as they are; long ones wrap."""
    style = f"{PLAIN};white-space:pre-wrap;overflow-wrap:anywhere"
    return f"<pre style='{style}'>{html.escape(written)}</pre>"


def sentence(error: WorkbookError) -> str:
    """Return an error as a sentence, in place of a traceback; a screen reader reads it at once."""
    problem, *rest = str(error).splitlines()
    details = "<br>".join(html.escape(line.strip()) for line in rest)
    # It says "Not done" in words: red alone would not be enough.
    return (
        "<div role='alert' style='border-left:6px solid #d32f2f;padding:4px 10px;"
        f"overflow-wrap:anywhere'><b>Not done: {html.escape(problem)}</b>"
        f"<br>{details}</div>"
    )


def status(message: str) -> str:
    """Return a line that a screen reader reads when it changes."""
    return f"<div role='status'>{message}</div>"


def image(png: bytes, words: str, options: str = "") -> str:
    """Return a picture, packed as PNG, with words for those who cannot see it."""
    encoded = base64.b64encode(png).decode()
    words = html.escape(words, quote=True)
    return f"<img alt='{words}' src='data:image/png;base64,{encoded}'{options}>"


def table(frame: pandas.DataFrame, height: str = "420px") -> str:
    """Return a DataFrame as a table that fits, and scrolls when it is long."""
    return scrolling(table_html(frame), "Table of results", height)


def table_head(names: Iterable[str]) -> str:
    """Return the head of a table."""
    cells = "".join(f"<th scope='col' style='text-align:left'>{name}</th>" for name in names)
    return f"<thead><tr>{cells}</tr></thead>"


def table_of_pairs(pairs: Mapping[str, str], style: str = "") -> str:
    """Return names and what they stand for, in HTML, as a table with a row for each."""
    rows = "".join(
        f"<tr><th scope='row' style='text-align:left;padding-right:8px'>{name}</th>"
        f"<td style='text-align:left'>{content}</td></tr>"
        for name, content in pairs.items()
    )
    return f"<table style='{style}'>{rows}</table>"


def scrolling(content: str, label: str, height: str = "420px") -> str:
    """Return HTML in a box of limited height; the keyboard can scroll it, too."""
    return (
        f"<div role='region' aria-label='{html.escape(label, quote=True)}' tabindex='0' "
        f"class='jp-RenderedHTMLCommon' style='overflow:auto;max-height:{height}'>{content}</div>"
    )
