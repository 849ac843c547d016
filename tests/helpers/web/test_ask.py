import gzip
import threading
import time
import tracemalloc
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from helpers.errors import ConnectionCut, LimitExceeded, ServerUnreachable
from helpers.files.store import find_instances
from helpers.servers.reach import survey
from helpers.servers.server import Server
from helpers.web.ask import ask, open_session
from helpers.web.limits import MB, Limits
from tests.answers import saying, serving


@pytest.fixture
def waits(monkeypatch):
    """Let no time pass; return the seconds that would have."""
    waited = []
    monkeypatch.setattr("helpers.web.ask.time.sleep", waited.append)
    return waited


@contextmanager
def saying_in_turn(*answers):
    """Run a server that gives the next of these each time: a status and headers, or a hang-up."""
    left, heard = list(answers), []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            heard.append(self.path)
            status, headers = left.pop(0)
            if status:
                self.send_response(status)
                for name, value in {**headers, "Content-Length": "0"}.items():
                    self.send_header(name, value)
                self.end_headers()

        do_POST = do_GET

        def log_message(self, *words):
            pass

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as address:
        yield f"http://{address}/studies", heard


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again(waits, status):
    with saying_in_turn((status, {}), (status, {}), (200, {})) as (url, heard):
        assert ask(url, is_patient=True).status_code == 200
    assert heard == ["/studies"] * 3
    assert waits == [0.3, 1]


def test_three_times_are_enough(waits):
    with saying_in_turn(*[(503, {})] * 3) as (url, heard):
        assert ask(url, is_patient=True).status_code == 503
    assert len(heard) == 3 and len(waits) == 2


@pytest.mark.parametrize("status", [200, 204, 302, 400, 401, 403, 404, 406, 500, 507])
def test_an_answer_is_an_answer(waits, status):
    with saying_in_turn((status, {})) as (url, heard):
        response = ask(url, is_patient=True)
    assert (response.status_code, len(heard), waits) == (status, 1, [])


def test_a_server_that_hung_up_is_asked_again(waits):
    with saying_in_turn((None, {}), (200, {})) as (url, heard):
        assert ask(url, is_patient=True).status_code == 200
    assert len(heard) == 2 and waits == [0.3]
    with saying(b"") as url, pytest.raises(ServerUnreachable):
        ask(url, is_patient=True)
    assert len(waits) == 3


@pytest.mark.parametrize(
    ("retry_after", "waited"),
    [("0", [0]), ("1", [1]), ("Fri, 31 Dec 1999 23:59:59 GMT", [0.3]), ("", [0.3]), ("-5", [0.3])],
)
def test_the_server_may_say_how_long_to_wait(waits, retry_after, waited):
    with saying_in_turn((503, {"Retry-After": retry_after}), (200, {})) as (url, _):
        assert ask(url, is_patient=True).status_code == 200
    assert waits == waited


@pytest.mark.parametrize("retry_after", ["2", "3600", "9" * 5000], ids=len)
def test_nobody_waits_for_long(waits, retry_after):
    with saying_in_turn((503, {"Retry-After": retry_after})) as (url, heard):
        assert ask(url, is_patient=True).status_code == 503
    assert len(heard) == 1 and waits == []


def test_connecting_and_the_search_before_storing_are_patient(waits):
    with saying_in_turn((503, {}), (204, {}), (502, {}), (404, {})) as (url, heard):
        server = Server("busy", url.removesuffix("/studies"), None)
        assert survey(server).studies == "0 studies"
        assert find_instances("1.2", server) == set()
    assert len(heard) == 4


def test_what_a_second_time_does_not_help_is_not_repeated(waits, free_port):
    for url in (f"http://127.0.0.1:{free_port}", "http://no-such-host.invalid"):
        with pytest.raises(ServerUnreachable):
            ask(url, is_patient=True)
    with saying(silence := threading.Event()) as url:
        with pytest.raises(ServerUnreachable, match="No answer"):
            ask(url, is_patient=True, limits=Limits(silence=0.05, in_all=5))
        silence.set()
    assert waits == []


def test_nothing_but_a_get_is_sent_again(waits):
    with saying_in_turn((503, {}), (200, {})) as (url, heard):
        assert ask(url, method="POST", body=b"DICM", is_patient=True).status_code == 503
    assert len(heard) == 1 and waits == []


@pytest.mark.parametrize("is_streamed", [False, True])
def test_no_redirect_is_followed_and_the_key_stays_here(is_streamed):
    with saying_in_turn((200, {})) as (elsewhere, heard):
        other = elsewhere.replace("127.0.0.1", "localhost")
        with saying_in_turn((302, {"Location": other})) as (url, _):
            response = ask(url, headers={"apikey": "s3cret"}, is_streamed=is_streamed)
    assert response.status_code == 302 and heard == []


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/dicom+json\r\n"
LENGTH = b"Content-Length: %d\r\n\r\n"
SOME = Limits(silence=5, in_all=5, body=1000)


DRIP = [0.02, b"x"] * 500


def test_a_body_of_the_size_of_the_limit_is_taken():
    with saying(HEAD, LENGTH % 1000, bytes(1000)) as url:
        assert ask(url, limits=SOME).content == bytes(1000)


@pytest.mark.parametrize(
    "pieces",
    [
        (LENGTH % 1001, bytes(1001)),
        (b"Transfer-Encoding: chunked\r\n\r\n", *[b"100\r\n" + bytes(256) + b"\r\n"] * 20),
        (b"Connection: close\r\n\r\n", *[bytes(256)] * 20),
    ],
    ids=["length", "chunked", "until it closes"],
)
def test_a_body_that_grows_past_its_limit_is_left(pieces):
    with saying(HEAD, *pieces) as url, pytest.raises(LimitExceeded, match="too large") as caught:
        ask(url, limits=SOME)
    assert caught.value.expected == "at most 0.000953674 MB"
    assert url.removeprefix("http://") in caught.value.came and "stream=True" in caught.value.hint


def test_the_body_of_a_redirect_has_limits_too():
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://[nowhere\r\n\r\n"
    with saying(moved, *[bytes(256)] * 20) as url, pytest.raises(LimitExceeded, match="too large"):
        ask(url, limits=SOME)


def test_a_small_body_that_unpacks_to_a_large_one_is_left():
    packed = gzip.compress(bytes(256 * MB))
    pieces = (b"Content-Encoding: gzip\r\n", LENGTH % len(packed), packed)
    limits = Limits(silence=5, in_all=30, body=4 * MB)
    tracemalloc.start()
    try:
        with saying(HEAD, *pieces) as url, pytest.raises(LimitExceeded, match="too large"):
            ask(url, limits=limits)
        assert tracemalloc.get_traced_memory()[1] < 16 * MB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "first",
    [(b"HTTP/1.1 200 OK\r\nX-Slow: ",), (HEAD, LENGTH % 1000), (HEAD, b"\r\n")],
    ids=["head", "body", "body without a length"],
)
def test_a_byte_at_a_time_ends_after_the_time_in_all(first):
    began = time.monotonic()
    with saying(*first, *DRIP) as url, pytest.raises(LimitExceeded, match="too long") as caught:
        ask(url, limits=Limits(silence=5, in_all=0.4))
    assert 0.4 <= time.monotonic() - began < 4
    assert "within 0.4 seconds" in caught.value.expected and "connect()" in caught.value.hint


def test_what_is_asked_again_has_no_more_time_than_once():
    with saying(b"HTTP/1.1 503 Busy\r\nX-Slow: ", *DRIP) as url:
        began = time.monotonic()
        with pytest.raises(LimitExceeded):
            ask(url, is_patient=True, limits=Limits(silence=5, in_all=0.4))
        with pytest.raises(LimitExceeded):
            ask(url, limits=Limits(silence=5, in_all=5), since=began - 5)
    assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    ("first", "error"), [((), ServerUnreachable), ((HEAD, LENGTH % 9, b"x"), ConnectionCut)]
)
def test_silence_is_called_that(first, error):
    with saying(*first, silence := threading.Event()) as url:
        with pytest.raises(error, match="No answer" if not first else "half way"):
            ask(url, limits=Limits(silence=0.2, in_all=5))
        silence.set()


def test_a_session_keeps_its_connection():
    clients = set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            clients.add(self.client_address)
            self.send_response(200)
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"DICM")

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with serving(server) as address, open_session() as session:
        for _ in range(3):
            assert ask(f"http://{address}", session=session).content == b"DICM"
    assert len(clients) == 1


def test_a_proxy_is_not_asked_for_what_is_on_this_computer(monkeypatch, free_port):
    for name in ("http_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with saying(HEAD, LENGTH % 0) as url:
        assert ask(url).status_code == 200
        assert ask(url.replace("127.0.0.1", "localhost")).status_code == 200
    with pytest.raises(ServerUnreachable, match="proxy gives no connection"):
        ask("http://pacs.example/")


def test_who_keeps_an_answer_keeps_no_connection_with_it():
    ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def finish(self):
            super().finish()
            ended.set()  # the client has closed the connection

        def log_message(self, *arguments):
            pass

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as address:
        answer = ask(f"http://{address}/studies")
        assert ended.wait(10)
    assert answer.content == b"ok"
