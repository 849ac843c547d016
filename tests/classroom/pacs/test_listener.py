"""HTTP below the application: many connections, and requests that are none."""

import http.client
import json
import socket
from contextlib import ExitStack

import pytest
import requests

from classroom.pacs import server
from helpers.web.secrets import WORKSHOP_KEY
from tests.archive import FOLDER

KEY = {"apikey": WORKSHOP_KEY}
LIST_OF_UIDS = ",".join(f"1.2.826.0.1.3680043.10.511.3.{number:0>35}" for number in range(1000))


def exchange(pacs, request):
    """Send bytes, and return the answer when the server has closed the connection."""
    with socket.create_connection(("127.0.0.1", pacs.port), timeout=9) as client:
        client.sendall(request)
        answer = http.client.HTTPResponse(client)
        answer.begin()
        body = answer.read()
        assert client.recv(1) == b""
    return answer, body


def connections(pacs, number, stack):
    for _ in range(number):
        yield stack.enter_context(socket.create_connection(("127.0.0.1", pacs.port), timeout=9))


@pytest.mark.slow
def test_connections_that_say_nothing_keep_nobody_waiting(pacs):
    with ExitStack() as stack:
        silent = list(connections(pacs, 100, stack))
        url = f"{pacs.url}/dicomweb/studies"
        assert requests.get(url, headers=KEY, timeout=9).status_code == 200
        silent[0].sendall(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert silent[0].recv(1000).startswith(b"HTTP/1.1 200 ")


def test_clients_that_stop_reading_keep_nobody_waiting(pacs):
    ravi = next(uid for uid, study in pacs.archive.studies.items() if len(study.instances) > 30)
    request = f"GET /dicomweb/studies/{ravi} HTTP/1.1\r\nHost: localhost\r\n"
    with ExitStack() as stack:
        for client in connections(pacs, 20, stack):
            client.sendall(f"{request}apikey: {WORKSHOP_KEY}\r\n\r\n".encode())
            assert client.recv(8) == b"HTTP/1.1"
        assert requests.get(pacs.url, timeout=9).status_code == 200


def test_connections_of_a_whole_class_are_kept(pacs):
    with ExitStack() as stack:
        clients = list(connections(pacs, 60, stack))
        for _ in range(2):
            for client in clients:
                client.sendall(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                head = client.recv(2000)
                assert head.startswith(b"HTTP/1.1 200 ") and b"Connection: close" not in head


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ("GET //dicomweb/studies HTTP/1.1", 400),
        ("GET http://127.0.0.1/dicomweb/studies HTTP/1.1", 400),
        ("GET /dicomweb/studies?PatientName=Müller HTTP/1.1", 400),
        ("GET /dicomweb/studies#top HTTP/1.1", 400),
        ("GET /dicomweb/studies", 400),
        ("get / HTTP/1.1", 400),
        ("GET / HTTP/1.1\r\nContent-Length: -5", 400),
        ("GET / HTTP/1.1\r\nContent-Length: +5", 400),
        ("GET / HTTP/1.1\r\nContent-Length: five", 400),
        ("POST /dicomweb/studies HTTP/1.1\r\nContent-Length: " + "9" * 30, 400),
        ("GET / HTTP/1.1\r\nno header", 400),
        ("POST /dicomweb/studies HTTP/1.1\r\nTransfer-Encoding: gzip, chunked", 501),
        ("CONNECT 127.0.0.1:80 HTTP/1.1", 405),
        ("GET / HTTP/3.0", 505),
        ("GET /" + "1" * 200_000 + " HTTP/1.1", 414),
        ("GET / HTTP/1.1\r\nA: " + "x" * 200_000, 413),
        ("GET / HTTP/1.1\r\n" + "A: x\r\n" * 50_000, 413),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_http_does_not_allow_is_refused_in_the_same_form(pacs, capfd, lines, status):
    answer, body = exchange(pacs, f"{lines}\r\n\r\n".encode())
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = json.loads(body)
    assert problem["status"] == status and problem["title"] == answer.reason
    assert problem["detail"] and ("131,072 bytes" in problem["hint"]) == (status in (413, 414))
    assert capfd.readouterr().err == ""


def test_answer_that_breaks_off_leaves_its_reason_in_the_output(capfd):
    def broken(environ, start_response):
        start_response("200 OK", [("Content-Length", "9")])
        yield b"half"
        raise OSError("the file became shorter")

    running = server.start(FOLDER / "joe", port=0, wrap=lambda application: broken)
    try:
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            requests.get(running.url, timeout=9)
    finally:
        running.stop()
    assert "the file became shorter" in capfd.readouterr().err


def test_list_of_a_thousand_uids_is_taken(pacs):
    query = {"StudyInstanceUID": LIST_OF_UIDS}
    response = requests.get(f"{pacs.url}/dicomweb/studies", query, headers=KEY, timeout=9)
    assert response.status_code == 204
