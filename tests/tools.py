"""Programs that some tests need and a learner's machine may lack."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from classroom.viewer import ohif

NODE_PACKAGES = Path(__file__).parent / "peers" / "node" / "node_modules"


def needs_tool(command, package):
    """Skip a test on a machine without `command`; say which package brings it.

    `.ci/run` sets WORKBOOK_NO_SKIPS and installs everything: there, nothing is skipped.
    """
    missing = shutil.which(command) is None and not os.environ.get("WORKBOOK_NO_SKIPS")
    return pytest.mark.skipif(missing, reason=f"needs {command}: install {package}")


def needs_package(module, package):
    """Skip a test on a machine without a package of test images, which has `module` in it."""
    missing = find_spec(module) is None and not os.environ.get("WORKBOOK_NO_SKIPS")
    return pytest.mark.skipif(missing, reason=f"needs {package}: pip install {package}")


def needs_node_package(name):
    """Skip a test on a machine without the npm package `name`; say how to install it."""
    missing = not (NODE_PACKAGES / name).is_dir() and not os.environ.get("WORKBOOK_NO_SKIPS")
    return pytest.mark.skipif(missing, reason=f"needs {name}: run npm ci in tests/peers/node")


def needs_viewer():
    """Skip a test on a machine where nobody has fetched OHIF; say how to."""
    is_there = (ohif.CACHE / f"ohif-{ohif.VERSION}").is_dir()
    missing = not is_there and not os.environ.get("WORKBOOK_NO_SKIPS")
    return pytest.mark.skipif(missing, reason="needs OHIF: python3 workbook.py viewer --fetch")
