"""Answers made by hand, and a server that says only what a test tells it to say."""

import io
import socket
import threading
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
def saying(*pieces, hear=lambda request: None):
    """Run a server that sends these bytes to whoever asks, then hangs up; yield its URL.

    A piece that is an event is waited for before the next piece is sent. `hear` is called with the
    first bytes of each request.
    """
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            # A client that gives up first is part of the game.
            with connection, suppress(OSError):
                hear(connection.recv(65536))
                for piece in pieces:
                    if isinstance(piece, threading.Event):
                        piece.wait(10)
                    else:
                        connection.sendall(piece)
                connection.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        # On Linux, close() alone does not wake a thread that waits in accept().
        with socket.create_connection(listener.getsockname()):
            listener.close()
        thread.join(10)
