"""Where in a cell a slip is, and what is said of it."""

from __future__ import annotations

import itertools
import linecache
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

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


def show_place(place: Place) -> list[str]:
    """Show a line of a cell, and below it what is meant."""
    head = f"  line {place.number}:".ljust(12)
    first = max(0, place.end - WIDTH) if len(place.line) > WIDTH else 0
    line = place.line[first : first + WIDTH]
    marks = " " * (place.start - first) + "^" * (place.end - place.start)
    return [head + line, " " * len(head) + marks] if place.end else [head + line]


def is_cell(shell: InteractiveShell, filename: str | None) -> bool:
    """Tell whether code is that of a cell, and not of a library."""
    return filename is not None and shell.compile.format_code_name(filename) is not None


def find_place(shell: InteractiveShell, traceback: TracebackType | None) -> Place | None:
    """Find where a name was used; None if that is in a library."""
    if traceback is None:
        return None
    while traceback.tb_next:
        traceback = traceback.tb_next
    code = traceback.tb_frame.f_code
    if not is_cell(shell, code.co_filename):
        return None
    lines = linecache.getlines(code.co_filename)
    # Two bytes an instruction.
    at = traceback.tb_lasti // 2
    number, _, start, end = next(itertools.islice(code.co_positions(), at, None))
    if number is None or number > len(lines):
        return None
    line = lines[number - 1].rstrip("\n")
    # Python counts bytes.
    letters = [
        len(line.encode()[:offset].decode(errors="ignore")) for offset in (start or 0, end or 0)
    ]
    return Place("".join(lines), number, line, *letters)
