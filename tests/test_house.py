"""The order of the house: small modules, imports that point one way, libraries that are pinned."""

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("helpers", "classroom")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
OURS = {"helpers", "classroom", "tests", "benchmarks", "workbook"}


def name_of(path):
    """Return the path below the root, the way a person writes it."""
    return path.relative_to(ROOT).as_posix()


def imports(path):
    """Return the full names of the modules that the file `path` imports."""
    package = path.relative_to(ROOT).parent.parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = [*above, *(node.module or "").split(".")]
            module = ".".join(part for part in module if part)
            # `from . import app` names a module, `from .app import run` a name in one.
            found.update(f"{module}.{alias.name}" for alias in node.names)
    return found


def requirements(*files):
    """Return the names of the distributions that requirements files list, normalized."""
    lines = "\n".join((ROOT / file).read_text(encoding="utf-8") for file in files)
    return {normal(name) for name in re.findall(r"^([A-Za-z][\w.-]*)", lines, re.MULTILINE)}


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def unpinned(paths, *files):
    """Return (file, library) for each library that a file imports and no requirement lists."""
    pinned = requirements(*files)
    distributions = packages_distributions()
    found = []
    for path in paths:
        for library in {name.split(".")[0] for name in imports(path)}:
            if library in OURS or library in sys.stdlib_module_names:
                continue
            homes = {normal(home) for home in distributions.get(library, [library])}
            if not homes & pinned:
                found.append((name_of(path), library))
    return sorted(found)


# Each room of `helpers`, and the height at which it stands: imports go down, or stay in the room.
HEIGHTS = {
    "errors": 0,
    "web": 1,
    "slips": 1,
    "pictures": 0,
    "tables": 0,
    "notebook": 2,
    "multipart": 3,
    "dicom": 4,
    "pixels": 5,
    "wire": 6,
    "servers": 6,
    "files": 7,
    "queries": 8,
    "widgets": 9,
}
# The PACS stands on the ground rooms only; the other rooms of `classroom` on all that is below.
GROUND = {"errors", "web", "multipart", "dicom", "pixels"}
ABOVE = {
    "pacs": {f"helpers.{room}" for room in GROUND},
    "exercises": {f"helpers.{room}" for room in HEIGHTS},
    "viewer": {f"helpers.{room}" for room in HEIGHTS} | {"classroom.pacs"},
}


def room_of(module):
    """Return the package and the room of a module: helpers.web for helpers.web.ask.get."""
    return ".".join(module.split(".")[:2])


def arrows():
    """Yield (file, its room, room that it imports from) for each import from another room."""
    for path in MODULES:
        room = room_of(name_of(path).removesuffix(".py").replace("/", "."))
        for module in imports(path):
            other = room_of(module)
            if other.split(".")[0] in PACKAGES and other != room:
                yield name_of(path), room, other


def points_down(room, other):
    package, _, name = room.partition(".")
    if package == "classroom":
        return other in ABOVE[name]
    below, _, floor = other.partition(".")
    return below == "helpers" and HEIGHTS[floor] < HEIGHTS[name]


def test_imports_point_down():
    up = {(file, other) for file, room, other in arrows() if not points_down(room, other)}
    # The one place where `connect()` starts the classroom PACS.
    assert up == {("helpers/servers/server.py", "classroom.pacs")}


def test_every_room_has_a_height():
    rooms = {path.stem for path in (ROOT / "helpers").iterdir() if path.suffix == ".py"}
    rooms |= {path.parent.name for path in (ROOT / "helpers").glob("*/__init__.py")}
    assert rooms - {"__init__"} == set(HEIGHTS)


def test_packages_import_only_libraries_that_a_learner_installs():
    assert unpinned(MODULES, "requirements.txt") == []


def test_tests_import_only_libraries_that_are_installed_for_them():
    assert unpinned(TESTS, "requirements.txt", "tests/requirements.txt") == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_module_is_read_in_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def test_neither_package_imports_tests_or_benchmarks():
    for path in MODULES:
        assert not {module.split(".")[0] for module in imports(path)} & {"tests", "benchmarks"}
