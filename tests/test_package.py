"""What somebody installs is what stands in the repository, and what contributors read is true."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import FAST_NOTEBOOKS, SLOW_PATHS

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("helpers", "classroom")


def tracked(*folders):
    """Return the files that git knows below some folders, with those that are about to be added."""
    command = ["git", "-C", ROOT, "-c", "safe.directory=*", "ls-files", "-z"]
    command += ["--cached", "--others", "--exclude-standard", "--", *folders]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {name for name in listed.split("\0") if name and (ROOT / name).is_file()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build a wheel from a copy, without a network; return the names of the files in it."""
    copy, built = (tmp_path_factory.mktemp(name) for name in ("repository", "wheel"))
    for name in tracked(*PACKAGES, "pyproject.toml", "README.md", "LICENSE"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    command += ["--no-index", "--wheel-dir", str(built), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    [path] = built.glob("*.whl")
    with zipfile.ZipFile(path) as opened:
        return {name for name in opened.namelist() if ".dist-info/" not in name}


def test_wheel_holds_every_file_of_the_packages_and_nothing_else(wheel):
    assert wheel == tracked(*PACKAGES)


def test_wheel_holds_what_is_no_python(wheel):
    for name in ("servers.toml", "quizzes.toml", "app-config.js"):
        assert any(file.endswith(f"/{name}") for file in wheel)


def test_contributing_names_every_room():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    tree = re.search(r"```\n(helpers/\n.*?)```", text, re.DOTALL)[1]
    rooms, package = set(), ""
    for line in tree.splitlines():
        if found := re.match(r"( *)([\w.]+)/?(?: |$)", line):
            if found[1]:
                rooms.add(f"{package}/{found[2]}")
            else:
                package = found[2]
    there = {
        f"{package}/{path.name}"
        for package in PACKAGES
        for path in (ROOT / package).iterdir()
        if (path / "__init__.py").is_file() or (path.suffix == ".py" and path.stem != "__init__")
    }
    assert rooms == there


def rooms_of(folder):
    return {path.name for path in (ROOT / folder).iterdir() if (path / "__init__.py").is_file()}


def test_fast_tests_look_into_every_room():
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "not slow"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    files = {line.partition("::")[0] for line in listed.splitlines() if "::" in line}
    for package in PACKAGES:
        for room in rooms_of(package):
            assert any(file.startswith(f"tests/{package}/{room}/") for file in files), room
    assert [file for file in files if file.endswith(".ipynb")] == FAST_NOTEBOOKS
    assert not any(file.startswith(SLOW_PATHS) for file in files)


@pytest.mark.parametrize("path", [*SLOW_PATHS, *FAST_NOTEBOOKS])
def test_what_is_said_to_be_slow_or_fast_is_there(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "data/README.md"])
def test_links_of_a_page_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        place, _, anchor = target.partition("#")
        if "://" in target:
            continue
        linked = (ROOT / page).parent / place if place else ROOT / page
        assert linked.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {words.lower().replace(" ", "-") for words in headings}, target
