"""Who may ask, what is not there, and what no answer may do."""

import errno
import http.client
import json
import os
import socket
import time
from contextlib import closing

import pytest
import requests

from classroom.pacs import retrieve, server
from helpers.web.secrets import WORKSHOP_KEY
from tests.archive import FOLDER, JOE
from tests.classroom.pacs.wire import names

JOE_1 = names(JOE[0])
KEY = {"apikey": WORKSHOP_KEY}


@pytest.mark.parametrize("path", ["/dicomweb/studies", "/wadouri", "/nowhere", JOE_1.study])
def test_missing_or_wrong_key_is_a_401_that_says_how_to_sign_in(pacs, path):
    response = requests.get(pacs.url + path, timeout=9)
    assert response.status_code == response.json()["status"] == 401
    assert response.headers["WWW-Authenticate"].startswith("ApiKey ")
    assert "apikey" in response.json()["hint"]
    for wrong in ("x", "", WORKSHOP_KEY.lower(), WORKSHOP_KEY + "x", "schlüssel"):
        headers = {"apikey": wrong.encode()}
        response = requests.get(pacs.url + path, headers=headers, timeout=9)
        assert response.status_code == response.json()["status"] == 401
        assert response.headers["WWW-Authenticate"].startswith("ApiKey ")
        assert WORKSHOP_KEY not in response.text


def test_no_key_is_needed_where_none_was_set(tmp_path):
    pacs = server.start(tmp_path, port=0, apikey=None)
    try:
        response = requests.get(f"{pacs.url}/dicomweb/studies?accept=application/json", timeout=9)
        assert response.json() == []
    finally:
        pacs.stop()


def test_current_edition_sends_json_to_who_accepts_anything():
    pacs = server.start(FOLDER / "joe", port=0, edition="current")
    try:
        url = f"{pacs.url}/dicomweb/studies"
        response = requests.get(url, headers=KEY, timeout=9)
        assert response.headers["Content-Type"] == "application/dicom+json"
        response = requests.get(url, headers={**KEY, "Accept": "application/dicom+xml"}, timeout=9)
        assert response.headers["Content-Type"] == "application/dicom+xml"
    finally:
        pacs.stop()


@pytest.mark.parametrize(
    ("path", "unknown"),
    [
        ("/dicomweb/studies/1.2.3", "study 1.2.3"),
        ("/dicomweb/studies/1.2.3/series", "study 1.2.3"),
        ("/dicomweb/studies/1.2.3/instances", "study 1.2.3"),
        ("/dicomweb/studies/1.2.3/metadata", "study 1.2.3"),
        (JOE_1.study + "/series/1.2.3", "series 1.2.3"),
        (JOE_1.study + "/series/1.2.3/instances", "series 1.2.3"),
        (JOE_1.series + "/instances/1.2.3", "instance 1.2.3"),
        (JOE_1.series + "/instances/1.2.3/frames/1", "instance 1.2.3"),
        (JOE_1.series + "/instances/1.2.3/rendered", "instance 1.2.3"),
    ],
)
def test_unknown_uid_is_a_404_that_says_which(problem, path, unknown):
    assert unknown in problem(404, path)["detail"]


@pytest.mark.parametrize("path", ["/dicomweb", "/dicomweb/patients", "/favicon.ico"])
def test_path_that_is_no_resource_is_a_404(problem, path):
    problem(404, path)


@pytest.mark.parametrize(
    "path",
    [
        "/dicomweb/studies/abc",
        "/dicomweb/studies/1..2/series",
        "/dicomweb/studies/" + "1." * 32 + "1",
        JOE_1.study + "/series/SIIM/instances",
        JOE_1.series + "/instances/1.2.x/metadata",
    ],
)
def test_malformed_uid_is_a_400(problem, path):
    assert "64 characters" in problem(400, path)["hint"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/dicomweb/series", "/dicomweb/series/", JOE_1.series])
def test_wrong_method_is_a_405_that_says_what_is_allowed(send, problem, method, path):
    problem(405, path, method=method)
    assert send(method, path).headers["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("path", ["/dicomweb/studies", JOE_1.study])
def test_only_studies_take_what_is_stored(send, path):
    assert send("PUT", path).headers["Allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize(
    "path",
    ["/dicomweb/studies", JOE_1.study, JOE_1.instance + "/frames/1", "/nowhere", "/"],
)
def test_head_has_the_headers_of_get_and_no_body(send, path):
    head, get = send("HEAD", path), send("GET", path)
    assert head.status_code == get.status_code
    assert head.content == b""
    assert int(head.headers["Content-Length"]) == len(get.content)
    kinds = [r.headers["Content-Type"].split("boundary")[0] for r in (head, get)]
    assert kinds[0] == kinds[1]


def test_front_page_says_what_this_is_to_programs_and_people(pacs):
    facts = requests.get(pacs.url, timeout=9).json()
    assert facts["dicomweb"] == pacs.url + "/dicomweb"
    page = requests.get(pacs.url, headers={"Accept": "text/html,*/*;q=0.8"}, timeout=9)
    assert page.headers["Content-Type"].startswith("text/html")
    assert facts["dicomweb"] in page.text


@pytest.mark.parametrize("chunked", [False, True])
def test_unread_body_does_not_become_the_next_request(pacs, chunked):
    body = b"GET /nowhere HTTP/1.1\r\n\r\n" * 9000
    with closing(http.client.HTTPConnection("127.0.0.1", pacs.port, timeout=9)) as connection:
        sent = iter([body]) if chunked else body
        connection.request("POST", "/dicomweb/series", sent, KEY, encode_chunked=chunked)
        response = connection.getresponse()
        assert (response.status, json.loads(response.read())["status"]) == (405, 405)
        used = connection.sock
        connection.request("GET", "/dicomweb/studies?limit=1", headers=KEY)
        response = connection.getresponse()
        assert response.status == 200 and response.read()
        assert connection.sock is used


def test_mistake_of_ours_is_a_500_without_a_traceback(problem, monkeypatch, capfd):
    def fail(*_):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(retrieve, "with_bulk_data_uris", fail)
    body = problem(500, JOE_1.study + "/metadata")
    assert "secret detail" not in json.dumps(body)
    assert "RuntimeError: secret detail" in capfd.readouterr().err


@pytest.mark.parametrize(
    "resource", [JOE_1.study, *(JOE_1.instance + end for end in ("/frames/1", "/rendered"))]
)
def test_file_that_vanished_is_a_410(tmp_path, capfd, resource):
    (tmp_path / "one.dcm").write_bytes(JOE[0].read_bytes())
    pacs = server.start(tmp_path, port=0)
    try:
        (tmp_path / "one.dcm").unlink()
        response = requests.get(pacs.url + resource, headers=KEY, timeout=9)
        assert (response.status_code, response.json()["title"]) == (410, "Gone")
        assert "one.dcm" in response.json()["detail"] and str(tmp_path) not in response.text
        assert capfd.readouterr().err == ""
    finally:
        pacs.stop()


WHOLE = ["", "/frames/1", "/rendered", "/thumbnail"]


@pytest.mark.parametrize("end", WHOLE)
@pytest.mark.parametrize("content", ["nothing", "garbage", "another instance"])
def test_file_that_holds_something_else_is_a_410(tmp_path, capfd, content, end):
    """Never the bytes of another instance under this one's UID."""
    path = tmp_path / "one.dcm"
    path.write_bytes(JOE[0].read_bytes())
    pacs = server.start(tmp_path, port=0)
    try:
        other = {"nothing": b"", "garbage": bytes(range(256)) * 100}
        path.write_bytes(other.get(content, JOE[1].read_bytes()))
        response = requests.get(pacs.url + JOE_1.instance + end, headers=KEY, timeout=9)
        assert (response.status_code, response.json()["title"]) == (410, "Gone")
        assert "one.dcm" in response.json()["detail"] and str(tmp_path) not in response.text
        assert capfd.readouterr().err == ""
    finally:
        pacs.stop()


def test_file_that_was_only_copied_anew_is_the_same(tmp_path):
    path = tmp_path / "one.dcm"
    path.write_bytes(JOE[0].read_bytes())
    pacs = server.start(tmp_path, port=0)
    try:
        os.utime(path, (1, 1))
        for end in WHOLE:
            response = requests.get(pacs.url + JOE_1.instance + end, headers=KEY, timeout=9)
            assert response.status_code == 200
    finally:
        pacs.stop()


@pytest.mark.parametrize(
    ("number", "status"), [(errno.ENOSPC, 507), (errno.EDQUOT, 507), (errno.EMFILE, 503)]
)
def test_disk_or_table_of_files_that_is_full_is_no_mistake_of_ours(
    pacs, problem, monkeypatch, capfd, number, status
):
    def write(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("classroom.pacs.transcode._write", write)
    accept = 'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.80'
    body = problem(status, JOE_1.instance, accept)
    assert os.strerror(number) in body["detail"]
    assert capfd.readouterr().err == ""


def test_client_that_hangs_up_causes_no_noise(pacs, capfd):
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", pacs.port)) as connection:
            request = (
                f"GET {JOE_1.study} HTTP/1.1\r\nHost: localhost\r\napikey: {WORKSHOP_KEY}\r\n\r\n"
            )
            connection.sendall(request.encode())
            assert connection.recv(100)
    deadline = time.monotonic() + 9
    while time.monotonic() < deadline:
        if requests.get(pacs.url, timeout=9).status_code == 200:
            break
    assert capfd.readouterr().err == ""
