"""The classroom PACS on a socket: in a thread of this process."""

import socket
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from wsgiref.types import WSGIApplication

from cheroot import wsgi

from classroom.pacs.app import Application
from classroom.pacs.folder import Reading
from classroom.pacs.http.access import Access
from classroom.pacs.http.listener import listen
from classroom.pacs.service import Edition, Service
from classroom.pacs.storage import REQUEST_LIMIT, STORAGE_LIMIT, Storage
from helpers.errors import ArchiveError
from helpers.web.limits import SERVING, ServerLimits
from helpers.web.secrets import WORKSHOP_KEY

DATA = Path(__file__).parents[2] / "data" / "archive"
# The first that is free. All have four digits, so an answer with URLs in it has the same length on
# every machine; then any port at all.
PORTS = (*range(8042, 8062), 0)
_SECONDS_TO_READ = 2  # till a large folder is served, as far as it was read
_ANY_ADDRESS = ("", "0.0.0.0", "::")


class Pacs:
    """A classroom PACS that is running: `/dicomweb` and `/wadouri` are below its `url`."""

    def __init__(self, server: wsgi.Server, url: str, reading: Reading, storage: Storage) -> None:
        self.url = url
        self.port: int = server.bind_addr[1]
        self.archive = reading.archive  # what it serves
        self._reading = reading
        self.storage = storage  # what clients have stored; `stop` removes it
        self._server = server
        self._thread = threading.Thread(target=server.serve, name="classroom PACS", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<classroom PACS {self.url}, {len(self.archive.studies)} studies>"

    @property
    def skipped(self) -> list[str]:
        """One line for each file that is not served: which one, and why."""
        return self.archive.skipped

    def wait_until_read(self) -> None:
        """Return when all of a large folder is served; Ctrl-C interrupts the waiting."""
        while not self.archive.is_complete:
            self._reading.wait(0.5)

    def wait(self) -> None:
        """Return when the server has ended; Ctrl-C interrupts the waiting."""
        while self._thread.is_alive():
            # Without a time limit, Windows would not let Ctrl-C through.
            self._thread.join(timeout=0.5)

    def stop(self) -> None:
        """End the server, free its port, and delete what clients have stored."""
        self._reading.stop()
        self._server.stop()
        self._thread.join()
        self.storage.remove()


def start(
    folder: str | Path = DATA,
    *,
    host: str = "127.0.0.1",  # lets only this machine in
    port: int | None = None,  # the first of `PORTS` that is free; 0 is any
    apikey: str | None = WORKSHOP_KEY,  # None lets everyone in
    read_only_key: str | None = None,  # lets in who may search and retrieve, and not store
    edition: Edition = "workshop",  # XML to who accepts anything; "current" sends JSON
    origins: Iterable[str] = (),  # of web pages that may use it: "https://hub.mybinder.org"
    allow_hosts: Iterable[str] = (),  # its names, beside that in its URL
    is_strict: bool = False,  # a query parameter that it does not support is a 400, no warning
    request_limit: int = REQUEST_LIMIT,
    storage_limit: int = STORAGE_LIMIT,
    limits: ServerLimits = SERVING,  # of time and of connections
    wrap: Callable[[WSGIApplication], WSGIApplication] | None = None,
) -> Pacs:
    """Serve a folder of DICOM files over DICOMweb, from a thread of this process.

    >>> pacs = start("data/archive/joe", port=0)
    >>> len(pacs.archive), pacs.skipped
    (2, [])
    >>> pacs.stop()
    """
    reading = Reading(folder)
    reading.wait(_SECONDS_TO_READ)
    server = _open_port(host, port, limits)
    url = f"http://{_url_host(host)}:{server.bind_addr[1]}"
    storage = Storage(storage_limit)
    service = Service(
        reading.archive, f"{url}/dicomweb", edition, storage, request_limit, is_strict
    )
    application = Access(
        Application(service),
        apikey,
        read_only_key=read_only_key,
        hosts=[host, _url_host(host), *allow_hosts],
        any_address=host in _ANY_ADDRESS,
        origins=origins,
    )
    server.wsgi_app = wrap(application) if wrap else application
    return Pacs(server, url, reading, storage)


def _open_port(host: str, port: int | None, limits: ServerLimits) -> wsgi.Server:
    for candidate in PORTS if port is None else [port]:
        try:
            return listen(host, candidate, limits)
        except OSError as error:
            problem = error
    raise ArchiveError(
        f"The classroom PACS cannot listen on {host}, port {candidate}.",
        came=str(problem),
        hint="Another program may be using the port: choose another, or 0 for any free one. "
        "The host must be a name or an address of this computer.",
    )


def _url_host(host: str) -> str:
    if host in _ANY_ADDRESS:
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
