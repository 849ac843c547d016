"""HTTP below the application: many connections, and requests that are none."""

import http.client
import json
import socket
import threading
from contextlib import ExitStack

import pytest
import requests

from classroom.pacs import server
from helpers.web.limits import ServerLimits
from helpers.web.secrets import WORKSHOP_KEY
from tests.archive import FOLDER

KEY = {"apikey": WORKSHOP_KEY}
LIST_OF_UIDS = ",".join(f"1.2.826.0.1.3680043.10.511.3.{number:0>35}" for number in range(1000))


HOST = b"Host: localhost\r\n"
HEAD = b"HEAD / HTTP/1.1\r\n" + HOST + b"\r\n"
SIGNED = HOST + f"apikey: {WORKSHOP_KEY}\r\n".encode()
STORE = b"POST /dicomweb/studies HTTP/1.1\r\n"
DICOM = b'Content-Type: multipart/related; type="application/dicom"; boundary=cut\r\n'


@pytest.fixture(scope="module")
def hasty():
    """Run a PACS that has little time and few threads."""
    seconds = {"head_seconds": 0.5, "body_pause": 0.5, "answer_pause": 0.5, "farewell": 1}
    limits = ServerLimits(working=2, least_speed=1e6, **seconds)
    running = server.start(FOLDER, port=0, limits=limits)
    yield running
    running.stop()


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


GET = b"GET / HTTP/1.1\r\n"
TWO_WAYS_TO_READ = [
    GET + b"\r\n",
    GET + HOST + HOST + b"\r\n",
    GET + b"Host: localhost\r\nhost: evil.example\r\n\r\n",
    b"GET / HTTP/1.0\r\n" + HOST + HOST + b"\r\n",
    GET + HOST + b"A : b\r\n\r\n",
    GET + HOST + b"A\t: b\r\n\r\n",
    GET + b"Host : localhost\r\n\r\n",
    GET + HOST + b": b\r\n\r\n",
    GET + HOST + b"A(: b\r\n\r\n",
    GET + HOST + b"A: b\r\n c\r\n\r\n",
    GET + HOST + b"A: b\r\n\t\r\n\r\n",
    GET + b" A: b\r\n" + HOST + b"\r\n",
    GET + HOST + b"A: b\rc\r\n\r\n",
    GET + HOST + b"A: b\r\r\n\r\n",
    GET + HOST + b"A: b\0c\r\n\r\n",
    GET + HOST + b"A: b\x7f\r\n\r\n",
    GET + HOST + b"A: b\n\r\n",
    GET + b"Host: localhost\n\r\n",
    b"GET / HTTP/1.1\n" + HOST + b"\r\n",
    b"GET / HTTP/1.1\nHost: localhost\n\n",
    b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET / HTTP/1.1 \r\n" + HOST + b"\r\n",
    b"GET /\0 HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET / HTTP/+1.1\r\n" + HOST + b"\r\n",
    b"\r\n\r\n" + GET + HOST + b"\r\n",
    STORE + SIGNED + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    STORE + SIGNED + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    STORE + SIGNED + b"Content-Length: 5, 6\r\n\r\nhello!",
    STORE + SIGNED + b"Content-Length: 5,\r\n\r\nhello!",
    STORE + SIGNED + b"Content-Length:\r\n\r\nhello!",
    STORE + SIGNED + b"Content-Length : 5\r\n\r\nhello",
    STORE + SIGNED + b"Content-Length: 0x5\r\n\r\nhello",
    STORE + SIGNED + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    STORE + SIGNED + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    STORE + SIGNED + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    STORE + SIGNED + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    STORE + SIGNED + b"Transfer-Encoding:\r\n\r\n0\r\n\r\n",
    STORE.replace(b"1.1", b"1.0") + SIGNED + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    *(
        STORE + SIGNED + DICOM + b"Transfer-Encoding: chunked\r\n\r\n" + chunks
        for chunks in (
            b" 5 \r\n--cut\r\n0\r\n\r\n",
            b"5\n--cut\r\n0\r\n\r\n",
            b"5\r\n--cut\n0\r\n\r\n",
        )
    ),
]


@pytest.mark.parametrize("request_", TWO_WAYS_TO_READ, ids=repr)
def test_what_can_be_read_in_two_ways_is_a_400_and_nothing_after_it_is_a_request(pacs, request_):
    answer, body = exchange(pacs, request_ + HEAD)
    assert answer.status == json.loads(body)["status"] == 400
    assert answer.headers["Connection"] == "close"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Length: 2, 2\r\n",
        b"Content-Length: 2\r\ncontent-length: 2\r\n",
        b"Content-Length: 2\r\nConnection: Keep-Alive, TE\r\n",
        b"Content-Length: 2\r\nA:\r\nB: \xfc \t c\t\r\n",
        b"Content-Length: 2\r\nA_B: c\r\nA-B: c\r\n",
    ],
)
def test_same_length_twice_is_a_length_and_other_rare_heads_are_read_too(pacs, lines):
    request = b"\r\nOPTIONS / HTTP/1.1\r\n" + HOST + lines + b"\r\nab"
    with socket.create_connection(("127.0.0.1", pacs.port), timeout=9) as client:
        client.sendall(request + HEAD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        answers = b"".join(iter(lambda: client.recv(9999), b""))
    assert answers.startswith(b"HTTP/1.1 204 ")
    assert answers.count(b"HTTP/1.1 ") == 2 and b"\r\n\r\nHTTP/1.1 200 " in answers


@pytest.mark.parametrize("value", [b"close", b"Close", b"TE, close"])
def test_who_wants_the_connection_closed_gets_it_closed(pacs, value):
    answer, _ = exchange(pacs, GET + HOST + b"Connection: " + value + b"\r\n\r\n")
    assert (answer.status, answer.headers["Connection"]) == (200, "close")


@pytest.mark.parametrize(
    "head",
    [
        b"HEAD / HTTP/1.1\r\n\r\n",
        b"HEAD / HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
        b"HEAD / HTTP/3.0\r\n\r\n",
        b"HEAD /" + b"1" * 200_000 + b" HTTP/1.1\r\n\r\n",
        b"HEAD /dicomweb/studies HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n",
    ],
    ids=lambda head: repr(head)[:60],
)
def test_head_that_is_refused_has_no_body(pacs, head):
    with socket.create_connection(("127.0.0.1", pacs.port), timeout=9) as client:
        client.sendall(head)
        answer = b"".join(iter(lambda: client.recv(9999), b""))
    assert answer.startswith(b"HTTP/1.1 ") and answer[9:10] in b"45"
    assert answer.endswith(b"\r\n\r\n") and b"Content-Length: 0" not in answer


def test_heads_that_come_byte_by_byte_or_all_at_once_are_answered_in_turn(pacs):
    with socket.create_connection(("127.0.0.1", pacs.port), timeout=9) as client:
        for byte in HEAD:
            client.sendall(bytes([byte]))
        client.sendall(HEAD * 3 + HEAD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        answers = b"".join(iter(lambda: client.recv(9999), b""))
    assert answers.count(b"HTTP/1.1 200 OK\r\n") == 5


def test_key_is_seen_before_a_body_is_asked_for_or_waited_for(pacs):
    head = STORE + DICOM + b"Content-Length: 1000000000\r\n"
    answer, _ = exchange(pacs, head + HOST + b"\r\n")
    assert (answer.status, answer.headers["Connection"]) == (401, "close")
    answer, _ = exchange(pacs, head + HOST + b"Expect: 100-continue\r\n\r\n")
    assert answer.status == 401


def test_body_is_asked_for_when_it_is_wanted(pacs):
    body = b"--cut\r\n\r\nno DICOM\r\n--cut--\r\n"
    head = STORE + DICOM + SIGNED + b"Content-Length: %d\r\n" % len(body)
    with socket.create_connection(("127.0.0.1", pacs.port), timeout=9) as client:
        client.sendall(head + b"Expect: 100-continue\r\n\r\n")
        assert client.recv(99) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(body)
        answer = http.client.HTTPResponse(client)
        answer.begin()
        assert answer.status == 409 and answer.read()
        client.sendall(HEAD)
        assert client.recv(9999).startswith(b"HTTP/1.1 200 ")


def test_client_that_sends_all_of_a_large_body_first_sees_why_it_is_refused(pacs):
    body = bytes(30_000_000)
    answer, _ = exchange(pacs, STORE + HOST + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert (answer.status, answer.headers["Connection"]) == (401, "close")


def slow_clients(pacs):
    """Return what slow clients send first, and later, again and again; None is read a byte."""
    ravi = next(uid for uid, study in pacs.archive.studies.items() if len(study.instances) > 30)
    post = STORE + DICOM + b"Content-Length: 1000000\r\n"
    return {
        "silent": (b"", b""),
        "head": (b"G", b"E"),
        "headers": (GET, b"A: b\r\n"),
        "body without a key": (post + HOST + b"\r\n", b"-"),
        "body": (post + SIGNED + b"\r\n--cut\r\n\r\n", b"-"),
        "chunks": (STORE + DICOM + SIGNED + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n-\r\n"),
        "reader": (
            b"GET /dicomweb/studies/%b HTTP/1.1\r\n" % ravi.encode() + SIGNED + b"\r\n",
            None,
        ),
    }


def drip(client, more):
    """Send a little, or read a byte; tell whether the server has hung up."""
    client.settimeout(0.002)
    try:
        if more:
            client.sendall(more)
        return client.recv(1 if more is None else 9999) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_slow_clients_of_every_kind_keep_nobody_waiting(hasty):
    url = f"{hasty.url}/dicomweb/studies"
    with ExitStack() as stack:
        slow = []
        for first, more in slow_clients(hasty).values():
            for client in connections(hasty, 12, stack):
                client.sendall(first)
                slow.append((client, more))
        for _ in range(5):
            assert requests.get(url, headers=KEY, timeout=5).status_code == 200
            for client, more in slow:
                drip(client, more)
    assert requests.get(url, headers=KEY, timeout=5).status_code == 200


@pytest.mark.parametrize(
    "kind", ["head", "headers", "body without a key", "body", "chunks", "reader"]
)
def test_slow_client_has_its_time_and_no_more(hasty, kind):
    first, more = slow_clients(hasty)[kind]
    with socket.create_connection(("127.0.0.1", hasty.port), timeout=9) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(first)
        while not drip(client, more):
            pass


@pytest.mark.parametrize(
    "first",
    [b"GET / HTTP/1.1\r\nHost: local", STORE + DICOM + SIGNED + b"Content-Length: 9\r\n\r\n-"],
)
def test_client_that_was_too_slow_is_told_so(hasty, first):
    answer, body = exchange(hasty, first)
    assert (answer.status, answer.headers["Connection"]) in [(408, "close"), (400, "close")]
    assert any(word in json.loads(body)["detail"] for word in ("late", "slowly"))


def test_stop_waits_for_no_slow_client():
    running = server.start(FOLDER, port=0)
    with ExitStack() as stack:
        for first, _ in slow_clients(running).values():
            for client in connections(running, 2, stack):
                client.sendall(first)
        before = threading.active_count()
        running.stop()
        assert threading.active_count() < before


@pytest.fixture
def small():
    """Run a PACS that takes eight connections, six of them from one address."""
    running = server.start(FOLDER, port=0, limits=ServerLimits(connections=8))
    yield running
    running.stop()


def test_one_that_waits_makes_room_for_another(small):
    with ExitStack() as stack:
        waiting = list(connections(small, 6, stack))
        for client in waiting[1:]:
            client.sendall(b"GET")
        assert requests.get(small.url, timeout=9).status_code == 200
        assert waiting[0].recv(1) == b""
        waiting[-1].sendall(HEAD.removeprefix(b"HEAD"))
        assert waiting[-1].recv(9999).startswith(b"HTTP/1.1 200 ")


def test_too_many_that_are_served_are_told_so(small):
    body = STORE + DICOM + SIGNED + b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n"
    with ExitStack() as stack:
        served = list(connections(small, 6, stack))
        for client in served:
            client.sendall(body)
            assert client.recv(99) == b"HTTP/1.1 100 Continue\r\n\r\n"
        answer, _ = exchange(small, b"")
        assert (answer.status, answer.headers["Connection"]) == (429, "close")
        served[0].sendall(b"-" * 9)
        assert served[0].recv(9999).startswith(b"HTTP/1.1 400 ")
    assert requests.get(small.url, timeout=9).status_code == 200


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
