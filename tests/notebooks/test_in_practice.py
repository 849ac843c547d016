"""The lines for dicomweb-client at the end of each deeper notebook work as they are printed."""

import re

import nbformat
import pytest

from helpers import connect
from tests.notebooks.rows import DEEPER, name_of


@pytest.mark.parametrize("path", DEEPER, ids=name_of)
def test_the_lines_run_and_give_something(path):
    cells = nbformat.read(path, as_version=4).cells
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    lines = re.search(r"## In practice.*?```python\n(.*?)```", prose, re.DOTALL)[1]
    names = {"server": connect()}
    # What the learner has by then: the UIDs, assigned in cells of their own.
    for cell in cells:
        exec("\n".join(re.findall(r"^\w+_uid = \"[\d.]+\"$", cell.source, re.MULTILINE)), names)
    *statements, question = lines.strip().splitlines()
    exec("\n".join(statements), names)
    assert len(eval(question, names)) >= 1
