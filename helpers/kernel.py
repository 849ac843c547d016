"""What the running kernel shows: explanations in the place of tracebacks, tables that fit.

Notebooks call `requests` themselves, so a wrong host name raises an exception of requests: forty
lines about sockets. The explanation of `helpers.explanations.explain` says more in four.

UIDs, URLs and keywords have no blanks, so a browser does not break them, and a table of them is
wider than a screen. Tables stay plain DataFrames: only their HTML says where they may be broken.
"""

import re
import textwrap

import pandas
import requests
from IPython import get_ipython
from urllib3.exceptions import LocationParseError

from .errors import WorkbookError
from .explanations import explain

# Lines of an explanation, in characters (a cell shows 75 of them on a screen of 1024 pixels), and
# where one goes on: below its text.
WIDTH = 72
INDENT = " " * len("  expected: ")
# A Retrieve URL with three UIDs has some 270 characters; pandas would cut it at 50.
LONGEST_TEXT = 300
# In HTML, a place where a line may end; it is not copied with the text.
BREAK = "<wbr>"
# What requests lets through: a host that can be no name, and a letter that no header can carry.
NOT_WRAPPED = (LocationParseError, UnicodeEncodeError)
LONG_UID = re.compile(r"(?=[\d.]{30})\d+(?:\.\d+)+")


def explain_errors(shell=None):
    """Let the running kernel show explanations in the place of tracebacks.

    Parameters
    ----------
    shell : IPython.core.interactiveshell.InteractiveShell, optional
        By default the running one; outside IPython nothing happens.

    Examples
    --------
    >>> explain_errors()
    """
    shell = shell or get_ipython()
    if shell is not None:
        shell.set_custom_exc((WorkbookError, requests.RequestException, *NOT_WRAPPED), _show)


def _show(shell, kind, error, traceback, tb_offset=None):
    if isinstance(error, UnicodeEncodeError) and error.encoding != "latin-1":
        # No header: those go out in Latin-1.
        shell.showtraceback((kind, error, traceback), tb_offset=tb_offset)
        return None
    explained = error if isinstance(error, WorkbookError) else explain(error)
    name = type(explained).__name__
    first, *others = str(explained).splitlines()
    lines = _wrapped(f"{name}: {first}")
    lines[0] = lines[0].replace(name, f"\x1b[1m{name}\x1b[0m", 1)
    for line in others:
        lines += _wrapped(line, subsequent_indent=INDENT)
    shell._showtraceback(type(explained), explained, lines)
    return lines


def _wrapped(line, **indent):
    # Media types and URLs are copied: they stay whole.
    return textwrap.wrap(line, WIDTH, break_long_words=False, break_on_hyphens=False, **indent)


def fit_tables(shell=None):
    """Let tables fit the screen: UIDs and URLs are whole, and may be broken into lines.

    Parameters
    ----------
    shell : IPython.core.interactiveshell.InteractiveShell, optional
        By default the running one; outside IPython, only the limit of pandas for texts changes.

    Examples
    --------
    >>> fit_tables()
    """
    pandas.set_option("display.max_colwidth", LONGEST_TEXT)
    shell = shell or get_ipython()
    if shell is not None:
        shell.display_formatter.formatters["text/html"].for_type(pandas.DataFrame, table_html)


def table_html(table):
    """Return a DataFrame as HTML that a browser may break between the parts of a name.

    Parameters
    ----------
    table : pandas.DataFrame

    Returns
    -------
    str

    Examples
    --------
    >>> table_html(pandas.DataFrame({"PatientName": ["Joe SIIM"]})).count(BREAK)
    1
    """
    head, end, body = table._repr_html_().partition("</thead>")
    # Keywords between their words, URLs and media types before a long component.
    head = re.sub("(?<=[a-z])(?=[A-Z])", BREAK, head)
    body = re.sub(r"(?<=/)(?=\w{6})", BREAK, body)
    return head + end + LONG_UID.sub(_breakable, body)


def _breakable(uid):
    """Let a UID be broken before a component, and in the middle of a long one."""
    by_component = re.sub(r"(?<=\.)(?=\d{4})", BREAK, uid[0])
    return re.sub(r"\d{24,}", _halves, by_component)


def _halves(digits):
    middle = len(digits[0]) // 2
    return digits[0][:middle] + BREAK + digits[0][middle:]
