"""Parts of a multipart answer."""

import email.generator
import email.message
import email.parser
import email.policy
import gc
import gzip
import http.server
import io
import random
import tracemalloc
import warnings
from pathlib import Path

import pydicom
import pytest
import requests
from hypothesis import assume, given
from hypothesis import strategies as st

from helpers.errors import (
    BadPartHeader,
    ConnectionCut,
    HTTPProblem,
    MissingBoundary,
    MultipartError,
    NotMultipart,
    TruncatedMultipart,
)
from helpers.multipart.reader import (
    MEMORY_LIMIT,
    PIECES_LIMIT,
    boundary_of,
    iter_parts,
    parse,
    parts,
)
from tests.answers import serving

CONTENT_TYPE = 'multipart/related; type="application/dicom"; boundary=cut'
BODY = (
    b"--cut\r\nContent-Type: application/dicom\r\n\r\nfirst\r\n"
    b"--cut\r\nContent-Type: Image/JPEG; q=1\r\nContent-Location: /frames/1\r\n\r\nsecond\r\n"
    b"--cut\r\n\r\nthird\r\n--cut--\r\n"
)
ARCHIVE = Path(__file__).parents[3] / "data" / "archive"


def in_chunks(body, size):
    return [body[start : start + size] for start in range(0, len(body), size)]


def one_part(data, headers=b""):
    return b"--cut\r\n" + headers + b"\r\n" + data + b"\r\n--cut--\r\n"


# A part


def test_a_part_has_headers_content_and_a_file():
    first, second, third = parse([BODY], CONTENT_TYPE)
    assert [part.content for part in (first, second, third)] == [b"first", b"second", b"third"]
    assert second.headers["CONTENT-location"] == "/frames/1"
    assert (first.media_type, second.media_type, third.media_type) == (
        "application/dicom",
        "image/jpeg",
        "",
    )
    assert third.headers == {}
    assert second.size == 6


def test_the_file_of_a_part_is_rewound_each_time():
    [part] = parse([one_part(b"data")], CONTENT_TYPE)
    assert part.file.read() == part.file.read() == part.content == part.content == b"data"


def test_a_part_tells_what_it_is_in_a_line():
    [part] = parse([one_part(b"x" * 12345, b"Content-Type: image/jls; a=b\r\n")], CONTENT_TYPE)
    assert repr(part) == "<Part image/jls, 12,345 bytes>"
    [part] = parse([one_part(b"")], CONTENT_TYPE)
    assert repr(part) == "<Part without a media type, 0 bytes>"


def test_pydicom_reads_the_file_of_a_part():
    path = next(ARCHIVE.rglob("*.dcm"))
    [part] = parse(in_chunks(one_part(path.read_bytes()), 1000), CONTENT_TYPE)
    assert pydicom.dcmread(part.file) == pydicom.dcmread(path)


# Headers


def test_a_folded_header_is_one_line():
    headers = b"Content-Type: image/jpeg;\r\n\ttransfer-syntax=1.2;\r\n  q=1\r\nA: b\r\n"
    [part] = parse([one_part(b"", headers)], CONTENT_TYPE)
    assert part.headers == {"content-type": "image/jpeg; transfer-syntax=1.2; q=1", "a": "b"}


def test_the_content_length_of_a_part_is_not_believed():
    for length in (0, 3, 10**12, -1):
        headers = b"Content-Length: %d\r\n" % length
        [part] = parse([one_part(b"data", headers)], CONTENT_TYPE)
        assert part.content == b"data"


def test_of_a_header_that_comes_twice_the_last_counts():
    [part] = parse([one_part(b"", b"A: first\r\na: last\r\n")], CONTENT_TYPE)
    assert part.headers["A"] == "last"


@pytest.mark.parametrize("line", [b"no colon", b": no name", b" : no name", b"\t", b"--cut"])
def test_a_line_that_is_no_header_is_refused_with_the_line(line):
    with pytest.raises(BadPartHeader) as caught:
        list(parse([one_part(b"data", line + b"\r\nA: b\r\n")], CONTENT_TYPE))
    assert caught.value.came == repr(line)
    assert "Content-Type: application/dicom" in caught.value.expected
    assert "blank line" in caught.value.hint


def test_bad_headers_are_refused_before_the_data_has_come():
    def chunks():
        yield b"--cut\r\nno colon\r\n\r\ndata"
        pytest.fail("more was read")

    with pytest.raises(BadPartHeader):
        list(parse(chunks(), CONTENT_TYPE))


# The boundary


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/related; boundary=cut", b"cut"),
        ('Multipart/Related;BOUNDARY="cut"', b"cut"),
        ('multipart/related; boundary="a b;c=d"; type="application/dicom"', b"a b;c=d"),
        (r'multipart/related; boundary="a\"b\\c"', rb'a"b\c'),
        ('multipart/related; type="image/jpeg; transfer-syntax=1.2"; boundary=b', b"b"),
        ("multipart/mixed; boundary=" + "b" * 200, b"b" * 200),
    ],
)
def test_the_boundary_is_read_as_it_is_meant(content_type, boundary):
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/related",
        "multipart/related; boundary=",
        'multipart/related; boundary=""',
        "multipart/related; boundary=caf\xe9",
        'multipart/related; boundary="a\r\nb"',
    ],
)
def test_a_missing_boundary_is_said(content_type):
    with pytest.raises(MissingBoundary) as caught:
        parse([], content_type)
    assert "no boundary" in caught.value.problem
    assert caught.value.came == content_type


@pytest.mark.parametrize(
    ("content_type", "came", "hint"),
    [
        ("application/dicom+json", "JSON: application/dicom+json", "response.json()"),
        ("application/json; charset=utf-8", "JSON: application/json", "response.json()"),
        ("application/dicom+xml", "XML", "datasets(response)"),
        ("text/html; charset=utf-8", "a web page", "login"),
        ("application/dicom", "one DICOM file", "pydicom.dcmread(BytesIO(response.content))"),
        ("image/png", "one picture", "PIL.Image.open"),
        ("text/plain", "something else: text/plain", "show(response)"),
        ("", "no Content-Type at all", "show(response)"),
        (None, "no Content-Type at all", "show(response)"),
    ],
)
def test_what_is_not_multipart_is_named_with_the_way_on(content_type, came, hint):
    with pytest.raises(NotMultipart) as caught:
        parse([], content_type)
    assert came in caught.value.came
    assert hint in caught.value.hint
    assert "Accept: multipart/related" in caught.value.hint


@given(st.text(max_size=40))
def test_no_content_type_breaks_the_parser(text):
    for content_type in (text, "multipart/related; " + text, "multipart/related; boundary=" + text):
        try:
            boundary_of(content_type)
        except MultipartError as error:
            assert str(error)


# The stdlib's email package as an authority

NAMES = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12).map(
    lambda name: f"X-{name}"
)
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30)
# Data that is likely to look like the boundary, and like a line end.
TEXTS = st.text("\r\n-cutx :", max_size=60) | st.text(max_size=60)
BOUNDARIES = st.text("cut'()+_,./:=?-", min_size=1, max_size=70) | st.just("cut")


@st.composite
def messages(draw):
    """A boundary, and parts of headers and data that do not contain it."""
    boundary = draw(BOUNDARIES)
    many = []
    for _ in range(draw(st.integers(1, 4))):
        data = draw(TEXTS).encode()
        assume(b"--" + boundary.encode() not in data)
        many.append((draw(st.dictionaries(NAMES, VALUES, max_size=3)), data))
    return boundary, many


def written_by_hand(boundary, many):
    body = b""
    for headers, data in many:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        body += f"--{boundary}\r\n{lines}\r\n".encode() + data + b"\r\n"
    return body + f"--{boundary}--\r\n".encode()


def content_type_of(boundary):
    return f'multipart/related; type="application/dicom"; boundary="{boundary}"'


@given(messages(), st.integers(1, 50))
def test_all_that_was_written_is_read(message, size):
    boundary, many = message
    body = written_by_hand(boundary, many)
    read = list(parse(in_chunks(body, size), content_type_of(boundary)))
    assert [(dict(part.headers), part.content) for part in read] == many


@given(messages(), st.integers(1, 50))
def test_email_reads_the_same(message, size):
    boundary, many = message
    body = written_by_hand(boundary, many)
    head = f"MIME-Version: 1.0\r\nContent-Type: {content_type_of(boundary)}\r\n\r\n"
    theirs = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head.encode() + body)
    ours = parse(in_chunks(body, size), content_type_of(boundary))
    assert [(dict(part.headers), part.content) for part in ours] == [
        (dict(part.items()), part.get_payload(decode=True)) for part in theirs.get_payload()
    ]


# The email package writes each line end anew, in binary data too: leave them out.
BINARIES = st.binary(max_size=200).map(lambda data: data.translate(None, b"\r\n"))


@given(st.lists(BINARIES, min_size=1, max_size=4), st.integers(1, 99))
def test_what_email_writes_is_read(contents, size):
    message = email.message.EmailMessage(policy=email.policy.HTTP)
    message.make_related()
    message.preamble, message.epilogue = "a preamble", "an epilogue"
    for content in contents:
        message.add_related(content, "application", "dicom", cte="binary")
    written = io.BytesIO()
    email.generator.BytesGenerator(written, policy=email.policy.HTTP).flatten(message)
    body = written.getvalue().partition(b"\r\n\r\n")[2]
    read = list(parse(in_chunks(body, size), message["Content-Type"]))
    assert [part.content for part in read] == contents
    assert {part.media_type for part in read} == {"application/dicom"}


# Bodies that are cut, broken or large


@pytest.mark.parametrize("cut", range(len(BODY)))
def test_a_truncated_body_gives_exactly_the_parts_that_came_whole(cut):
    ends = [
        BODY.index(word) + len(word) for word in (b"first\r\n--cut\r\n", b"second\r\n--cut\r\n")
    ]
    closed = BODY.index(b"--cut--") + len(b"--cut--")
    whole = []
    reading = parse(in_chunks(BODY[:cut], 10), CONTENT_TYPE)
    if cut < closed:
        with pytest.raises(TruncatedMultipart):
            for part in reading:
                whole.append(part.content)
        assert whole == [b"first", b"second"][: sum(cut >= end for end in ends)]
    else:
        assert [part.content for part in reading] == [b"first", b"second", b"third"]


@given(st.data())
def test_a_damaged_body_is_read_or_refused(data):
    body = bytearray(BODY)
    for _ in range(data.draw(st.integers(1, 5))):
        body[data.draw(st.integers(0, len(BODY) - 1))] = data.draw(st.integers(0, 255))
    try:
        for part in parse(in_chunks(bytes(body), data.draw(st.integers(1, 99))), CONTENT_TYPE):
            assert part.size == len(part.content)
    except MultipartError as error:
        assert str(error)


@pytest.mark.parametrize("size", [MEMORY_LIMIT, MEMORY_LIMIT + 1])
def test_a_large_part_is_whole_too(size):
    data = random.Random(1).randbytes(size)
    [part] = parse(in_chunks(one_part(data), 100_000), CONTENT_TYPE)
    assert part.size == size
    assert part.content == part.file.read() == data


@pytest.mark.parametrize("size", range(PIECES_LIMIT - 2, PIECES_LIMIT * 2 + 4, 102))
def test_a_part_in_very_many_pieces_is_whole_too(size):
    data = random.Random(1).randbytes(size).replace(b"\r", b"\n")
    [part] = parse(in_chunks(one_part(data), 1), CONTENT_TYPE)
    assert part.content == data


def test_a_large_part_may_be_let_go_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        [part] = parse(in_chunks(one_part(bytes(MEMORY_LIMIT + 1)), 1_000_000), CONTENT_TYPE)
        del part
        gc.collect()


@pytest.mark.parametrize(
    ("count", "size", "chunk"),
    [(1, 200_000_000, 262_144), (100, 2_000_000, 262_144), (1, 200_000, 1)],
    ids=["one large part", "many parts", "many small chunks"],
)
@pytest.mark.slow
def test_memory_does_not_grow_with_the_body(count, size, chunk):
    def chunks():
        for _ in range(count):
            yield b"--cut\r\n\r\n"
            for _ in range(size // chunk):
                yield bytes(chunk)
            yield b"\r\n"
        yield b"--cut--"

    total = 0
    tracemalloc.start()
    try:
        for part in parse(chunks(), CONTENT_TYPE):
            total += part.size
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert total == size // chunk * chunk * count
    assert peak < min(2 * size, MEMORY_LIMIT) + 2_000_000


# Answers over HTTP


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with what the test has put into `server.answer`: status, headers, body."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.connections.add(self.client_address)
        status, headers, body = self.server.answer
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.connections = set()
    with serving(server) as address:
        server.url = f"http://{address}/"
        yield server


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_gives_its_parts(server, stream):
    server.answer = 200, {"Content-Type": CONTENT_TYPE}, BODY
    contents = [b"first", b"second", b"third"]
    response = requests.get(server.url, stream=stream)
    assert [part.content for part in iter_parts(response)] == contents
    assert [part.content for part in parts(requests.get(server.url, stream=stream))] == contents


def test_an_answer_that_was_loaded_can_be_read_twice(server):
    server.answer = 200, {"Content-Type": CONTENT_TYPE}, BODY
    response = requests.get(server.url)
    assert len(parts(response)) == len(parts(response)) == 3


def test_a_compressed_answer_is_read(server):
    headers = {"Content-Type": CONTENT_TYPE, "Content-Encoding": "gzip"}
    server.answer = 200, headers, gzip.compress(BODY)
    assert len(parts(requests.get(server.url, stream=True))) == 3


def test_the_connection_is_used_again_after_the_last_part(server):
    server.answer = 200, {"Content-Type": CONTENT_TYPE}, BODY
    with requests.Session() as session:
        for _ in range(3):
            parts(session.get(server.url, stream=True))
    assert len(server.connections) == 1


def test_no_content_is_no_parts(server):
    server.answer = 204, {}, b""
    assert parts(requests.get(server.url)) == []


def test_a_bad_status_is_explained_before_anything_is_read(server):
    server.answer = 404, {"Content-Type": CONTENT_TYPE}, b""
    with pytest.raises(HTTPProblem, match="404"):
        iter_parts(requests.get(server.url))


def test_an_answer_that_is_not_multipart_can_still_be_read_otherwise(server):
    server.answer = 200, {"Content-Type": "application/dicom+json"}, b"[]"
    response = requests.get(server.url, stream=True)
    with pytest.raises(NotMultipart):
        iter_parts(response)
    assert response.json() == []


def test_a_connection_that_is_cut_leaves_the_whole_parts(server):
    headers = {"Content-Type": CONTENT_TYPE, "Content-Length": "1000", "Connection": "close"}
    server.answer = 200, headers, BODY[: BODY.index(b"third")]
    whole = []
    with pytest.raises(ConnectionCut):
        for part in iter_parts(requests.get(server.url, stream=True)):
            whole.append(part.content)
    assert whole == [b"first", b"second"]


def test_an_answer_without_a_length_that_is_cut_is_truncated(server):
    body = BODY[: BODY.index(b"third")]
    server.answer = 200, {"Content-Type": CONTENT_TYPE, "Content-Length": str(len(body))}, body
    with pytest.raises(TruncatedMultipart, match="with 2 whole parts"):
        parts(requests.get(server.url, stream=True))
