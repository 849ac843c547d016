"""The order of the house: small modules, imports that point one way, libraries that are pinned."""

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HELPERS = sorted((ROOT / "helpers").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
OURS = {"helpers", "tests", "benchmarks", "workbook"}


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


def test_helpers_import_only_libraries_that_a_learner_installs():
    assert unpinned(HELPERS, "requirements.txt") == []


def test_tests_import_only_libraries_that_are_installed_for_them():
    assert unpinned(TESTS, "requirements.txt", "tests/requirements.txt") == []


@pytest.mark.parametrize("path", HELPERS, ids=name_of)
def test_module_is_read_in_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def test_server_side_imports_only_what_both_sides_share():
    # What a server receives is multipart too.
    multipart = ("helpers.multipart.boundary_of", "helpers.pieces")
    shared = ("helpers.accept", "helpers.errors", "helpers.masking", *multipart)
    allowed = ("helpers.pacs", *shared)
    wrong = [
        (name_of(path), module)
        for path in HELPERS
        if name_of(path).startswith("helpers/pacs/")
        for module in imports(path)
        if module.startswith("helpers.") and not module.startswith(allowed)
    ]
    assert wrong == []


def test_only_servers_starts_the_classroom_server():
    importers = {
        name_of(path)
        for path in HELPERS
        if not name_of(path).startswith("helpers/pacs/")
        for module in imports(path)
        if module.startswith("helpers.pacs")
    }
    # The viewer's pages and the PACS are served together.
    viewer = {"helpers/viewer/server.py", "helpers/viewer/__main__.py"}
    assert importers == {"helpers/servers.py"} | viewer


def test_nothing_in_helpers_imports_tests_or_benchmarks():
    for path in HELPERS:
        assert not {module.split(".")[0] for module in imports(path)} & {"tests", "benchmarks"}
