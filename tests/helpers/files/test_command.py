"""The command: `python -m helpers.files`."""

import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pandas
import pytest

from helpers.files import __main__ as store
from tests import archive
from tests.answers import saying
from tests.classroom.pacs.test_archive import dicomdir
from tests.peers.orthanc import orthanc_for_a_test
from tests.storing import Archive, running_archive


@pytest.fixture(scope="module")
def server():
    with orthanc_for_a_test() as server:
        yield server


@pytest.fixture(autouse=True)
def settings(monkeypatch, server, tmp_path):
    monkeypatch.setenv("DICOMWEB_APIKEY", server.headers["apikey"])
    (tmp_path / "servers.toml").write_text(f'[mine]\ndicomweb = "{server.dicomweb}"\n')
    monkeypatch.setenv("DICOMWEB_SERVERS", str(tmp_path / "servers.toml"))


@pytest.fixture
def run(capsys):
    """Return a function that runs the command and gives its exit code, output and errors."""

    def command(*arguments):
        code = store.main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return command


def test_a_folder_is_stored_and_stored_again_nothing_is_sent(run):
    folder = archive.FOLDER / "ravi"
    code, output, errors = run(folder, "--to", "mine")
    assert (code, errors) == (0, "")
    assert "36 stored" in output
    code, output, _ = run(folder, archive.JOE[0], "--to", "mine", "--at-once", 1)
    assert code == 0
    assert "1 stored" in output and "36 there already" in output


def test_a_folder_may_hold_other_files(run, tmp_path):
    (tmp_path / "README.md").write_text("no DICOM")
    (tmp_path / "DICM").write_text("DICM, but not behind a preamble")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "image").write_bytes(archive.JOE[1].read_bytes())
    code, output, _ = run(tmp_path, "--to", "mine")
    assert code == 0
    # Two, and the file with the profile of the server.
    assert "not DICOM, and are left out: 3" in output
    assert re.search(r"^ +1 (stored|there already)$", output, re.MULTILINE)


def test_a_folder_with_nothing_to_store_is_not_a_success(run, tmp_path):
    (tmp_path / "notes").mkdir()
    code, _, errors = run(tmp_path / "notes", "--to", "mine")
    assert (
        code == 2 and f"nothing to store in {tmp_path / 'notes'}" in errors and "no file" in errors
    )
    (tmp_path / "notes" / "a.txt").write_text("no DICOM")
    code, _, errors = run(tmp_path / "notes", "--to", "mine")
    assert code == 2 and "only other files: 1" in errors


def test_the_list_of_a_disc_is_left_out_and_nothing_is_missing(run, tmp_path):
    disc = tmp_path / "disc"
    (disc / "sub").mkdir(parents=True)
    (disc / "IM0001").write_bytes(archive.JOE[0].read_bytes())
    dicomdir(disc / "DICOMDIR")
    (disc / "sub" / "x.dcm").write_text("no DICOM")
    code, output, errors = run(disc, "--to", "mine")
    assert (code, errors) == (0, "")
    assert f"left out: {disc / 'DICOMDIR'}: it is a DICOMDIR" in output
    assert f"left out: {disc / 'sub' / 'x.dcm'}: it is not a DICOM file" in output
    # As a shell names all that is on a disc.
    code, output, errors = run(disc / "DICOMDIR", archive.JOE[0], "--to", "mine")
    assert (code, errors) == (0, "") and "it is a DICOMDIR" in output
    code, _, errors = run(disc / "DICOMDIR", "--to", "mine")
    assert code == 2 and "nothing to store" in errors and "only other files: 1" in errors


def test_a_file_of_which_nobody_knows_what_it_is_is_tried(run, tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    path = tmp_path / "folder" / "image.dcm"
    path.write_bytes(archive.JOE[1].read_bytes())

    to_open = Path.open

    def locked(self, *arguments, **options):
        if self == path:
            raise PermissionError(f"Permission denied: {self}")
        return to_open(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", locked)
    _, output, _ = run(path.parent, "--to", "mine")
    assert re.search(r"^ +1 (stored|there already|failed)$", output, re.MULTILINE)


def test_what_was_not_sent_is_missing_too(run, monkeypatch):
    results = pandas.DataFrame(
        {"outcome": ["stored", "not sent"], "reason": "", "file": "a", "SOPInstanceUID": "1"}
    )
    monkeypatch.setattr(store, "store_instances", lambda *arguments: results)
    code, output, errors = run(archive.FOLDER, "--to", "mine")
    assert code == 1 and "     1 not sent" in output
    assert "Run it again" in errors


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5"])
def test_a_number_that_is_none_is_explained(run, capsys, number):
    with pytest.raises(SystemExit) as ended:
        run(archive.FOLDER, "--to", "mine", f"--at-once={number}")
    assert ended.value.code == 2
    assert f"expected a number from 1, came '{number}'" in capsys.readouterr().err


def test_what_failed_is_named(run, tmp_path):
    cut, notes = tmp_path / "cut.dcm", tmp_path / "notes.txt"
    content = archive.JOE[0].read_bytes()
    # In the middle of an attribute, and under a UID that the server does not have.
    cut.write_bytes(content[:1500].replace(b"327873213718058651550666129029", b"1" * 30))
    notes.write_text("no DICOM")
    code, output, errors = run(cut, notes, "--to", "mine")
    assert code == 1
    assert "2 failed" in output
    assert f"failed: {cut}: " in errors and f"failed: {notes}: " in errors


def test_what_cannot_begin_says_why(run, tmp_path, monkeypatch, free_port):
    code, _, errors = run(tmp_path / "missing", "--to", "mine")
    assert code == 2 and str(tmp_path / "missing") in errors and str(Path.cwd()) in errors
    code, _, errors = run(archive.FOLDER, "--to", "min")
    assert code == 2 and "min" in errors and "mine" in errors
    code, _, errors = run(archive.FOLDER, "--to", f"http://127.0.0.1:{free_port}")
    assert code == 2 and "no server listens" in errors
    monkeypatch.setenv("DICOMWEB_APIKEY", "s3cret")
    code, output, errors = run(archive.FOLDER, "--to", "mine")
    assert code == 2 and "403" in errors and "DICOMWEB_APIKEY, letter by letter" in errors
    assert "s3cret" not in output + errors
    monkeypatch.delenv("DICOMWEB_APIKEY")
    code, _, errors = run(archive.FOLDER, "--to", "mine")
    assert code == 2 and "Put the key into the environment variable DICOMWEB_APIKEY" in errors
    code, _, errors = run(archive.FOLDER, "--to", "classroom")
    assert code == 2 and "workbook.py pacs" in errors


def test_a_password_in_the_url_is_not_shown(run, server):
    url = server.dicomweb.replace("//", "//ann:s3cret@")
    code, output, errors = run(archive.JOE[0], "--to", url)
    assert code == 0 and "//ann:********@" in output
    assert "s3cret" not in output + errors


def test_a_server_that_is_no_archive_gets_nothing(run):
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"
    with saying(page) as url:
        code, output, errors = run(archive.JOE[0], "--to", url)
    assert code == 2 and "does not speak DICOMweb" in errors
    assert url in output


def test_ctrl_c_says_how_to_go_on(run, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "store_instances", interrupted)
    code, _, errors = run(archive.FOLDER, "--to", "mine")
    assert code == 130 and "Run it again" in errors


@pytest.mark.slow
def test_after_ctrl_c_it_goes_on_where_it_stopped():
    """A real one: a signal to a process that waits for the server."""
    reached, woken = threading.Event(), threading.Event()

    def slow(headers, body):
        if len(there.held) == 2:
            reached.set()
            woken.wait(20)
        return Archive.stored(there, headers, body)

    with running_archive() as there:
        there.stored = slow
        command = [
            sys.executable,
            "-m",
            "helpers.files",
            *archive.RAVI[:4],
            "--at-once",
            "1",
        ]
        command += ["--to", there.server.dicomweb]
        with subprocess.Popen(command, stdout=-1, stderr=-1, text=True) as process:
            assert reached.wait(30)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=30)
        woken.set()
        assert process.returncode == 130
        assert "Run it again" in errors and "Traceback" not in errors
        there.stored = lambda headers, body: Archive.stored(there, headers, body)
        again = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert again.returncode == 0
    assert re.search(r"^ +[23] there already$", again.stdout, re.MULTILINE)
    assert len(set(there.held)) == 4


def test_a_name_that_a_log_file_cannot_hold_is_written_all_the_same(server, tmp_path, monkeypatch):
    profile = f'["胸部"]\ndicomweb = "{server.dicomweb}"\n'
    (tmp_path / "servers.toml").write_text(profile, encoding="utf-8")
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    command = [sys.executable, "-m", "helpers.files", archive.JOE[0], "--to", "胸部"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("\\u80f8\\u90e8: http://")


@pytest.mark.slow
def test_it_is_a_command_without_warnings(server):
    command = [sys.executable, "-W", "error", "-m", "helpers.files"]
    done = subprocess.run(
        [*command, archive.JOE[0], "--to", "mine"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "Orthanc" not in done.stderr
