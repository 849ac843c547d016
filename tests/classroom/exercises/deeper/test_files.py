"""The exercises of deeper/files: their solutions, and what a wrong answer is told."""

import base64
from pathlib import Path

import pydicom
import pytest
from matplotlib import pyplot
from pydicom.uid import generate_uid

from classroom.exercises.deeper.files import (
    EMPTIED,
    NOTEBOOK,
    REMOVED,
    REPLACED,
    deidentify,
    find_bulk_data,
    know_dicom,
    verify_study,
)
from tests.classroom.exercises.deeper.lesson import names_at_the_exercises, starter

EXERCISES = [know_dicom, find_bulk_data, verify_study, deidentify]


def refused(exercise, *answer):
    """Return the words of "not yet" for a wrong answer."""
    note = exercise.judge(*answer)
    assert note.title == "Not yet", note
    return note.text


@pytest.fixture(scope="module")
def names():
    found = names_at_the_exercises(NOTEBOOK)
    pyplot.close("all")
    return found


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_each_begins_untouched_and_its_solution_is_right(exercise, names, capsys):
    exec(starter(NOTEBOOK, exercise), names)
    assert capsys.readouterr().out.startswith("Not attempted.")
    exec(exercise.code, names)
    assert "Right." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("is_dicom", "words"),
    [
        (lambda content: content[:132] == bytes(128) + b"DICM", "the preamble of a TIFF"),
        (lambda content: b"DICM" in content, "begins with the four letters"),
        (lambda content: content[128:132], "True or False"),
        (lambda content: content[128] == 68, "IndexError"),
    ],
)
def test_a_file_that_is_none(is_dicom, words):
    assert words in refused(know_dicom, is_dicom)


def uris(metadata):
    return {tag: item["BulkDataURI"] for tag, item in metadata.items() if "BulkDataURI" in item}


def letters(metadata):
    inline = {tag: item for tag, item in metadata.items() if "InlineBinary" in item}
    return uris(metadata) | {tag: item["InlineBinary"] for tag, item in inline.items()}


def without_value(metadata):
    return {tag: item.get("BulkDataURI") for tag, item in metadata.items() if "Value" not in item}


@pytest.mark.parametrize(
    ("bulk_data", "words"),
    [
        (uris, "the keys [] for a data set with InlineBinary"),
        (letters, "The value is the text"),
        (without_value, "has the keys"),
        (lambda metadata: list(uris(metadata)), "a dictionary for"),
    ],
)
def test_bulk_data_in_one_form_only(bulk_data, words):
    assert words in refused(find_bulk_data, bulk_data)


def test_inline_binary_is_bytes_as_pydicom_reads_them():
    """The form that the exercise calls right is that of another reader."""
    element = {"vr": "OW", "InlineBinary": base64.b64encode(bytes(range(8))).decode()}
    read = pydicom.Dataset.from_json({"7FE00010": element})
    assert read.PixelData == bytes(range(8))


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        (lambda folder, uid: set(), "0 missing instances for a folder that lacks one"),
        (lambda folder, uid: {path.name for path in Path(folder).iterdir()}, "with every instance"),
        (lambda folder, uid: len(list(Path(folder).iterdir())), "a set of UIDs"),
        (lambda folder, uid: [pydicom.dcmread(path) for path in Path(folder).iterdir()], "Invalid"),
    ],
)
def test_missing_instances_that_are_not(missing, words):
    assert words in refused(verify_study, missing)


def cleaned(dataset, **instead):
    """Do what the exercise asks for, by another way than its solution."""
    for keyword in EMPTIED:
        if keyword in dataset:
            setattr(dataset, keyword, "")
    for keyword in REMOVED:
        dataset.pop(keyword, None)
    for keyword in REPLACED:
        old = dataset[keyword].value
        setattr(dataset, keyword, generate_uid(entropy_srcs=["a test", old]))
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.remove_private_tags()
    dataset.PatientIdentityRemoved = "YES"
    for keyword, value in instead.items():
        if value is None:
            del dataset[keyword]
        else:
            setattr(dataset, keyword, value)
    return dataset


def test_a_clean_file():
    assert deidentify.judge(cleaned).title == "Right"


@pytest.mark.parametrize(
    ("instead", "words"),
    [
        ({"PatientName": "Joe"}, "PatientName still has a value"),
        ({"PatientAge": "060Y"}, "PatientAge still has a value"),
        ({"PatientAge": ""}, "PatientAge is to be removed"),
        ({"StudyDate": None}, "StudyDate is to be empty, and it is gone"),
        ({"SOPInstanceUID": ""}, "that is no UID"),
        ({"SOPInstanceUID": "2.25.1"}, "names another instance"),
        ({"PatientIdentityRemoved": "NO"}, "Nothing says"),
        ({"PixelData": b"\0\0"}, "The pixels are not the same"),
        ({"Rows": 1}, "Rows says nothing of a patient"),
    ],
)
def test_a_file_that_is_not_clean(instead, words):
    assert words in refused(deidentify, lambda dataset: cleaned(dataset, **instead))


def test_a_file_with_private_attributes_is_not_clean():
    def clean(dataset):
        kept = dataset.private_block(0x0009, "A MACHINE")[1]
        cleaned(dataset)
        dataset.private_block(0x0009, "A MACHINE", create=True).add_new(1, "LO", kept.value)
        return dataset

    assert "private attributes" in refused(deidentify, clean)


def test_a_study_that_falls_apart_is_not_one():
    def clean(dataset):
        return cleaned(dataset, StudyInstanceUID=generate_uid())

    assert "StudyInstanceUID was the same" in refused(deidentify, clean)


def test_a_uid_that_stays_leads_back():
    def clean(dataset):
        return cleaned(dataset, FrameOfReferenceUID=dataset.FrameOfReferenceUID)

    assert "FrameOfReferenceUID is still the old one" in refused(deidentify, clean)


def test_nothing_done_and_nothing_given_back():
    assert "PatientName still has a value" in refused(deidentify, lambda dataset: dataset)
    assert "None" in refused(deidentify, lambda dataset: None)
