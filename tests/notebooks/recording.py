"""The requests that the cells of the notebooks make, recorded by running them."""

import os
import re
import tempfile
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from traceback import walk_stack
from typing import NamedTuple
from unittest import mock

import nbformat
import requests
from matplotlib import pyplot

from helpers import connect
from helpers.queries.pick import Picked
from tests.notebooks.rows import FOLDER, WORKSHOP

ROOT = Path(__file__).parents[2]
# What they ask is to be asked by other tools, too: the others store, or ask many servers at once.
READING = ("queries", "multipart", "pixels", "files")
NOTEBOOKS = [*WORKSHOP, *(FOLDER / "deeper" / f"{name}.ipynb" for name in READING)]
OURS = tuple(f"{ROOT / package}{os.sep}" for package in ("helpers", "classroom"))
# Behind the name of a section, the plan that it belongs to.
SIGN = re.compile(r" · \d+$")
HEADING = re.compile(r"^#+ (.+)\n*", re.MULTILINE)


class Recorded(NamedTuple):
    """A request that a notebook made, and where it stands in the notebook."""

    response: requests.Response  # its body is read
    section: str  # the heading above it
    prose: str  # the text right above it, without the heading


class Recording(NamedTuple):
    """What one notebook asked."""

    notebook: Path
    title: str
    introduction: str  # the line about what one does in it
    requests: list[Recorded]
    uids: dict[str, str]  # the UIDs that the notebook gives a name to


def record(path):
    """Run the code of one notebook against the classroom PACS; return its Recording."""
    cells = nbformat.read(path, as_version=4).cells
    title, section, prose = HEADING.search(cells[0].source)[1], "", ""
    told = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    introduction = re.search(r"^\*\*(What you'll do:)\*\* (.+)$", told, re.MULTILINE)
    # Of what a notebook finds without importing it, what a lesson uses.
    names, recorded = {"display": lambda *shown: None}, []
    with _somewhere_else() as sent:
        for cell in cells:
            if cell.cell_type == "markdown":
                headings = HEADING.findall(cell.source)
                section = SIGN.sub("", headings[-1]) if headings else section
                prose = HEADING.sub("", cell.source).strip()
                continue
            _run(cell, names)
            recorded += [Recorded(response, section, prose) for response in sent]
            sent.clear()
    uids = {
        name: value
        for name, value in names.items()
        if name.endswith("_uid") and isinstance(value, str)
    }
    for name, value in names.items():
        if isinstance(value, Picked):
            known = set(uids.values())
            fields = value._asdict().items()
            uids |= {f"{name}_{field}": uid for field, uid in fields if uid not in known}
    return Recording(path, title, " ".join(introduction.groups()), recorded, uids)


@contextmanager
def _somewhere_else():
    """Run notebooks where their files and figures disturb nobody; yield the list of answers."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        stack.enter_context(chdir(folder))
        nowhere = stack.enter_context(open(os.devnull, "w"))
        stack.enter_context(redirect_stdout(nowhere))
        stack.enter_context(redirect_stderr(nowhere))
        backend = pyplot.get_backend()
        pyplot.switch_backend("agg")
        stack.callback(pyplot.switch_backend, backend)
        stack.enter_context(mock.patch.dict(os.environ))
        os.environ.pop("DICOMWEB_SERVER", None)
        os.environ["WORKBOOK_PROGRESS"] = os.devnull
        # What connect() asks by itself is no request of a notebook. It asks only once.
        connect()
        yield stack.enter_context(_sent())


@contextmanager
def _sent():
    """Yield a list to which every answered request of a cell is added, with its body read."""
    answers, send = [], requests.Session.send

    def send_and_keep(self, request, **options):
        if _in_a_helper():
            return send(self, request, **options)
        # An answer that the notebook reads piece by piece is sent for twice: it can be read once.
        answer = send(self, request, **options)
        answers.append(send(self, request, **{**options, "stream": False}))
        return answer

    requests.Session.send = send_and_keep
    try:
        yield answers
    finally:
        requests.Session.send = send


def _in_a_helper():
    """Tell whether a helper is at work: an exercise and a widget ask much of their own."""
    return any(frame.f_code.co_filename.startswith(OURS) for frame, _ in walk_stack(None))


def _run(cell, names):
    # A cell may raise only where its tag says so.
    meant = Exception if "raises-exception" in cell.metadata.get("tags", []) else ()
    with suppress(meant) if meant else ExitStack():
        exec(compile(cell.source, "<cell>", "exec"), names)
    pyplot.close("all")
