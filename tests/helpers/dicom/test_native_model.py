"""The Native DICOM Model both ways, with the standard library's parser as the judge."""

import base64
import string
from xml.etree import ElementTree

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.dicom.json_model import read_model, write_model
from helpers.dicom.native_model import read_native, write_native
from tests.archive import ONE_OF_EACH_KIND
from tests.classroom.pacs.wire import NATIVE


def written(attributes):
    return ElementTree.fromstring(write_native(attributes))


def test_values_are_numbered_from_one():
    [attribute] = written({"00080008": {"vr": "CS", "Value": ["ORIGINAL", None, "AXIAL"]}})
    assert attribute.attrib == {"tag": "00080008", "vr": "CS", "keyword": "ImageType"}
    assert [(v.get("number"), v.text) for v in attribute] == [
        ("1", "ORIGINAL"),
        ("2", None),
        ("3", "AXIAL"),
    ]


def test_name_has_groups_and_parts():
    name = {"Alphabetic": "Yamada^Tarou^^Dr.", "Ideographic": "山田^太郎"}
    [attribute] = written({"00100010": {"vr": "PN", "Value": [name]}})
    [person] = attribute
    assert person.get("number") == "1"
    assert [[(p.tag.removeprefix(NATIVE), p.text) for p in group] for group in person] == [
        [("FamilyName", "Yamada"), ("GivenName", "Tarou"), ("NamePrefix", "Dr.")],
        [("FamilyName", "山田"), ("GivenName", "太郎")],
    ]
    assert [group.tag for group in person] == [f"{NATIVE}Alphabetic", f"{NATIVE}Ideographic"]


def test_name_that_is_empty_among_others_keeps_its_place():
    names = [None, {"Alphabetic": "Yamada"}]
    [attribute] = written({"00101001": {"vr": "PN", "Value": names}})
    assert [(name.get("number"), len(name)) for name in attribute] == [("1", 0), ("2", 1)]


def test_sequence_has_items_with_attributes():
    item = {"00080060": {"vr": "CS", "Value": ["CT"]}}
    [attribute] = written({"00400275": {"vr": "SQ", "Value": [item, {}]}})
    assert [(i.tag, i.get("number"), len(i)) for i in attribute] == [
        (f"{NATIVE}Item", "1", 1),
        (f"{NATIVE}Item", "2", 0),
    ]
    assert attribute[0][0][0].text == "CT"


def test_private_attribute_names_its_creator():
    private = {
        "00091010": {"vr": "LO", "Value": ["x"]},
        "00090010": {"vr": "LO", "Value": ["ACME 1.0"]},
    }
    attribute, creator = written(private)
    assert attribute.get("privateCreator") == "ACME 1.0"
    assert attribute.get("keyword") is None and creator.get("privateCreator") is None


def test_binary_is_inline_or_a_reference():
    inline, bulk = written(
        {
            "00281201": {"vr": "OW", "InlineBinary": base64.b64encode(b"\0\1").decode()},
            "7FE00010": {"vr": "OW", "BulkDataURI": "http://127.0.0.1/bulkdata?a=1&b=2"},
        }
    )
    assert (inline[0].tag, inline[0].text) == (f"{NATIVE}InlineBinary", "AAE=")
    assert bulk[0].tag == f"{NATIVE}BulkData"
    assert bulk[0].get("uri") == "http://127.0.0.1/bulkdata?a=1&b=2"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("<&>\"'", "<&>\"'"),
        ("two\r\nlines\rand\nmore\t", "two\r\nlines\rand\nmore\t"),
        ("  blanks stay ", "  blanks stay "),
        ("form\x0cfeed\x1b\x00", "formfeed"),
        ("山田 𝒳", "山田 𝒳"),
    ],
)
def test_any_text_makes_well_formed_xml(text, read):
    [attribute] = written({"00104000": {"vr": "LT", "Value": [text]}})
    assert attribute[0].text == read


def test_empty_attribute_is_an_empty_element():
    [attribute] = written({"00100030": {"vr": "DA"}})
    assert len(attribute) == 0


WORD = st.text(string.printable.replace("\x0b", "").replace("\x0c", "") + "ä山", min_size=1)
NAME = st.lists(st.text(string.ascii_letters + " ä山&<"), max_size=5).map("^".join)
GROUPS = ("Alphabetic", "Ideographic", "Phonetic")


def attributes_of(vr, value):
    values = st.lists(st.none() | value, min_size=1, max_size=3)
    return st.fixed_dictionaries({"vr": st.just(vr)}, optional={"Value": values})


ATTRIBUTE = st.one_of(
    attributes_of("LO", WORD),
    attributes_of("US", st.integers(0, 2**16 - 1)),
    attributes_of("DS", st.floats(allow_nan=False, allow_infinity=False)),
    attributes_of(
        "PN",
        st.dictionaries(
            st.sampled_from(GROUPS),
            NAME.map(lambda name: name.rstrip("^")).filter(bool),
            min_size=1,
        ),
    ),
    st.fixed_dictionaries({"vr": st.just("OB"), "BulkDataURI": WORD}),
    st.fixed_dictionaries({"vr": st.just("OB"), "InlineBinary": st.just("AAE=")}),
)
TAG = st.integers(0, 2**32 - 1).map(lambda tag: f"{tag:08X}")
RECORDS = st.recursive(
    st.dictionaries(TAG, ATTRIBUTE, max_size=4),
    lambda items: st.dictionaries(
        TAG,
        ATTRIBUTE
        | st.fixed_dictionaries(
            {"vr": st.just("SQ"), "Value": st.lists(items, min_size=1, max_size=2)}
        ),
        max_size=3,
    ),
    max_leaves=8,
)


@given(RECORDS)
def test_what_was_written_is_read_again(record):
    assert read_native(write_native(record)) == record


@pytest.mark.parametrize("path", ONE_OF_EACH_KIND, ids=lambda path: path.name)
def test_a_file_is_the_same_in_json_and_in_xml(path):
    record = write_model(pydicom.dcmread(path, stop_before_pixels=True))
    assert read_model(read_native(write_native(record))) == read_model(record)
