import json
import re
import subprocess
import sys

import pandas
import pytest
import requests
from IPython.core.interactiveshell import InteractiveShell

from helpers.notebook import prepare_notebook
from helpers.tables import table_html


@pytest.fixture
def shell():
    shell = InteractiveShell()
    prepare_notebook(shell)
    yield shell
    shell.history_manager.end_session()


def shown(shell, code, capsys):
    result = shell.run_cell(code)
    assert not result.success
    return capsys.readouterr().out


def test_an_exception_of_requests_becomes_our_explanation(shell, capsys, free_port):
    out = shown(shell, f"import requests; requests.get('http://127.0.0.1:{free_port}')", capsys)
    assert "ServerUnreachable" in out and "next:" in out
    assert "Traceback" not in out and "urllib3" not in out


def test_our_own_error_has_no_traceback(shell, capsys):
    out = shown(
        shell, "from helpers.errors import FrameError as E; raise E('no', hint='ask')", capsys
    )
    assert "FrameError" in out and "ask" in out
    assert "Traceback" not in out


def test_a_long_explanation_goes_on_below_its_text(shell, capsys):
    code = "from helpers.errors import FrameError as E; raise E('no', hint='word ' * 40)"
    lines = shown(shell, code, capsys).rstrip().splitlines()
    assert max(map(len, lines)) <= 72
    assert lines[-1].startswith(" " * len("  next:     ") + "word")


def test_what_is_to_be_copied_from_an_explanation_stays_whole(shell, capsys):
    words = f"{'x' * 40} multipart/related;type=application/octet-stream http://{'long-' * 16}name"
    code = f"from helpers.errors import FrameError as E; raise E('no', hint='{words}')"
    assert set(words.split()) <= set(shown(shell, code, capsys).split())


def test_any_other_error_keeps_its_traceback(shell, capsys):
    out = shown(shell, "1 / 0", capsys)
    assert "Traceback" in out


def test_what_requests_does_not_wrap_is_explained_too(shell, capsys):
    for code, words in [
        ("requests.get('http://pacs..example/')", "not the URL of a web server"),
        ("requests.get('http://127.0.0.1/', headers={'apikey': '\u201cs3cret'})", "A header of"),
    ]:
        out = shown(shell, f"import requests; {code}", capsys)
        assert words in out and "next:" in out
        assert "Traceback" not in out and "s3cret" not in out
    assert "Traceback" in shown(shell, "'\u201c'.encode('ascii')", capsys)


def test_the_error_can_still_be_caught(shell):
    code = (
        "import requests\ntry:\n  requests.get('htp://x')\nexcept requests.RequestException: ok = 1"
    )
    assert shell.run_cell(code).success
    assert shell.user_ns["ok"] == 1


def test_outside_a_notebook_nothing_happens():
    prepare_notebook()
    with pytest.raises(requests.RequestException):
        requests.get("htp://127.0.0.1", timeout=5)


def words(shell, code, capsys):
    """Return what an error says, without colours and in one line."""
    return " ".join(re.sub(r"\x1b\[[\d;]*m", "", shown(shell, code, capsys)).split())


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ('params = {"Modality": CT}', "CT"),
        ('params = {"PatientName": SIIM^Joe}', "SIIM^Joe"),
        ('headers = {"Accept": application/dicom+json}', "application/dicom+json"),
        ('params = {"StudyDate": 20170101-}', "20170101-"),
        ('params = {"StudyDate": 2017-01-01}', "2017-01-01"),
        ('params = {"PatientName": SIIM*, "limit": "5"}', "SIIM*"),
        ("uid = 1.3.6.1.4.1", "1.3.6.1.4.1"),
        ("requests.get(http://127.0.0.1:8042/dicomweb)", "http://127.0.0.1:8042/dicomweb"),
    ],
)
def test_text_without_quotes_is_shown_with_them(shell, capsys, code, text):
    said = words(shell, code, capsys)
    assert f'quotes around it: "{text}"' in said
    assert "Traceback" not in said
    # With them, Python can read it.
    compile(code.replace(text, f'"{text}"'), "cell", "exec")


@pytest.mark.parametrize(
    ("code", "explanation"),
    [
        ('params = {"PatientName: "SIIM^Joe"}', "a quote is missing"),
        ('params = {"PatientName": "SIIM^Joe}', "a quote is missing"),
        ("print(1", "The bracket ( that opens here is never closed. "),
        ("x = {1: [2}", "What [ opens, ] closes. Here stands }."),
        ("print(1))", "The bracket ) closes nothing."),
        ("if True\n    x = 1", "a colon is missing"),
        ("for x in [1]:\nprint(x)", "Put four blanks in front of it"),
        ("x = 1\n  y = 2", "Take the blanks in front of it away"),
        ('f("a" "b", 1 2)', "a comma is missing"),
        ('x = {"PatientName": "SIIM^Joe"\n     "Modality": "CT"}', "a comma is missing"),
        ('x = {"PatientName": "SIIM^Joe" "Modality": "CT"}', "a comma is missing"),
        ('{"Modality" = "CT"}', 'write a colon: {"Modality": "CT"}'),
        ("x = \u201cCT\u201d", "These quotes are typographic"),
    ],
)
def test_missing_sign_is_named(shell, capsys, code, explanation):
    said = words(shell, code, capsys)
    assert explanation in said
    # The line is the last one, or the first one where a block begins without its colon.
    assert code.splitlines()[-1].strip() in said or code.splitlines()[0] in said


def test_error_keeps_its_name_in_bold_and_for_the_kernel(shell, capsys):
    for code, name in [
        ("CT", "NameError"),
        ("print(1", "SyntaxError"),
        ("if 1:\n1", "Indentation"),
    ]:
        assert f"\x1b[1m{name}" in shown(shell, code, capsys)
        result = shell.run_cell(code)
        assert name in type(result.error_in_exec or result.error_before_exec).__name__
        capsys.readouterr()


def test_marks_stand_below_what_is_meant_also_behind_letters_of_two_bytes(shell, capsys):
    lines = shown(shell, 'params = {"Größe": 1, "Modality": CT}', capsys).splitlines()
    at = next(n for n, line in enumerate(lines) if "^^" in line)
    assert lines[at - 1][lines[at].index("^") :][: lines[at].count("^")] == "CT"


def test_long_line_is_cut_around_what_is_meant(shell, capsys):
    lines = shown(shell, f"x = '{'a' * 200}' + CT + '{'b' * 200}'", capsys).splitlines()
    assert max(map(len, lines)) <= 74
    assert any(line.endswith("+ CT") for line in lines)


def test_name_that_is_spelt_nearly_so_is_suggested(shell, capsys):
    shell.run_cell("server = 1")
    assert "Did you mean server?" in words(shell, "print(sever)", capsys)
    assert "Did you mean server?" in words(shell, "print(Server)", capsys)
    assert "Did you mean True?" in words(shell, "x = true", capsys)
    assert "Did you mean pick_study?" in words(shell, "pick_stduy(server)", capsys)


def test_name_of_ours_that_was_not_imported_says_so(shell, capsys):
    assert "from helpers import attributes" in words(shell, "attributes(1)", capsys)


def test_what_is_called_is_no_text(shell, capsys):
    assert "quotes" not in words(shell, "wonderful(1)", capsys)
    assert "quotes" not in words(shell, "wonderful.url", capsys)


def test_name_that_may_be_in_another_cell_says_that_the_cell_must_run(shell, capsys):
    for code in ["url = f'{server}/studies'", "show(server)", "server.dicomweb"]:
        said = words(shell, code.replace("show", "print"), capsys)
        assert "Run the cell that makes it first." in said
        assert "Server" not in said


def cell(source):
    return {"cell_type": "code", "source": source.splitlines(keepends=True)}


def test_cell_of_the_notebook_that_makes_a_name_is_told(shell, capsys, tmp_path, monkeypatch):
    path = tmp_path / "lesson.ipynb"
    text = {"cell_type": "markdown", "source": "joe = 1"}
    cells = [
        cell("%pip list"),
        cell("def f():\n    joe = 1\n"),
        text,
        cell("from classroom.exercises import (\n    ____,\n    find_sally,\n)\n"),
        cell("# Joe\njoe = pick_study(server)\n"),
    ]
    path.write_text(json.dumps({"cells": cells}))
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    said = words(shell, "print(joe.study_uid)", capsys)
    assert "joe has no value yet" in said
    assert "code cell 4: joe = pick_study(server)" in said and "Run that cell first" in said
    said = words(shell, 'params = {"PatientName": ____}', capsys)
    assert "code cell 3: from classroom.exercises import" in said
    assert "Put quotes" in words(shell, "MR", capsys)
    # VS Code says in another way where the notebook is.
    monkeypatch.delenv("JPY_SESSION_NAME")
    shell.user_ns["__vsc_ipynb_file__"] = str(path)
    assert "code cell 4" in words(shell, "joe", capsys)


@pytest.mark.parametrize("content", [None, "", "{}", '{"cells": [{}]}', '{"cells": 1}', "[]"])
def test_notebook_that_cannot_be_read_is_no_error(shell, capsys, tmp_path, monkeypatch, content):
    path = tmp_path / "broken.ipynb"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    assert "Python knows no name joe" in words(shell, "joe", capsys)


def test_cell_that_stopped_before_it_made_a_name_is_told(shell, capsys):
    shell.run_cell("ravi = 1 / 0", store_history=True)
    capsys.readouterr()
    said = words(shell, "ravi", capsys)
    assert "made in: cell [1]: ravi = 1 / 0" in said and "That cell stopped" in said


def test_slip_in_a_function_of_a_cell_is_explained_and_one_in_a_library_is_not(shell, capsys):
    said = words(shell, "def f():\n    return CT\n\nf()", capsys)
    assert "line 2: return CT" in said
    for code in ["exec('CT')", "exec('1 +')", "def f():\n    f = f\n\nf()", "return 1"]:
        said = words(shell, code, capsys)
        assert "next:" not in said
        assert "Error" in said


def test_json_that_is_none_is_explained_wherever_it_is_read(shell, capsys):
    code = "import json\n\ndef read(text):\n    return json.loads(text)\n\nread('<xml/>')"
    said = words(shell, code, capsys)
    assert "This answer is not JSON" in said and "begins with '<xml/>'" in said


UID = "1.3.6.1.4.1.14519.5.2.1.7777.9002.198875685720513246512710453733"


def test_tables_are_those_that_fit(shell):
    table = pandas.DataFrame({"SOPInstanceUID": [UID]})
    data, _ = shell.display_formatter.format(table)
    assert data["text/html"] == table_html(table)
    assert data["text/plain"] == table.to_string() and UID in data["text/plain"]


CHANGES_NOTHING = """
import os
variables = dict(os.environ)
import helpers, sys
assert "requests" not in sys.modules and "pandas" not in sys.modules
for name in helpers.__all__:
    assert getattr(helpers, name).__name__ == name, name
import pandas, requests, urllib3
assert pandas.get_option("display.max_colwidth") == 50
assert urllib3.connectionpool.HTTPConnectionPool.ConnectionCls is urllib3.connection.HTTPConnection
assert requests.Session.get_adapter.__module__ == "requests.sessions"
assert dict(os.environ) == variables
"""


def test_importing_helpers_loads_nothing_and_changes_nothing():
    subprocess.run([sys.executable, "-c", CHANGES_NOTHING], check=True, timeout=60)


def test_importing_the_pacs_loads_no_library_of_notebooks():
    code = "import classroom.pacs.server, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    libraries = {"pandas", "IPython", "ipywidgets", "matplotlib"}
    assert libraries & set(done.stdout.split()) == set()
