"""The cells of a notebook, and which of them makes a name."""

import ast
import json
import os
import symtable
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

RUN_FIRST = (
    "Run that cell first, then this one again. All cells above at once: menu Run, "
    "Run All Above Selected Cell."
)


class Cell(NamedTuple):
    """A code cell: where it is, its code, the line that was looked for, and what to do with it."""

    where: str
    source: str
    line: str = ""
    hint: str = RUN_FIRST


def read_notebook(names: Mapping[str, object]) -> list[Cell]:
    """Read the code cells of the running notebook, as it was saved; none if nobody knows where."""
    # JupyterLab and Notebook tell the kernel in the one way, VS Code in the other.
    said = names.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME", "")
    path = Path(str(said))
    if path.suffix != ".ipynb":
        return []
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [Cell(f"code cell {number}", source) for number, source in enumerate(sources, 1)]


def find_maker(cells: Iterable[Cell], name: str, here: str) -> Cell | None:
    """Find the first cell that gives a name its value, with the line where it does; not `here`."""
    for cell in cells:
        if name not in cell.source or cell.source.strip() == here.strip():
            continue
        try:
            statements = ast.parse(cell.source).body
        except (SyntaxError, ValueError):
            # A command of IPython, as %pip.
            continue
        for statement in statements:
            lines = ast.get_source_segment(cell.source, statement) or ""
            if name in _names_made(lines):
                return cell._replace(line=lines.partition("\n")[0])
    return None


def _names_made(code: str) -> set[str]:
    """Return the names that code gives a value, outside of its functions."""
    symbols = symtable.symtable(code, "cell", "exec").get_symbols()
    return {symbol.get_name() for symbol in symbols if symbol.is_assigned() or symbol.is_imported()}
