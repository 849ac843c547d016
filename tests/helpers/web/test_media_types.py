"""Media types, against the grammar and against the spellings met in the wild."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.web.media_types import MediaType, choose, parse, parse_one

XML = MediaType("multipart/related", {"type": "application/dicom+xml"})
JSON = MediaType("application/dicom+json")


@pytest.mark.parametrize(
    ("text", "part", "syntax"),
    [
        ("multipart/related; type=image/dicom+jpeg", "image/dicom+jpeg", None),
        ('multipart/related; type="image/dicom+jpeg"', "image/dicom+jpeg", None),
        ('Multipart/Related;TYPE="Image/JPEG"', "image/jpeg", None),
        ('multipart/related; type="image/jpeg"; transfer-syntax=1.2.3', "image/jpeg", "1.2.3"),
        ('multipart/related; type="image/jpeg; transfer-syntax=1.2.3"', "image/jpeg", "1.2.3"),
        ('multipart/related; type="image/jpeg;transfer-syntax=1.2.3"', "image/jpeg", "1.2.3"),
        ("multipart/related; type=a/b; transfer-syntax=*", "a/b", "*"),
        ("multipart/related ; type = a/b ; boundary = x", "a/b", None),
        ("multipart/related", "*/*", None),
        ("application/dicom; transfer-syntax=1.2.3", "*/*", "1.2.3"),
    ],
)
def test_type_of_the_parts_is_read_in_every_spelling(text, part, syntax):
    media_type = parse_one(text)
    assert (media_type.part.name, media_type.transfer_syntax) == (part, syntax)


def test_comma_and_semicolon_inside_quotes_separate_nothing():
    first, second = parse(r'a/b; x="1,2;q=0.1 \"3\""; q=0.9, c/d;q=0.5')
    assert first == MediaType("a/b", {"x": '1,2;q=0.1 "3"'}, 0.9)
    assert second == MediaType("c/d", {}, 0.5)


@pytest.mark.parametrize("header", [None, "", "  ", ",", " , "])
def test_no_range_at_all_accepts_everything(header):
    assert parse(header) == [MediaType("*/*")]


def test_most_welcome_first_and_else_in_the_order_sent():
    ranges = parse("a/1;q=0.2, a/2, a/3;q=0, a/4;q=0.2, a/5")
    assert [r.name for r in ranges] == ["a/2", "a/5", "a/1", "a/4", "a/3"]


@pytest.mark.parametrize(
    ("q", "quality"), [("2", 1), ("-1", 0), ("x", 1), ("", 1), ("nan", 1), ("inf", 1), (".5", 0.5)]
)
def test_impossible_quality_does_no_harm(q, quality):
    assert parse(f"a/b;q={q}")[0].quality == quality


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        (None, XML),
        ("*/*", XML),
        ("application/*", JSON),
        ("application/dicom+json", JSON),
        ("multipart/related", XML),
        ("multipart/*", XML),
        ("multipart/related; type=application/dicom+xml", XML),
        ('multipart/related; type="application/*"', XML),
        ('multipart/related; type="application/dicom"', None),
        ("image/png", None),
        ("text/html, */*;q=0.8", XML),
        ("application/dicom+json;q=0.4, */*;q=0.5", XML),
        ("multipart/related;q=0, */*", JSON),
        ("*/*;q=0", None),
        ('application/dicom+json, multipart/related; type="application/dicom+xml"', JSON),
        ('multipart/related; type="application/dicom+xml", application/dicom+json', XML),
        (
            'multipart/*;q=0.9, multipart/related; type="application/dicom+xml";q=0.1, */*;q=0.5',
            JSON,
        ),
    ],
)
def test_choice_follows_rfc_9110(header, chosen):
    assert choose(parse(header), [XML, JSON]) == chosen


@pytest.mark.parametrize(
    "text",
    [
        "application/dicom+json",
        'multipart/related; type="application/dicom"; transfer-syntax=*',
        'multipart/related; type="image/jpeg; transfer-syntax=1.2.3"; boundary=a-b; q=0.5',
        r'a/b; x="\"\\"',
        'a/b; x=""',
    ],
)
def test_text_of_a_media_type_reads_as_the_same_again(text):
    assert str(parse_one(text)) == text


@given(st.text())
def test_any_header_can_be_read(header):
    for media_range in parse(header):
        assert 0 <= media_range.quality <= 1
        assert parse_one(str(media_range)).parameters == media_range.parameters


@given(st.dictionaries(st.from_regex(r"[a-z]{2,9}", fullmatch=True), st.text(), max_size=4))
def test_parameter_of_any_text_survives_quoting(parameters):
    assert parse_one(str(MediaType("a/b", parameters))).parameters == parameters
