import subprocess
import sys

import pandas
import pytest
import requests

from helpers.dicom.table import table_of
from helpers.notebook import prepare_notebook
from helpers.tables import table_html
from tests.helpers.shells import shown


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


UID = "1.3.6.1.4.1.14519.5.2.1.7777.9002.198875685720513246512710453733"


def test_tables_are_those_that_fit(shell):
    table = pandas.DataFrame({"SOPInstanceUID": [UID]})
    data, _ = shell.display_formatter.format(table)
    assert data["text/html"] == table_html(table)
    assert data["text/plain"] == table.to_string() and UID in data["text/plain"]


EVIL = "<img src=x onerror='ran()'><script>ran()</script>"


def test_what_a_server_sent_is_text_in_a_styled_table_too(shell):
    table = pandas.DataFrame({EVIL: [EVIL, 2], "list": [[EVIL], "b"]}, index=[EVIL, "b"])
    table.index.name = table.columns.name = EVIL
    for style in (
        table.style,
        table.style.format(na_rep="-"),
        table.style.format("<b>{}</b>"),
        table.style.format(hyperlinks="html"),
        table.style.format(escape="html").format_index(escape="html"),
        table.style.highlight_max(subset=[EVIL], axis=1),
        table.style.concat(table.style),
        table.style.set_tooltips(table.astype(str)),
        table.set_index(EVIL, append=True).style,
        table.T.set_index("b", append=True).T.style,
    ):
        data, _ = shell.display_formatter.format(style)
        shown = data["text/html"]
        assert "<img" not in shown and "<script" not in shown
        assert "&lt;img src=x onerror=&#x27;ran()&#x27;&gt;" in shown and "&amp;" not in shown


def test_the_html_of_a_style_itself_is_text_after_one_table_was_made():
    with pandas.option_context("styler.format.escape", None):
        table = table_of([{"00100020": {"vr": "LO", "Value": [EVIL]}}], "PatientID")
        assert "<script" not in table.style.to_html()


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
