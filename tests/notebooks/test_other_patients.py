"""The workshop row on servers with other patients, and on one that can do little.

No cell fails there but those that are meant to: a lesson takes another study and says so, or a
cell steps aside with a sentence.
"""

import json
import os

import nbformat
import pydicom
import pytest
from nbclient import NotebookClient
from pydicom.uid import generate_uid

from classroom.pacs import server
from tests.archive import ONE_OF_EACH_STUDY, RAVI
from tests.notebooks.rows import WORKSHOP, code_cells, is_tagged, name_of


@pytest.fixture(scope="module")
def other_patients(tmp_path_factory):
    """Return a folder with a CT stack and a mammogram of people whom no lesson names."""
    folder = tmp_path_factory.mktemp("archive")
    mammogram = next(path for path in ONE_OF_EACH_STUDY if path.parent.name == "sally_mg")
    for number, path in enumerate([*RAVI[:4], mammogram]):
        dataset = pydicom.dcmread(path)
        dataset.PatientName, dataset.PatientID = f"Doe^{dataset.Modality}", f"D-{dataset.Modality}"
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
            setattr(dataset, keyword, generate_uid(entropy_srcs=["other", dataset[keyword].value]))
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.save_as(folder / f"{number}.dcm")
    return folder


def json_only(pacs):
    """Return a server that has no XML, no WADO-URI, and no search for instances at its root."""

    def refuse(start_response, status, detail):
        problem = json.dumps({"title": status[4:], "detail": detail}).encode()
        headers = [("Content-Type", "application/problem+json")]
        start_response(status, [*headers, ("Content-Length", str(len(problem)))])
        return [problem]

    def application(environ, start_response):
        path, accept = environ["PATH_INFO"], environ.get("HTTP_ACCEPT", "*/*")
        if path.startswith("/wadouri") or path == "/dicomweb/instances":
            return refuse(start_response, "404 Not Found", "not here")
        if "xml" in accept:
            return refuse(start_response, "406 Not Acceptable", "JSON only")
        is_search = path.rstrip("/").endswith(("/studies", "/series", "/instances", "/metadata"))
        if is_search and accept == "*/*":
            environ["HTTP_ACCEPT"] = "application/dicom+json"
        return pacs(environ, start_response)

    return application


@pytest.fixture(scope="module", params=["with all services", "JSON only"])
def elsewhere(request, other_patients):
    """Run the server, and return the environment that leads there."""
    is_bare = request.param == "JSON only"
    options = {"wrap": json_only} if is_bare else {}
    running = server.start(other_patients, port=0, **options)
    yield {
        "DICOMWEB_SERVER": f"{running.url}/dicomweb",
        "DICOMWEB_WADOURI": "" if is_bare else f"{running.url}/wadouri",
        "DICOMWEB_APIKEY": server.WORKSHOP_KEY,
        "WORKBOOK_PROGRESS": os.devnull,
    }
    running.stop()


@pytest.mark.parametrize("path", WORKSHOP, ids=name_of)
def test_every_cell_runs_or_steps_aside(path, elsewhere, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=60,
        allow_errors=True,
        resources={"metadata": {"path": tmp_path}},
    ).execute(env={**os.environ, **elsewhere})
    failed = [
        (cell.source, output.ename, output.evalue)
        for cell in code_cells(notebook)
        for output in cell.outputs
        if output.output_type == "error" and not is_tagged(cell, "raises-exception")
    ]
    assert failed == []
    # It does not pretend: the first cell that picks a study says that it is another one.
    printed = "".join(
        output.text
        for cell in code_cells(notebook)
        for output in cell.outputs
        if output.output_type == "stream"
    )
    assert "pick_study" not in notebook_text(notebook) or "This server has no" in printed


def notebook_text(notebook):
    return "\n".join(cell.source for cell in code_cells(notebook))
