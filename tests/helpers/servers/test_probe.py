import json
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from helpers.servers.probe import probe
from helpers.servers.server import Server, connect
from helpers.web.limits import PROBING
from helpers.web.secrets import Headers
from tests.answers import saying, serving

HEAD = "HTTP/1.1 200 OK\r\nContent-Type: {}\r\nConnection: close\r\n\r\n"
JSON = HEAD.format("application/dicom+json").encode()


def server(url, wadouri=None):
    return Server("under test", url, wadouri, Headers(apikey="s3cret"))


def answers(*pieces):
    """Return the different answers of a server that says the same to every question."""
    with saying(*pieces) as url:
        table = probe(server(url))
    return set(table["under test"])


def test_a_table_with_a_row_for_each_question():
    table = probe(connect())
    assert table.index.name == "question" and table.index.is_unique
    assert list(table.columns) == ["Classroom PACS"]
    assert table.map(type).eq(str).all().all()


def test_two_servers_side_by_side():
    with saying(b"HTTP/1.1 503 Busy\r\n\r\n") as url:
        both = probe(connect()).join(probe(server(url)))
    assert both.loc["studies as application/json"].tolist() == [
        "200 application/json: 1 found",
        "503",
    ]


def test_questions_about_wado_uri_only_where_there_is_one():
    classroom = connect()
    without = Server("none", classroom.dicomweb, None, classroom.headers)
    left_out = set(probe(classroom).index) - set(probe(without).index)
    assert left_out == {f"WADO-URI: {k}" for k in ("image/jpeg", "image/png", "application/dicom")}


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ((JSON, b"[]"), "200 application/dicom+json: 0 found"),
        ((JSON, b"{}"), "200 application/dicom+json: one object"),
        ((JSON, b"[1, 2]"), "200 application/dicom+json: 2 found"),
        ((JSON, b"\xff["), "200 application/dicom+json: JSON that cannot be read"),
        ((JSON, b"[" * 100_000), "200 application/dicom+json: JSON that cannot be read"),
        ((JSON, b'[{"0020000D": 1}, {"0020000D": {"Value": 1}}]'), "2 found"),
        ((HEAD.format("text/html").encode(), b"<html>"), "200 text/html: HTML"),
        ((HEAD.format("image/png").encode(), b"\xff\xd8\xff\xe0"), "200 image/png: JPEG"),
        ((HEAD.format("multipart/related").encode(), b"--b--"), "names no boundary"),
        ((HEAD.format("multipart/related; boundary=b").encode(), b"--b--"), "no parts"),
        ((HEAD.format("multipart/related; boundary=b").encode(), b"--b\r\n\r\n1"), "ended"),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1",), "stopped half way"),
        ((b"HTTP/1.1 204 No Content\r\n\r\n",), "204: nothing"),
        ((b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n",), "302"),
        ((b"HTTP/1.1 302 Found\r\nLocation: http://[x\r\n\r\n",), "302"),
        ((b"no HTTP at all\r\n\r\n",), "no answer: the server took the request, and hung up"),
        ((b"",), "no answer: the server took the request, and hung up"),
    ],
)
def test_whatever_a_server_says_ends_in_the_table(pieces, expected):
    found = answers(*pieces)
    assert len(found) == 1
    assert expected in found.pop()


def probing(monkeypatch, **changed):
    """Let each question have these limits."""
    monkeypatch.setattr("helpers.web.limits.PROBING", replace(PROBING, **changed))


def test_a_server_that_says_nothing_ends_in_the_table(monkeypatch):
    probing(monkeypatch, silence=0.02)
    with saying(silence := threading.Event()) as url:
        table = probe(server(url))
        silence.set()
    assert set(table["under test"]) == {"no answer: silence"}


def test_a_body_without_end_is_left(monkeypatch):
    probing(monkeypatch, body=100)
    assert answers(HEAD.format("image/png").encode(), bytes(1000)) == {
        "200 image/png: This answer is too large."
    }


@pytest.mark.slow
def test_a_body_that_drips_is_left(monkeypatch):
    probing(monkeypatch, in_all=0.2)
    assert answers(HEAD.format("image/png").encode(), *[0.02, b"x"] * 500) == {
        "200 image/png: This answer takes too long."
    }


def test_where_a_server_sends_us_is_not_looked_at():
    moved = (
        b"HTTP/1.1 302 Found\r\nContent-Type: text/html\r\nLocation: http://127.0.0.1:1/\r\n\r\n"
    )
    assert answers(moved) == {"302"}


def test_an_empty_server_is_not_asked_about_an_image():
    with saying(JSON, b"[]") as url:
        table = probe(server(url, wadouri=url))
    assert not any("WADO-URI" in question or "frame" in question for question in table.index)


def record(**values):
    tags = {"study": "0020000D", "series": "0020000E", "instance": "00080018", "rows": "00280010"}
    return {tags[name]: {"vr": "UI", "Value": [value]} for name, value in values.items()}


def test_of_equal_archives_the_same_image_is_asked_for():
    """In whatever order they tell what they have, and reports among it."""
    instances = {
        "1.1": [record(series="9", instance="1.1.1")],
        "1.2": [
            record(series="8", instance="1.2.3", rows=5),
            record(series="7", instance="1.2.2", rows=5),
            record(instance="1.2.1", rows=5),
        ],
        "1.3": [record(series="6", instance="1.3.1", rows=5)],
        # What is no UID becomes no part of a URL.
        "1.1.1": [record(series="..", instance="1.2", rows=5)],
        "1.1.2": [record(series="1.2", instance="1/2", rows=5)],
    }
    heard = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            heard.append(self.path)
            _, _, study, *_ = [*self.path.replace("?", "/").split("/"), ""]
            studies = ("1.3", "..", "1.2", "1.1", "1.1.1", "1.1.2")
            found = [record(study=study) for study in studies]
            self.send_response(200)
            self.send_header("Content-Type", "application/dicom+json")
            self.end_headers()
            self.wfile.write(json.dumps(instances.get(study, found)).encode())

        def log_message(self, *words):
            pass

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as address:
        probe(server(f"http://{address}"))
    assert "/studies/1.2/series/7/instances/1.2.2/rendered" in heard
    assert not any("/1.3/" in path or "1.2.3/" in path for path in heard)


def test_a_server_that_is_not_there(free_port):
    table = probe(server(f"http://127.0.0.1:{free_port}"))
    assert set(table["under test"]) == {
        "no answer: the computer is there, but no server listens on that port"
    }


def test_the_archive_is_as_it_was(pacs):
    before = len(pacs.archive)
    target = Server("pacs", f"{pacs.url}/dicomweb", None, connect().headers)
    assert probe(target).loc["storing what is no DICOM", "pacs"] == "409"
    assert len(pacs.archive) == before
