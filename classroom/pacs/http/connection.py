"""One connection: cheroot's, with a request whose head is received while no worker waits for it."""

import io
import os
import socket
import struct
import time
from contextlib import suppress
from enum import Enum
from http import HTTPStatus
from typing import Any
from wsgiref.types import WSGIEnvironment

from cheroot import wsgi
from cheroot.server import HTTPConnection, HTTPRequest

from classroom.pacs.http import grammar
from classroom.pacs.http.body import ChunkedBody, SizedBody
from classroom.pacs.http.problems import PROBLEM_TYPE, Problem
from classroom.pacs.http.streams import Incoming, Outgoing, Patience

# For a client that does not read, no more than this is made in advance, and kept by the system.
_SEND_BUFFER = 1 << 18
_RESET = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
_PLAIN = (
    "Send a plain HTTP/1.1 request: its path begins with one slash, and what is not ASCII in it is "
    "percent-encoded."
)


class State(Enum):
    """What a connection waits for that no worker has."""

    WAITS = "for bytes that are to come"
    IS_ASKED = "a head is here"
    IS_GONE = "nobody is there any more"


class Request(HTTPRequest):
    """cheroot's request, its head as RFC 9112 wants it, and refused in JSON like all else here."""

    def parse_request(self) -> None:
        """Read the head, which is here already."""
        head: bytes = self.conn.head
        limit = self.server.limits.head
        line = head.partition(b"\r\n")[0]
        if len(head) > limit:
            self.simple_response("414" if len(line) > limit else "413")
            return
        self.rfile = io.BytesIO(head)
        try:
            grammar.check_request_line(line)
            if not head.endswith(b"\r\n\r\n"):
                raise ValueError("The head is cut, or a line of it does not end in CR LF.")
        except ValueError as error:
            self.simple_response("400", str(error))
            return
        self.ready = self.read_request_line() and self.read_request_headers()

    def header_reader(self, head: io.BytesIO, fields: grammar.Fields) -> None:
        """Read the headers; a ValueError becomes a 400."""
        lines = head.read().removesuffix(b"\r\n\r\n").split(b"\r\n")
        fields |= grammar.read_fields([] if lines == [b"\r\n"] else lines)
        grammar.check_framing(fields, self.response_protocol)
        options = {one.strip().lower() for one in fields.get(b"Connection", b"").split(b",")}
        if b"close" in options:
            fields[b"Connection"] = b"close"
        elif b"keep-alive" in options:
            fields[b"Connection"] = b"Keep-Alive"
        # Said when somebody wants the body: who is refused need not send it.
        expectation = fields.pop(b"Expect", b"").lower()
        is_new = self.response_protocol == "HTTP/1.1"
        self.conn.is_expecting = expectation == b"100-continue" and is_new

    def read_request_headers(self) -> bool:
        """Read the headers; tell whether the request can be answered."""
        if not super().read_request_headers():
            return False
        try:
            grammar.check_host(self.inheaders, self.response_protocol)
        except ValueError as error:
            self.simple_response("400", str(error))
            return False
        return True

    def simple_response(self, status: str, msg: str = "") -> None:
        """Refuse the request, and close the connection."""
        code = HTTPStatus(int(status[:3]))
        hint = _PLAIN
        if code in (413, 414):
            hint = f"The URL and the headers may have {self.server.limits.head:,} bytes together."
        elif code == 408:
            hint = "Send the request again, and all of it at once."
        self.close_connection = True
        with suppress(OSError):
            self.conn.refuse(Problem(code, msg or code.phrase, hint))


class Gateway(wsgi.Gateway_10):
    """cheroot's way from a request to WSGI, with a body that never fills the memory."""

    def get_environ(self) -> WSGIEnvironment:  # type: ignore[override]  # cheroot says None
        """Return what the application learns of the request."""
        environ: WSGIEnvironment = super().get_environ()
        body: ChunkedBody | SizedBody = (
            ChunkedBody(self.req)
            if self.req.chunked_read
            else SizedBody(self.req, int(environ.get("CONTENT_LENGTH", 0)))
        )
        environ["wsgi.input"] = self.req.rfile = body
        if self.req.conn.is_expecting:
            environ["HTTP_EXPECT"] = "100-continue"
        return environ


class Connection(HTTPConnection):
    """cheroot's connection, with a head that is received while no worker waits for it.

    In the end it is closed in two steps (RFC 9112 section 9.6): who is still sending would lose the
    answer otherwise.
    """

    RequestHandlerClass = Request

    def __init__(self, server: Any, socket_: socket.socket, _: object = None) -> None:
        socket_.setblocking(False)
        socket_.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        limits = server.limits
        self.head = b""
        self.is_expecting = False  # "100 Continue" before it sends a body
        self.is_evicted = False
        self.is_counted = False  # among those that are here
        self.since = time.monotonic()  # the last answer, the first byte of a head, or the farewell
        self.deadline = self.since + limits.idle
        self._is_asked = False
        self._is_saying_farewell = False
        self._farewell_bytes = limits.farewell_bytes
        files = {
            "r": Incoming(socket_, self._wait_to_read, limits.head),
            "w": Outgoing(socket_, self._wait_to_write),
        }
        super().__init__(server, socket_, lambda socket_, mode, size: files[mode[0]])

    def advance(self) -> State:
        """Take what the client has sent; no worker is needed for that."""
        if self.is_evicted:
            return State.IS_GONE
        if self._is_saying_farewell:
            return self._discard()
        if not self.rfile.has_data():
            self.rfile.receive()
        head = self.rfile.take_head()
        if head:
            self.head = head
            self._is_asked = True
            return State.IS_ASKED
        if self.rfile.is_ended:
            return State.IS_GONE
        if self.rfile.is_begun() and not self._is_asked:
            self._is_asked = True
            self._set_deadline(self.server.limits.head_seconds)
        return State.WAITS

    def communicate(self) -> bool:
        """Answer the request whose head is here; tell whether the connection is kept."""
        limits = self.server.limits
        self.rfile.patience = Patience(limits.body_pause, limits.least_speed)
        self.wfile.patience = Patience(limits.answer_pause, limits.least_speed)
        is_kept: bool = super().communicate()
        if is_kept:
            self._is_asked = False
            self._set_deadline(limits.idle)
        return is_kept

    def refuse(self, problem: Problem) -> None:
        """Send an answer that no application makes; after it the connection is closed."""
        lines = [
            f"HTTP/1.1 {problem.status} {problem.title}",
            f"Content-Type: {PROBLEM_TYPE}",
            f"Content-Length: {len(problem.body)}",
            "X-Content-Type-Options: nosniff",
            "Connection: close",
        ]
        body = b"" if self.head.startswith(b"HEAD ") else problem.body
        self.wfile.write(("\r\n".join(lines) + "\r\n\r\n").encode() + body)

    def expire(self) -> None:
        """Close the connection: the client had its time."""
        if self._is_asked and not self._is_saying_farewell:
            self.head = self.rfile.take_rest()
            self.wfile.patience = None
            Request(self.server, self).simple_response("408", "The head of the request is late.")
        self.close()

    def evict(self) -> None:
        """Make room for another one; whoever looks after this connection then closes it."""
        self.is_evicted = True
        self.server.leave(self)
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection for writing, and the rest when the client has read the answer."""
        is_over = self._is_saying_farewell or self.is_evicted or self.wfile.is_broken
        if self._is_asked and not is_over and self.server.ready:
            with suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)
                self._is_saying_farewell = True
                self.rfile.close()
                self._set_deadline(self.server.limits.farewell_pause)
                self.server.put_conn(self)
                return
        self.rfile.close()
        self.server.leave(self)
        with suppress(OSError):
            if self.wfile.is_broken:
                # What it does not fetch would stay in the memory of this machine.
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.socket.close()

    def _discard(self) -> State:
        try:
            data = self.socket.recv(1 << 18)
        except BlockingIOError:
            return State.WAITS
        except OSError:
            return State.IS_GONE
        limits = self.server.limits
        self._farewell_bytes -= len(data)
        if not data or self._farewell_bytes < 0:
            return State.IS_GONE
        now = time.monotonic()
        self.deadline = min(now + limits.farewell_pause, self.since + limits.farewell)
        return State.WAITS

    def _set_deadline(self, seconds: float) -> None:
        self.since = time.monotonic()
        self.deadline = self.since + seconds

    def _wait_to_read(self, event: int) -> None:
        if self.is_expecting:
            self.is_expecting = False
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        with self.server.requests.waiting():
            self.rfile.patience.wait(self.socket, event)

    def _wait_to_write(self, event: int) -> None:
        if self.wfile.patience is None:  # no worker does this, and the others must not wait
            raise TimeoutError("timed out")
        with self.server.requests.waiting():
            self.wfile.patience.wait(self.socket, event)
