"""Helpers of the DICOMweb workbook: the names that a notebook imports, and nothing else.

A name is imported when it is asked for (PEP 562), so that `import helpers` loads no library that
nobody needs, and changes nothing.
"""

import ast
from importlib import import_module
from pathlib import Path

# Each name, and the module in which it is at home: one table, which editors and type checkers read
# too.
TABLE = Path(__file__).with_suffix(".pyi")
HOMES = {
    alias.name: node.module
    for node in ast.parse(TABLE.read_text(encoding="utf-8")).body
    if isinstance(node, ast.ImportFrom) and node.module
    for alias in node.names
}

__all__ = sorted(HOMES)


def __getattr__(name: str) -> object:
    if name not in HOMES:
        raise AttributeError(f"module 'helpers' has no attribute {name!r}")
    value = getattr(import_module(HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
