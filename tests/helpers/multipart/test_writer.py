"""Multipart bodies that go out: what is written is read, by us and by the email package."""

import email.parser
import itertools
import re
import tracemalloc

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from helpers.multipart.reader import parse
from helpers.multipart.writer import SMALL, MultipartBody, PartToSend, file_chunks


def cut(content, places):
    """Return bytes cut at these places, in pieces that may be empty."""
    places = [0, *sorted(min(place, len(content)) for place in places), len(content)]
    return [content[start:end] for start, end in itertools.pairwise(places)]


def to_send(media_type, content, *, places=(), location=""):
    return PartToSend(media_type, len(content), cut(content, places), location)


BOUNDARIES = st.text("cut'()+_,./:=?- ", min_size=1, max_size=70).filter(lambda b: b[-1] != " ")
MEDIA_TYPES = st.sampled_from(
    [
        "application/dicom",
        'application/dicom; transfer-syntax="1.2.840.10008.1.2.4.80"',
        "image/jls;transfer-syntax=1.2",
        "x",
        "",
    ]
)
LOCATIONS = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30)
PLACES = st.lists(st.integers(0, 80), max_size=6)


@st.composite
def messages(draw):
    """A boundary, and parts: empty ones, binary ones, and such as hold lines like a delimiter."""
    boundary = draw(BOUNDARIES)
    line = b"--" + boundary.encode()
    fragments = st.sampled_from(
        [line, line[:-1], line[1:], b"\r\n" + line + b"x", b"\r\n", b"\r", b"\n", b"-", b" ", b"\0"]
    )
    contents = st.lists(fragments | st.binary(max_size=9), max_size=12).map(b"".join)
    many = draw(st.lists(st.tuples(MEDIA_TYPES, contents, PLACES, LOCATIONS), max_size=4))
    return boundary, many


def body_of(boundary, many):
    parts = [to_send(kind, data, places=at, location=url) for kind, data, at, url in many]
    return MultipartBody("application/dicom", parts, boundary)


@given(messages(), PLACES)
def test_what_is_written_is_read(message, places):
    boundary, many = message
    delimiter = rb"\r\n--%b(--|[ \t]*\r\n)" % re.escape(boundary.encode())
    for _, content, _, _ in many:
        assume(not re.search(delimiter, b"\r\n" + content + b"\r\n"))
    body = body_of(boundary, many)
    written = b"".join(body)
    assert len(written) == len(body)
    read = list(parse(cut(written, places), body.content_type))
    assert [(part.headers["Content-Type"], part.content) for part in read] == [
        (kind, content) for kind, content, _, _ in many
    ]
    for part, (_, content, _, location) in zip(read, many, strict=True):
        assert part.headers["Content-Length"] == str(len(content))
        assert part.headers.get("Content-Location", "") == location


@given(messages())
def test_email_reads_the_same(message):
    boundary, many = message
    # It takes a line for a delimiter however the lines around it end.
    delimiter = rb"(?:^|[\r\n])--%b(--|[ \t]*(?:[\r\n]|$))" % re.escape(boundary.encode())
    for _, content, _, _ in many:
        assume(not re.search(delimiter, content))
    assume(many)  # of no parts it makes a text
    body = body_of(boundary, many)
    head = f"MIME-Version: 1.0\r\nContent-Type: {body.content_type}\r\n\r\n".encode()
    message = email.parser.BytesParser().parsebytes(head + b"".join(body))
    assert [part.get_payload(decode=True) for part in message.get_payload()] == [
        part.content for part in parse(body, body.content_type)
    ]


def test_the_headers_of_a_part_say_what_it_is():
    part = to_send("image/jls; transfer-syntax=1.2", b"data", location="http://pacs/frames/1")
    body = MultipartBody("image/jls", [part], "cut")
    assert body.content_type == 'multipart/related; type="image/jls"; boundary=cut'
    assert b"".join(body) == (
        b"--cut\r\nContent-Type: image/jls; transfer-syntax=1.2\r\nContent-Length: 4\r\n"
        b"Content-Location: http://pacs/frames/1\r\n\r\ndata\r\n--cut--\r\n"
    )


def test_every_body_has_a_boundary_of_its_own():
    assert len({MultipartBody("text/plain", []).content_type for _ in range(100)}) == 100


def test_parts_that_are_made_one_by_one_are_asked_for_when_they_are_sent():
    made = []

    def parts():
        for number in range(3):
            made.append(number)
            yield to_send("text/plain", bytes(SMALL))

    body = MultipartBody("text/plain", parts())
    with pytest.raises(TypeError, match="not known before"):
        len(body)
    sending = iter(body)
    assert made == []
    next(sending)
    assert made == [0]
    assert b"".join(sending).endswith(b"--\r\n")
    assert made == [0, 1, 2]


def test_small_pieces_go_out_together_and_large_ones_as_they_are():
    large = bytes(SMALL)
    parts = [to_send("text/plain", b"x", places=[0, 1]) for _ in range(2000)]
    parts.append(PartToSend("text/plain", len(large), [large]))
    body = MultipartBody("text/plain", parts)
    pieces = list(body)
    assert sum(map(len, pieces)) == len(body)
    assert len(pieces) <= len(body) / SMALL + 3
    assert any(piece is large for piece in pieces)


def test_of_a_large_file_one_piece_is_in_memory(tmp_path):
    path = tmp_path / "large.dcm"
    size = 200_000_000
    with path.open("wb") as file:
        file.truncate(size)
    part = PartToSend("application/dicom", size, file_chunks(path, size))
    body = MultipartBody("application/dicom", [part])
    tracemalloc.start()
    sent = sum(len(chunk) for chunk in body)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sent == len(body)
    assert peak < size / 20


def test_a_body_breaks_off_when_a_file_became_shorter(tmp_path):
    path = tmp_path / "short"
    path.write_bytes(b"12345")
    chunks = file_chunks(path, 6)
    assert next(chunks) == b"12345"
    with pytest.raises(OSError, match="short became shorter"):
        next(chunks)
