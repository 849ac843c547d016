"""What a process that was killed has left behind is removed by the next one, and nothing else."""

import os
import subprocess
import sys
import time

import pytest

from classroom.pacs.scratch import Scratch, sweep

PROGRAM = """
import pathlib, sys
from classroom.pacs.scratch import Scratch
scratch = Scratch("test-", pathlib.Path(sys.argv[1]))
(scratch.folder / "1.dcm").write_bytes(b"DICM")
print(scratch.folder, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path):
    """Run another process that has a folder; return it."""
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield process
        process.kill()


def test_the_folder_of_a_process_stays_until_that_is_gone(tmp_path, other):
    mine = Scratch("test-", tmp_path)
    sweep("test-", tmp_path)
    assert len(os.listdir(tmp_path)) == 2
    other.kill()
    other.wait()
    sweep("test-", tmp_path)
    assert os.listdir(tmp_path) == [mine.folder.parent.name]
    mine.close()
    assert os.listdir(tmp_path) == []


def test_a_folder_that_was_just_made_is_not_taken_for_a_forgotten_one(tmp_path):
    (tmp_path / "test-1").mkdir()
    sweep("test-", tmp_path)
    assert os.listdir(tmp_path) == ["test-1"]
    hours_ago = time.time() - 7200
    os.utime(tmp_path / "test-1", (hours_ago, hours_ago))
    sweep("test-", tmp_path)
    assert os.listdir(tmp_path) == []


def test_what_only_has_the_name_stays(tmp_path):
    (tmp_path / "test-file").write_text("mine")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "in-use").write_text("")
    (tmp_path / "test-link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    sweep("test-", tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["elsewhere", "test-file", "test-link"]
    assert os.listdir(tmp_path / "elsewhere") == ["in-use"]
