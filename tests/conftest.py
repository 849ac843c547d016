"""What every test shares."""

import os
import signal
import socket

import pytest

from tests.archive import FOLDER

# A progress bar prints times, which no two runs share. tqdm reads this when it is imported, and
# `helpers` imports it: so no helper is imported at the top of this file.
os.environ["TQDM_DISABLE"] = "1"

# What a shell starts in the background ignores Ctrl-C, and so do its children: the servers that
# tests end with Ctrl-C.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


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
    idle = [test for kind in ("skipped", "xfailed") for test in report.stats.get(kind, ())]
    if idle and os.environ.get("WORKBOOK_NO_SKIPS"):
        report.write_line(f"{len(idle)} tests did not run, and WORKBOOK_NO_SKIPS is set", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
