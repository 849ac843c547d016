"""The classroom PACS on a socket: in a thread of this process."""

import socket
import threading
from pathlib import Path

from classroom.pacs.app import Application
from classroom.pacs.folder import read_archive
from classroom.pacs.http.access import Access
from classroom.pacs.http.listener import listen
from classroom.pacs.service import Service
from classroom.pacs.storage import REQUEST_LIMIT, STORAGE_LIMIT, Storage
from helpers.errors import ArchiveError
from helpers.web.secrets import WORKSHOP_KEY

DATA = Path(__file__).parents[2] / "data" / "archive"
# The first that is free. All have four digits, so an answer with URLs in it has the same length on
# every machine; then any port at all.
PORTS = (*range(8042, 8062), 0)
_ANY_ADDRESS = ("", "0.0.0.0", "::")


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
    server = _first_free(host, port)
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


def _first_free(host, port):
    for candidate in PORTS if port is None else [port]:
        try:
            return listen(host, candidate)
        except OSError as error:
            problem = error
    raise ArchiveError(
        f"The classroom PACS cannot listen on {host}, port {candidate}.",
        came=str(problem),
        hint="Another program may be using the port: choose another, or 0 for any free one. "
        "The host must be a name or an address of this computer.",
    )


def _url_host(host):
    if host in _ANY_ADDRESS:
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
