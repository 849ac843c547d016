"""A server as a notebook knows it, and the shell of a kernel."""

import pytest
from IPython.core.interactiveshell import InteractiveShell

from classroom.pacs import server as pacs_server
from helpers.notebook import prepare_notebook
from helpers.servers.server import Server
from helpers.web.secrets import WORKSHOP_KEY, Headers
from tests.helpers.synthetic import write_odd_images


@pytest.fixture(scope="session")
def server(pacs):
    """Return the classroom PACS as a notebook knows it."""
    headers = Headers(apikey=WORKSHOP_KEY)
    return Server("test", f"{pacs.url}/dicomweb", f"{pacs.url}/wadouri", headers)


@pytest.fixture
def nobody(free_port):
    """Return a server that is gone."""
    return Server("gone", f"http://127.0.0.1:{free_port}/dicomweb", None)


@pytest.fixture
def locked_out(server):
    """Return the server, with a secret key that it does not know."""
    return Server("locked", server.dicomweb, None, Headers(apikey="my personal secret"))


@pytest.fixture(scope="session")
def odd_images(tmp_path_factory):
    """Return images that the archive lacks, by name, and a server that has them."""
    folder = tmp_path_factory.mktemp("odd")
    images = write_odd_images(folder)
    running = pacs_server.start(folder, port=0)
    headers = Headers(apikey=WORKSHOP_KEY)
    yield images, Server("odd", f"{running.url}/dicomweb", f"{running.url}/wadouri", headers)
    running.stop()


@pytest.fixture
def shell():
    """Run a kernel's shell that explains errors."""
    shell = InteractiveShell()
    prepare_notebook(shell)
    yield shell
    shell.history_manager.end_session()
