"""Python's own slips in plain words: a name without a value, a quote or a bracket that is missing.

Python says `invalid syntax`, or that a name is not defined. Who learns DICOMweb here has often
forgotten the quotes of a text, or a cell further up.
"""

from __future__ import annotations

import ast
import builtins
import difflib
import itertools
import linecache
import re
import sys
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

from helpers.cells import Cell, find_maker, read_notebook

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

SLIPS = (NameError, SyntaxError)
# Characters of a line of code that are shown.
WIDTH = 60


class Slip(NamedTuple):
    """What went wrong, the line where it shows, and what else to say, as lines."""

    problem: str
    place: list[str]
    rest: list[str]


class Place(NamedTuple):
    """A line of a cell, and the characters in it that are meant, counted from 0."""

    cell: str
    number: int
    line: str
    start: int
    end: int


def explain_slip(
    shell: InteractiveShell, error: BaseException, traceback: TracebackType | None
) -> Slip | None:
    """Say in plain words what a slip is; None of what is better told by Python itself."""
    # One of its kinds is a name that a function uses too early: nothing for a sentence.
    if type(error) is NameError and error.name:
        place = _place_of_name(shell, traceback)
        return place and _explain_name(shell, error.name, place)
    if isinstance(error, SyntaxError) and error.lineno and _is_cell(shell, error.filename):
        return _explain_syntax(_complete(error))
    return None


def _is_cell(shell: InteractiveShell, filename: str | None) -> bool:
    return filename is not None and shell.compile.format_code_name(filename) is not None


# A name that has no value.

MEDIA_TYPE = r"(?:application|image|multipart|text|video|audio)/[\w.+-]+"
# What people write without quotes, and Python reads as a calculation with names.
CALCULATED = re.compile(rf"{MEDIA_TYPE}|\w+(?:\^\w+)+")


def _place_of_name(shell: InteractiveShell, traceback: TracebackType | None) -> Place | None:
    """Find where a name was used; None if that is in a library."""
    if traceback is None:
        return None
    while traceback.tb_next:
        traceback = traceback.tb_next
    code = traceback.tb_frame.f_code
    if not _is_cell(shell, code.co_filename):
        return None
    lines = linecache.getlines(code.co_filename)
    place = next(itertools.islice(code.co_positions(), traceback.tb_lasti // 2, None))
    number, _, start, end = place
    if number is None or number > len(lines):
        return None
    line = lines[number - 1].rstrip("\n")
    # Python counts bytes.
    letters = [
        len(line.encode()[:offset].decode(errors="ignore")) for offset in (start or 0, end or 0)
    ]
    return Place("".join(lines), number, line, *letters)


def _explain_name(shell: InteractiveShell, name: str, place: Place) -> Slip:
    if cell := _find_maker(shell, name, place.cell):
        return Slip(
            f"{name} has no value yet.",
            _show(place),
            [
                f"  made in:  {cell.where}: {cell.line}",
                f"  next:     {cell.hint}",
            ],
        )
    ours = sys.modules["helpers"].__all__
    hints = []
    if name in ours and name.lower() not in shell.user_ns:
        hints.append(f"Import it first: from helpers import {name}")
    elif alike := _find_alike(name, {*shell.user_ns, *dir(builtins), *ours} - {name}):
        hints.append(f"Did you mean {alike}?")
    if (text := _text_meant(place)) and name not in ours:
        is_it = "Or is it a text? Then put" if hints else "Is it a text? Put"
        hints.append(f'{is_it} quotes around it: "{text}"')
    if not hints:
        hints.append("Is it spelt right? A name is made with = or with import, in a cell above.")
    return Slip(f"Python knows no name {name}.", _show(place), [f"  next:     {' '.join(hints)}"])


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
    # What is called, or has something behind a point, is meant as a name.
    if re.match(r"\s*[(.\[]", place.line[place.end :]):
        return None
    return place.line[place.start : place.end]


def _show(place: Place) -> list[str]:
    """Show a line of a cell, and below it what is meant."""
    head = f"  line {place.number}:".ljust(12)
    first = max(0, place.end - WIDTH) if len(place.line) > WIDTH else 0
    line = place.line[first : first + WIDTH]
    marks = " " * (place.start - first) + "^" * (place.end - place.start)
    return [head + line, " " * len(head) + marks] if place.end else [head + line]


# What Python cannot read.

DATE = r"(?<![\w.])(?:\d{4}-\d\d-\d\d|\d{8}-(?!\d)|-?\d{8}(?=-))[\d-]*"
# What is no Python without quotes, and what it is.
UNQUOTED = {
    r"https?://[^\s,)}\]]*": "A URL",
    r"(?<![\w.])\d+(?:\.\d+){2,}": "A UID",
    DATE: "A date",
    r"[A-Za-z][\w^]*[*?^](?=\s*(?:[,)}\]]|$))": "A name with wildcards",
    r"(?<![\w.])0\d+\b": "A number that begins with 0",
}
STRINGS = re.compile(r'"[^"]*"|\'[^\']*\'')
# Words of Python -> what is wrong, and what to do. Groups of the words may stand in both.
QUOTE = (
    "In this line, a quote is missing.",
    'A text has a quote in front and the same one behind: "SIIM^Joe". Look at each text.',
)
WORDS = {
    r"unterminated (?:f-|t-)?string literal": QUOTE,
    r"unterminated triple-quoted": (
        "The text that begins here has no end.",
        "It begins with three quotes, so it ends with three quotes.",
    ),
    r"'(.)' was never closed": (
        "The bracket {0} that opens here is never closed.",
        "Put {1} where it ends.",
    ),
    r"unmatched '(.)'": (
        "The bracket {0} closes nothing.",
        "Take it away, or put {1} where it begins.",
    ),
    r"closing parenthesis '(.)' does not match opening parenthesis '(.)'": (
        "This bracket does not fit the one that was opened.",
        "What {2} opens, {3} closes. Here stands {0}.",
    ),
    r"expected ':'": (
        "At the end of this line, a colon is missing.",
        "Lines that begin with if, for, while, with or def end with a colon.",
    ),
    r"':' expected after dictionary key": (
        "Between a key and its value, a colon is missing.",
        'Write it as {{"Accept": "application/dicom+json"}}.',
    ),
    r"expected an indented block": (
        "This line belongs to the one above it, which ends with a colon.",
        "Put four blanks in front of it: click at its beginning, and press Tab.",
    ),
    r"unexpected indent": (
        "This line begins further to the right than the one above it.",
        "Take the blanks in front of it away.",
    ),
    r"Perhaps you forgot a comma": (
        "Between two values, a comma is missing.",
        'Put it there. Or is it one text? Then put quotes around it: "CT Chest".',
    ),
    r"Maybe you meant '==' or ':='": (
        "One = gives a value a name. It does not compare.",
        "To compare, write ==.",
    ),
    r"cannot assign to literal|cannot contain assignment": (
        "What stands on the left of = is no name.",
        'In braces, write a colon: {{"Modality": "CT"}}. In a call, write the name without quotes: '
        'Modality="CT". To compare, write ==.',
    ),
    r"invalid character '[“”„‘’]'": (
        "These quotes are typographic. Python does not know them.",
        'Write them again, with the quote of your keyboard: "',
    ),
    r"invalid decimal literal": (
        "A name or a number cannot be written so: a digit in front, and letters behind.",
        "Is it a text? Put quotes around it. A name begins with a letter.",
    ),
    r"positional argument follows keyword": (
        "A value without a name stands behind one with a name.",
        "In a call, values without a name come first: get(url, headers=...).",
    ),
}
OTHER_BRACKET = dict(zip("([{)]}", ")]}([{", strict=True))


def _complete(error: SyntaxError) -> SyntaxError:
    """Let Python say what is missing, where IPython has it say only that there must be more."""
    if error.msg != "incomplete input":
        return error
    try:
        ast.parse("".join(linecache.getlines(error.filename or "")))
    except SyntaxError as exact:
        return exact
    return error


def _explain_syntax(error: SyntaxError) -> Slip | None:
    number, line = error.lineno or 1, (error.text or "").rstrip("\n")
    # Texts may hold anything; what stands between them counts.
    bare = STRINGS.sub(lambda text: "_" * len(text[0]), line)
    if re.match("invalid|leading zeros", error.msg):
        for pattern, what in UNQUOTED.items():
            if found := re.search(pattern, bare):
                return Slip(
                    f"{what} is a text here.",
                    _show(Place("", number, line, *found.span())),
                    [f'  next:     Put quotes around it: "{found[0]}"'],
                )
    for words, (problem, hint) in WORDS.items():
        if found := re.search(words, error.msg):
            # Behind each bracket, the one that belongs to it.
            brackets = [b for mark in found.groups() for b in (mark, OTHER_BRACKET.get(mark, ""))]
            return Slip(
                problem.format(*brackets),
                _show(_place_of_syntax(error, number, line, problem == QUOTE[0])),
                [f"  next:     {hint.format(*brackets)}"],
            )
    return None


def _place_of_syntax(error: SyntaxError, number: int, line: str, is_quote: bool) -> Place:
    # Python marks the last quote, and the missing one may be any. Blanks need no mark.
    if is_quote or isinstance(error, IndentationError):
        return Place("", number, line, 0, 0)
    start = min(max((error.offset or 1) - 1, 0), len(line))
    is_here = error.end_lineno == number and (error.end_offset or 0) > start + 1
    return Place("", number, line, start, (error.end_offset or 0) - 1 if is_here else start + 1)
