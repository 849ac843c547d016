"""The command: `python -m helpers.store`."""

import subprocess
import sys

import pytest

from helpers import store
from tests import archive
from tests.peers.orthanc import orthanc_for_a_test


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
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "image").write_bytes(archive.JOE[1].read_bytes())
    code, output, _ = run(tmp_path, "--to", "mine")
    assert code == 0 and "0 failed" in output


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
    assert run(tmp_path / "missing", "--to", "mine")[0] == 2
    code, _, errors = run(archive.FOLDER, "--to", "min")
    assert code == 2 and "min" in errors and "mine" in errors
    code, _, errors = run(archive.FOLDER, "--to", f"http://127.0.0.1:{free_port}")
    assert code == 2 and "no server listens" in errors
    monkeypatch.setenv("DICOMWEB_APIKEY", "s3cret")
    code, output, errors = run(archive.FOLDER, "--to", "mine")
    assert code == 2 and "403" in errors
    assert "s3cret" not in output + errors


def test_ctrl_c_says_how_to_go_on(run, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "store_instances", interrupted)
    code, _, errors = run(archive.FOLDER, "--to", "mine")
    assert code == 130 and "Run it again" in errors


def test_it_is_a_command_without_warnings(server):
    command = [sys.executable, "-W", "error", "-m", "helpers.store"]
    done = subprocess.run(
        [*command, archive.JOE[0], "--to", "mine"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "Orthanc" not in done.stderr
