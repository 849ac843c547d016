"""A cell that is run again closes what it showed before: a hundred runs leave nothing behind."""

import json
from pathlib import Path

import pytest
from jupyter_client.manager import start_new_kernel

ROOT = Path(__file__).parents[3]
START = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
import gc, json, os, resource
from ipywidgets.widgets import widget
from helpers import AcceptLab, FrameViewer, QueryForm, StudyBrowser, connect
server = connect()

def count():
    gc.collect()
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    files = len(os.listdir("/proc/self/fd"))
    print(json.dumps([len(widget._instances), files, pages * resource.getpagesize() >> 20]))
"""
JOE = "2.25.376823938970936436722019209917784829"
CELLS = [f"FrameViewer(server, '{JOE}')", "QueryForm(server)", "StudyBrowser(server)"]
CELLS += ["AcceptLab(server, 'studies')"]


@pytest.fixture(scope="module")
def run():
    """Start a kernel; return a function that runs a cell in it and returns what that prints."""
    manager, client = start_new_kernel(cwd=str(ROOT / "notebooks"))

    def execute(code, cell=None):
        said = []

        def note(message):
            content = message["content"]
            assert message["msg_type"] != "error", content
            said.append(content.get("text", ""))

        if cell is None:
            client.execute_interactive(code, timeout=60, output_hook=note)
        else:  # as JupyterLab sends it: with the name of the cell
            message = client.session.msg("execute_request", request(code))
            message["metadata"]["cellId"] = cell
            client.shell_channel.send(message)
            while True:
                answer = client.get_iopub_msg(timeout=60)
                if answer["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                    continue
                if answer["content"].get("execution_state") == "idle":
                    break
                note(answer)
        return "".join(said)

    execute(START)
    yield execute
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def request(code):
    options = {"silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": True}
    return {"code": code, "user_expressions": {}, **options}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only Linux shows open files there")
@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_that_is_run_again_leaves_nothing_of_the_run_before(run, cell):
    for _ in range(20):  # until what is kept of pictures is there, and of what was printed
        run(cell)
    widgets, files, memory = json.loads(run("count()"))
    for _ in range(30):
        run(cell)
    widgets_now, files_now, memory_now = json.loads(run("count()"))
    assert widgets_now == widgets
    assert files_now <= files + 4
    assert memory_now < memory + 60


def test_two_cells_with_the_same_code_show_both(run):
    run("viewers = []")
    for cell in ("one", "two"):
        run("viewers.append(QueryForm(server)); viewers[-1]", cell)
    assert run("print([viewer.comm is None for viewer in viewers])") == "[False, False]\n"
    run("viewers.append(QueryForm(server)); viewers[-1]", "two")
    assert run("print([viewer.comm is None for viewer in viewers])") == "[False, True, False]\n"


def test_what_is_shown_again_or_elsewhere_stays_alive(run):
    run("form = QueryForm(server)")
    run("form", "three")
    run("form", "three")
    run("form", "four")
    run("QueryForm(server)", "three")
    assert run("print(form.comm is None)") == "False\n"
    run("QueryForm(server)", "four")
    assert run("print(form.comm is None)") == "True\n"


def test_all_that_one_run_shows_is_alive(run):
    run("both = [QueryForm(server), QueryForm(server)]\ndisplay(*both)", "five")
    assert run("print([form.comm is None for form in both])") == "[False, False]\n"
