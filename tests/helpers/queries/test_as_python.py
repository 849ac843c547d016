"""The code in the boxes of the widgets: lines that fit, and that mean the same."""

import ast
import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as some

from helpers import AcceptLab, FrameViewer, QueryForm
from helpers.queries.as_python import write_cell
from helpers.queries.request import GetRequest
from helpers.servers.server import Server
from helpers.widgets.accept_lab import KINDS, TRANSFER_SYNTAXES
from tests.helpers.widgets.looking import run_code
from tests.notebooks.recording import ROOT

# The code is for a cell of a notebook.
WIDTH = tomllib.loads((ROOT / "notebooks/.ruff.toml").read_text())["line-length"]
UID = "1.3.6.1.4.1.14519.5.2.1.7777.9002.198875685720513246512710453733"
PATH = f"studies/{UID}/series/{UID}/instances/{UID}/frames/1"
SERVER = Server("mine", "http://127.0.0.1/dicomweb", None)
LONE_UID = re.compile(r' +"/[\d.]{1,64}",?')


def too_long(code):
    """List the lines that do not fit. A UID stays whole, in a line of its own."""
    lines = code.splitlines()
    return [line for line in lines if len(line) > WIDTH and not LONE_UID.fullmatch(line)]


def code_of(path, params=None, accept=""):
    """Return the call of a cell as code, and as a syntax tree."""
    code = write_cell(GetRequest(SERVER, path, params or {}, accept), then="")
    return code, ast.parse(code).body[-1].value


@pytest.mark.parametrize("path", ["studies", PATH, "studies/1.2/metadata", "a b/ü", "studies/"])
def test_url_in_several_lines_is_the_same_url(path):
    code, call = code_of(path)
    assert too_long(code) == []
    written = eval(ast.unparse(call.args[0]), {"server": SERVER})
    assert written == f"{SERVER.dicomweb}/{path}"


def test_uid_stays_whole():
    code, _ = code_of(PATH)
    assert sum(UID in row for row in code.splitlines()) == 3


@given(
    some.dictionaries(some.text(), some.text(alphabet='ab,; /="\\é\n', max_size=200), min_size=1)
)
def test_dictionary_in_several_lines_is_the_same_dictionary(texts):
    _, call = code_of("studies", texts)
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    assert ast.literal_eval(keywords["params"]) == texts


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("syntax", [uid for _, uid in TRANSFER_SYNTAXES])
def test_every_header_of_the_lab_fits_its_box(server, kind, syntax):
    accept = f'multipart/related; type="{kind}"; transfer-syntax={syntax}; q=0.5'
    code = write_cell(GetRequest(server, PATH, {}, accept), ["show"], "show(response)")
    assert too_long(code) == []
    response = run_code(code.replace("show(response)", ""), server)["response"]
    assert response.request.headers["Accept"] == accept


@pytest.mark.parametrize("window", ["lung", "full range"])
def test_code_of_a_viewer_fits_its_box(server, window):
    viewer = FrameViewer(server, "2.25.35872168834085900275852582640522096")
    viewer.window = window
    assert too_long(viewer.code) == []


def test_code_of_a_lab_and_of_a_form_fits_its_box(server):
    assert too_long(AcceptLab(server, PATH).python.value) == []
    form = QueryForm(server, "series", StudyInstanceUID=UID, includefield="PatientName," * 20)
    assert too_long(form.python.value) == []
