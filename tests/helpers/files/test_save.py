import errno
import io
import shutil
import subprocess
import sys
from pathlib import Path

import pydicom
import pytest
import requests
from tqdm import tqdm

from helpers import attributes, datasets
from helpers.errors import (
    AttributeProblem,
    ConnectionCut,
    FileConflict,
    HTTPProblem,
    LimitExceeded,
    MediaTypeMismatch,
    SaveError,
    TruncatedMultipart,
    UnsafeName,
    WorkbookError,
)
from helpers.files import save
from helpers.files.save import save_instances
from helpers.web import limits
from tests import archive
from tests.answers import answer, multipart_body, saying
from tests.tools import needs_tool

RAVI = archive.RAVI[:3]
CONTENTS = [path.read_bytes() for path in RAVI]


def study():
    return answer(*multipart_body(CONTENTS, "application/dicom"))


def named(uid):
    """Return a DICOM file whose SOP Instance UID is this text."""
    content = CONTENTS[0]
    own = str(pydicom.dcmread(RAVI[0]).SOPInstanceUID).encode()
    place = content.rindex(own)
    length = place - 2
    padded = uid.encode() + b"\0" * (len(uid) % 2)
    end = place + len(own) + len(own) % 2
    return content[:length] + len(padded).to_bytes(2, "little") + padded + content[end:]


def test_the_files_are_the_instances_byte_for_byte(tmp_path, capsys):
    paths = save_instances(study(), tmp_path / "new" / "folder")
    assert [path.read_bytes() for path in paths] == CONTENTS
    assert [path.stem for path in paths] == [pydicom.dcmread(path).SOPInstanceUID for path in RAVI]
    assert sorted(paths[0].parent.iterdir()) == sorted(paths)
    assert capsys.readouterr().out == f"3 instances saved: {sum(map(len, CONTENTS)):,} bytes\n"


def test_the_bar_is_full_when_all_is_there(tmp_path, monkeypatch):
    bars = []

    class Bar(tqdm):
        def __init__(self, **options):
            super().__init__(**options, disable=False, file=io.StringIO())
            bars.append(self)

    monkeypatch.setattr("helpers.files.save.tqdm", Bar)
    response = study()
    response.headers["Content-Length"] = "999999999"
    save_instances(response, tmp_path)
    assert bars[0].n == bars[0].total == sum(map(len, CONTENTS))


def test_a_single_instance(tmp_path):
    (path,) = save_instances(answer(CONTENTS[0], "application/dicom"), tmp_path)
    assert path.read_bytes() == CONTENTS[0]


def test_nothing_to_save(tmp_path, capsys):
    assert save_instances(answer(status=204), tmp_path) == []
    assert capsys.readouterr().out == "0 instances saved: 0 bytes\n"


def test_saving_again_changes_nothing(tmp_path):
    first = save_instances(study(), tmp_path)
    times = [path.stat().st_mtime_ns for path in first]
    assert save_instances(study(), tmp_path) == first
    assert [path.stat().st_mtime_ns for path in first] == times


def test_another_file_of_that_name_is_kept(tmp_path):
    (path,) = save_instances(answer(CONTENTS[0], "application/dicom"), tmp_path)
    path.write_bytes(b"my own notes")
    with pytest.raises(FileConflict, match="overwrite=True"):
        save_instances(study(), tmp_path)
    assert path.read_bytes() == b"my own notes"
    assert list(tmp_path.iterdir()) == [path]


def test_two_instances_of_one_uid_are_not_made_one(tmp_path):
    """Whoever asks to replace files of before does not mean this."""
    another = CONTENTS[0][:-1] + bytes([CONTENTS[0][-1] ^ 1])
    body = multipart_body([CONTENTS[0], CONTENTS[0], another], "application/dicom")
    with pytest.raises(FileConflict, match="Two instances") as caught:
        save_instances(answer(*body), tmp_path, overwrite=True)
    assert "overwrite" not in caught.value.hint
    assert [path.read_bytes() for path in tmp_path.iterdir()] == CONTENTS[:1]


def test_a_tilde_is_home_and_no_folder_of_that_name(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (path,) = save_instances(answer(CONTENTS[0], "application/dicom"), "~/joe")
    assert path.parent == tmp_path / "joe"


def test_it_is_replaced_if_asked_for(tmp_path):
    (path,) = save_instances(answer(CONTENTS[0], "application/dicom"), tmp_path)
    path.write_bytes(b"my own notes")
    save_instances(answer(CONTENTS[0], "application/dicom"), tmp_path, overwrite=True)
    assert path.read_bytes() == CONTENTS[0]


@pytest.mark.parametrize(
    "uid",
    ["../../escape", "/etc/passwd", "..", ".", "1..2", "1.2.", "1" * 65, "1.2\n", "con", "", "١.٢"],
)
def test_a_uid_that_must_not_become_a_file_name(tmp_path, uid):
    folder = tmp_path / "a" / "b"
    with pytest.raises((UnsafeName, AttributeProblem)):
        save_instances(answer(named(uid), "application/dicom"), folder)
    assert list(folder.iterdir()) == []
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "a", folder]


def test_what_is_no_answer_is_called_that_and_leaves_no_folder(tmp_path):
    with pytest.raises(WorkbookError, match="not the answer of a server"):
        save_instances("text", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_part_that_is_no_dicom_file(tmp_path):
    body, content_type = multipart_body([CONTENTS[0], b"<html>"], "application/dicom")
    with pytest.raises(AttributeProblem):
        save_instances(answer(body, content_type), tmp_path)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [CONTENTS[0]]


def test_a_cut_body_keeps_what_came_whole(tmp_path):
    body, content_type = multipart_body(CONTENTS, "application/dicom")
    with pytest.raises(TruncatedMultipart) as caught:
        save_instances(answer(body[: -len(CONTENTS[2]) // 2], content_type), tmp_path)
    assert "2 instances came whole" in str(caught.value)
    assert sorted(path.read_bytes() for path in tmp_path.iterdir()) == sorted(CONTENTS[:2])


@pytest.mark.parametrize("length", [True, False], ids=["Content-Length", "until it closes"])
def test_a_connection_that_breaks_keeps_what_came_whole(tmp_path, length):
    body, content_type = multipart_body(CONTENTS, "application/dicom")
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n"
    head += f"Content-Length: {len(body)}\r\n\r\n" if length else "Connection: close\r\n\r\n"
    with (
        saying(head.encode(), body[:-1000]) as url,
        requests.get(url, stream=True, timeout=5) as response,
        pytest.raises((ConnectionCut, TruncatedMultipart)) as caught,
    ):
        save_instances(response, tmp_path)
    assert isinstance(caught.value, ConnectionCut if length else TruncatedMultipart)
    assert "2 instances came whole" in str(caught.value)
    assert sorted(path.read_bytes() for path in tmp_path.iterdir()) == sorted(CONTENTS[:2])


def test_a_single_instance_that_is_cut_leaves_no_file(tmp_path):
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/dicom\r\nContent-Length: 9999999\r\n\r\n"
    with (
        saying(head, CONTENTS[0]) as url,
        requests.get(url, stream=True, timeout=5) as response,
        pytest.raises(ConnectionCut),
    ):
        save_instances(response, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_keeps_what_came_whole(tmp_path, monkeypatch):
    copy, remove, opened = shutil.copyfileobj, Path.unlink, []

    def filling(source, file, *size):
        opened.append(file)
        if len(opened) > 2:
            file.write(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        copy(source, file, *size)

    def unlink(path, **options):
        # Windows cannot remove a file that is open.
        assert opened[-1].closed
        remove(path, **options)

    monkeypatch.setattr(shutil, "copyfileobj", filling)
    monkeypatch.setattr(Path, "unlink", unlink)
    with pytest.raises(SaveError, match="room") as caught:
        save_instances(study(), tmp_path)
    assert caught.value.came == "No space left on device; 2 instances came whole and stayed"
    assert sorted(path.read_bytes() for path in tmp_path.iterdir()) == sorted(CONTENTS[:2])


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(SaveError, match="may write to") as caught:
        save_instances(study(), tmp_path / "notes")
    assert "0 instances" in caught.value.came and "notes" in caught.value.problem
    assert (tmp_path / "notes").read_text() == "mine"


@pytest.mark.parametrize("length", ["soon", "7, 7", "-1"])
def test_a_length_that_is_none_does_no_harm(tmp_path, length):
    response = study()
    response.headers["Content-Length"] = length
    assert len(save_instances(response, tmp_path)) == 3


def test_an_error_status_saves_nothing(tmp_path):
    with pytest.raises(HTTPProblem):
        save_instances(answer(status=404), tmp_path / "folder")


@pytest.mark.parametrize("kind", ["text/html", "application/dicom+json", None])
def test_what_is_not_dicom_is_named(tmp_path, kind):
    with pytest.raises(MediaTypeMismatch) as caught:
        save_instances(answer(b"[]", kind), tmp_path)
    assert caught.value.came == (kind or "an answer without a Content-Type")


@needs_tool("dcmdump", "dcmtk")
@needs_tool("dciodvfy", "dicom3tools")
def test_other_software_reads_what_was_saved(tmp_path):
    body, content_type = multipart_body(
        [path.read_bytes() for path in archive.JOE], "application/dicom"
    )
    for path in save_instances(answer(body, content_type), tmp_path):
        dump = subprocess.run(
            ["dcmdump", "+P", "SOPInstanceUID", path], capture_output=True, text=True
        )
        assert path.stem in dump.stdout
        verified = subprocess.run(["dciodvfy", path], capture_output=True, text=True)
        assert "Error" not in verified.stderr


def test_a_disk_is_not_filled(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "FREE_BYTES", shutil.disk_usage(tmp_path).free * 2)
    with pytest.raises(LimitExceeded, match="nearly full") as caught:
        save_instances(study(), tmp_path)
    assert "stay free" in caught.value.expected and "0 instances came whole" in caught.value.came
    assert list(tmp_path.iterdir()) == []


def deflated(size):
    """Return a DICOM file whose data set has so many bytes more, deflated."""
    dataset = pydicom.dcmread(RAVI[0], stop_before_pixels=True)
    dataset.add_new("EncapsulatedDocument", "OB", bytes(size))
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    file = io.BytesIO()
    dataset.save_as(file)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["multipart/related", "application/dicom"])
@pytest.mark.parametrize("read", [datasets, attributes, save_instances])
def test_a_deflated_data_set_has_a_limit(tmp_path, monkeypatch, kind, read):
    monkeypatch.setattr(limits, "PIXEL_BYTES", 1 << 20)
    options = {"folder": tmp_path} if read is save_instances else {}
    for size, is_taken in ((1 << 19, True), (1 << 24, False)):
        file = deflated(size)
        assert len(file) < 100_000
        response = answer(file, kind)
        if kind != "application/dicom":
            response = answer(*multipart_body([file], "application/dicom"))
        if is_taken:
            assert len(read(response, **options)) == 1
        else:
            with pytest.raises(LimitExceeded, match="deflated DICOM object"):
                read(response, **options)


def test_an_interrupt_at_any_moment_leaves_no_unfinished_file(tmp_path):
    """Ctrl-C before each line of what writes a file."""
    code = save._save.__code__
    lines = sorted({line for *_, line in code.co_lines() if line} - {code.co_firstlineno})
    source = Path(save.__file__).read_text(encoding="utf-8").splitlines()
    cleaning = next(line for line in lines if "unlink" in source[line - 1])
    interrupted = 0

    for wanted in [line for line in lines if line < cleaning]:

        def interrupt(frame, event, _, wanted=wanted):
            if frame.f_code is code and event == "line" and frame.f_lineno == wanted:
                raise KeyboardInterrupt
            return interrupt

        folder = tmp_path / str(wanted)
        before = sys.gettrace()
        sys.settrace(interrupt)
        try:
            save_instances(study(), folder)
        except KeyboardInterrupt:
            interrupted += 1
        finally:
            sys.settrace(before)
        left = list(folder.iterdir())
        assert all(path.suffix == ".dcm" and path.read_bytes() in CONTENTS for path in left)
    assert interrupted > 6
