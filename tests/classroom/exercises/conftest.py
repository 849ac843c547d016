"""What the tests of exercises share: a record of their own, and a server in use."""

import pytest

from classroom.pacs import server as pacs
from helpers.servers.server import connect
from helpers.web.secrets import WORKSHOP_KEY
from tests.archive import FOLDER
from tests.peers.orthanc import filled_orthanc


@pytest.fixture(autouse=True)
def own_record(tmp_path, monkeypatch):
    """Keep what the tests do out of the developer's own progress."""
    monkeypatch.setenv("WORKBOOK_PROGRESS", str(tmp_path / "progress"))


@pytest.fixture(autouse=True)
def classroom(monkeypatch):
    """Let the classroom PACS be the server in use, before and after."""
    for name in ("DICOMWEB_SERVER", "DICOMWEB_APIKEY", "DICOMWEB_WADOURI"):
        monkeypatch.delenv(name, raising=False)
    yield connect()
    monkeypatch.undo()
    connect("classroom")


# Solutions store instances, which no other test expects: so these servers are not shared with any.


@pytest.fixture(scope="package")
def own_pacs():
    """Return the root URL of a classroom PACS."""
    running = pacs.start(FOLDER, port=0)
    yield f"{running.url}/dicomweb"
    running.stop()


@pytest.fixture(scope="package")
def own_orthanc():
    """Return the root URL of an Orthanc with the shipped archive."""
    with filled_orthanc() as server:
        yield server.dicomweb


@pytest.fixture(params=["own_pacs", "own_orthanc"])
def server(request, classroom, monkeypatch):
    """Let a classroom PACS, and then Orthanc, be the server in use, as a learner would."""
    monkeypatch.setenv("DICOMWEB_SERVER", request.getfixturevalue(request.param))
    monkeypatch.setenv("DICOMWEB_APIKEY", WORKSHOP_KEY)
    return connect()
