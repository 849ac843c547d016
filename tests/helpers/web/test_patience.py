import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from helpers.files.holdings import instances_of
from helpers.servers.reach import asked
from helpers.servers.server import Server
from helpers.web import patience
from helpers.web.patience import patient_get
from tests.answers import saying, serving


@pytest.fixture
def waits(monkeypatch):
    """Let no time pass; return the seconds that would have."""
    waited = []
    monkeypatch.setattr(patience.time, "sleep", waited.append)
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

        def log_message(self, *words):
            pass

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as address:
        yield f"http://{address}/studies", heard


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again(waits, status):
    with saying_in_turn((status, {}), (status, {}), (200, {})) as (url, heard):
        assert patient_get(url, timeout=5).status_code == 200
    assert heard == ["/studies"] * 3
    assert waits == [0.3, 1]


def test_three_times_are_enough(waits):
    with saying_in_turn(*[(503, {})] * 3) as (url, heard):
        assert patient_get(url, timeout=5).status_code == 503
    assert len(heard) == 3 and len(waits) == 2


@pytest.mark.parametrize("status", [200, 204, 302, 400, 401, 403, 404, 406, 500, 507])
def test_an_answer_is_an_answer(waits, status):
    with saying_in_turn((status, {})) as (url, heard):
        response = patient_get(url, timeout=5, allow_redirects=False)
    assert (response.status_code, len(heard), waits) == (status, 1, [])


def test_a_server_that_hung_up_is_asked_again(waits):
    with saying_in_turn((None, {}), (200, {})) as (url, heard):
        assert patient_get(url, timeout=5).status_code == 200
    assert len(heard) == 2 and waits == [0.3]
    with saying(b"") as url, pytest.raises(requests.ConnectionError):
        patient_get(url, timeout=5)
    assert len(waits) == 3


@pytest.mark.parametrize(
    ("retry_after", "waited"),
    [("0", [0]), ("1", [1]), ("Fri, 31 Dec 1999 23:59:59 GMT", [0.3]), ("", [0.3]), ("-5", [0.3])],
)
def test_the_server_may_say_how_long_to_wait(waits, retry_after, waited):
    with saying_in_turn((503, {"Retry-After": retry_after}), (200, {})) as (url, _):
        assert patient_get(url, timeout=5).status_code == 200
    assert waits == waited


@pytest.mark.parametrize("retry_after", ["2", "3600", "9" * 5000], ids=len)
def test_nobody_waits_for_long(waits, retry_after):
    with saying_in_turn((503, {"Retry-After": retry_after})) as (url, heard):
        assert patient_get(url, timeout=5).status_code == 503
    assert len(heard) == 1 and waits == []


def test_connecting_and_the_search_before_storing_are_patient(waits):
    with saying_in_turn((503, {}), (204, {}), (502, {}), (404, {})) as (url, heard):
        server = Server("busy", url.removesuffix("/studies"), None)
        assert asked(server).studies == "0 studies"
        assert instances_of("1.2", server) == set()
    assert len(heard) == 4


def test_what_a_second_time_does_not_help_is_not_repeated(waits, free_port):
    for url in (f"http://127.0.0.1:{free_port}", "http://no-such-host.invalid"):
        with pytest.raises(requests.ConnectionError):
            patient_get(url, timeout=5)
    with saying(silence := threading.Event()) as url:
        with pytest.raises(requests.Timeout):
            patient_get(url, timeout=0.05)
        silence.set()
    assert waits == []
