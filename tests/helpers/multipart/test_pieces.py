"""Labelling the bytes of a multipart body."""

import collections
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.errors import BadPartHeader, MissingBoundary, MultipartError, TruncatedMultipart
from helpers.multipart.pieces import (
    BLANK,
    CLOSING,
    DATA,
    DELIMITER,
    EPILOGUE,
    HEADER_LIMIT,
    HEADERS,
    PADDING_LIMIT,
    PREAMBLE,
    Body,
    pieces,
)

# All that is legal and rare: preamble, blanks behind the boundary, a part without headers, one
# without data, one without headers and data, data that looks like a delimiter, an epilogue.
BODY = (
    b"preamble\r\n--cut \t\r\n"
    b"Content-Type: text/plain;\r\n charset=utf-8\r\nContent-Length: 99\r\n\r\nfirst"
    b"\r\n--cut\r\n\r\n\r\n--cutlery\r\n--cu\r\r\n-- cut\n--cut\r\n"
    b"\r\n--cut\r\nContent-Type: text/plain\r\n\r\n\r\n--cut\r\nA: b\r\n\r\n--cut\r\n\r\n--cut--"
    b"\r\nepilogue\r\n--cut\r\n"
)
LABELS = [
    (PREAMBLE, b"preamble"),
    (DELIMITER, b"\r\n--cut \t\r\n"),
    (HEADERS, b"Content-Type: text/plain;\r\n charset=utf-8\r\nContent-Length: 99\r\n"),
    (BLANK, b"\r\n"),
    (DATA, b"first"),
    (DELIMITER, b"\r\n--cut\r\n"),
    (BLANK, b"\r\n"),
    (DATA, b"\r\n--cutlery\r\n--cu\r\r\n-- cut\n--cut\r\n"),
    (DELIMITER, b"\r\n--cut\r\n"),
    (HEADERS, b"Content-Type: text/plain\r\n"),
    (BLANK, b"\r\n"),
    (DELIMITER, b"\r\n--cut\r\n"),
    (HEADERS, b"A: b\r\n"),
    (DELIMITER, b"\r\n--cut\r\n"),
    (CLOSING, b"\r\n--cut--"),
    (EPILOGUE, b"\r\nepilogue\r\n--cut\r\n"),
]


def labels(chunks, boundary=b"cut"):
    """Return the pieces, with neighbours of the same kind joined."""
    joined = []
    for kind, data in pieces(chunks, boundary):
        if joined and joined[-1][0] == kind:
            joined[-1] = (kind, joined[-1][1] + data)
        else:
            joined.append((kind, bytes(data)))
    return joined


def in_chunks(body, size):
    return [body[start : start + size] for start in range(0, len(body), size)]


def test_every_byte_gets_its_label():
    assert labels([BODY]) == LABELS


@pytest.mark.parametrize("cut", range(len(BODY) + 1))
def test_a_cut_at_any_byte_changes_nothing(cut):
    assert labels([BODY[:cut], BODY[cut:]]) == LABELS


@pytest.mark.parametrize("size", range(1, 20))
def test_chunks_of_any_size_change_nothing(size):
    assert labels(in_chunks(BODY, size)) == LABELS


def test_an_empty_chunk_is_not_the_end():
    assert labels([b"", BODY[:50], b"", b"", BODY[50:], b""]) == LABELS


def test_line_ends_without_carriage_return_are_read_too():
    body = b"--cut\nA: b\n\nfirst\r\n--cut\n\nsecond\n--cut--\n"
    assert (
        labels([body])
        == labels(in_chunks(body, 1))
        == [
            (DELIMITER, b"--cut\n"),
            (HEADERS, b"A: b\n"),
            (BLANK, b"\n"),
            # The line ends of the body are plain LF: the CR is data.
            (DATA, b"first\r"),
            (DELIMITER, b"\n--cut\n"),
            (BLANK, b"\n"),
            (DATA, b"second"),
            (CLOSING, b"\n--cut--"),
            (EPILOGUE, b"\n"),
        ]
    )


def test_a_body_may_close_without_any_part():
    assert labels([b"--cut--"]) == [(CLOSING, b"--cut--")]


def test_data_is_passed_on_before_its_end_has_come():
    reading = pieces(iter([b"--cut\r\n\r\nfirst ", b"half\r\n--cut--"]), b"cut")
    assert [kind for kind, _ in (next(reading), next(reading))] == [DELIMITER, BLANK]
    assert bytes(next(reading)[1]) == b"first "


def test_data_is_not_copied():
    chunk = b"x" * 1000
    chunks = [b"--cut\r\n\r\nx", chunk, b"\r\n--cut--"]
    views = [data for kind, data in pieces(chunks, b"cut") if kind == DATA]
    assert views[1].obj is chunk


@pytest.mark.parametrize("blanks", [0, 1, PADDING_LIMIT])
def test_blanks_may_follow_the_boundary(blanks):
    padding = b" " * blanks
    body = b"--cut%b\r\n\r\nfirst\r\n--cut%b\r\n\r\nsecond\r\n--cut--" % (padding, padding)
    for size in (1, len(body)):
        assert [data for kind, data in labels(in_chunks(body, size)) if kind == DATA] == [
            b"first",
            b"second",
        ]


def test_too_many_blanks_are_data():
    line = b"\r\n--cut" + b" " * (PADDING_LIMIT + 1) + b"\r\n"
    body = b"--cut\r\n\r\nfirst" + line + b"second\r\n--cut--"
    for size in (1, len(body)):
        assert (DATA, b"first" + line + b"second") in labels(in_chunks(body, size))


def test_a_long_boundary_is_read():
    boundary = b"b" * 500
    body = b"--%b\r\n\r\nfirst\r\n--%b--" % (boundary, boundary)
    assert (DATA, b"first") in labels(in_chunks(body, 7), boundary)


def test_a_boundary_of_special_characters_is_taken_literally():
    boundary = b"a.b*c(d)+'?/=:,"
    body = b"--axbbc\r\n--%b\r\n\r\nfirst\r\n--%b--" % (boundary, boundary)
    assert (DATA, b"first") in labels([body], boundary)


END = BODY.index(b"--cut--") + len(b"--cut--")


@pytest.mark.parametrize("cut", range(END))
def test_a_body_without_its_closing_delimiter_is_truncated(cut):
    body = BODY[:cut]
    read = b""
    with pytest.raises(TruncatedMultipart) as caught:
        for _, data in pieces(in_chunks(body, 1), b"cut"):
            read += data
    # Nothing was said about bytes that did not come, or twice.
    assert body.startswith(read)
    assert f"{cut:,} bytes" in str(caught.value) or cut == 0


@pytest.mark.parametrize("cut", range(END, len(BODY)))
def test_a_cut_behind_the_closing_delimiter_does_no_harm(cut):
    assert labels([BODY[:cut]])[: len(LABELS) - 1] == LABELS[:-1]


@given(st.binary(max_size=300), st.integers(1, 40))
def test_garbage_is_refused_in_words(garbage, size):
    with pytest.raises(MultipartError):
        list(pieces(in_chunks(garbage, size), b"cut"))


# Garbage of the kind that gets further: fragments of a body in any order.
FRAGMENTS = st.sampled_from(
    [
        b"\r\n",
        b"\n",
        b"\r",
        b"--cut",
        b"--",
        b"-",
        b" ",
        b"\t",
        b"A: b",
        b":",
        b"x",
        b"\r\n--cut\r\n",
    ]
)


@given(
    st.lists(FRAGMENTS, max_size=40).map(lambda found: b"--cut\r\n" + b"".join(found)),
    st.integers(1, 9),
)
def test_fragments_are_labelled_alike_however_they_are_cut(fragments, size):
    def outcome(chunks):
        seen = []
        try:
            for kind, data in pieces(chunks, b"cut"):
                seen.append((kind, bytes(data)))
        except MultipartError as error:
            return b"".join(data for kind, data in seen if kind != DATA), str(error)
        assert b"".join(data for _, data in seen) == b"--cut\r\n" + fragments
        return labels(chunks)

    assert outcome([b"--cut\r\n", *in_chunks(fragments, size)]) == outcome(
        [b"--cut\r\n" + fragments]
    )


def test_a_body_without_the_boundary_is_refused_early():
    def endless():
        while True:
            yield b"<html>" * 100

    with pytest.raises(MissingBoundary) as caught:
        list(pieces(endless(), b"cut"))
    assert "not in the first 16,384 bytes" in str(caught.value)
    assert "--cut" in caught.value.expected
    assert caught.value.came.startswith("b'<html><html>")


@pytest.mark.parametrize("size", [7, 100_000])
def test_the_preamble_has_a_limit(size):
    line = b"\r\n--cut\r\n"
    rest = b"\r\ndata\r\n--cut--"
    longest = b"p" * (HEADER_LIMIT - len(line))
    assert (PREAMBLE, longest) in labels(in_chunks(longest + line + rest, size))
    with pytest.raises(MissingBoundary):
        labels(in_chunks(b"p" + longest + line + rest, size))


@pytest.mark.parametrize("size", [7, 100_000])
def test_headers_have_a_limit(size):
    longest = b"A: " + b"a" * (HEADER_LIMIT - len(b"A: \r\n\r\n")) + b"\r\n"
    body = b"--cut\r\n%b\r\ndata\r\n--cut--"
    assert (HEADERS, longest) in labels(in_chunks(body % longest, size))
    with pytest.raises(BadPartHeader) as caught:
        labels(in_chunks(body % (b"B" + longest), size))
    assert str(caught.value).startswith("The headers of part 1 do not end.")
    assert "16,384 bytes" in caught.value.expected


@pytest.mark.parametrize(
    ("body", "problem", "came"),
    [
        (b"", "before its first part", "nothing"),
        (b"--cu", "before its first part", "4 bytes: b'--cu'"),
        (b"--cut\r\nA: b", "in the middle of part 1", "11 bytes, with 0 whole parts"),
        (b"--cut\r\n\r\na\r\n--cut\r\n\r\nb", "middle of part 2", "with 1 whole part"),
        (b"--cut\r\n\r\na\r\n--cut", "middle of part 1", "with 0 whole parts"),
    ],
)
def test_a_truncated_body_says_how_much_came(body, problem, came):
    with pytest.raises(TruncatedMultipart) as caught:
        labels([body])
    assert problem in caught.value.problem
    assert came in caught.value.came
    assert "Ask again" in caught.value.hint


LINE = b"\r\n--" + b"c" * 40
HARD_DATA = {
    "carriage returns": b"\r" * 40,
    "line ends": b"\r\n" * 20,
    "almost delimiters": LINE[:-1],
    "delimiters with more behind": LINE + b"c",
    "delimiters with blanks behind": LINE + b" " * 79 + b"c",
}


def work(body, size, monkeypatch):
    """Return the calls that the parser makes, and the bytes that it has in hand, chunk by chunk."""
    calls = 0
    in_hand = []
    more = Body.more

    def more_and_note(self):
        more(self)
        in_hand.append(len(self.buffer))

    def count_call(*_):
        nonlocal calls
        calls += 1

    with monkeypatch.context() as patch:
        patch.setattr(Body, "more", more_and_note)
        sys.setprofile(count_call)
        try:
            collections.deque(pieces(in_chunks(body, size), b"c" * 40), maxlen=0)
        finally:
            sys.setprofile(None)
    return calls, in_hand


@pytest.mark.parametrize("unit", HARD_DATA.values(), ids=HARD_DATA)
@pytest.mark.parametrize("size", [1, 1000, 10**9])
def test_twice_the_data_is_twice_the_work(unit, size, monkeypatch):
    body = LINE[2:] + b"\r\n\r\n%b" + LINE + b"--"
    calls, in_hand = work(body % (unit * 100), size, monkeypatch)
    more_calls, more_in_hand = work(body % (unit * 200), size, monkeypatch)
    assert more_calls <= 2.1 * calls
    assert sum(more_in_hand) <= 2.1 * sum(in_hand)
    # With a chunk, no more is in hand than what may become a delimiter line.
    assert max(more_in_hand) <= min(size, len(body % (unit * 200))) + len(LINE) + PADDING_LIMIT + 2


def test_no_byte_of_a_preamble_is_searched_again_and_again(monkeypatch):
    searched = 0
    compile_pattern = re.compile

    class CountingPattern:
        def __init__(self, pattern):
            self.pattern = compile_pattern(pattern)

        def __getattr__(self, name):
            return getattr(self.pattern, name)

        def search(self, buffer, start=0, end=sys.maxsize):
            nonlocal searched
            searched += min(len(buffer), end) - start
            return self.pattern.search(buffer, start, end)

    monkeypatch.setattr(re, "compile", CountingPattern)
    chunks = in_chunks(b"p" * 4000 + b"\r\n--cut--", 1)
    assert [kind for kind, _ in pieces(chunks, b"cut")] == [PREAMBLE, CLOSING]
    assert 4000 <= searched <= 4010 * (len(b"\r\n--cut\r\n") + PADDING_LIMIT + 1)
