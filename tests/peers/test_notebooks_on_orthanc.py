"""The notebooks on a real server: no cell fails, and the workshop row has the same results.

The outputs of each cell are compared with the committed ones, which are those of the classroom
PACS. Where Orthanc answers otherwise, the cell is named below with the reason. A cell that is named
and does not differ fails the test, too: so the list stays true.
"""

import os
import re

import nbformat
import pytest
from nbclient import NotebookClient

from tests.archive import JOE
from tests.notebooks.rows import DEEPER, FOLDER, WORKSHOP, is_tagged, name_of
from tests.peers.orthanc import filled_orthanc

# As its makers build it, and with a key; as Debian builds it and configures it.
KINDS = {
    "decoding queries": {},
    "Debian's": {"decode_query": False, "apikey": None, "Host": "localhost"},
}

# A part of a cell's code -> why its output is another one on Orthanc.
DIFFERENCES = {
    "01-find-the-patient": {
        "print(found.request.path_url)": "JSON by default; to Debian's Orthanc, ^ goes out as ^",
        "no_key = requests": "403 without a body; Debian's lets everyone in",
        "typo = requests": "ignored without a warning",
    },
    "02-discover-the-study": {
        'print("XML: "': "JSON by default, for application/json too",
        "retrieve_url = attributes": "a picture in which the file's window is ignored",
    },
    "03-see-the-images": {
        "exact = frame(jpeg)": "the file's window is ignored in /rendered",
        "by_uri = requests": "pictures made by another encoder, in another way",
    },
    "04-retrieve-the-study": {
        "cut = whole_study": "the boundary",
    },
}
# These show the exchange from the outside: addresses, headers, the beginning of a body.
OUTSIDE = re.compile(r"\bshow\(")


def run(path, server, folder, monkeypatch):
    """Execute a notebook on a server, in another folder; return it."""
    monkeypatch.setenv("DICOMWEB_SERVER", server.dicomweb)
    monkeypatch.setenv("DICOMWEB_WADOURI", server.wadouri)
    monkeypatch.setenv("DICOMWEB_APIKEY", server.headers.get("apikey", ""))
    notebook = nbformat.read(path, as_version=4)
    options = {"kernel_name": "python3", "timeout": 60, "resources": {"metadata": {"path": folder}}}
    # Cells with the tag raises-exception may fail, and no others.
    NotebookClient(notebook, **options).execute(env=dict(os.environ))
    return notebook


def result(cell):
    """Return what a cell printed and gave, in any order of lines, rows and values in a row."""
    printed = "".join(output.text for output in cell.outputs if output.output_type == "stream")
    lines = printed.splitlines()
    for output in cell.outputs:
        if output.output_type == "error":
            lines += f"{output.ename}: {output.evalue}".splitlines()
        elif output.output_type != "stream":
            # Rows of a table have a number in front, which is their place in the answer.
            rows = output.data.get("text/plain", "").splitlines()
            lines += [re.sub(r"^\d+ +", "", row) for row in rows]
    roots = re.compile(r"(http://(127\.0\.0\.1:\w+|localhost))?/dicom-?web/")
    return sorted(roots.sub("ROOT/", " ".join(line.split())) for line in lines if line.strip())


def compared(cell):
    return (
        cell.cell_type == "code"
        and not is_tagged(cell, "nbval-ignore-output")
        and not OUTSIDE.search(cell.source)
    )


def run_there(path, kind, tmp_path, monkeypatch):
    """Run a notebook on an Orthanc of its own, since some store something."""
    (tmp_path / "data").symlink_to(FOLDER.parent / "data")
    folder = tmp_path / "notebooks"
    folder.mkdir()
    with filled_orthanc(**KINDS[kind]) as server:
        return run(path, server, folder, monkeypatch)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", WORKSHOP, ids=name_of)
def test_a_notebook_of_the_workshop_reaches_the_same_results(path, kind, tmp_path, monkeypatch):
    differences = dict(DIFFERENCES.get(path.stem, {}))
    classroom = nbformat.read(path, as_version=4)
    there = run_there(path, kind, tmp_path, monkeypatch)
    unexpected = []
    for ours, theirs in zip(classroom.cells, there.cells, strict=True):
        if compared(ours) and result(ours) != result(theirs):
            named = [code for code in differences if code in ours.source]
            unexpected += [] if named else [(ours.source, result(ours), result(theirs))]
            for code in named:
                del differences[code]
    assert unexpected == []
    # What is arbitrary may be the same by chance, and one quirk is Debian's alone.
    always = [why for why in differences.values() if "arbitrary" not in why and "Debian" not in why]
    assert always == [], "these cells do not differ"

    saved = {file.read_bytes() for file in tmp_path.glob("notebooks/downloads/**/*.dcm")}
    stored = {file.read_bytes() for file in JOE} if path.stem.startswith("04") else set()
    assert saved == stored


@pytest.mark.parametrize("path", DEEPER, ids=name_of)
def test_no_cell_of_a_deeper_notebook_fails(path, tmp_path, monkeypatch):
    run_there(path, "decoding queries", tmp_path, monkeypatch)


def test_every_difference_is_one_of_a_notebook():
    assert set(DIFFERENCES) <= {path.stem for path in WORKSHOP}
