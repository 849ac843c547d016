"""What every test shares."""

import os
import signal
import socket
from collections import defaultdict

import cheroot.server
import hypothesis
import pytest

# A progress bar prints times, which no two runs share. tqdm reads this when it is imported, and
# both `helpers` and pydicom import it: so it stands above them.
os.environ["TQDM_DISABLE"] = "1"
# What a person has done in the notebooks is shown there, and is not that of the committed outputs.
os.environ.setdefault("WORKBOOK_PROGRESS", os.devnull)

from tests.archive import FOLDER

# By hand, each run has new examples; in .ci/run, which decides, they are the same every time. None
# is ever late: a machine that is busy is no fault of the code.
hypothesis.settings.register_profile(
    "workbook", derandomize="WORKBOOK_NO_SKIPS" in os.environ, deadline=None
)
hypothesis.settings.load_profile("workbook")

# A server looks as often as this whether it shall stop, and hundreds of tests stop one.
cheroot.server.HTTPServer.expiration_interval = 0.02

# What a shell starts in the background ignores Ctrl-C, and so do its children: the servers that
# tests end with Ctrl-C.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# What `python3 workbook.py test --fast` leaves out: folders, files and fixtures that take long, and
# single tests that wait for something; these bear the mark `slow` themselves.
# The rooms that they look at have quick tests too.
SLOW_PATHS = (
    "tests/browser",
    "tests/peers",
    "tests/test_binder.py",
    "tests/test_package.py",
    "tests/test_workbook.py",
    # Every answer that a learner may give to every exercise, and the same on many servers.
    "tests/classroom/exercises/test_solutions.py",
    "tests/classroom/exercises/test_wrong_answers.py",
    # Every request of every notebook, once more in another language.
    "tests/helpers/wire/test_equivalents.py",
    "tests/notebooks/test_again.py",
    "tests/notebooks/test_collection.py",
    "tests/notebooks/test_in_practice.py",
    "tests/notebooks/test_other_patients.py",
)
FAST_CASES = 4
FAST_NOTEBOOKS = ["notebooks/00-start-here.ipynb"]


def is_below(path, config, places):
    """Tell whether a path is one of `places` of the repository, or in one."""
    return any(path.is_relative_to(config.rootpath / place) for place in places)


def is_slow(item):
    """Tell whether a test is left out of the fast ones."""
    if item.path.suffix == ".ipynb":
        return not is_below(item.path, item.config, FAST_NOTEBOOKS)
    if is_below(item.path, item.config, SLOW_PATHS):
        return True
    # It starts programs: Orthanc, or the command of the classroom PACS.
    fixtures = getattr(item, "fixturenames", ())
    return "orthanc" in f"{item.name} {' '.join(fixtures)}" or "alone" in fixtures


def pytest_ignore_collect(collection_path, config):
    """Do not even import what the fast run leaves out: a browser's driver, and the like."""
    if config.option.markexpr == "not slow" and is_below(collection_path, config, SLOW_PATHS):
        return True
    return None


def pytest_collection_modifyitems(items):
    for item in items:
        if is_slow(item):
            item.add_marker("slow")
    # Of a test with many cases, a few are fast: spread over all, the first among them.
    cases = defaultdict(list)
    for item in items:
        cases[item.nodeid.partition("[")[0]].append(item)
    for alike in cases.values():
        step = -(-len(alike) // FAST_CASES)
        for place, item in enumerate(alike):
            if place % step and item.path.suffix != ".ipynb":
                item.add_marker("slow")


@pytest.fixture(scope="session")
def pacs():
    """Run a classroom PACS with the shipped archive and the workshop's key."""
    from classroom.pacs import server

    running = server.start(FOLDER, port=0)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def orthanc():
    """Run an Orthanc with the shipped archive, stored by our own client, and the workshop's key."""
    from tests.peers.orthanc import filled_orthanc

    with filled_orthanc() as server:
        yield server


@pytest.fixture(scope="session")
def debian_orthanc():
    """Run the same Orthanc as Debian builds and configures it, without a key."""
    from tests.peers.orthanc import filled_orthanc

    with filled_orthanc(decode_query=False, apikey=None, Host="localhost") as server:
        yield server


@pytest.fixture
def archive():
    """Run a server on loopback that takes instances, and does what the test wants of it."""
    from tests.storing import running_archive

    with running_archive() as archive:
        yield archive


@pytest.fixture
def free_port():
    """Return a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def pytest_sessionfinish(session):
    """Fail when a test was skipped although `.ci/run` promised every tool (see tests/tools.py)."""
    report = session.config.pluginmanager.get_plugin("terminalreporter")
    if report is None:  # one of several processes: the first one has the results of all
        return
    idle = [test for kind in ("skipped", "xfailed") for test in report.stats.get(kind, ())]
    if idle and os.environ.get("WORKBOOK_NO_SKIPS"):
        report.write_line(f"{len(idle)} tests did not run, and WORKBOOK_NO_SKIPS is set", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
