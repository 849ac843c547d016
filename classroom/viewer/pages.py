"""The viewer's pages and the PACS behind them, as one WSGI application of one origin."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.exceptions import NotFound
from werkzeug.utils import send_from_directory
from werkzeug.wrappers import Request, Response

CONFIGURATION = Path(__file__).with_name("app-config.js")
INDEX = "index.html"
# What the PACS answers; every other path is the viewer's.
PACS_PATHS = ("/dicomweb", "/wadouri")
READING = ("GET", "HEAD")

# Not from the `mimetypes` module: on Windows, another program may have told it that .js is text,
# and then the browser runs no script.
_MIME_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webapp": "application/manifest+json",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
}

# The pages may talk to this server only. OHIF needs scripts and styles inside its pages, code that
# it makes itself, and data: and blob: URLs for pictures, PDF documents and workers.
_CONTENT_SECURITY_POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' blob: data:; frame-ancestors 'none'"
)


class Viewer:
    """A WSGI application: the pages of OHIF, and a PACS that they can read without a key.

    OHIF cannot send a key, so this server adds it, but only to requests that read and of which the
    browser says, in `Sec-Fetch-Site`, that a page of this very server makes them. No page can set
    this header itself. So a page of another host or port does not read the archive with our key,
    nor does one whose host name was turned to this computer (DNS rebinding): browsers leave the
    header out for hosts that are not trustworthy. Nothing can be stored. What the header does not
    keep out is another program on this computer, and that one knows the workshop's key anyway.
    """

    def __init__(self, pacs: WSGIApplication, folder: Path, apikey: str) -> None:
        self._pacs = pacs
        self._folder = folder
        self._apikey = apikey

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        request = Request(environ)
        if request.method in READING:
            if not request.path.startswith(PACS_PATHS):
                return self._page(request)(environ, start_response)
            if request.headers.get("Sec-Fetch-Site") == "same-origin":
                environ = {"HTTP_APIKEY": self._apikey, **environ}
        return self._pacs(environ, start_response)

    def _page(self, request: Request) -> Response:
        if request.path == "/app-config.js":
            response = _file(CONFIGURATION.parent, CONFIGURATION.name, request)
        else:
            response = self._file_or_index(request)
        response.headers["Content-Security-Policy"] = _CONTENT_SECURITY_POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    def _file_or_index(self, request: Request) -> Response:
        try:
            return _file(self._folder, request.path.lstrip("/"), request)
        except NotFound:
            # OHIF reads from the path which page it shows. A missing file is no page.
            if PurePosixPath(request.path).suffix:
                return Response(f"There is no file {request.path}\n", 404)
            return _file(self._folder, INDEX, request)


def _file(folder: Path, path: str, request: Request) -> Response:
    mime_type = _MIME_TYPES.get(PurePosixPath(path).suffix, "application/octet-stream")
    return send_from_directory(folder, path, request.environ, mimetype=mime_type)
