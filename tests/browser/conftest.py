"""One JupyterLab and one browser for the tests of this folder."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.lab import SCREENSHOTS, JupyterLab, Notebook, chromium

# Enough for a slow machine; what is there sooner is not waited for.
expect.set_options(timeout=15_000)

# "package" and not "session": while Playwright runs, no other test can run an event loop.


@pytest.fixture(scope="package")
def lab(tmp_path_factory):
    """Run a JupyterLab for all tests of this folder."""
    running = JupyterLab(tmp_path_factory.mktemp("lab"))
    yield running
    running.stop()


@pytest.fixture(scope="package")
def browser():
    """Run a browser for all tests of this folder."""
    with chromium() as running:
        yield running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Keep a picture of what a test that failed saw."""
    report = yield
    tab = next((arg.tab for arg in item.funcargs.values() if isinstance(arg, Notebook)), None)
    if report.when == "call" and report.failed and tab:
        SCREENSHOTS.mkdir(exist_ok=True)
        name = re.sub(r"[^\w.-]+", "-", item.name)
        path = SCREENSHOTS / f"failed-{name}.png"
        tab.page.screenshot(path=path)
        report.sections.append(("screenshot", str(path)))
        report.sections.append(("errors in the browser", "\n".join(tab.errors)))
    return report
