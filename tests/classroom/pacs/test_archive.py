"""Which files are served, and how they are read."""

import builtins
import errno
import json
import logging
import os
import threading
from functools import partial

import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage, generate_uid

from classroom.pacs.archive import Archive
from classroom.pacs.folder import read_archive
from classroom.pacs.instance import NotServed, read_instance
from helpers.errors import ArchiveError
from tests.archive import FILES, FOLDER, JOE, ONE_OF_EACH_KIND
from tests.classroom.pacs.variants import ANDY, REPORT, dcmtk, needs_dcmtk, variant


def copy(folder, name, source=JOE[0], **changes):
    """Write a changed copy of a file; None deletes an attribute."""
    dataset = pydicom.dcmread(source)
    for keyword, value in changes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            dataset[keyword].value = value
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    dataset.save_as(path)
    return path


def unknown_syntax(path):
    """Write a file in a transfer syntax that nobody knows."""
    dataset = pydicom.dcmread(JOE[0])
    dataset.file_meta.TransferSyntaxUID = "1.2.3"
    dataset.save_as(path, implicit_vr=False, little_endian=True)


def dicomdir(path):
    """Write the list of files that a disc has."""
    dataset = pydicom.Dataset()
    dataset.FileSetID = "DISC"
    dataset.DirectoryRecordSequence = []
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.save_as(path, enforce_file_format=True)


def test_shipped_archive_is_served_whole():
    archive = read_archive(FOLDER)
    assert len(archive) == len(FILES)
    assert archive.skipped == []
    served = {i.path for study in archive.studies.values() for i in study.instances}
    assert served == set(FILES)


@pytest.mark.parametrize(
    "name", ["IM0001", "deep/UPPER.DCM", "IM0001.IMA", "1.2.840.113619.2.5", "a.dicom"]
)
def test_files_of_any_name_that_hold_dicom_are_served(tmp_path, name):
    path = copy(tmp_path, name)
    archive = read_archive(tmp_path)
    assert (len(archive), archive.skipped) == (1, [])
    assert archive.path(pydicom.dcmread(path).SOPInstanceUID) == path


def test_other_files_are_passed_over_in_silence(tmp_path):
    for name in ("README", "README.md", ".DS_Store", "Thumbs.db", ".gitkeep", "notes.txt"):
        (tmp_path / name).write_text("not DICOM, and nobody said it was")
    (tmp_path / "empty").touch()
    (tmp_path / "folder.dcm").mkdir()
    archive = read_archive(tmp_path)
    assert (len(archive), archive.skipped) == (0, [])


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda d: (d / "x.dcm").write_text("hello"), "not a DICOM file"),
        (lambda d: (d / "x.dcm").touch(), "not a DICOM file"),
        (lambda d: copy(d, "x.dcm", StudyInstanceUID=None), "no Study Instance UID"),
        (lambda d: copy(d, "x.dcm", SeriesInstanceUID=""), "no Series Instance UID"),
        (lambda d: (d / "x.dcm").write_bytes(JOE[0].read_bytes()[:-1]), "cut short"),
        (lambda d: (d / "x.dcm").write_bytes(bytes(128) + b"DICM"), "no attributes"),
        (lambda d: unknown_syntax(d / "x.dcm"), "Transfer Syntax UID is unknown: 1.2.3"),
        (lambda d: dicomdir(d / "x.dcm"), "it is a DICOMDIR"),
        (lambda d: copy(d, "x.dcm", SamplesPerPixel=None), "no Samples per Pixel"),
        (lambda d: copy(d, "x.dcm", PhotometricInterpretation=""), "no Photometric Interpretation"),
        (lambda d: copy(d, "x.dcm", BitsStored=None), "no Bits Stored"),
        (lambda d: copy(d, "x.dcm", Rows=0), "Rows cannot be 0"),
        (lambda d: copy(d, "x.dcm", Columns=0), "Columns cannot be 0"),
        (lambda d: copy(d, "x.dcm", BitsAllocated=12), "Bits Allocated cannot be 12"),
        (lambda d: copy(d, "x.dcm", BitsStored=17), "Bits Stored cannot be 17"),
        (lambda d: copy(d, "x.dcm", ANDY, NumberOfFrames=-3), "Number of Frames cannot be -3"),
        (lambda d: copy(d, "x.dcm", ANDY, NumberOfFrames=25), "24 fragments, too few for 25"),
        (lambda d: copy(d, "x.dcm", Rows=601), "614400 bytes, and its frames need 615424"),
    ],
)
def test_bad_file_is_skipped_with_a_line_that_says_which_and_why(tmp_path, make, reason):
    make(tmp_path)
    copy(tmp_path, "good.dcm", JOE[1])
    archive = read_archive(tmp_path)
    assert len(archive) == 1
    [line] = archive.skipped
    assert "x.dcm" in line and reason in line
    assert "\n" not in line


@pytest.mark.parametrize("items", [[], [pydicom.Dataset()]])
def test_file_may_end_with_a_sequence_of_nothing(tmp_path, items):
    dataset = pydicom.dcmread(REPORT)
    dataset.DigitalSignaturesSequence = items
    # One of a known length is not read before it is asked for.
    dataset["DigitalSignaturesSequence"].is_undefined_length = True
    dataset.save_as(tmp_path / "signed.dcm")
    assert read_archive(tmp_path).skipped == []


@pytest.mark.skipif(os.name == "nt", reason="on Windows not everybody may make links")
@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("nowhere", "cannot be read"),
        ("x.dcm", "cannot be read"),
        (".", "links are not followed"),
        ("good.dcm", "its SOP Instance UID"),
    ],
)
def test_link_that_is_not_served_is_named(tmp_path, target, reason):
    good = copy(tmp_path, "good.dcm", JOE[1])
    (tmp_path / "x.dcm").symlink_to(target)
    archive = read_archive(tmp_path)
    assert [i.path for study in archive.studies.values() for i in study.instances] == [good]
    [line] = archive.skipped
    assert line.startswith(f"{tmp_path / 'x.dcm'}: ") and reason in line


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes")
def test_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.dcm")
    assert read_archive(tmp_path).skipped == []


@pytest.mark.parametrize("locked", ["folder", "folder/IM0001", "folder/x.dcm"])
def test_what_must_not_be_read_is_named(tmp_path, monkeypatch, locked):
    """No bits of permission stop an administrator, so the system's own functions refuse here."""

    def refuse(path, *options, real, **more):
        if path == tmp_path / locked or path == str(tmp_path / locked):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, *options, **more)

    copy(tmp_path, "folder/IM0001", JOE[0])
    copy(tmp_path, "folder/x.dcm", JOE[1])
    monkeypatch.setattr(os, "scandir", partial(refuse, real=os.scandir))
    monkeypatch.setattr("builtins.open", partial(refuse, real=open))
    archive = read_archive(tmp_path)
    [line] = archive.skipped
    assert line.startswith(f"{tmp_path / locked}: it cannot be read (")
    assert "Permission denied" in line
    assert len(archive) == (0 if locked == "folder" else 1)


@pytest.mark.skipif(os.name == "nt", reason="there os.path asks Windows itself")
def test_folder_that_may_be_listed_but_not_entered_is_no_obstacle(tmp_path, monkeypatch):
    def refuse(path, *options, real, **more):
        if str(path).startswith(str(tmp_path / "folder") + os.sep):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, *options, **more)

    names = ["IM0001", "sub", "x.dcm"]
    copy(tmp_path, "folder/IM0001", JOE[0])
    copy(tmp_path, "folder/x.dcm", JOE[1])
    (tmp_path / "folder" / "sub").mkdir()
    for module, function in [(os, "stat"), (os, "lstat"), (os, "scandir"), (builtins, "open")]:
        monkeypatch.setattr(module, function, partial(refuse, real=getattr(module, function)))
    archive = read_archive(tmp_path)
    assert len(archive) == 0
    told = [f"{tmp_path / 'folder' / name}: it cannot be read (" for name in names]
    assert [line.partition("(")[0] + "(" for line in sorted(archive.skipped)] == told
    with pytest.raises(ArchiveError, match="you may open it"):
        read_archive(tmp_path / "folder" / "sub")


def test_malformed_uid_is_skipped(tmp_path):
    content = JOE[0].read_bytes()
    uid = pydicom.dcmread(JOE[0]).StudyInstanceUID.encode()
    (tmp_path / "x.dcm").write_bytes(content.replace(uid, b"../" + uid[3:]))
    [line] = read_archive(tmp_path).skipped
    assert "Study Instance UID is malformed" in line


def test_second_file_with_the_same_uid_is_skipped(tmp_path):
    copy(tmp_path, "a.dcm")
    copy(tmp_path, "b.dcm", StudyInstanceUID="1.2.3")
    archive = read_archive(tmp_path)
    [line] = archive.skipped
    assert "b.dcm: " in line and "a.dcm" in line and "SOP Instance UID" in line
    assert list(archive.studies) == [pydicom.dcmread(JOE[0]).StudyInstanceUID]


@pytest.mark.parametrize("path", ONE_OF_EACH_KIND, ids=lambda path: path.name)
def test_value_that_is_cut_is_never_served(tmp_path, path):
    content = path.read_bytes()
    whole = read_instance(path).attributes
    cut = tmp_path / "cut.dcm"
    for size in range(0, min(len(content), 2500), 7):
        cut.write_bytes(content[:size])
        try:
            served = read_instance(cut).attributes
        except NotServed as reason:
            assert "\n" not in str(reason) and str(reason)
        else:
            # A cut between two attributes leaves a shorter data set that is as good as any.
            assert all(whole[tag] == served[tag] for tag in served)


@pytest.mark.parametrize("path", [p for p in ONE_OF_EACH_KIND if p.name[:2] in ("US", "MR", "CT")])
@pytest.mark.parametrize("missing", [1, 8, 9, 1000])
def test_pixels_cut_short_are_noticed(tmp_path, path, missing):
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(path.read_bytes()[:-missing])
    with pytest.raises(NotServed, match="cut short"):
        read_instance(cut)


@needs_dcmtk
@pytest.mark.parametrize("way", ["implicit", "big endian", "deflated"])
def test_attributes_do_not_depend_on_the_transfer_syntax(tmp_path, way):
    dataset = pydicom.dcmread(JOE[0])
    dataset.add_new("RedPaletteColorLookupTableData", "OW", b"\x01\x00\x02\x00")
    dataset.save_as(tmp_path / "one.dcm")
    one = read_instance(tmp_path / "one.dcm")
    other = read_instance(variant(tmp_path / "one.dcm", way, tmp_path))
    assert one.transfer_syntax != other.transfer_syntax
    assert one.attributes == other.attributes
    assert other.attributes["00281201"]["InlineBinary"] == "AQACAA=="


@needs_dcmtk
def test_group_lengths_are_no_attributes(tmp_path):
    dcmtk("dcmconv", "+g", JOE[0], tmp_path / "lengths.dcm")
    assert 0x00080000 in pydicom.dcmread(tmp_path / "lengths.dcm")
    lengths = read_instance(tmp_path / "lengths.dcm")
    assert lengths.attributes == read_instance(JOE[0]).attributes


def test_attributes_are_json_even_when_numbers_are_not(tmp_path):
    dataset = pydicom.dcmread(JOE[0])
    dataset.add_new("RealWorldValueSlope", "FD", [1.5, float("nan"), float("inf")])
    dataset.save_as(tmp_path / "x.dcm")
    attributes = read_instance(tmp_path / "x.dcm").attributes
    assert attributes["00409225"]["Value"] == [1.5, "nan", "inf"]
    json.dumps(attributes, allow_nan=False)


def test_decimal_string_that_is_no_number_is_a_text(tmp_path):
    content = JOE[0].read_bytes()
    broken = content.replace(b"\x28\x00\x53\x10DS\x02\x001 ", b"\x28\x00\x53\x10DS\x04\x00NaN ")
    assert broken != content
    (tmp_path / "x.dcm").write_bytes(broken)
    attributes = read_instance(tmp_path / "x.dcm").attributes
    assert attributes["00281053"] == {"vr": "DS", "Value": ["NaN"]}
    json.dumps(attributes, allow_nan=False)


def test_text_in_another_character_set_becomes_unicode(tmp_path):
    dataset = pydicom.dcmread(JOE[0])
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.PatientName = "Müller^Zoë"
    dataset.save_as(tmp_path / "x.dcm")
    attributes = read_instance(tmp_path / "x.dcm").attributes
    assert attributes["00100010"]["Value"] == [{"Alphabetic": "Müller^Zoë"}]
    assert attributes["00080005"]["Value"] == ["ISO_IR 192"]


def test_one_impossible_value_does_not_cost_the_file(tmp_path):
    content = JOE[0].read_bytes()
    number = pydicom.dcmread(JOE[0])["InstanceNumber"]
    assert number.value == 1
    broken = content.replace(b"\x20\x00\x13\x00IS\x02\x001 ", b"\x20\x00\x13\x00IS\x02\x00x ")
    assert broken != content
    (tmp_path / "x.dcm").write_bytes(broken)
    instance = read_instance(tmp_path / "x.dcm")
    assert instance.value("InstanceNumber") == "x"
    # It stands where those without a number stand.
    none = read_instance(copy(tmp_path, "no.dcm", SOPInstanceUID="1.2", InstanceNumber=None))
    archive = Archive([instance, none, read_instance(JOE[1])])
    found = [instance.path.name for instance in archive.find(instance.study)]
    assert found == [JOE[1].name, "no.dcm", "x.dcm"]
    assert instance.value("Modality") == "CT"


def test_reading_does_not_warn_or_log(tmp_path, caplog, recwarn):
    copy(tmp_path, "x.dcm")
    content = (tmp_path / "x.dcm").read_bytes()
    (tmp_path / "x.dcm").write_bytes(content.replace(b"CT Chest Routine", b"CT\x07Chest Routine"))
    with caplog.at_level(logging.WARNING):
        assert len(read_archive(tmp_path)) == 1
    assert not caplog.records and not recwarn


def test_missing_folder_is_one_clear_sentence(tmp_path):
    with pytest.raises(ArchiveError, match="There is no folder"):
        read_archive(tmp_path / "nowhere")


def test_instances_added_later_are_seen_at_once_and_by_earlier_readers_not():
    archive = Archive([read_instance(JOE[1])])
    before = archive.studies
    archive.add([read_instance(path) for path in FILES if path not in JOE[1:]])
    assert len(before) == 1
    assert [len(study.instances) for study in before.values()] == [1]
    assert len(archive.studies) == 8
    [joe] = [study for study in archive.studies.values() if study.uid in before]
    assert [instance.path for instance in joe.instances] == JOE
    assert joe.attributes["00201208"]["Value"] == [2]


@pytest.mark.parametrize("same_series", [True, False])
def test_instance_added_later_does_not_rename_its_study_or_series(tmp_path, same_series):
    archive = read_archive(FOLDER / "joe")
    [study] = archive.studies.values()
    [series] = study.series.values()
    changes = {"PatientName": "LESSON^Joe", "SeriesDescription": "Other", "InstanceNumber": 0}
    other = {} if same_series else {"SeriesInstanceUID": "1.2", "SeriesNumber": 0}
    # In the order of its numbers it comes first.
    path = copy(tmp_path, "late.dcm", SOPInstanceUID="1.2.3", **changes, **other)
    assert archive.add([read_instance(path)]) == []
    [grown] = archive.studies.values()
    assert grown.instances[0].uid == "1.2.3"
    assert grown.attributes["00100010"] == study.attributes["00100010"]
    assert grown.series[series.uid].attributes["0008103E"] == series.attributes["0008103E"]
    counts = {"00201208": 3, "00201206": 1 if same_series else 2}
    assert {tag: grown.attributes[tag]["Value"] for tag in counts} == {
        tag: [count] for tag, count in counts.items()
    }


def test_two_that_add_the_same_instance_at_once_add_it_once():
    archive = Archive()
    instance = read_instance(JOE[0])
    left_out = []
    rival = threading.Thread(target=lambda: left_out.extend(archive.add([instance])))

    def slowly():
        rival.start()
        rival.join(0.3)  # It has to wait until the first one is done, so this waits in vain.
        yield instance

    left_out.extend(archive.add(slowly()))
    rival.join()
    assert left_out == [instance]
    assert len(archive) == 1
