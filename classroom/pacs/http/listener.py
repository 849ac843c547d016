"""cheroot, the HTTP server below the application, with the manners of a classroom PACS."""

import socket
import threading
from contextlib import suppress
from http import HTTPStatus
from wsgiref.types import WSGIEnvironment

from cheroot import wsgi
from cheroot.server import HTTPConnection, HTTPRequest

from classroom.pacs.http.body import ChunkedBody
from classroom.pacs.http.problems import PROBLEM_TYPE, Problem

# Those who read a large answer slowly have a thread each, and the others must not wait for them.
_THREADS = 32
_CONNECTIONS_KEPT = 256
# A list of a thousand UIDs fits into a URL.
_HEADER_LIMIT = 1 << 17
_SECONDS_OF_SILENCE = 60
_PLAIN = (
    "Send a plain HTTP/1.1 request: its path begins with one slash, and what is not ASCII in it is "
    "percent-encoded."
)


class _Request(HTTPRequest):
    """cheroot's request, refused in JSON like everything that is refused here."""

    def read_request_headers(self) -> bool:
        if not super().read_request_headers():
            return False
        length = self.inheaders.get(b"Content-Length", b"0")
        # A length of more digits is no number of bytes that could be read.
        if not length.isdigit() or len(length) > 18:
            self.simple_response("400 Bad Request", "Malformed Content-Length Header.")
            return False
        return True

    def simple_response(self, status: str, msg: str = "") -> None:
        code = HTTPStatus(int(status[:3]))
        hint = _PLAIN
        if code in (413, 414):
            hint = f"The URL and the headers may have {_HEADER_LIMIT:,} bytes together."
        problem = Problem(code, msg or code.phrase, hint)
        self.close_connection = True
        with suppress(OSError):
            self.conn.wfile.write(_message(problem))


def _message(problem: Problem) -> bytes:
    head = [
        f"HTTP/1.1 {problem.status} {problem.title}",
        f"Content-Type: {PROBLEM_TYPE}",
        f"Content-Length: {len(problem.body)}",
        "Connection: close",
    ]
    return ("\r\n".join(head) + "\r\n\r\n").encode() + problem.body


class _Gateway(wsgi.Gateway_10):
    """cheroot's way from a request to WSGI, with a body that never fills the memory."""

    def get_environ(self) -> WSGIEnvironment:  # type: ignore[override]  # cheroot says None
        environ: WSGIEnvironment = super().get_environ()
        if self.req.chunked_read:
            environ["wsgi.input"] = ChunkedBody(self.req)
        return environ


class _Connection(HTTPConnection):
    """cheroot's connection, without the bytes that a client did not wait for.

    They stay in the file behind the socket. When that is collected it tries to send them, fails,
    and Python 3.13 prints the failure into a learner's notebook.
    """

    RequestHandlerClass = _Request

    def close(self) -> None:
        super().close()
        with suppress(OSError):
            self.wfile.close()


class _Server(wsgi.Server):
    """cheroot's server, silent about clients that hang up, and tidy when a port is taken."""

    ConnectionClass = _Connection
    keep_alive_conn_limit = _CONNECTIONS_KEPT
    max_request_header_size = _HEADER_LIMIT

    @staticmethod
    def bind_socket(socket_: socket.socket, bind_addr: tuple[str, int]) -> socket.socket:
        try:
            bound: socket.socket = wsgi.Server.bind_socket(socket_, bind_addr)
            return bound
        except OSError:
            socket_.close()
            raise

    def process_conn(self, conn: HTTPConnection) -> None:
        # Browsers open connections in advance. One that has sent nothing yet waits with those that
        # are kept alive, and not in a thread.
        if conn.last_used is None:
            self.put_conn(conn)
        else:
            super().process_conn(conn)

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        if traceback:
            super().error_log(msg, level, traceback)


def listen(host: str, port: int) -> wsgi.Server:
    """Open a port, 0 for any; clients wait till the server has a `wsgi_app` and serves."""
    server = _Server(
        (host, port),
        None,  # the application is made when the port, and so its address, is known
        server_name="classroom-pacs",
        numthreads=_THREADS,
        request_queue_size=64,
        timeout=_SECONDS_OF_SILENCE,
        shutdown_timeout=1,
    )
    server.gateway = _Gateway
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
