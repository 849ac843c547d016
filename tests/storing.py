"""A server that stores what a test wants it to store, and says of it what the test wants."""

import email
import email.policy
import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pydicom

from helpers.servers.server import Server
from helpers.web.secrets import Headers
from tests.answers import serving


class Archive:
    """A server whose answers a test chooses: it keeps what was sent, and what it shall say."""

    def __init__(self):
        self.requests = []
        self.held = []
        self.page = 1000
        self.answers = []
        self.status = 200

    def found(self, query):
        """Answer a search, at most `page` instances at once."""
        offset = int(query.partition("offset=")[2] or 0)
        body = [{"00080018": {"vr": "UI", "Value": [uid]}} for uid in self.held]
        return 200, {}, json.dumps(body[offset : offset + self.page]).encode()

    def stored(self, headers, body):
        """Answer a store request: with the next of `answers`, or that everything is stored."""
        if self.answers:
            return self.answers.pop(0)
        uids = [pydicom.dcmread(part).SOPInstanceUID for part in contents(headers, body)]
        self.held += uids
        return 200, {}, store_response(stored=uids)


def store_response(stored=(), refused=()):
    def item(uid, **codes):
        return {
            "00081155": {"vr": "UI", "Value": [uid]},
            **{tag.strip("_"): {"vr": "US", "Value": [code]} for tag, code in codes.items()},
        }

    response = {}
    if stored:
        response["00081199"] = {"vr": "SQ", "Value": [item(uid) for uid in stored]}
    if refused:
        items = [item(uid, _00081197=code) for uid, code in refused]
        response["00081198"] = {"vr": "SQ", "Value": items}
    return json.dumps(response).encode()


def contents(headers, body):
    """Split a multipart body with the standard library; return its parts as binary files."""
    head = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + body, policy=email.policy.HTTP)
    assert not message.defects
    parts = list(message.iter_parts())
    assert all(part.get_content_type() == "application/dicom" for part in parts)
    return [pydicom.filebase.DicomBytesIO(part.get_payload(decode=True)) for part in parts]


@contextmanager
def running_archive():
    """Run an Archive on loopback; yield it, with where it is as its `server`."""
    archive = Archive()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            archive.requests.append(("GET", self.path, self.headers, b""))
            self.answer(*archive.found(self.path))

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            archive.requests.append(("POST", self.path, self.headers, body))
            self.answer(*archive.stored(self.headers, body))

        def answer(self, status, headers, body):
            self.send_response(status)
            headers = {"Content-Type": "application/dicom+json", **headers}
            for name, value in {**headers, "Content-Length": len(body)}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *arguments):
            """A client that hangs up is part of the game."""

    with serving(Quiet(("127.0.0.1", 0), Handler)) as address:
        url = f"http://{address}/dicomweb"
        archive.server = Server("test", url, None, Headers(apikey="s3cret"))
        yield archive
