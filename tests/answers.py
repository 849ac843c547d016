"""Answers made by hand, and a server that says only what a test tells it to say."""

import io
import socket
import socketserver
import threading
import time
from contextlib import contextmanager, suppress

import requests
import urllib3


def answer(body=b"", content_type=None, status=200, reason="OK", url="http://127.0.0.1/dicomweb"):
    """Return a requests.Response that holds `body` and was not read yet."""
    response = requests.Response()
    response.status_code, response.reason, response.url = status, reason, url
    if content_type:
        response.headers["Content-Type"] = content_type
    response.raw = urllib3.HTTPResponse(io.BytesIO(body), preload_content=False)
    response.request = requests.Request("GET", url).prepare()
    return response


def multipart_body(contents, media_type, boundary="b"):
    """Return the body of a multipart answer with these parts, and its Content-Type."""
    parts = b"".join(
        b"--%b\r\nContent-Type: %b\r\n\r\n%b\r\n"
        % (boundary.encode(), media_type.encode(), content)
        for content in contents
    )
    content_type = f'multipart/related; type="{media_type}"; boundary={boundary}'
    return parts + f"--{boundary}--\r\n".encode(), content_type


@contextmanager
def serving(server):
    """Let a server of the standard library answer; yield where it is, without the scheme."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield "{}:{}".format(*server.server_address)
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


@contextmanager
def saying(*pieces, hear=lambda request: None):
    """Run a server that sends these bytes to whoever asks, then hangs up; yield its URL.

    A piece that is an event is waited for before the next piece is sent; a number is a pause, in
    seconds. `hear` is called with the first bytes of each request.
    """

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            # A client that gives up first is part of the game.
            with suppress(OSError):
                hear(self.request.recv(65536))
                for piece in pieces:
                    if isinstance(piece, threading.Event):
                        piece.wait(10)
                    elif isinstance(piece, float):
                        time.sleep(piece)
                    else:
                        self.request.sendall(piece)
                self.request.shutdown(socket.SHUT_WR)
                # Closed with a part of the request unread, TCP would drop what is not yet sent.
                while self.request.recv(65536):
                    pass

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    # A client that keeps its end open is not waited for.
    server.daemon_threads = True
    with serving(server) as address:
        yield f"http://{address}"
