"""Any cell can be run again, alone, and shows the same."""

import os
import re

import nbformat
import pytest
from nbclient import NotebookClient

from tests.notebooks.rows import NOTEBOOKS, code_cells, is_tagged, name_of

# What differs from run to run: a port and a boundary, where an object lies, how long it took.
ARBITRARY = re.compile(r"127\.0\.0\.1:\d+|boundary=\S+|--[0-9a-f]{32}|0x[0-9a-f]+|\d+ ms|Date: .*")


def results(cell):
    """Return what a cell shows, without what is arbitrary."""
    shown = []
    for output in cell.outputs:
        if output.output_type == "stream":
            text = output.text
        elif output.output_type == "error":
            text = f"{output.ename}: {output.evalue}"
        else:
            # The text twin stands for a picture: its checksum is in it.
            text = output.data.get("text/plain", "")
        shown.append(ARBITRARY.sub("...", text))
    return shown


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_each_cell_alone_shows_the_same_after_run_all(path, tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBOOK_PROGRESS", os.devnull)
    notebook = nbformat.read(path, as_version=4)
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (tmp_path / "data").symlink_to(path.parents[len(name_of(path).split("/"))] / "data")
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=60,
        coalesce_streams=True,
        resources={"metadata": {"path": folder}},
    )
    with client.setup_kernel(env=dict(os.environ)):
        for number, cell in enumerate(notebook.cells):
            client.execute_cell(cell, number)
        first = [results(cell) for cell in code_cells(notebook)]
        # From the last to the first: each finds what the later ones left.
        for number, cell in reversed(list(enumerate(notebook.cells))):
            client.execute_cell(cell, number)
            if cell.cell_type == "code" and not is_tagged(cell, "nbval-ignore-output"):
                assert results(cell) == first[code_cells(notebook).index(cell)], cell.source
