"""A name that has no value: a text without its quotes, a cell that was not run, a misspelling."""

from __future__ import annotations

import builtins
import difflib
import re
import sys
from typing import TYPE_CHECKING

from helpers.slips.cells import Cell, find_maker, read_notebook
from helpers.slips.place import Place, Slip, show_place

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

MEDIA_TYPE = r"(?:application|image|multipart|text|video|audio)/[\w.+-]+"
# What people write without quotes, and Python reads as a calculation with names.
CALCULATED = re.compile(rf"{MEDIA_TYPE}|\w+(?:\^\w+)+")
# The braces of an f-string hold names.
IN_TEXT = re.compile(r"\bf(\"[^\"]*|'[^']*)\{$")


def explain_name(shell: InteractiveShell, name: str, place: Place) -> Slip:
    """Say in plain words which name has no value, and what to do."""
    if cell := _find_maker(shell, name, place.cell):
        return Slip(
            f"{name} has no value yet.",
            show_place(place),
            [
                f"  made in:  {cell.where}: {cell.line}",
                f"  next:     {cell.hint}",
            ],
        )
    hints = _hints(shell, name, _text_meant(place))
    return Slip(f"Python knows no name {name}.", show_place(place), [f"  next:     {hints}"])


def _hints(shell: InteractiveShell, name: str, text: str | None) -> str:
    """Say what may help with a name that no cell makes, and that may be meant as a text."""
    ours = sys.modules["helpers"].__all__
    # Of the class Server, no notebook speaks; of its own `server`, all do.
    known = {*shell.user_ns, *dir(builtins), *ours} - {"Server"}
    if name in ours and name.lower() not in shell.user_ns:
        return f"Import it first: from helpers import {name}"
    alike = _find_alike(name, known)
    # Names of Python are in small letters, values of DICOM seldom.
    if text and not alike and not (text.isidentifier() and text.islower()):
        return f'Is it a text? Put quotes around it: "{text}".'
    as_text = f' Or is it a text? Then put quotes around it: "{text}".' if text else ""
    as_name = f"Did you mean {alike}?" if alike else "Run the cell that makes it first."
    return as_name + as_text


def _find_maker(shell: InteractiveShell, name: str, here: str) -> Cell | None:
    """Find the cell that makes a name: one that was run and failed, or one of the notebook."""
    history = shell.user_ns.get("In", [])
    ran = [Cell(f"[{number}]", source) for number, source in enumerate(history)]
    if failed := find_maker(ran[::-1], name, here):
        hint = "That cell stopped before. Repair it, run it again, and then this one."
        return failed._replace(where=f"cell {failed.where}", hint=hint)
    return find_maker(read_notebook(shell.user_ns), name, here)


def _find_alike(name: str, known: set[str]) -> str | None:
    """Find a name that is spelt nearly so."""
    public = sorted(other for other in known if not other.startswith("_"))
    same = [other for other in public if other.casefold() == name.casefold()]
    # Of three letters, many are alike.
    close = difflib.get_close_matches(name, public, 1, 0.75) if len(name) > 3 else []
    return next(iter(same + close), {"true": "True", "false": "False", "null": "None"}.get(name))


def _text_meant(place: Place) -> str | None:
    """Return the text that somebody wrote without quotes; None if it is no text."""
    for found in CALCULATED.finditer(place.line):
        if found.start() <= place.start < found.end():
            return found[0]
    # What is called, has something behind a point, or stands in a text is meant as a name.
    is_name = re.match(r"\s*[(.\[]", place.line[place.end :])
    if is_name or IN_TEXT.search(place.line[: place.start]):
        return None
    return place.line[place.start : place.end]
