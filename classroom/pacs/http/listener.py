"""cheroot, the HTTP server below the application, with the manners of a classroom PACS.

One thread accepts connections, receives the heads of requests, and takes leave of clients that are
still sending; a request whose head is whole gets a worker. So who is slow, or silent, keeps nobody
waiting: a head has its time, a body and the reader of an answer their least speed.
"""

import errno
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Any

from cheroot import wsgi
from cheroot.connections import ConnectionManager
from cheroot.workers.threadpool import ThreadPool

from classroom.pacs.http.connection import Connection, Gateway, State
from classroom.pacs.http.problems import Problem
from helpers.web.limits import SERVING, ServerLimits

# Of those that Windows can wait for at once, 512, some are not ours.
_CONNECTIONS_ON_WINDOWS = 448
_OUT_OF_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class _Connections(ConnectionManager):
    """cheroot's connections that no worker has, each with a deadline of its own."""

    server: "_Server"
    _selector: Any

    def idle(self) -> list[Connection]:
        """Return those that wait for bytes, or for a request."""
        return [one for _, one in list(self._selector.connections) if one is not self.server]

    def _from_server_socket(self, server_socket: socket.socket) -> Connection | None:
        try:
            connection: Connection | None = super()._from_server_socket(server_socket)  # type: ignore[misc]
        except OSError as error:
            if error.errno not in _OUT_OF_FILES:
                raise
            self.server.make_room(self.idle())
            time.sleep(0.02)  # the new one is still there; others get on meanwhile
            return None
        if connection is None or self.server.admit(connection):
            return connection
        return None

    def _expire(self, threshold: float) -> None:
        now = time.monotonic()
        for connection in self.idle():
            if connection.deadline < now:
                self._selector.unregister(connection.socket.fileno())
                connection.expire()


class _Workers(ThreadPool):
    """cheroot's threads, and more of them while some wait for their clients."""

    _threads: list[threading.Thread]
    _pending_shutdowns: deque[None]
    _spawn_worker: Callable[[], threading.Thread]

    def __init__(self, server: "_Server", count: int) -> None:
        super().__init__(server, min=count)
        self._lock = threading.Lock()
        self._waiting = 0
        self._is_stopping = False

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Let another thread work while this one waits."""
        with self._lock:
            self._waiting += 1
            if self._spare() < 0 and not self._is_stopping:
                self._threads.append(self._spawn_worker())
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1
                # Some stay: the next one waits soon.
                if self._spare() > self.min and not self._is_stopping:
                    self.shrink(1)

    def _spare(self) -> int:
        return len(self._threads) - len(self._pending_shutdowns) - self._waiting - self.min

    def stop(self, timeout: int = 5) -> None:
        with self._lock:
            self._is_stopping = True
        super().stop(timeout)

    @staticmethod
    def _force_close(connection: Connection | None) -> None:
        # cheroot's own lets those go on that write.
        if connection is not None:
            with suppress(OSError):
                connection.socket.shutdown(socket.SHUT_RDWR)


class _Server(wsgi.Server):
    """cheroot's server, silent about clients that hang up, and tidy when a port is taken."""

    ConnectionClass = Connection
    requests: _Workers
    _connections: _Connections

    def __init__(self, address: tuple[str, int], limits: ServerLimits) -> None:
        super().__init__(
            address,
            None,  # the application is made when the port, and so its address, is known
            server_name="classroom-pacs",
            request_queue_size=512,
            timeout=int(limits.idle),
            shutdown_timeout=1,
        )
        self.limits = limits
        self.keep_alive_conn_limit = limits.connections  # they are counted where they are admitted
        self.gateway = Gateway
        self.requests = _Workers(self, limits.working)
        self._most = _possible(limits.connections)
        self._present: Counter[str] = Counter()  # connections of each address
        self._lock = threading.Lock()

    def prepare(self) -> None:
        super().prepare()
        self._connections.close()
        self._connections = _Connections(self)

    def admit(self, connection: Connection) -> bool:
        """Count a connection; if there are too many, one that waits goes, or else this one."""
        address = connection.remote_addr
        if self._present[address] >= self._most * self.limits.share:
            status = HTTPStatus.TOO_MANY_REQUESTS
            waiting = [one for one in self._connections.idle() if one.remote_addr == address]
        elif self._present.total() >= self._most:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            waiting = self._connections.idle()
        else:
            waiting = None
        is_admitted = waiting is None or self.make_room(waiting)
        with self._lock:
            self._present[address] += 1
            connection.is_counted = True
        if not is_admitted:
            problem = Problem(
                status, "There are too many connections.", "Close some, and try again in a second."
            )
            with suppress(OSError):
                connection.refuse(problem)
                # What was not read when a connection is closed takes the answer with it.
                connection.socket.shutdown(socket.SHUT_WR)
                connection.rfile.receive()
            connection.close()
        return is_admitted

    def make_room(self, waiting: list[Connection]) -> bool:
        """Hang up on the one that waits for the longest time; tell whether there is one."""
        candidates = [one for one in waiting if not one.is_evicted]
        if not candidates:
            return False
        min(candidates, key=lambda one: one.since).evict()
        return True

    def leave(self, connection: Connection) -> None:
        """Count a connection no longer."""
        with self._lock:
            if connection.is_counted:
                connection.is_counted = False
                self._present[connection.remote_addr] -= 1
                if not self._present[connection.remote_addr]:
                    del self._present[connection.remote_addr]

    @staticmethod
    def bind_socket(socket_: socket.socket, bind_addr: tuple[str, int]) -> socket.socket:
        try:
            bound: socket.socket = wsgi.Server.bind_socket(socket_, bind_addr)
            return bound
        except OSError:
            socket_.close()
            raise

    def process_conn(self, conn: Connection) -> None:
        """Give a request to a worker as soon as its head is here."""
        state = conn.advance()
        if state is State.IS_ASKED:
            self.requests.put(conn)
        elif state is State.WAITS:
            self.put_conn(conn)
        else:
            conn.close()

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        if traceback:
            super().error_log(msg, level, traceback)


def _possible(wanted: int) -> int:
    """Return how many connections there may be: of the files of this process, half are others."""
    try:
        import resource
    except ImportError:
        return min(wanted, _CONNECTIONS_ON_WINDOWS)
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if most == resource.RLIM_INFINITY else min(wanted, most // 2)


def listen(host: str, port: int, limits: ServerLimits = SERVING) -> wsgi.Server:
    """Open a port, 0 for any; clients wait till the server has a `wsgi_app` and serves."""
    server = _Server((host, port), limits)
    # cheroot's worker threads are like the thread that makes them. Made by a daemon, they do not
    # keep a notebook's kernel, or a script that called connect(), from ending.
    problems: list[OSError] = []
    thread = threading.Thread(target=_prepare, args=(server, problems), daemon=True)
    thread.start()
    thread.join()
    if problems:
        raise problems[0]
    return server


def _prepare(server: wsgi.Server, problems: list[OSError]) -> None:
    try:
        server.prepare()
    except OSError as error:
        problems.append(error)
    except UnicodeError as error:  # a host such as "my..computer" can be no name
        problems.append(OSError(str(error)))
