"""What a notebook shows: explanations in the place of tracebacks, tables that fit, texts that fold.

Notebooks call `requests` themselves, so a wrong host name raises an exception of requests: forty
lines about sockets. The explanation of `helpers.web.explanations.explain` says more in four.
"""

from __future__ import annotations

import html
import json
import textwrap
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import TYPE_CHECKING

import requests
from urllib3.exceptions import LocationParseError

from helpers.errors import WorkbookError
from helpers.pictures import add_words
from helpers.slips.explain import SLIPS, explain_slip
from helpers.tables import LONGEST_TEXT, escape_styles, style_html, table_html
from helpers.web.explanations import explain

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

# Lines of an explanation, in characters (a cell shows 75 of them on a screen of 1024 pixels), and
# where one goes on: below its text.
WIDTH = 72
INDENT = " " * len("  expected: ")
# The size is that of code in JupyterLab: a line of a hexadecimal dump fits a screen of 1024 pixels.
CODE = "white-space: pre-wrap; font-size: var(--jp-code-font-size, 13px)"
# A longer line is broken where it is full: at a blank, the indentation would be lost.
FOLDED = f"margin: 0.3em 0 0.9em 1em; padding: 0; word-break: break-all; {CODE}"
# What requests lets through: a host that can be no name, and a letter that no header can carry. And
# what the standard library says of a body that is no JSON.
NOT_WRAPPED = (LocationParseError, UnicodeEncodeError, json.JSONDecodeError)


def prepare_notebook(shell: InteractiveShell | None = None) -> None:
    """Let this kernel explain errors in plain words, and show tables that fit the screen.

    An exception of `requests`, or of these helpers, shows as a few sentences in the place of a
    traceback, and so do Python's own slips: a name without a value, a missing quote. A table
    (`pandas.DataFrame`) shows the end of a long UID or URL; a mouse over it shows the whole one,
    which is also what is copied. What a server sent is text in every table, also in the `style` of
    one, and never HTML. In a page, a picture has words for who cannot see it.

    Parameters
    ----------
    shell
        By default the running one. Outside IPython, only `style` is made safe.

    Examples
    --------
    >>> prepare_notebook()
    """
    from IPython import get_ipython

    escape_styles()
    shell = shell or get_ipython()  # type: ignore[no-untyped-call]
    if shell is None or shell.display_formatter is None:
        return
    import pandas

    explained = (WorkbookError, requests.RequestException, *NOT_WRAPPED, *SLIPS)
    shell.set_custom_exc(explained, _show_explanation)
    pandas.set_option("display.max_colwidth", LONGEST_TEXT)
    as_html = shell.display_formatter.formatters["text/html"]
    as_html.for_type(pandas.DataFrame, table_html)
    as_html.for_type_by_name("pandas.io.formats.style", "Styler", style_html)
    add_words(shell)


def _show_explanation(
    shell: InteractiveShell,
    kind: type[BaseException],
    error: BaseException,
    traceback: TracebackType | None,
    tb_offset: int | None = None,
) -> list[str] | None:
    slip = explain_slip(shell, error, traceback)
    # A header goes out in Latin-1.
    is_other_text = isinstance(error, UnicodeEncodeError) and error.encoding != "latin-1"
    if is_other_text or (isinstance(error, SLIPS) and not slip):
        shell.showtraceback((kind, error, traceback), tb_offset=tb_offset)
        return None
    explained = error if slip or isinstance(error, WorkbookError) else explain(error)
    first, *others = str(explained).splitlines()
    name = _public_name(type(explained))
    lines = _wrap(f"{name}: {slip.problem if slip else first}")
    lines[0] = lines[0].replace(name, f"\x1b[1m{name}\x1b[0m", 1)
    # Code is not wrapped.
    lines += slip.place if slip else []
    for line in slip.rest if slip else others:
        lines += _wrap(line, subsequent_indent=INDENT)
    shell._showtraceback(type(explained), explained, lines)
    return lines


def _public_name(kind: type) -> str:
    """Return the name that the language's manual has: 3.13 raises `_IncompleteInputError`."""
    return next(base.__name__ for base in kind.__mro__ if not base.__name__.startswith("_"))


def _wrap(line: str, subsequent_indent: str = "") -> list[str]:
    # Media types and URLs are copied: they stay whole.
    return textwrap.wrap(
        line,
        WIDTH,
        subsequent_indent=subsequent_indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


class Sections:
    """Texts with titles, that a notebook folds and a terminal prints one after the other.

    Examples
    --------
    >>> Sections({"Request": "GET /dicomweb/studies", "Answer": "200 OK"})
    GET /dicomweb/studies
    <BLANKLINE>
    200 OK
    """

    def __init__(self, sections: Mapping[str, str], folded: Collection[str] = ()) -> None:
        self.sections = dict(sections)
        # The titles that a notebook shows closed; a click opens them.
        self.folded = folded

    def __repr__(self) -> str:
        return "\n\n".join(self.sections.values())

    def _repr_html_(self) -> str:
        blocks = (
            f"<details{'' if title in self.folded else ' open'}>"
            f"<summary><b>{html.escape(title)}</b></summary>"
            f"<pre style='{FOLDED}'>{html.escape(text)}</pre></details>"
            for title, text in self.sections.items()
        )
        return "".join(blocks)
