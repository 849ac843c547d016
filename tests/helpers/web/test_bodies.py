import gzip
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import replace

import pytest
import requests

from helpers import (
    attributes,
    datasets,
    describe_multipart,
    frame,
    iter_parts,
    parts,
    save_instances,
)
from helpers.errors import ConnectionCut, HTTPProblem, LimitExceeded, WorkbookError
from helpers.multipart.describe import label_pieces
from helpers.web import limits
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


JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/dicom+json\r\n"
PNG = JSON.replace(b"application/dicom+json", b"image/png")
FILE = JSON.replace(b"application/dicom+json", b"application/dicom")
PARTS = JSON.replace(
    b"application/dicom+json", b'multipart/related; type="application/dicom"; boundary=b'
)
PART = b"--b\r\nContent-Type: application/dicom\r\n\r\n"
CLOSED = b"Connection: close\r\n\r\n"
# What reads an answer, and how such an answer begins.
READERS = {
    "datasets": (datasets, JSON),
    "attributes": (attributes, JSON),
    "frame": (frame, PNG),
    "parts": (parts, PARTS),
    "iter_parts": (lambda response: list(iter_parts(response)), PARTS),
    "save_instances": (lambda response: save_instances(response, "saved"), PARTS),
    "save_instances of a file": (lambda response: save_instances(response, "saved"), FILE),
}


@pytest.fixture
def low(monkeypatch, tmp_path):
    """Lower the limits of streams: 100 kB, and a second; return what lowers them once more."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(limits.RAISED_BY, raising=False)

    def lower(**values):
        for name in ("WHOLE", "PARTS", "STREAM"):
            monkeypatch.setattr(limits, name, replace(getattr(limits, name), **values))

    lower(body=100_000, in_all=1, silence=5)
    monkeypatch.setattr(limits, "PART_BYTES", 50_000)
    return lower


def reading(name, *pieces):
    """Read an answer with one of READERS; return what it raises, and the seconds that took."""
    read, head = READERS[name]
    with saying(head, *pieces) as url:
        response = requests.get(url, stream=True)  # without a time-out, as in the lessons
        began = time.monotonic()
        with pytest.raises(LimitExceeded) as caught:
            read(response)
        return caught.value, time.monotonic() - began


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("is_packed", [False, True])
def test_what_a_learner_streams_has_limits_on_its_bytes(low, name, is_packed):
    body = PART + bytes(200_000)
    packed = gzip.compress(body)
    pieces = (b"Content-Encoding: gzip\r\n" + CLOSED, packed) if is_packed else (CLOSED, body)
    error, _ = reading(name, *pieces)
    assert "too large" in error.problem and "at most 0.0" in error.expected
    assert 'os.environ["DICOMWEB_LIMITS"]' in error.hint


@pytest.mark.parametrize("name", READERS)
def test_what_a_learner_streams_has_an_end(low, name):
    error, seconds = reading(name, CLOSED, PART, *[0.05, b"x"] * 200)
    assert "too long" in error.problem and "within 1 seconds" in error.expected
    assert 0.9 < seconds < 5


@pytest.mark.parametrize("name", READERS)
def test_silence_ends_a_stream_that_has_no_time_out_of_its_own(low, name):
    low(silence=0.3, in_all=0.2)
    error, seconds = reading(name, CLOSED, PART, threading.Event())
    assert "too long" in error.problem and seconds < 5


@pytest.mark.parametrize(
    ("read", "wrong"),
    [
        (parts, b"--b\r\nno header\r\n\r\nx\r\n"),
        (parts, PART + bytes(60_000)),
        (lambda response: list(iter_parts(response)), PART + bytes(60_000)),
        (lambda response: save_instances(response, "saved"), PART + bytes(60_000)),
        (describe_multipart, b"no boundary" * 2000),
        (label_pieces, b"--b\r\n" + b"endless" * 3000),
    ],
)
def test_what_is_wrong_in_a_body_gives_the_connection_back(low, read, wrong):
    """Also while somebody keeps the error, and in its frames all that was read with."""
    low(in_all=10)
    with saying(PARTS + CLOSED, wrong, rest := threading.Event()) as url:
        response = requests.get(url, stream=True, timeout=5)
        with ExitStack() as stack:
            if read is label_pieces:
                _kept = read(response)
            else:
                _kept = stack.enter_context(pytest.raises(WorkbookError))
                read(response)
        is_closed = response.raw.closed
        rest.set()
    assert is_closed


def test_a_stream_has_to_keep_a_pace(low, monkeypatch):
    monkeypatch.setattr(limits, "PACED_AFTER", 0.3)
    low(in_all=3600)
    error, seconds = reading("save_instances", CLOSED, PART, *[0.05, b"x"] * 200)
    assert "and 1000 bytes a second" in error.expected and seconds < 5


def test_the_time_of_who_reads_does_not_count(low):
    low(in_all=0.4)
    with saying(PARTS + CLOSED, *[PART, bytes(10), b"\r\n"] * 4, b"--b--") as url:
        for part in iter_parts(requests.get(url, stream=True)):
            time.sleep(0.2)
            assert part.size == 10


@pytest.mark.parametrize(("factor", "is_read"), [("4", True), ("1", False), ("x", False)])
def test_the_environment_raises_every_limit(low, monkeypatch, factor, is_read):
    monkeypatch.setenv("DICOMWEB_LIMITS", factor)
    pieces = (PARTS + CLOSED, PART, bytes(130_000), b"\r\n--b--")
    with saying(*pieces) as url:
        response = requests.get(url, stream=True)
        if is_read:
            assert [part.size for part in parts(response)] == [130_000]
        else:
            with pytest.raises(LimitExceeded):
                parts(response)


def test_the_environment_cannot_take_a_limit_away(monkeypatch):
    for text in ("nan", "inf", "-1", "0", ""):
        monkeypatch.setenv("DICOMWEB_LIMITS", text)
        assert 1 <= limits.how_often() <= 1e6


IN_A_CHILD = r"""
import resource, sys, threading, zlib
from http.server import BaseHTTPRequestHandler, HTTPServer
import requests
from helpers import datasets, parts, save_instances
from helpers.errors import LimitExceeded
from helpers.multipart.describe import label_pieces
from helpers.web import limits

MB = 1 << 20
limits.PART_BYTES = 16 * MB
packing = zlib.compressobj(1, wbits=31)
PACKED = packing.compress(b"--b\r\n\r\n")
PACKED += b"".join(packing.compress(bytes(MB)) for _ in range(300)) + packing.flush()

class Bomb(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", self.path[1:])
        self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(PACKED)

    def log_message(self, *words):
        pass

def peak():
    # macOS counts in bytes.
    unit = MB if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit

server = HTTPServer(("127.0.0.1", 0), Bomb)
threading.Thread(target=server.serve_forever, daemon=True).start()
before, found = peak(), []
for kind, read in [
    ("multipart/related;boundary=b", parts),
    ("multipart/related;boundary=b", lambda response: save_instances(response, sys.argv[1])),
    ("application/dicom+json", datasets),
]:
    url = f"http://127.0.0.1:{server.server_port}/{kind}"
    try:
        read(requests.get(url, stream=True, timeout=10))
    except LimitExceeded as error:
        found.append(error.problem)
print(len(found), peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="resource is a module of Unix")
def test_memory_stays_small_whatever_is_packed_in_a_stream(tmp_path):
    command = [sys.executable, "-c", IN_A_CHILD, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    count, grown = map(int, done.stdout.split())
    assert (count, grown < 200) == (3, True)
