"""The classroom PACS on a socket: in a thread of this process."""

import socket
import threading
from contextlib import suppress
from pathlib import Path

from cheroot import wsgi
from cheroot.server import HTTPConnection

from helpers.errors import ArchiveError
from helpers.masking import WORKSHOP_KEY
from helpers.pacs.access import Access
from helpers.pacs.app import Application
from helpers.pacs.archive import read_archive
from helpers.pacs.body import ChunkedBody
from helpers.pacs.service import Service
from helpers.pacs.storage import REQUEST_LIMIT, STORAGE_LIMIT, Storage

DATA = Path(__file__).parents[2] / "data" / "archive"
# The first that is free. All have four digits, so an answer with URLs in it has the same length on
# every machine; then any port at all.
PORTS = (*range(8042, 8062), 0)
_ANY_ADDRESS = ("", "0.0.0.0", "::")


class _Gateway(wsgi.Gateway_10):
    """cheroot's way from a request to WSGI, with a body that never fills the memory."""

    def get_environ(self):
        environ = super().get_environ()
        if self.req.chunked_read:
            environ["wsgi.input"] = ChunkedBody(self.req)
        return environ


class _Connection(HTTPConnection):
    """cheroot's connection, without the bytes that a client did not wait for.

    They stay in the file behind the socket. When that is collected it tries to send them, fails,
    and Python 3.13 prints the failure into a learner's notebook.
    """

    def close(self):
        super().close()
        with suppress(OSError):
            self.wfile.close()


class _Server(wsgi.Server):
    """cheroot's server, silent about clients that hang up, and tidy when a port is taken."""

    ConnectionClass = _Connection

    @staticmethod
    def bind_socket(socket_, bind_addr):
        try:
            return wsgi.Server.bind_socket(socket_, bind_addr)
        except OSError:
            socket_.close()
            raise

    def error_log(self, msg="", level=20, traceback=False):
        if traceback:
            super().error_log(msg, level, traceback)


class Pacs:
    """A classroom PACS that is running.

    Attributes
    ----------
    url : str
        Without a trailing slash; `/dicomweb` and `/wadouri` are below it.
    port : int
    archive : Archive
        What it serves.
    storage : Storage
        Where the instances are that clients have stored; `stop` removes it.
    """

    def __init__(self, server, url, archive, storage):
        self.url = url
        self.port = server.bind_addr[1]
        self.archive = archive
        self.storage = storage
        self._server = server
        self._thread = threading.Thread(target=server.serve, name="classroom PACS", daemon=True)
        self._thread.start()

    def __repr__(self):
        return f"<classroom PACS {self.url}, {len(self.archive.studies)} studies>"

    @property
    def skipped(self):
        """One line for each file that is not served: which one, and why."""
        return self.archive.skipped

    def wait(self):
        """Return when the server has ended; Ctrl-C interrupts the waiting."""
        while self._thread.is_alive():
            # Without a time limit, Windows would not let Ctrl-C through.
            self._thread.join(timeout=0.5)

    def stop(self):
        """End the server, free its port, and delete what clients have stored."""
        self._server.stop()
        self._thread.join()
        self.storage.remove()


def start(
    folder=DATA,
    *,
    host="127.0.0.1",
    port=None,
    apikey=WORKSHOP_KEY,
    default="xml",
    origins=(),
    allow_hosts=(),
    request_limit=REQUEST_LIMIT,
    storage_limit=STORAGE_LIMIT,
    wrap=None,
):
    """Serve a folder of DICOM files over DICOMweb, from a thread of this process.

    Parameters
    ----------
    folder : str or pathlib.Path
    host : str
        The address to listen on; the default lets only this machine in.
    port : int, optional
        Without it, 8042 if it is free and else the next free one. 0 is any free port.
    apikey : str or None
        What clients must send in the header `apikey`; None lets everyone in.
    default : str
        "xml", as at the workshop, or "json", as the standard has it today: the representation
        of attributes for a client that accepts anything.
    origins : iterable of str
        Where web pages may come from that use the server, beside this machine:
        "https://hub.mybinder.org".
    allow_hosts : iterable of str
        Names under which clients may ask for the server, beside that in its URL.
    request_limit, storage_limit : int
        Bytes that one request to store may have, and that all stored files may have together.
    wrap : callable, optional
        Takes the WSGI application of the PACS and returns the one to serve in its place.

    Returns
    -------
    Pacs

    Raises
    ------
    helpers.errors.ArchiveError
        If the folder is missing or the port is taken.

    Examples
    --------
    >>> pacs = start("data/archive/joe", port=0)
    >>> len(pacs.archive), pacs.skipped
    (2, [])
    >>> pacs.stop()
    """
    archive = read_archive(folder)
    server = _listen(host, port)
    url = f"http://{_url_host(host)}:{server.bind_addr[1]}"
    storage = Storage(storage_limit)
    service = Service(archive, f"{url}/dicomweb", default, storage, request_limit)
    access = Access(
        apikey,
        hosts=[host, _url_host(host), *allow_hosts],
        any_address=host in _ANY_ADDRESS,
        origins=origins,
    )
    application = Application(service, access)
    server.wsgi_app = wrap(application) if wrap else application
    return Pacs(server, url, archive, storage)


def _listen(host, port):
    for candidate in PORTS if port is None else [port]:
        try:
            return _bound(host, candidate)
        except OSError as error:
            problem = error
    raise ArchiveError(
        f"The classroom PACS cannot listen on {host}, port {candidate}.",
        came=str(problem),
        hint="Another program may be using the port: choose another, or 0 for any free one.",
    )


def _bound(host, port):
    server = _Server(
        (host, port),
        None,  # the application is made when the port, and so its address, is known
        server_name="classroom-pacs",
        request_queue_size=64,
        timeout=60,
        shutdown_timeout=1,
    )
    server.gateway = _Gateway
    # cheroot's worker threads are like the thread that makes them. Made by a daemon, they do not
    # keep a notebook's kernel, or a script that called connect(), from ending.
    problems = []
    thread = threading.Thread(target=_prepare, args=(server, problems), daemon=True)
    thread.start()
    thread.join()
    if problems:
        raise problems[0]
    return server


def _prepare(server, problems):
    try:
        server.prepare()
    except OSError as error:
        problems.append(error)


def _url_host(host):
    if host in _ANY_ADDRESS:
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
