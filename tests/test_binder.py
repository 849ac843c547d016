"""What mybinder.org would build, as its own tool prints it. `.ci/binder` builds a stand-in."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[1]


def requirements(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def dockerfile(tmp_path_factory):
    """Return the Dockerfile that repo2docker writes for the binder folder."""
    folder = tmp_path_factory.mktemp("repository")
    shutil.copytree(ROOT / "binder", folder / "binder")
    printed = subprocess.run(
        [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(folder)],
        capture_output=True,
        text=True,
    )
    assert printed.returncode == 0, printed.stderr
    return printed.stdout


@pytest.mark.parametrize("folder", ["", "tests"])
def test_no_requirement_is_listed_twice(folder):
    listed = requirements(ROOT / folder / "requirements.txt")
    assert len(listed) == len(set(listed))


def test_post_build_links_the_packages_and_installs_nothing():
    lines = (ROOT / "binder/postBuild").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#!/bin/bash"
    assert "set -euo pipefail" in lines[1:4]
    assert not any("pip " in line for line in lines)
    assert any("workbook.pth" in line for line in lines)
    assert os.access(ROOT / "binder/postBuild", os.X_OK)


def test_python_is_the_one_that_runtime_txt_names(dockerfile):
    version = (ROOT / "binder/runtime.txt").read_text().strip().removeprefix("python-")
    locked = re.search(r"environment-2epy-2d(\d)-2e(\d+)-2dlinux", dockerfile)
    assert ".".join(locked.groups()) == version


def test_libraries_are_installed_before_the_repository_is_copied(dockerfile):
    # So a new commit costs a learner on Binder seconds, not a full install.
    install = dockerfile.index('pip install --no-cache-dir -r "binder/requirements.txt"')
    assert install < dockerfile.index("COPY --chown=0:0 src/ ${REPO_DIR}/")


def test_post_build_runs_after_the_repository_is_copied(dockerfile):
    copied = dockerfile.index("COPY --chown=0:0 src/ ${REPO_DIR}/")
    assert dockerfile.index("RUN ./binder/postBuild") > copied


def test_badge_opens_the_first_notebook():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    badge = urlsplit(re.search(r"https://mybinder\.org/v2/[^)\s\"]+", readme)[0])
    assert re.fullmatch(r"/v2/gh/[\w.-]+/[\w.-]+/\w+", badge.path)
    page = parse_qs(badge.query)["urlpath"][0]
    assert page == "lab/tree/notebooks/00-start-here.ipynb"
    assert (ROOT / page.removeprefix("lab/tree/")).is_file()
