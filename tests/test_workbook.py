"""The launcher: started for real, in copies of the workbook, mostly without any network."""

import ast
import errno
import hashlib
import json
import os
import re
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import zipfile
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from jupyter_client import BlockingKernelClient
from requests import certs
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

import workbook

ROOT = Path(__file__).resolve().parents[1]
WHEEL = "libraries-1.0-py3-none-any.whl"
REQUESTS = f"requests==2.34.2 \\\n    --hash=sha256:{'0' * 64}\n"

# In the small workbook, this stands for JupyterLab, pytest and the classroom server alike.
STAND_IN = """
import select, sys
print("ran", __spec__.parent, sys.argv[1:], "in", sys.prefix, flush=True)
# A signal that comes right before a system call is heard when that ends: so it ends soon.
while "--wait" in sys.argv and not select.select([sys.stdin], [], [], 0.1)[0]:
    pass
if "--forbidden" in sys.argv:
    raise PermissionError(13, "Permission denied", "/home/ann/.local")
if "--closed-tab" in sys.argv:
    import logging
    from tornado.websocket import WebSocketClosedError
    for error in (WebSocketClosedError("nobody listens"), KeyError("a real fault")):
        logging.getLogger("asyncio").error("lost", exc_info=(type(error), error, None))
sys.exit(7 if "--fail" in sys.argv else 0)
"""


# In the place of uv: keeps what it was asked for, and lets pip do it.
UV_STAND_IN = """
import json, os, subprocess, sys
settings = {name: value for name, value in os.environ.items() if name.startswith("UV_")}
asked = {"arguments": sys.argv[1:], "settings": settings}
with open(os.path.join(sys.prefix, "uv.json"), "w") as file:
    json.dump(asked, file)
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", *sys.argv[5:]]))
"""
UV_FAILS = "raise SystemExit('error: uv knows no way')"


def write_wheel(path):
    """Write a wheel whose modules only say that they ran: an install that needs no network."""
    stand_ins = ("classroom/pacs", "classroom/viewer", "jupyterlab", "pytest")
    modules = {f"{name}/__init__.py": "" for name in stand_ins}
    modules |= {f"{name}/__main__.py": STAND_IN for name in stand_ins}
    modules["jupyterlab/labextensions.py"] = ""
    modules["tornado/websocket.py"] = "class WebSocketClosedError(Exception): pass"
    write_modules(path, modules)


def write_modules(path, modules):
    """Write a wheel of these modules, under the name and version that its path says."""
    name, version, *_ = path.name.split("-")
    with zipfile.ZipFile(path, "w") as wheel:
        for place, code in modules.items():
            wheel.writestr(place, code)
        facts = f"{name}-{version}.dist-info"
        wheel.writestr(
            f"{facts}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        wheel.writestr(
            f"{facts}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{facts}/RECORD", "")


def entry(wheel):
    """Return what a lock says of the wheel."""
    name, version, *_ = wheel.name.split("-")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"{name}=={version} \\\n    --hash=sha256:{digest}\n"


def lock_libraries(folder):
    """Write the lock of the small workbook, of the wheel beside it."""
    (folder / workbook.LOCK).write_text(f"--find-links .\n{entry(folder / WHEEL)}")


def make_small_workbook(folder):
    (folder / "tests").mkdir(parents=True)
    shutil.copy(ROOT / "workbook.py", folder)
    shutil.copy(ROOT / workbook.UV_LOCK, folder)
    write_wheel(folder / WHEEL)
    lock_libraries(folder)
    (folder / workbook.TESTS_LOCK).write_text("# nothing more\n")
    return folder


def without_network(**changes):
    """Return variables under which pip finds no index, and no other Python is active."""
    variables = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PIP_", "PYTHON", "JUPYTER", "VIRTUAL_ENV", "CONDA"))
    }
    index = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_CONFIG_FILE": os.devnull}
    return {**variables, **index, "PIP_RETRIES": "0", **changes}


def start(folder, *arguments, cwd=None, **changes):
    """Run workbook.py of `folder` to its end."""
    done = subprocess.run(
        [sys.executable, folder / "workbook.py", *arguments],
        cwd=cwd or folder.parent,
        env=without_network(**changes),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Return a small workbook that has been started once. Do not change it: see `copied`."""
    folder = make_small_workbook(tmp_path_factory.mktemp("installed") / "workbook")
    assert start(folder, "test").returncode == 0
    return folder


@pytest.fixture
def copied(installed, tmp_path):
    """Return a copy of `installed` that takes itself for installed where it is."""
    folder = tmp_path / "the copy"
    shutil.copytree(installed, folder, symlinks=True)
    (folder / ".venv" / workbook.STAMP.name).write_text("moved")
    return folder


# ---------------------------------------------------------------- the commands


def test_second_start_installs_nothing_and_says_nothing_of_it(installed):
    again = start(installed, "pacs", "--port", "8042", "a b")
    assert again.returncode == 0
    assert again.stdout == (
        f"ran classroom.pacs ['--port', '8042', 'a b'] in {installed / '.venv'}\n"
    )


def test_lab_opens_the_first_notebook_on_loopback_with_the_learner_s_options_last(installed):
    ran = start(installed, "--no-browser", "--port=9000").stdout
    assert "ran jupyterlab" in ran
    assert "'--ServerApp.ip=127.0.0.1'" in ran
    assert "/lab/tree/notebooks/00-start-here.ipynb'" in ran
    assert "'--no-browser', '--port=9000'] in" in ran


def test_test_passes_options_to_pytest(installed):
    assert "ran pytest ['-k', 'word']" in start(installed, "test", "-k", "word").stdout


def test_fast_tests_are_those_that_are_not_slow(installed):
    ran = start(installed, "test", "--fast", "helpers").stdout
    assert "ran pytest ['-m', 'not slow', '-n', '2', '--dist', 'loadfile', 'helpers']" in ran


def test_viewer_gets_the_learner_s_options(installed):
    ran = start(installed, "viewer", "--study", "1.2.3", "--no-browser").stdout
    assert "ran classroom.viewer ['--study', '1.2.3', '--no-browser']" in ran


def test_exit_code_is_that_of_the_command(installed):
    assert start(installed, "pacs", "--fail").returncode == 7


def test_help_tells_the_commands():
    shown = start(ROOT, "--help")
    assert shown.returncode == 0
    for command in workbook.COMMANDS:
        assert command in shown.stdout


def test_unknown_command_is_named_with_those_that_exist():
    refused = start(ROOT, "tset")
    assert refused.returncode == 2
    assert "'tset'" in refused.stderr
    assert "lab, test, pacs, viewer" in refused.stderr


def test_another_active_python_does_not_leak_in(installed, tmp_path):
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers" / "__init__.py").write_text("raise SystemExit('the wrong helpers')")
    other = {"PYTHONPATH": str(tmp_path), "VIRTUAL_ENV": str(tmp_path)}
    ran = start(installed, "pacs", **other)
    assert f"in {installed / '.venv'}" in ran.stdout


def test_helpers_of_the_current_folder_do_not_count(installed, tmp_path):
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers" / "__init__.py").write_text("raise SystemExit('the wrong helpers')")
    assert start(installed, "pacs", cwd=tmp_path).returncode == 0


def test_settings_of_pip_that_install_elsewhere_are_said_and_the_next_start_repairs(tmp_path):
    folder = make_small_workbook(tmp_path / "workbook")
    (tmp_path / "pip.conf").write_text(f"[install]\ntarget = {tmp_path / 'elsewhere'}\n")
    refused = start(folder, "pacs", PIP_CONFIG_FILE=str(tmp_path / "pip.conf"))
    assert refused.returncode == 1
    assert "another folder than .venv" in refused.stderr
    assert "take out target" in refused.stderr
    assert "ran classroom.pacs" in start(folder, "pacs").stdout


def test_variables_for_another_python_do_not_stop_the_install(copied):
    ran = start(copied, "pacs", PYTHONWARNINGS="error", PIP_PYTHON="/nowhere", PIP_ROOT="/nowhere")
    assert "Installing" in ran.stdout
    assert "ran classroom.pacs" in ran.stdout


def test_home_that_cannot_be_written_is_replaced(monkeypatch):
    monkeypatch.setenv("HOME", "/nonexistent")
    assert workbook.child_variables()["HOME"] == str(workbook.VENV)
    monkeypatch.setenv("HOME", str(ROOT))
    assert workbook.child_variables()["HOME"] == str(ROOT)


def test_folder_that_belongs_to_another_user_is_named(installed):
    refused = start(installed, "--forbidden")
    assert refused.returncode == 1
    assert "Permission denied: '/home/ann/.local'\nThat folder must be yours." in refused.stderr


@pytest.mark.parametrize("command", ["lab", "pacs", "viewer"])
def test_ctrl_c_while_it_is_loaded_ends_the_command_without_a_word(installed, command):
    with subprocess.Popen(
        [sys.executable, installed / "workbook.py", command, "--wait"],
        env=without_network(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert any(line.startswith("ran ") for line in process.stdout)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(timeout=15) == 128 + signal.SIGINT
        assert process.stderr.read() == ""
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


# ---------------------------------------------------------------- uv


def start_with_uv(folder, code, **changes):
    """Start a new small workbook on a computer where pip finds a uv of this code."""
    make_small_workbook(folder / "workbook")
    wheel = f"{workbook.UV.replace('==', '-')}-py3-none-any.whl"
    write_modules(folder / wheel, {"uv/__init__.py": "", "uv/__main__.py": code})
    (folder / "workbook" / workbook.UV_LOCK).write_text(entry(folder / wheel))
    return start(folder / "workbook", "pacs", PIP_FIND_LINKS=str(folder), **changes)


def asked_of_uv(folder):
    return json.loads((folder / "workbook" / ".venv" / "uv.json").read_text())


def test_uv_installs_into_a_new_environment_with_the_settings_of_pip(tmp_path):
    ran = start_with_uv(tmp_path, UV_STAND_IN)
    assert "ran classroom.pacs" in ran.stdout
    asked = asked_of_uv(tmp_path)
    assert asked["arguments"][:2] == ["pip", "install"]
    assert asked["arguments"][-3:] == ["--require-hashes", "-r", "requirements.lock"]
    assert asked["settings"]["UV_DEFAULT_INDEX"] == without_network()["PIP_INDEX_URL"]


def test_uv_heeds_the_settings_of_pip_in_the_order_of_pip(tmp_path):
    (tmp_path / "pip.conf").write_text(
        "[global]\nindex-url = http://127.0.0.1:9/file\nproxy = http://127.0.0.1:8\n"
        f"cert = {tmp_path / 'general.pem'}\ntrusted-host = 127.0.0.1\n"
        f"[install]\ncert = {tmp_path / 'own.pem'}\nno-cache-dir = true\n"
        f"[list]\nformat = columns\n[download]\ncert = /nowhere\n"
    )
    for name in ("general.pem", "own.pem"):
        shutil.copy(certs.where(), tmp_path / name)
    start_with_uv(
        tmp_path,
        UV_STAND_IN.replace('startswith("UV_")', 'startswith(("UV_", "SSL_", "ALL_"))'),
        PIP_CONFIG_FILE=str(tmp_path / "pip.conf"),
        PIP_CACHE_DIR=str(tmp_path / "cache"),
    )
    settings = asked_of_uv(tmp_path)["settings"]
    assert settings["UV_DEFAULT_INDEX"] == without_network()["PIP_INDEX_URL"]
    assert settings["SSL_CERT_FILE"] == str(tmp_path / "own.pem")
    assert settings["ALL_PROXY"] == "http://127.0.0.1:8"
    assert settings["UV_INSECURE_HOST"] == "127.0.0.1"
    assert settings["UV_NO_CACHE"] == "1"
    assert settings["UV_CACHE_DIR"] == str(tmp_path / "cache" / "uv")


def test_uv_that_fails_leaves_it_to_pip_in_a_new_environment(tmp_path):
    ran = start_with_uv(tmp_path, UV_FAILS)
    assert ran.stdout.count("Making the folder .venv") == 2
    assert "ran classroom.pacs" in ran.stdout
    assert not list((tmp_path / "workbook" / ".venv").glob("lib/python*/site-packages/uv"))


def test_settings_of_pip_that_uv_cannot_know_leave_it_to_pip(tmp_path):
    ran = start_with_uv(tmp_path, UV_STAND_IN, PIP_PREFER_BINARY="1")
    assert "ran classroom.pacs" in ran.stdout
    assert not (tmp_path / "workbook" / ".venv" / "uv.json").exists()


# ---------------------------------------------------------------- what can go wrong


def test_no_network_at_the_first_install_is_said_and_the_next_start_repairs(tmp_path):
    folder = make_small_workbook(tmp_path / "workbook")
    (folder / workbook.LOCK).write_text(REQUESTS)
    offline = start(folder)
    assert offline.returncode == 1
    assert "No matching distribution found for requests==2.34.2" in offline.stderr
    assert "Connect to the network" in offline.stderr
    # What it says may have been: take another Python.
    (folder / ".venv" / "notes.txt").write_text("of the first Python")
    lock_libraries(folder)
    assert "ran jupyterlab" in start(folder).stdout
    assert not (folder / ".venv" / "notes.txt").exists()


def test_update_that_fails_leaves_the_old_environment_in_use(copied):
    start(copied, "pacs")
    (copied / workbook.LOCK).write_text(REQUESTS)
    assert start(copied, "pacs").returncode == 1
    lock_libraries(copied)
    assert start(copied, "pacs").stdout.startswith("ran classroom.pacs")


def test_library_that_is_another_file_than_the_lock_says_is_not_installed(tmp_path):
    folder = make_small_workbook(tmp_path / "workbook")
    write_modules(folder / WHEEL, {"evil.py": ""})
    refused = start(folder, "pacs")
    assert refused.returncode == 1
    assert "DO NOT MATCH THE HASHES" in refused.stderr
    assert "not the file that the workbook was made with" in refused.stderr
    assert not list(folder.glob(".venv/lib/python*/site-packages/evil.py"))


def test_library_that_no_lock_names_is_not_installed(tmp_path):
    folder = make_small_workbook(tmp_path / "workbook")
    (folder / workbook.LOCK).write_text("--find-links .\nlibraries==1.0\n")
    refused = start(folder, "pacs")
    assert refused.returncode == 1
    assert "--require-hashes" in refused.stderr


@pytest.mark.parametrize("name", ["$HOME", "%41 %PATH%", "ü 影 ' \" # & ;", "a\\b"])
def test_no_character_in_the_path_is_an_obstacle(tmp_path, name):
    folder = make_small_workbook(tmp_path / name)
    (folder / "helpers").mkdir()
    (folder / "helpers" / "__init__.py").write_text("")
    assert "ran classroom.pacs" in start(folder, "pacs").stdout
    command = [folder / ".venv/bin/python", "-c", "import helpers; print(ascii(helpers.__file__))"]
    where = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ast.literal_eval(where.stdout) == str(folder / "helpers" / "__init__.py")


@contextmanager
def installing(folder):
    """Start workbook.py in `folder`, and give its process while pip waits for the index."""
    (folder / workbook.LOCK).write_text(REQUESTS)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process = subprocess.Popen(
            [sys.executable, folder / "workbook.py"],
            env=without_network(PIP_INDEX_URL=f"http://127.0.0.1:{silent.getsockname()[1]}"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        silent.settimeout(60)
        connection, _ = silent.accept()
        with connection:
            yield process
    lock_libraries(folder)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_end_while_installing_is_at_once_and_the_next_start_makes_it_anew(copied, end):
    with installing(copied) as process:
        process.send_signal(end)
        _, said = process.communicate(timeout=20)
        with pytest.raises(ProcessLookupError):  # pip is gone, too
            os.killpg(process.pid, 0)
    assert process.returncode == 130
    assert "Stopped." in said
    assert "Traceback" not in said
    repaired = start(copied)
    assert "Making the folder .venv" in repaired.stdout
    assert "ran jupyterlab" in repaired.stdout


def test_pip_that_outlives_its_start_is_waited_for(copied):
    with installing(copied) as process:
        process.kill()
        process.wait()
        with open(copied / "workbook.py", "rb") as file:
            assert not workbook.lock(file)
        os.killpg(process.pid, signal.SIGTERM)  # pip
        process.communicate(timeout=20)
    repaired = start(copied)
    assert "Making the folder .venv" in repaired.stdout
    assert "ran jupyterlab" in repaired.stdout


def test_two_starts_at_once_install_once(tmp_path):
    folder = make_small_workbook(tmp_path / "a folder für alle")
    command = [sys.executable, folder / "workbook.py", "pacs"]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with open(folder / "workbook.py", "rb") as file:
        assert workbook.lock(file)  # until all of them have found .venv missing
        starts = [subprocess.Popen(command, env=without_network(), **streams) for _ in range(3)]
        waiting = "Another start prepares .venv. Waiting for it ...\n"
        assert [process.stdout.readline() for process in starts] == [waiting] * 3
    said = sorted(process.communicate(timeout=300)[0] for process in starts)
    ran = f"ran classroom.pacs [] in {folder / '.venv'}\n"
    assert [process.returncode for process in starts] == [0, 0, 0]
    assert said[0].startswith("Making the folder .venv") and said[0].endswith(ran)
    assert said[1:] == [ran] * 2


def test_disk_without_locks_is_no_obstacle(installed, monkeypatch):
    fcntl = pytest.importorskip("fcntl", reason="Windows locks in another way")

    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with workbook.one_at_a_time():
        pass


def test_folder_that_was_moved_is_installed_again_in_place(installed, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(installed, moved, symlinks=True)
    ran = start(moved, "pacs").stdout
    assert "Installing" in ran
    assert "Making" not in ran
    assert f"in {moved / '.venv'}" in ran


def lose_base_python(venv):
    (venv / "bin" / "python").unlink()
    (venv / "bin" / "python").symlink_to("/nowhere/python3")


def lose_pip(venv):
    for package in venv.glob("lib/python*/site-packages/pip"):
        shutil.rmtree(package)


@pytest.mark.parametrize("damage", [lose_base_python, lose_pip])
def test_broken_environment_is_made_anew(copied, damage):
    assert start(copied, "pacs").returncode == 0
    damage(copied / ".venv")
    ran = start(copied, "pacs").stdout
    assert "Making the folder .venv" in ran
    assert "ran classroom.pacs" in ran


def lose_folder(libraries):
    shutil.rmtree(libraries / "classroom")


def lose_file(libraries):
    (libraries / "classroom" / "pacs" / "__main__.py").unlink()


def lose_library(libraries):
    shutil.rmtree(libraries / "classroom")
    shutil.rmtree(libraries / "libraries-1.0.dist-info")


def lose_facts(libraries):
    (libraries / "libraries-1.0.dist-info" / "RECORD").write_bytes(b"\xff\xfe\x00")


LOSSES = [lose_folder, lose_file, lose_library, lose_facts]


@pytest.mark.parametrize("lose", LOSSES)
def test_library_that_is_gone_from_the_environment_is_installed_again(copied, lose):
    assert start(copied, "pacs").returncode == 0
    (copied / ".venv" / "notes.txt").write_text("mine")
    lose(*copied.glob(".venv/lib/python*/site-packages"))
    repaired = start(copied, "pacs")
    assert "ran classroom.pacs" in repaired.stdout
    assert (copied / ".venv" / "notes.txt").exists()
    assert start(copied, "pacs").stdout.startswith("ran classroom.pacs")


def test_library_that_is_gone_and_cannot_be_had_is_named_with_what_to_do(copied):
    assert start(copied, "pacs").returncode == 0
    lose_folder(*copied.glob(".venv/lib/python*/site-packages"))
    (copied / WHEEL).rename(copied / "away")
    for _ in range(2):
        refused = start(copied, "pacs")
        assert refused.returncode == 1
        assert "No matching distribution found for libraries==1.0" in refused.stderr
        assert "Connect to the network" in refused.stderr
    (copied / "away").rename(copied / WHEEL)
    assert "ran classroom.pacs" in start(copied, "pacs").stdout


def test_library_without_a_file_that_it_lists_is_not_installed_at_every_start(copied):
    with zipfile.ZipFile(copied / WHEEL) as wheel:
        held = {name: wheel.read(name) for name in wheel.namelist()}
    held["libraries-1.0.dist-info/RECORD"] = b"libraries/never.py,,\n"
    with zipfile.ZipFile(copied / WHEEL, "w") as wheel:
        for name, content in held.items():
            wheel.writestr(name, content)
    lock_libraries(copied)
    shutil.rmtree(copied / ".venv")
    assert "Installing" in start(copied, "pacs").stdout
    assert start(copied, "pacs").stdout.startswith("ran classroom.pacs")


def test_link_to_the_packages_that_is_gone_is_written_again(copied):
    assert start(copied, "pacs").returncode == 0
    [link] = copied.glob(".venv/lib/python*/site-packages/workbook.pth")
    link.unlink()
    assert start(copied, "pacs").stdout.startswith("ran classroom.pacs")
    assert link.exists()


def test_stamp_that_is_no_text_counts_for_nothing(copied):
    (copied / ".venv" / workbook.STAMP.name).write_bytes(b"\xff\xfe\x00\x81")
    assert "ran classroom.pacs" in start(copied, "pacs").stdout
    assert start(copied, "pacs").stdout.startswith("ran classroom.pacs")


def test_environment_without_its_sign_is_made_anew(copied):
    """Half of it was deleted, or copied."""
    (copied / ".venv" / "pyvenv.cfg").unlink()
    ran = start(copied, "pacs").stdout
    assert "Making the folder .venv" in ran
    assert "ran classroom.pacs" in ran


def test_closed_tab_is_not_told_but_every_other_fault_is(installed):
    said = start(installed, "--closed-tab").stderr
    assert "a real fault" in said
    assert "WebSocketClosedError" not in said and "nobody listens" not in said


def use(monkeypatch, folder):
    """Make the functions of workbook.py work on the workbook in `folder`."""
    for name in ("VENV", "PYTHON", "STAMP"):
        place = folder / getattr(workbook, name).relative_to(workbook.ROOT)
        monkeypatch.setattr(workbook, name, place)


def test_environment_that_is_the_python_below_it_does_not_count(copied, monkeypatch):
    """pip would install into the Python of the learner's computer."""
    use(monkeypatch, copied)
    assert workbook.environment_works()
    (copied / ".venv" / "pyvenv.cfg").unlink()
    assert not workbook.environment_works()


@pytest.mark.parametrize("stage", range(4))
def test_ctrl_c_while_the_old_environment_is_deleted_is_repaired(copied, monkeypatch, stage):
    use(monkeypatch, copied)
    real, left = shutil.rmtree, iter(range(stage))

    def interrupted(path, *options, **more):
        if next(left, None) is None:
            raise KeyboardInterrupt
        real(path, *options, **more)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(shutil, "rmtree", interrupted)
        patch.setattr(workbook, "run_quietly", interrupted)
        workbook.make_environment()
    repaired = start(copied, "pacs")
    assert repaired.returncode == 0
    assert "ran classroom.pacs" in repaired.stdout


def test_environment_that_the_learner_made_is_kept(copied):
    (copied / ".venv" / workbook.STAMP.name).unlink()
    (copied / ".venv" / "notes.txt").write_text("mine")
    assert "ran classroom.pacs" in start(copied, "pacs").stdout
    assert (copied / ".venv" / "notes.txt").read_text() == "mine"


def test_file_in_the_way_is_named_and_kept(tmp_path):
    folder = make_small_workbook(tmp_path / "workbook")
    (folder / ".venv").write_text("mine")
    refused = start(folder)
    assert refused.returncode == 1
    assert f"{folder / '.venv'} is in the way" in refused.stderr
    assert (folder / ".venv").read_text() == "mine"


def test_folder_in_the_way_is_named_and_kept(tmp_path):
    folder = make_small_workbook(tmp_path / "workbook")
    (folder / ".venv" / "deep").mkdir(parents=True)
    (folder / ".venv" / "deep" / "thesis.txt").write_text("mine")
    assert "is in the way" in start(folder).stderr
    assert (folder / ".venv" / "deep" / "thesis.txt").read_text() == "mine"


def test_link_that_leads_nowhere_is_named_and_kept(tmp_path):
    folder = make_small_workbook(tmp_path / "workbook")
    (folder / ".venv").symlink_to("/nowhere")
    assert f"{folder / '.venv'} is in the way" in start(folder).stderr
    assert (folder / ".venv").is_symlink()


def test_full_disk_is_said(copied):
    stamp = copied / ".venv" / workbook.STAMP.name
    stamp.unlink()
    stamp.symlink_to("/dev/full")
    refused = start(copied)
    assert refused.returncode == 1
    assert "The disk is full" in refused.stderr


def test_folder_that_cannot_be_written_is_said(tmp_path, monkeypatch, capfd):
    # Root may write into any folder but those of the kernel.
    folder = Path("/sys") if os.geteuid() == 0 else tmp_path / "locked"
    if os.geteuid() != 0:
        folder.mkdir(mode=0o555)
    monkeypatch.setattr(workbook, "VENV", folder / ".venv")
    monkeypatch.setattr(workbook, "PYTHON", folder / ".venv/bin/python")
    monkeypatch.setattr(workbook, "STAMP", folder / ".venv/stamp")
    assert workbook.main(["lab"]) == 1
    assert "cannot be written" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ("Error: [Errno 13] Permission denied: '/opt/workbook/.venv'", "cannot be written"),
        ("[Errno 30] Read-only file system: '/media/cd/.venv'", "cannot be written"),
        ("PermissionError: [WinError 5] Access is denied: 'C:\\\\wb'", "cannot be written"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left", "full"),
        ("created successfully because ensurepip is not\navailable.", "apt install python3"),
        ("/usr/bin/python3: No module named venv", "apt install python3"),
        ("connection broken by 'NewConnectionError('[Errno 13] Permission denied')'", "network"),
        ("connection broken by 'SSLError(SSLCertVerificationError(1, '[SSL: CERT", "PIP_CERT"),
        ("HINT: This system does not have Windows Long Path support enabled.", "C:\\workbook"),
        ("ERROR: No matching distribution found for imagecodecs==2026.10.10", "3.13 (64 bit)"),
        ("error: subprocess-exited-with-error\ninvalid variable", "delete the folder"),
        ("error: a failure that nobody foresaw", "delete the folder"),
    ],
)
def test_words_of_the_tools_lead_to_the_way_out(words, advice):
    assert advice in workbook.way_out(words)


# ---------------------------------------------------------------- old Pythons


def test_old_python_is_told_the_version_that_it_needs(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(ROOT / "workbook.py"))
    assert "needs Python 3.11 or newer, and this is Python 3.10" in str(end.value)


def test_oldest_python_agrees_with_the_package():
    assert f'requires-python = ">={workbook.OLDEST[0]}.{workbook.OLDEST[1]}"' in (
        ROOT / "pyproject.toml"
    ).read_text(encoding="utf-8")


def test_old_pythons_can_read_the_launcher():
    tree = ast.parse((ROOT / "workbook.py").read_text(encoding="ascii"), feature_version=(3, 6))
    assert [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)] == []


def old_pythons():
    """Return the Pythons of this machine that are too old for the workbook."""
    names = ["python2.7", *(f"python3.{minor}" for minor in range(4, workbook.OLDEST[1]))]
    found = [shutil.which(name) for name in names]
    pyenv = Path.home() / ".pyenv" / "versions"
    found += [str(path) for name in names for path in pyenv.glob(f"*/bin/{name}")]
    return [path for path in found if path]


def test_real_old_pythons_end_in_one_sentence():
    for python in old_pythons():
        tried = subprocess.run([python, ROOT / "workbook.py"], capture_output=True, text=True)
        if "pyenv: " not in tried.stderr:  # a shim of a version that is not active
            assert tried.returncode == 1
            assert tried.stderr.startswith("The workbook needs Python 3.11 or newer")


# ---------------------------------------------------------------- the whole workbook


@pytest.fixture
def package_index():
    """Skip without a package index: one small download tells."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet"]
    command += ["--ignore-installed", "--no-deps", "setuptools>=77"]
    answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode != 0:
        pytest.skip("needs a package index: connect to the network")


@contextmanager
def opened_lab(folder, variables):
    """Start workbook.py in `folder`; give the page's URL and a list of what was printed.

    What comes after the URL is in the list when JupyterLab has ended.
    """
    process = subprocess.Popen(
        [sys.executable, folder / "workbook.py", "--no-browser", "--port=0"],
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    printed = []
    url = None
    for line in process.stdout:
        printed.append(line)
        if found := re.search(r"http://127\.0\.0\.1:\d+/\S+", line):
            url = found[0]
            break
    try:
        assert url, f"JupyterLab did not start:\n{''.join(printed)}"
        yield url, printed
    finally:
        os.killpg(process.pid, signal.SIGINT)  # Ctrl-C
        printed.append(process.communicate(timeout=30)[0])
    assert process.returncode == 0


def get_page(url):
    """Fetch the page. JupyterLab prints its address a moment before it listens there."""
    with requests.Session() as session:
        patience = Retry(total=None, connect=60, backoff_factor=0.1, backoff_max=0.5)
        session.mount("http://", HTTPAdapter(max_retries=patience))
        return session.get(url, timeout=30)


def run_kernel(url, home):
    """Start a kernel as the page does, and let it run a line."""
    place = urlsplit(url)
    asked = requests.post(
        f"{place.scheme}://{place.netloc}/api/kernels",
        json={"name": "python3"},
        headers={"Authorization": place.query.replace("token=", "token ")},
        timeout=30,
    )
    [connection] = home.rglob(f"kernel-{asked.json()['id']}.json")
    client = BlockingKernelClient(connection_file=str(connection))
    client.load_connection_file()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=30)
        answer = client.execute_interactive("import helpers", timeout=30)
        assert answer["content"]["status"] == "ok"
    finally:
        client.stop_channels()


def test_fresh_copy_opens_jupyterlab_and_the_second_time_without_network(tmp_path, package_index):
    folder = tmp_path / "workbook"
    not_a_learner_s = shutil.ignore_patterns(".*", "tests", "*.egg-info", "__pycache__", "build")
    shutil.copytree(ROOT, folder, ignore=not_a_learner_s)
    home = {"HOME": str(tmp_path), "IPYTHONDIR": str(tmp_path / "ipython")}

    with opened_lab(folder, {**os.environ, **home}) as (url, printed):
        page = get_page(url)
        assert "Installing the libraries" in "".join(printed)
        assert "/lab/tree/notebooks/00-start-here.ipynb?token=" in url
        assert page.status_code == 200
        assert "JupyterLab" in page.text

    with opened_lab(folder, without_network(**home)) as (url, printed):
        assert printed[0].startswith("JupyterLab opens in your browser.")
        assert get_page(url).status_code == 200
        run_kernel(url, tmp_path)
    # A learner may look at the terminal, and take such a warning for a fault.
    assert "without encryption" not in "".join(printed)

    python = folder / ".venv" / workbook.PYTHON.relative_to(workbook.VENV)
    command = [python, "-c", "import helpers; print(helpers.__file__)"]
    where = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert Path(where.stdout.strip()) == folder / "helpers" / "__init__.py"
