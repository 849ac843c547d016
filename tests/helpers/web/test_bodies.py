import gzip
import threading

import pytest
import requests

from helpers.errors import ConnectionCut, HTTPProblem, WorkbookError
from helpers.web.answer import READ_SIZE, body, check, stream
from tests.answers import answer, saying

CHUNKED = b"".join(b"1\r\n%c\r\n" % byte for byte in b"whole") + b"0\r\n\r\n"
ZIPPED = gzip.compress(b"whole")
BODIES = {
    "length": (b"Content-Length: 5\r\n\r\n", b"whole"),
    "until it closes": (b"Connection: close\r\n\r\n", b"whole"),
    "chunked": (b"Transfer-Encoding: chunked\r\n\r\n", CHUNKED),
    "gzip": (b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(ZIPPED), ZIPPED),
}


@pytest.mark.parametrize(("head", "body"), BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("read_before", [False, True])
def test_a_body_is_streamed_however_it_is_sent(head, body, read_before):
    with saying(b"HTTP/1.1 200 OK\r\n" + head, body) as url:
        response = requests.get(url, stream=True, timeout=5)
        if read_before:
            assert response.content == b"whole"
        assert b"".join(stream(response)) == b"whole"
        if read_before:
            assert b"".join(stream(response)) == b"whole"
        else:
            with pytest.raises(WorkbookError, match="has been read already"):
                list(stream(response))


def test_a_stream_of_nothing_can_be_read():
    with saying(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as url:
        response = requests.get(url, stream=True, timeout=5)
        assert list(stream(response)) == list(stream(response)) == []


def test_a_stream_that_is_left_early_gives_its_connection_back():
    response = answer(b"DICM" * READ_SIZE)
    chunks = stream(response)
    next(chunks)
    assert not response.raw.closed
    chunks.close()
    assert response.raw.closed


@pytest.mark.parametrize(
    ("kind", "missing", "came"),
    [
        ("length", 1, b"whol"),
        ("length", 4, b"w"),
        ("chunked", 5, b"whole"),
        ("chunked", 8, b"whol"),
    ],
)
def test_what_came_before_a_cut_is_handed_over(kind, missing, came):
    head, body = BODIES[kind]
    with saying(b"HTTP/1.1 200 OK\r\n" + head, body[:-missing]) as url:
        response = requests.get(url, stream=True, timeout=5)
        handed_over = b""
        with pytest.raises(ConnectionCut):
            for chunk in stream(response):
                handed_over += chunk
    assert handed_over == came


@pytest.mark.slow
def test_a_stall_while_streaming_is_a_cut():
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    with saying(head, b"who", silence := threading.Event()) as url:
        # Time enough for a busy computer to send the head.
        response = requests.get(url, stream=True, timeout=1)
        with pytest.raises(ConnectionCut):
            list(stream(response))
        silence.set()


def test_a_body_that_is_not_gzip_though_it_says_so():
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n"
    with saying(head, b"whole") as url:
        response = requests.get(url, stream=True, timeout=5)
        with pytest.raises(WorkbookError, match="cannot be unpacked") as caught:
            list(stream(response))
    assert "identity" in caught.value.hint


def test_a_body_is_read_once_as_a_stream_and_never_after():
    with saying(b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nwhole") as url:
        response = requests.get(url, stream=True, timeout=5)
        assert list(response.iter_content(8)) == [b"whole"]
    with pytest.raises(WorkbookError, match="read already"):
        body(response)
    with pytest.raises(HTTPProblem, match="404"):
        check(response)
