"""What is installed is what the lists ask for, every file of it with its hash."""

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from workbook import LOCK, TESTS_LOCK, UV, UV_LOCK

ROOT = Path(__file__).resolve().parents[1]
AGAIN = "python tests/lock.py"

COMPUTERS = [
    {"python_version": version, "python_full_version": f"{version}.0", "sys_platform": platform}
    for version in ("3.11", "3.12", "3.13", "3.14")
    for platform in ("linux", "darwin", "win32")
]
BINDER = [computer for computer in COMPUTERS if computer["python_version"] == "3.12"][:1]
LISTS = {
    LOCK: ["requirements.txt"],
    TESTS_LOCK: ["requirements.txt", "tests/requirements.txt"],
    "binder/requirements.txt": ["requirements.txt"],
}
LOCKS = [*LISTS, UV_LOCK]


def listed(name):
    """Return the requirements of a list."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def entries(name):
    """Return the entries of a lock: a requirement, its hashes, and the lists that ask for it."""
    found = []
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if line[:1].isalnum():
            found.append((Requirement(line.rstrip("\\ ")), [], set()))
        elif hash_ := re.match(r" +--hash=sha256:([0-9a-f]{64})( \\)?$", line):
            found[-1][1].append(hash_[1])
        elif found and line.lstrip().startswith("#"):
            found[-1][2].update(re.findall(r"-r ([\w./-]+)", line))
        else:
            assert line in ("", "--only-binary :all:") or line.startswith("#"), line
    return found


def holds(requirement, computer):
    return requirement.marker is None or requirement.marker.evaluate(computer)


@pytest.mark.parametrize("lock", LISTS)
def test_lock_has_what_its_lists_ask_for(lock):
    for computer in BINDER if lock.startswith("binder") else COMPUTERS:
        pinned = {
            canonicalize_name(requirement.name): requirement.specifier
            for requirement, _, _ in entries(lock)
            if holds(requirement, computer)
        }
        for wanted in [wish for name in LISTS[lock] for wish in listed(name)]:
            if holds(wanted, computer):
                [pin] = pinned.get(canonicalize_name(wanted.name), [None])
                assert pin and pin.version in wanted.specifier, f"{wanted}: {AGAIN}"


@pytest.mark.parametrize("lock", LISTS)
def test_lock_holds_nothing_for_a_list_that_no_longer_asks_for_it(lock):
    for name in LISTS[lock]:
        asked = {canonicalize_name(wish.name) for wish in listed(name)}
        locked = {canonicalize_name(pin.name) for pin, _, lists in entries(lock) if name in lists}
        assert locked == asked, AGAIN


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_pins_every_library_with_hashes(lock):
    assert entries(lock)
    for requirement, hashes, _ in entries(lock):
        [pin] = requirement.specifier
        assert pin.operator == "==" and "*" not in pin.version
        assert hashes, requirement
    # A build would fetch what no lock names.
    assert "\n--only-binary :all:\n" in (ROOT / lock).read_text(encoding="utf-8")


def test_tests_run_with_the_libraries_of_a_learner():
    of_tests = {f"{pin.name}{pin.specifier}": hashes for pin, hashes, _ in entries(TESTS_LOCK)}
    for pin, hashes, _ in entries(LOCK):
        assert of_tests[f"{pin.name}{pin.specifier}"] == hashes


def test_installer_is_the_one_that_the_launcher_names():
    assert [str(pin) for pin, _, _ in entries(UV_LOCK)] == [UV]


def test_binder_keeps_the_jupyterlab_of_its_own():
    base = {str(wish) for wish in listed(".ci/binder.txt")}
    locked = {str(pin) for pin, _, _ in entries("binder/requirements.txt")}
    assert {pin for pin in base if pin.startswith("jupyterlab==")} <= locked
