import base64
import json
import os
import re
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest import mock

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as some

from helpers import connect, equivalents
from helpers.errors import WorkbookError
from helpers.web.secrets import WORKSHOP_KEY, Headers, Secret
from helpers.wire.equivalents import Equivalents
from tests.answers import answer, saying, serving
from tests.notebooks.recording import NOTEBOOKS, record
from tests.tools import NODE_PACKAGES, needs_node_package, needs_tool

AWKWARD = [
    "it's",
    'type="application/dicom"; q=0.5',
    "$HOME `id` $(id) \\ \\n",
    "!! !x",
    "{a} [1-3] *?~#&|;<>",
    "%5E%20",
    "",
]
# Each tool has its own of these; what they mean is the same.
OF_THE_TOOL = {"user-agent", "accept-encoding", "connection", "host"}

# Runs programs, one a line of JSON; writes what their requests brought: a line, and a file each.
RUNNER = """
import json, sys
from pathlib import Path

for number, line in enumerate(sys.stdin):
    names = {}
    exec(json.loads(line), names)
    response = names["response"]
    Path(str(number)).write_bytes(response.content)
    print(json.dumps([response.status_code, response.headers.get("Content-Type", "")]))
"""


def run(command, folder, secret, text=None):
    """Run a command where the secret is in the variables; return what it writes."""
    names = ("DICOMWEB_APIKEY", "DICOMWEB_COOKIE")
    variables = {**os.environ, **dict.fromkeys(names, secret)}
    return subprocess.run(
        command,
        cwd=folder,
        env=variables,
        input=text,
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    ).stdout


def run_curl(line, folder, secret=""):
    options = "--silent --show-error --output body --write-out '%{http_code} %{content_type}'"
    status, _, content_type = run(["bash", "-c", f"{line} {options}"], folder, secret).partition(
        " "
    )
    body = folder / "body"
    content = body.read_bytes() if body.exists() else b""
    body.unlink(missing_ok=True)
    return int(status), content_type, content


def run_python(programs, folder, secret=""):
    text = "\n".join(map(json.dumps, programs))
    lines = run([sys.executable, "-c", RUNNER], folder, secret, text).splitlines()
    return [
        (*json.loads(line), (folder / str(number)).read_bytes())
        for number, line in enumerate(lines)
    ]


def seen(status, content_type, content):
    """Return what two answers to one request have in common: all but the random boundary."""
    boundary = content_type.partition("boundary=")[2]
    if boundary:
        content_type = content_type.replace(boundary, "B")
        content = content.replace(boundary.encode(), b"B")
    return status, content_type, content


def original(response):
    content_type = response.headers.get("Content-Type", "")
    return seen(response.status_code, content_type, response.content)


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.name)
def asked(request):
    """Return the answers to all requests of a notebook."""
    return [recorded.response for recorded in record(request.param).requests]


@needs_tool("curl", "curl")
def test_the_curl_lines_of_a_notebook_bring_the_same_answers(asked, tmp_path):
    for response in asked:
        key = response.request.headers.get("apikey", "")
        brought = run_curl(equivalents(response).curl, tmp_path, key)
        assert seen(*brought) == original(response)


def test_the_python_programs_of_a_notebook_bring_the_same_answers(asked, tmp_path):
    # Only the key that is wrong on purpose is left out of a program, so one secret is enough.
    key = next((r.request.headers["apikey"] for r in asked if hides_its_key(r)), "")
    brought = run_python([equivalents(response).python for response in asked], tmp_path, key)
    assert [seen(*one) for one in brought] == [original(response) for response in asked]


def hides_its_key(response):
    return response.request.headers.get("apikey", WORKSHOP_KEY) != WORKSHOP_KEY


@pytest.fixture
def listener():
    """Run a server that keeps what it is asked; its `url` and its list `heard`."""
    heard = []

    class Listener(BaseHTTPRequestHandler):
        def answer(self):
            length = int(self.headers.get("Content-Length", 0))
            heard.append(
                (
                    self.command,
                    self.path,
                    sorted(
                        (name.lower(), value)
                        for name, value in self.headers.items()
                        if name.lower() not in OF_THE_TOOL
                        # requests says so, curl does not
                        and (name.lower(), value) != ("content-length", "0")
                    ),
                    self.rfile.read(length),
                )
            )
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_SEARCH = answer

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    with serving(server) as address:
        server.url, server.heard = f"http://{address}", heard
        yield server


def assert_twins_say_the_same(listener, response, folder, secret=""):
    if response.request.body is not None:
        (folder / "request-body").write_bytes(response.request.body)
    twins = equivalents(response)
    listener.heard.clear()
    requests.Session().send(response.request)
    run_curl(twins.curl, folder, secret)
    run_python([twins.python], folder, secret)
    by_requests, by_curl, by_python = listener.heard
    assert by_curl == by_requests
    assert by_python == by_requests


@needs_tool("curl", "curl")
@pytest.mark.parametrize("text", AWKWARD)
def test_awkward_characters_arrive(listener, tmp_path, text):
    response = requests.get(
        f"{listener.url}/dicomweb/{text}", params={"PatientName": text}, headers={"X-Text": text}
    )
    assert_twins_say_the_same(listener, response, tmp_path)


@needs_tool("curl", "curl")
@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "SEARCH"])
def test_other_methods(listener, tmp_path, method):
    response = requests.request(method, f"{listener.url}/dicomweb/studies")
    assert_twins_say_the_same(listener, response, tmp_path)


@needs_tool("curl", "curl")
@pytest.mark.parametrize("headers", [{}, {"Content-Type": "application/dicom+json"}])
def test_a_body_is_read_from_a_file(listener, tmp_path, headers):
    body = bytes(range(256)) + b"\r\n@'\"$"
    response = requests.post(f"{listener.url}/dicomweb/studies", data=body, headers=headers)
    assert_twins_say_the_same(listener, response, tmp_path)
    twins = equivalents(response)
    assert twins.postman["request"]["body"] == {"mode": "file", "file": {"src": "request-body"}}
    assert repr(twins).startswith("Save the body (262 bytes) to a file:")


def test_the_line_that_saves_the_body_does(listener, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for body in (b"\0\xff", "J\u00fcrgen"):
        response = requests.post(listener.url, data=body)
        [line] = re.findall(r"    (pathlib.*)", repr(equivalents(response)))
        exec(f"import pathlib\n{line}", {"response": response})
        assert (tmp_path / "request-body").read_bytes() == listener.heard[-1][3]


def test_a_body_that_was_sent_piece_by_piece_is_not_promised():
    request = requests.Request("POST", "http://127.0.0.1", data=iter([b"a"])).prepare()
    response = answer()
    response.request = request
    assert "save what you sent as request-body" in repr(equivalents(response))


@needs_tool("curl", "curl")
def test_a_request_without_accept_has_none(listener, tmp_path):
    response = requests.get(listener.url, headers={"Accept": None})
    assert_twins_say_the_same(listener, response, tmp_path)
    assert "accept" not in dict(listener.heard[0][2])


@needs_tool("curl", "curl")
@pytest.mark.parametrize(
    ("name", "scheme", "secret"),
    [
        ("apikey", "", "s3cret! $x"),
        ("X-API-Key", "", "s3cret"),
        ("Authorization", "Bearer ", "s3cret"),
        ("Proxy-Authorization", "Basic ", "s3cret="),
        ("Cookie", "", "session=s3cret"),
    ],
)
def test_a_secret_is_a_variable_and_works_as_one(listener, tmp_path, name, scheme, secret):
    headers = {name: scheme + secret}
    response = requests.get(f"{listener.url}/dicomweb/!/'$x", headers=headers)
    twins = equivalents(response)
    assert "s3cret" not in repr(twins) + twins._repr_html_() + json.dumps(twins.postman)
    assert_twins_say_the_same(listener, response, tmp_path, secret)


@needs_tool("curl", "curl")
def test_a_secret_in_the_url_is_a_variable(listener, tmp_path):
    response = requests.get(f"{listener.url}/!/$x?access_token=s3cret&a=`!'&apikey=s3cret#part")
    twins = equivalents(response)
    assert "s3cret" not in repr(twins) + twins._repr_html_() + json.dumps(twins.postman)
    assert_twins_say_the_same(listener, response, tmp_path, "s3cret")


@needs_tool("curl", "curl")
def test_a_password_in_the_url_becomes_the_header_that_it_is(listener, tmp_path):
    response = requests.get(listener.url.replace("//", "//ann:s3cret@"))
    assert "s3cret" not in repr(equivalents(response))
    sent = response.request.headers["Authorization"].partition(" ")[2]
    assert sent not in repr(equivalents(response))
    assert_twins_say_the_same(listener, response, tmp_path, "ann:s3cret")


def test_what_is_no_answer_is_called_that():
    with pytest.raises(WorkbookError, match="not the answer of a server"):
        equivalents("text")


def test_the_workshops_key_is_shown():
    with saying(b"HTTP/1.1 204 No Content\r\n\r\n") as url:
        twins = equivalents(requests.get(url, headers={"apikey": WORKSHOP_KEY}, timeout=5))
    for text in (twins.curl, twins.python, json.dumps(twins.postman)):
        assert WORKSHOP_KEY in text
    assert "First" not in twins.sections


def asked_for(url, headers):
    response = answer()
    response.request = requests.Request("GET", url, headers).prepare()
    return response


def test_it_says_which_variables_to_set_and_what_they_hold():
    first = equivalents(asked_for("http://127.0.0.1/?token=a&x=1", {"apikey": "b"})).sections[
        "First"
    ]
    assert "DICOMWEB_APIKEY hold the value in the header apikey" in first
    assert "DICOMWEB_APIKEY_2 hold the value of token in the URL" in first
    both = equivalents(asked_for("http://127.0.0.1/?token=a", {"apikey": "a", "Cookie": "c"}))
    assert set(re.findall(r"DICOMWEB_\w+", repr(both))) == {"DICOMWEB_APIKEY", "DICOMWEB_COOKIE"}


def test_the_key_of_the_server_has_the_variable_that_connect_reads():
    """Whatever other secrets stand before it."""
    headers = {"X-Token": "mine", **Headers({"X-Door": Secret("theirs")})}
    twins = equivalents(asked_for("http://127.0.0.1/", headers))
    assert twins.postman["request"]["header"] == [
        {"key": "X-Token", "value": "{{DICOMWEB_APIKEY_2}}"},
        {"key": "X-Door", "value": "{{DICOMWEB_APIKEY}}"},
    ]


# What an archive asks for, and what is then in DICOMWEB_APIKEY.
SIGNED_IN = {
    "header": "my! own$key",
    "bearer": "abc.def-ghi_jkl==",
    "basic": "ann:p\u00e4ss: w\u00f6rd!$",
}


@pytest.fixture(params=SIGNED_IN)
def signed_in(request, monkeypatch, tmp_path):
    """Run a server that lets one user in; return its answer to a user who is connected to it."""
    key = SIGNED_IN[request.param]
    encoded = base64.b64encode(key.encode()).decode()
    name, value = {
        "header": ("X-Door", key),
        "bearer": ("Authorization", f"Bearer {key}"),
        "basic": ("Authorization", f"Basic {encoded}"),
    }[request.param]

    class Guarded(BaseHTTPRequestHandler):
        def do_GET(self):
            body = b"[]"
            self.send_response(200 if self.headers.get(name) == value else 401)
            self.send_header("Content-Type", "application/dicom+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            pass

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Guarded)) as address:
        (tmp_path / "servers.toml").write_text(
            f'[mine]\ndicomweb = "http://{address}"\nauth = "{request.param}"\nheader = "X-Door"\n'
        )
        monkeypatch.setenv("DICOMWEB_SERVERS", str(tmp_path / "servers.toml"))
        monkeypatch.setenv("DICOMWEB_APIKEY", key)
        there = connect("mine")
        yield requests.get(f"{there.dicomweb}/studies", headers=there.headers, timeout=5)


@needs_tool("curl", "curl")
def test_what_is_printed_works_in_a_shell_where_connect_works(signed_in, tmp_path):
    key = os.environ["DICOMWEB_APIKEY"]
    assert (signed_in.status_code, key in repr(equivalents(signed_in))) == (200, False)
    twins = equivalents(signed_in)
    basic = "-u" in twins.curl
    assert ("hold user:password" in repr(twins)) == basic
    assert ("in Postman: DICOMWEB_USER and DICOMWEB_PASSWORD" in repr(twins)) == basic
    # Only what connect() reads is there: no other variable, no account of this user.
    here = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "DICOMWEB_APIKEY": key}
    here["LC_ALL"] = "C.UTF-8"
    line = f"{twins.curl} --silent --write-out ' %{{http_code}}'"
    program = f"{twins.python}\nprint(response.text, response.status_code)"
    for command in (["bash", "-c", line], [sys.executable, "-c", program]):
        done = subprocess.run(
            command, env=here, cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        assert (done.stdout.strip(), done.stderr) == ("[] 200", "")


@needs_node_package("newman")
def test_what_postman_imports_signs_in_too(signed_in, tmp_path):
    key = os.environ["DICOMWEB_APIKEY"]
    user, _, password = key.partition(":")
    held = {"DICOMWEB_APIKEY": key, "DICOMWEB_USER": user, "DICOMWEB_PASSWORD": password}
    item = equivalents(signed_in).postman
    assert key not in json.dumps(item) and (password or key) not in json.dumps(item)
    collection = tmp_path / "collection.json"
    schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    collection.write_text(json.dumps({"info": {"name": "x", "schema": schema}, "item": [item]}))
    options = [word for one in held.items() for word in ("--env-var", "=".join(one))]
    program = NODE_PACKAGES / "newman" / "bin" / "newman.js"
    said = run(["node", program, "run", collection, *options], tmp_path, key)
    assert "[200 OK," in said


def test_the_rich_form_says_the_same_as_the_plain_one():
    response = answer()
    response.request = requests.Request("GET", "http://127.0.0.1/a", {"X": "<b>"}).prepare()
    twins = equivalents(response)
    assert repr(twins) == "\n\n".join(twins.sections.values())
    assert [*twins.sections] == ["curl", "Python", "Postman"]
    assert "&lt;b&gt;" in twins._repr_html_() and "<b>&" not in twins._repr_html_()
    assert all(f"<b>{title}</b>" in twins._repr_html_() for title in twins.sections)
    assert json.loads(twins.sections["Postman"]) == twins.postman


def test_what_every_tool_sends_by_itself_is_left_out():
    request = requests.Session().prepare_request(
        requests.Request("POST", "http://127.0.0.1/a", data=b"abc")
    )
    twins = Equivalents(request)
    for text in (twins.curl, twins.python, json.dumps(twins.postman)):
        assert not re.search("user-agent|accept|connection|content-length", text, re.IGNORECASE)


def test_a_user_agent_of_ones_own_is_kept():
    request = requests.Request("GET", "http://127.0.0.1/", {"User-Agent": "mine"}).prepare()
    assert "-H 'User-Agent: mine'" in Equivalents(request).curl


def with_headers(headers):
    """Return the three forms of a request whose headers `requests` did not look at."""
    request = requests.Request("GET", "http://127.0.0.1/").prepare()
    request.headers = headers
    return Equivalents(request)


@given(some.text(some.characters(exclude_categories=["Cs"]), max_size=40))
def test_python_text_is_read_back(text):
    scheme = "X" + text.replace(" ", "")
    headers = {"X-Text": text, "Authorization": f"{scheme} s3cret"}
    with (
        mock.patch.object(requests, "get") as get,
        mock.patch.dict(os.environ, DICOMWEB_APIKEY="s3cret"),
    ):
        exec(with_headers(headers).python, {})
    assert get.call_args.kwargs["headers"] == headers


@needs_tool("bash", "bash")
def test_bash_reads_every_character_back(tmp_path):
    everything = "".join(map(chr, range(32, 127)))
    scheme = everything.replace(" ", "")
    twins = with_headers({"X-Text": everything, "Authorization": f"{scheme} s3cret"})
    # As in a terminal, where ! stands for a line of the history.
    script = f"set -o history -o histexpand\ncurl() {{ printf '%s\\n' \"$@\"; }}\n{twins.curl}\n"
    said = run(["bash"], tmp_path, "${}", script).splitlines()
    assert said[2:] == ["-H", f"X-Text: {everything}", "-H", f"Authorization: {scheme} ${{}}"]
