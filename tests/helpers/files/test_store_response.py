"""What is said of a store response: the tables of the standard, and answers of real servers."""

import json

import pydicom
import pytest
import requests

from classroom.pacs import server
from helpers.errors import MediaTypeMismatch
from helpers.files.store_response import read_outcomes
from helpers.web.secrets import WORKSHOP_KEY
from tests.answers import answer, multipart_body
from tests.archive import JOE, RAVI
from tests.peers.orthanc import orthanc_for_a_test

# First and last code, what the standard calls them, and a part of our words.
# PS3.18 2024c, table I.2-2.
FAILURES = [
    (0xA700, 0xA7FF, "Refused out of Resources", "no room left"),
    (0xA900, 0xA9FF, "Data Set does not match SOP Class", "not fit the kind of object"),
    (0xC000, 0xC121, "Cannot understand", "cannot understand"),
    (0xC122, 0xC122, "Referenced Transfer Syntax not supported", "its transfer syntax"),
    (0xC123, 0xCFFF, "Cannot understand", "cannot understand"),
    (0x0110, 0x0110, "Processing failure", "failed while"),
    (0x0122, 0x0122, "Referenced SOP Class not supported", "does not store this kind"),
]
# PS3.7 2024c, annex C.5: for each operation, so for one that stores too.
GENERAL = [
    (0x0105, 0x0105, "No such Attribute", "attribute that the server does not take"),
    (0x0106, 0x0106, "Invalid Attribute Value", "value that is not allowed"),
    (0x0111, 0x0111, "Duplicate SOP Instance", "there already"),
    (0x0112, 0x0112, "No such SOP Instance", "does not know an instance"),
    (0x0117, 0x0117, "Invalid SOP Instance", "its SOP Instance UID is not"),
    (0x0118, 0x0118, "No such SOP Class", "does not know this kind"),
    (0x0119, 0x0119, "Class-Instance conflict", "as that of another kind"),
    (0x0120, 0x0120, "Missing Attribute", "attribute is missing"),
    (0x0121, 0x0121, "Missing Attribute Value", "value of an attribute is missing"),
    (0x0124, 0x0124, "Refused: Not authorized", "not allowed to you"),
    (0x0210, 0x0210, "Duplicate invocation", "had this request already"),
    (0x0211, 0x0211, "Unrecognized operation", "operation"),
    (0x0212, 0x0212, "Mistyped argument", "not expect"),
    (0x0213, 0x0213, "Resource limitation", "no room left"),
]
# PS3.18 2024c, table I.2-1.
WARNINGS = [
    (0xB000, "Coercion of Data Elements", "changed attributes"),
    (0xB006, "Elements Discarded", "left attributes out"),
    (0xB007, "Data Set does not match SOP Class", "not fit the kind of object"),
]
NO_CODE_OF_THE_TABLES = [0x0001, 0x1234, 0xA6FF, 0xA800, 0xA8FF, 0xAA00, 0xB001, 0xBFFF, 0xD000]


def items(*values):
    return {"vr": "SQ", "Value": [*values]}


def item(uid=None, failure=None, warning=None, comment=None):
    elements = {
        "00081155": ("UI", uid),
        "00081197": ("US", failure),
        "00081196": ("US", warning),
        "00000902": ("LO", comment),
    }
    return {
        tag: {"vr": vr, "Value": [value]}
        for tag, (vr, value) in elements.items()
        if value is not None
    }


def read(uids, stored=(), failed=(), others=()):
    body = {"00081199": items(*stored), "00081198": items(*failed), "0008119A": items(*others)}
    return read_outcomes(answer(json.dumps(body).encode(), "application/dicom+json", 202), uids)


def reason(code):
    return read(["1.2"], failed=[item("1.2", code)])["1.2"]


@pytest.mark.parametrize(("first", "last", "meaning", "words"), FAILURES + GENERAL)
def test_every_failure_reason_of_the_standard_has_words(first, last, meaning, words):
    for code in range(first, last + 1):
        outcome, said = reason(code)
        assert outcome == "failed"
        assert words in said and said.endswith(f" (code {code:04X})"), meaning


@pytest.mark.parametrize(("code", "meaning", "words"), WARNINGS)
def test_every_warning_reason_of_the_standard_has_words(code, meaning, words):
    outcome, said = read(["1.2"], stored=[item("1.2", warning=code)])["1.2"]
    assert outcome == "stored"
    assert words in said and said.endswith(f"(code {code:04X})"), meaning


@pytest.mark.parametrize("code", NO_CODE_OF_THE_TABLES)
def test_a_code_of_the_servers_own_is_called_so(code):
    assert reason(code) == (
        "failed",
        f"a reason of the server's own: its conformance statement explains it (code {code:04X})",
    )


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("272", "the server failed while it stored it (code 0110)"),
        (None, "the server does not say why"),
        (0, "the server does not say why"),
        ("many", "the server does not say why"),
        ([272], "the server does not say why"),
    ],
)
def test_a_code_may_be_a_text_or_nothing(code, said):
    assert reason(code) == ("failed", said)


def test_what_is_stored_without_a_warning_has_no_reason():
    assert read(["1.2"], stored=[item("1.2")]) == {"1.2": ("stored", "")}


def test_the_servers_own_words_stand_behind_ours():
    said = read(["1.2"], failed=[item("1.2", 0x0111, comment="a\x1b[31mb\nc")])["1.2"][1]
    assert (
        said == 'an instance of that UID is there already (code 0111); the server says: "a [31mb c"'
    )
    said = read(["1.2"], failed=[item("1.2", comment="no")])["1.2"][1]
    assert said == 'the server says: "no"'


def test_the_reason_of_other_failures_is_that_of_what_no_list_names():
    found = read(["1", "2", "3"], [item("2")], [item("3", 0x0111)], [item(failure=0xC000)])
    assert found["1"] == ("failed", reason(0xC000)[1])
    assert (found["2"][0], found["3"]) == ("stored", reason(0x0111))


def test_several_other_failures_of_one_reason_are_as_clear():
    found = read(["1", "2"], others=[item(failure=0xC000)] * 2)
    assert found == dict.fromkeys(["1", "2"], reason(0xC000))


@pytest.mark.parametrize("others", [[0xC000], [0xC000, 0x0110], [0xC000, 0x0110, 0xC000]])
def test_which_of_several_it_was_is_not_guessed(others):
    found = read(["1", "2"], others=[item(failure=code) for code in others])
    assert found["1"] == found["2"]
    said = found["1"][1]
    assert said.startswith("the server does not name it, but says of such: ")
    assert [said.count(f"(code {code:04X})") for code in set(others)] == [1] * len(set(others))


def test_what_is_in_both_lists_has_failed():
    """Two files of one UID, in one request: who sent them has to look."""
    assert read(["1"], [item("1")], [item("1", 0x0111)]) == {"1": reason(0x0111)}


def test_what_the_server_does_not_mention_has_failed():
    silence = ("failed", "the server does not say what became of it")
    assert read(["1", "2"], stored=[item("3")]) == {"1": silence, "2": silence}


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "[]",
        '{"00081199": null}',
        '{"00081199": []}',
        '{"00081199": {"vr": "SQ"}}',
        '{"00081199": {"vr": "SQ", "Value": {"00081155": {"vr": "UI", "Value": ["1"]}}}}',
        '{"00081199": {"vr": "SQ", "Value": 1}}',
        '{"00081198": {"vr": "SQ", "Value": [null, 1, {}]}}',
        '{"00081198": {"vr": "SQ", "Value": [{"00081155": null}]}}',
    ],
)
def test_an_answer_of_another_form_says_nothing(body):
    found = read_outcomes(answer(body.encode(), "application/dicom+json"), ["1"])
    assert found == {"1": ("failed", "the server does not say what became of it")}


def test_a_web_page_is_no_store_response():
    with pytest.raises(MediaTypeMismatch):
        read_outcomes(answer(b"<html>", "text/html"), ["1"])


def post(root, headers, files, study, accept):
    body, content_type = multipart_body(files, "application/dicom")
    return requests.post(
        f"{root}/studies/{study}",
        data=body,
        headers={**headers, "Content-Type": content_type, "Accept": accept},
        timeout=30,
    )


@pytest.mark.parametrize("accept", ["application/dicom+json", "application/dicom+xml"])
def test_the_classroom_pacs_is_understood(tmp_path, accept):
    joe, ravi = (pydicom.dcmread(path, stop_before_pixels=True) for path in (JOE[0], RAVI[0]))
    files = [JOE[0].read_bytes(), RAVI[0].read_bytes(), b"no DICOM"]
    pacs = server.start(tmp_path, port=0)
    try:
        root, key = f"{pacs.url}/dicomweb", {"apikey": WORKSHOP_KEY}
        response = post(root, key, files, joe.StudyInstanceUID, accept)
    finally:
        pacs.stop()
    found = read_outcomes(response, [joe.SOPInstanceUID, ravi.SOPInstanceUID, "2.25.1"])
    assert found[joe.SOPInstanceUID] == ("stored", "")
    outcome, said = found[ravi.SOPInstanceUID]
    assert outcome == "failed" and "A901" in said and "it belongs to another study" in said
    outcome, said = found["2.25.1"]
    assert outcome == "failed" and "C000" in said and "part 3: it is not a DICOM file" in said


def test_orthanc_is_understood():
    uid = pydicom.dcmread(JOE[0], stop_before_pixels=True).SOPInstanceUID
    with orthanc_for_a_test() as orthanc:
        content = [JOE[0].read_bytes()]
        response = post(
            orthanc.dicomweb, orthanc.headers, content, "1.2.3", "application/dicom+json"
        )
    assert response.status_code == 409
    said = "the server failed while it stored it (code 0110)"
    assert read_outcomes(response, [uid]) == {uid: ("failed", said)}
