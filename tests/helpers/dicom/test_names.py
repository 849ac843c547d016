"""UIDs, keywords, tags, and how a file begins."""

import os
import subprocess
import sys

import pytest

from helpers.dicom.names import (
    creator_of,
    is_dicom,
    is_uid,
    may_be_dicom,
    path_of,
    require_uid,
    tag_of,
    vr_of,
    why_no_instance,
)
from helpers.errors import AttributeProblem

NO_UIDS = ("", ".", "..", "1.", ".1", "1..2", "1.2.", "1.2\n", " 1", "1.a", "../1", "1/2", "١.٢")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.2.840.10008.1.2", True),
        ("0", True),
        ("1" * 64, True),
        ("1" * 65, False),
        # The standard forbids the zero in front, and devices write it.
        ("1.02.840", True),
        *((text, False) for text in NO_UIDS),
    ],
)
def test_uid_is_numbers_and_dots(text, expected):
    assert is_uid(text) is expected


@pytest.mark.parametrize("text", [*NO_UIDS, "1" * 9999])
def test_what_is_no_uid_becomes_no_part_of_a_url(text):
    assert require_uid("1.2", "StudyInstanceUID") == "1.2"
    with pytest.raises(AttributeProblem, match="This StudyInstanceUID is malformed") as caught:
        require_uid(text, "StudyInstanceUID")
    assert len(caught.value.came) < 100


@pytest.mark.parametrize("name", ["0010001", "001000100", "0010-010", "FADE"])
def test_a_tag_has_eight_hexadecimal_digits(name):
    assert tag_of("7fe00010") == tag_of("(7FE0,0010)") == tag_of("(7fe0, 0010)") == "7FE00010"
    with pytest.raises(AttributeProblem) as caught:
        tag_of(name)
    assert caught.value.came == name


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("PatientsName", "Did you mean PatientName?"),
        ("patientid", "Did you mean PatientID?"),
        ("xyzzy", "PS3.6 lists all keywords."),
        ("", "PS3.6 lists all keywords."),
    ],
)
def test_an_attribute_that_dicom_does_not_know(name, hint):
    for look_up in (tag_of, path_of):
        with pytest.raises(AttributeProblem) as caught:
            look_up(name)
        assert (caught.value.came, caught.value.hint) == (name, hint)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("PatientName", ("00100010",)),
        ("00400275.ScheduledProcedureStepID", ("00400275", "00400009")),
        ("00091001", ("00091001",)),
        # PS3.6 lists overlays and curves as (60xx,0010) and (50xx,0005).
        ("60000010", ("60000010",)),
        ("601e3000", ("601E3000",)),
        ("50020005", ("50020005",)),
    ],
)
def test_the_path_of_what_a_query_names(name, path):
    assert path_of(name) == path


@pytest.mark.parametrize("name", ["00100011", "60000099", "(0010,0010)", ".PatientName", "0010001"])
def test_a_query_names_what_the_dictionary_knows(name):
    with pytest.raises(AttributeProblem):
        path_of(name)


@pytest.mark.parametrize(
    ("tag", "vr"),
    [
        ("00100010", "PN"),
        ("00280106", "US"),  # or SS: something else in the data set decides
        ("60000010", "US"),
        ("00091001", "LO"),
    ],
)
def test_the_dictionary_has_a_vr_for_each_tag(tag, vr):
    assert vr_of(tag) == vr


@pytest.mark.parametrize(
    ("tag", "creator"), [("00091001", "00090010"), ("00090010", None), ("00100010", None)]
)
def test_who_reserved_a_private_attribute(tag, creator):
    assert creator_of(tag) == creator


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (bytes(128) + b"DICM", True),
        (b"II*\0" + bytes(124) + b"DICM\2", True),
        (b"DICM" + bytes(128), False),
        (bytes(128) + b"DIC", False),
        (b"", False),
    ],
)
def test_a_file_says_what_it_is(tmp_path, content, expected):
    (tmp_path / "x").write_bytes(content)
    assert is_dicom(content) is expected
    assert why_no_instance(content) == ("" if expected else "it is not a DICOM file")
    assert may_be_dicom(tmp_path / "x") is expected


def test_a_file_that_cannot_be_read_may_be_dicom(tmp_path):
    assert may_be_dicom(tmp_path / "nowhere")


def test_the_server_is_started_without_what_only_notebooks_need():
    code = (
        "import sys, classroom.pacs.server, helpers.dicom.names, helpers.dicom.json_model, "
        "helpers.dicom.native_model; "
        "print([name for name in ('pandas', 'IPython', 'matplotlib', 'ipywidgets') "
        "if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    found = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
    )
    assert found.stdout == "[]\n"
