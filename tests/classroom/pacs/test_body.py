"""Bodies in chunks: cut at every byte, of any size, and never whole in memory."""

import io
import tracemalloc
from contextlib import suppress
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classroom.pacs.http.body import BodyCut, ChunkedBody, SizedBody, chunks, drain
from classroom.pacs.http.problems import Problem

BODY = b"5\r\nhello\r\n1;name=value\r\n \r\nA ; last\r\nworld12345\r\n0\r\nTrailer: x\r\n\r\n"
REST = b"GET / HTTP/1.1\r\n"


def request_of(data, close=False):
    """Return what cheroot would hand over."""
    connection = SimpleNamespace(rfile=io.BufferedReader(io.BytesIO(data)))
    return SimpleNamespace(conn=connection, close_connection=close)


def read_all(body, size=3):
    return b"".join(iter(lambda: body.read(size), b""))


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_chunks_become_the_body_and_the_next_request_is_left(size):
    request = request_of(BODY + REST)
    body = ChunkedBody(request)
    assert read_all(body, size) == b"hello world12345"
    assert body.read(size) == b""
    assert request.conn.rfile.read() == REST
    assert request.close_connection is False


@pytest.mark.parametrize("cut", range(len(BODY) - 1))
def test_body_cut_at_any_byte_is_noticed_and_ends_the_connection(cut):
    request = request_of(BODY[:cut])
    body = ChunkedBody(request)
    with pytest.raises(BodyCut):
        read_all(body)
    assert body.read(3) == b""
    assert request.close_connection is True


def test_connection_that_was_to_be_closed_is_closed():
    request = request_of(BODY, close=True)
    read_all(ChunkedBody(request))
    assert request.close_connection is True


def test_body_that_is_not_read_to_its_end_ends_the_connection():
    request = request_of(BODY)
    ChunkedBody(request).read(3)
    assert request.close_connection is True


@pytest.mark.parametrize(
    "data",
    [
        b"x\r\n",
        b"-1\r\n",
        b"+5\r\nhello\r\n",
        b"0x5\r\nhello\r\n",
        b"5\r\nhello, and more",
        b"F" * 16 + b"\r\n",
        b"5" * 5000,
        b"0\r\n" + b"a: b\r\n" * 200 + b"\r\n",
        *(b" 5\r\nhello\r\n0\r\n\r\n", b"5 \r\nhello\r\n0\r\n\r\n", b"5\t\r\nhello\r\n0\r\n\r\n"),
        *(b"5\nhello\r\n0\r\n\r\n", b"5\r\nhello\n0\r\n\r\n", b"5\r\nhello\r\n0\n\r\n"),
        *(b"5\r\nhello\r\n0\r\n\n", b"5\rhello\r\n", b"5;a\rb\r\nhello\r\n", b"5\0\r\nhello\r\n"),
        *(b"0\r\nA : b\r\n\r\n", b"0\r\n A: b\r\n\r\n", b"5;\r\nhello\r\n", b'5;a="\r\nhello\r\n'),
    ],
)
def test_chunks_that_are_none_are_noticed(data):
    with pytest.raises(BodyCut):
        read_all(ChunkedBody(request_of(data)))


@given(st.lists(st.binary(min_size=1, max_size=50)), st.integers(1, 60))
def test_any_chunks_become_the_body(contents, size):
    data = b"".join(b"%X\r\n%b\r\n" % (len(c), c) for c in contents) + b"0\r\n\r\n"
    assert read_all(ChunkedBody(request_of(data)), size) == b"".join(contents)


@given(st.binary(max_size=200))
def test_any_bytes_at_all_are_read_or_refused(data):
    with suppress(BodyCut):
        read_all(ChunkedBody(request_of(data)))


def test_one_huge_chunk_takes_little_memory():
    size = 64 << 20

    class Zeros(io.RawIOBase):
        left = size

        def readable(self):
            return True

        def readinto(self, buffer):
            count = min(len(buffer), self.left)
            buffer[:count] = bytes(count)
            self.left -= count
            return count

    head = io.BufferedReader(io.BytesIO(b"%x\r\n" % size))
    request = request_of(b"")
    zeros = io.BufferedReader(Zeros())
    request.conn.rfile = SimpleNamespace(readline=head.readline, read=zeros.read)
    tracemalloc.start()
    received = 0
    with pytest.raises(BodyCut):
        for chunk in chunks({"wsgi.input": ChunkedBody(request)}, size):
            received += len(chunk)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert received >= size - (1 << 18)
    assert peak < 2 << 20


def environ_of(data, **values):
    return {"wsgi.input": io.BytesIO(data), "CONTENT_LENGTH": str(len(data)), **values}


def test_body_up_to_the_limit_is_read():
    data = bytes(1_000_000)
    assert b"".join(chunks(environ_of(data), len(data))) == data


def test_too_large_a_body_is_refused_before_it_is_read():
    environ = environ_of(bytes(1001))
    with pytest.raises(Problem) as refused:
        next(chunks(environ, 1000))
    assert refused.value.status == 413
    assert environ["wsgi.input"].tell() == 0


def test_body_of_unknown_length_is_refused_when_the_limit_is_reached():
    environ = environ_of(bytes(600_000), CONTENT_LENGTH="")
    received = []
    with pytest.raises(Problem) as refused:
        received.extend(chunks(environ, 300_000))
    assert refused.value.status == 413
    assert environ["wsgi.input"].tell() < 600_000


def test_connection_that_is_lost_is_a_cut_body():
    class Lost:
        def read(self, size):
            raise TimeoutError

    environ = {"wsgi.input": Lost(), "CONTENT_LENGTH": "5"}
    with pytest.raises(BodyCut):
        list(chunks(environ, 10))
    assert drain(environ) is True


def test_drain_reads_a_small_body_to_its_end_and_not_more(monkeypatch):
    environ = environ_of(bytes(1_000_000))
    assert drain(environ) is True
    assert environ["wsgi.input"].read() == b""
    monkeypatch.setattr("classroom.pacs.http.body.PATIENCE", 500_000)
    for length in ("1000000", ""):
        environ = environ_of(bytes(1_000_000), CONTENT_LENGTH=length, HTTP_TRANSFER_ENCODING="x")
        assert drain(environ) is False
        assert environ["wsgi.input"].read() != b""


def test_drain_reads_nothing_from_who_waits_to_be_told_to_send():
    environ = environ_of(bytes(10), HTTP_EXPECT="100-continue")
    assert drain(environ) is False
    assert environ["wsgi.input"].tell() == 0


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_body_of_known_length_is_read_to_its_end_and_the_next_request_is_left(size):
    request = request_of(b"hello" + REST)
    body = SizedBody(request, 5)
    assert request.close_connection is True
    assert read_all(body, size) == b"hello"
    assert body.read(size) == b""
    assert request.conn.rfile.read() == REST
    assert request.close_connection is False


def test_connection_is_closed_when_a_body_of_known_length_was_not_read_to_its_end():
    request = request_of(b"hello")
    SizedBody(request, 5).read(3)
    assert request.close_connection is True
    request = request_of(b"hel")
    assert read_all(SizedBody(request, 5)) == b"hel"
    assert request.close_connection is True


@pytest.mark.parametrize("close", [True, False])
def test_request_without_a_body_changes_nothing(close):
    request = request_of(REST, close)
    assert SizedBody(request, 0).read(9) == b""
    assert request.close_connection is close


def test_chunks_that_are_none_store_nothing_of_what_came_before():
    request = request_of(b"5\r\nhello\r\n0\n\n")
    received = []
    with pytest.raises(Problem) as refused:
        received.extend(chunks({"wsgi.input": ChunkedBody(request)}, 100))
    assert refused.value.status == 400
    assert request.close_connection is True
