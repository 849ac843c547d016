"""One door for all slips: an error that a cell brought about, or nothing to say."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from helpers.slips.names import explain_name
from helpers.slips.place import Slip, find_place, is_cell
from helpers.slips.syntax import explain_syntax

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

SLIPS = (NameError, SyntaxError)


def explain_slip(
    shell: InteractiveShell, error: BaseException, traceback: TracebackType | None
) -> Slip | None:
    """Say in plain words what a slip is; None of what is better told by Python itself."""
    # One of its kinds is a name that a function uses too early: nothing for a sentence.
    if type(error) is NameError and error.name:
        place = find_place(shell, traceback)
        return place and explain_name(shell, error.name, place)
    if isinstance(error, SyntaxError) and error.lineno and is_cell(shell, error.filename):
        return explain_syntax(error)
    return None
