"""Who may ask: for which host, from which web page, with which key.

A server that listens on loopback only can still be reached by every page that the learner's browser
shows. Two checks keep such pages out. `Host` is the name that the browser has looked up: a page
whose own name was made to lead to this machine (DNS rebinding) cannot hide it. `Origin` is where a
page came from: to pages of this machine, and to those that the server was told of, the answers say
that they may be read (CORS).
"""

import hmac
import ipaddress
import re
from collections.abc import Callable, Iterable
from types import TracebackType
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.datastructures import Headers
from werkzeug.wrappers import Request

from classroom.pacs.http.problems import Problem

ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]

_LOOPBACK_ORIGIN = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?")
_EXPOSED = "Allow, Content-Length, Content-Location, Warning, WWW-Authenticate"
_HEADERS = "Accept, apikey, Content-Type"
_SECONDS_TO_REMEMBER = "600"
_READING = ("GET", "HEAD", "OPTIONS")


class Access:
    """A WSGI application around another, which hears only of those who may ask."""

    def __init__(
        self,
        application: WSGIApplication,
        apikey: str | None,
        *,
        read_only_key: str | None = None,
        hosts: Iterable[str] = (),
        any_address: bool = False,
        origins: Iterable[str] = (),
    ) -> None:
        self._application = application
        self._apikey = apikey  # None asks for no key.
        self._read_only_key = read_only_key  # whoever sends it is known, and may not store
        self._hosts = {"localhost", *(host.lower() for host in hosts)}
        # For a server that listens on all addresses of its machine, every one may stand in `Host`:
        # rebinding needs a name, so an address is never one of its tricks.
        self._any_address = any_address
        self._origins = {origin.lower() for origin in origins}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        request = Request(environ)

        def start(
            status: str,
            headers: list[tuple[str, str]],
            exc_info: ExcInfo | None = None,
            /,
        ) -> Callable[[bytes], object]:
            ours = self._list_headers(request, Headers(headers))
            return start_response(status, [*headers, *ours], exc_info)

        try:
            self._check_host(request)
            self._check_origin(request)
            if not _is_open(request):
                self._check_key(request)
        except Problem as problem:
            return problem.response()(environ, start)
        return self._application(environ, start)

    def _check_host(self, request: Request) -> None:
        host = request.headers.get("Host")
        # A browser always sends it; HTTP/1.0 does without.
        if host is not None and not self._is_ours(_name_of(host)):
            raise Problem(
                421,
                f"This server is not {host}.",
                "Use the URL that it was started with. --allow-host lets another name in.",
            )

    def _check_origin(self, request: Request) -> None:
        origin = request.headers.get("Origin")
        if origin is not None and not self._trusts(origin, request):
            raise Problem(
                403,
                f"Web pages from {origin} may not use this server.",
                "Open the page from this machine. --origin lets the pages of another one in.",
            )

    def _check_key(self, request: Request) -> None:
        if self._apikey is None:
            return
        sent = request.headers.get("apikey")
        if sent is None:
            raise _not_signed_in(
                "This server wants a key, and the request has none.",
                "Send the header apikey, with the key that this server was started with.",
            )
        if _is_same(sent, self._apikey):
            return
        if self._read_only_key is None or not _is_same(sent, self._read_only_key):
            raise _not_signed_in(
                "The key in the header apikey is wrong.",
                "Compare it, letter by letter, with the key that this server was started with.",
            )
        if request.method not in _READING:
            raise Problem(
                403,
                f"The server knows your key, and with it you may read: {request.method} is not "
                "allowed.",
                "Another key would let you store. The same request with this one fails again.",
            )

    def _list_headers(self, request: Request, answer: Headers) -> list[tuple[str, str]]:
        """Return the headers that let a page read the answer, or send its request after OPTIONS."""
        # A browser guesses no type: what others have stored could be made to look like a page.
        headers = [("Vary", "Origin"), ("X-Content-Type-Options", "nosniff")]
        origin = request.headers.get("Origin")
        if origin is None or not self._trusts(origin, request):
            return headers
        headers += [
            ("Access-Control-Allow-Origin", origin),
            ("Access-Control-Expose-Headers", _EXPOSED),
        ]
        if request.method == "OPTIONS" and "Allow" in answer:
            # A page that may ask may send any header.
            wanted = request.headers.get("Access-Control-Request-Headers", _HEADERS)
            headers += [
                ("Access-Control-Allow-Methods", answer["Allow"]),
                ("Access-Control-Allow-Headers", wanted),
                ("Access-Control-Max-Age", _SECONDS_TO_REMEMBER),
            ]
        return headers

    def _is_ours(self, name: str) -> bool:
        if name in self._hosts:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or self._any_address

    def _trusts(self, origin: str, request: Request) -> bool:
        if _LOOPBACK_ORIGIN.fullmatch(origin) or origin.lower() in self._origins:
            return True
        # A page of this server itself; that its name is ours, `_check_host` has seen.
        return origin.partition("://")[2] == request.headers.get("Host")


def _not_signed_in(detail: str, hint: str) -> Problem:
    # Without a key or with a wrong one, the server does not know who asks: 401, and it says how to
    # sign in (RFC 9110 section 15.5.2). 403 is for whom it knows (section 15.5.4).
    return Problem(401, detail, hint, headers={"WWW-Authenticate": 'ApiKey realm="classroom PACS"'})


def _is_same(sent: str, key: str) -> bool:
    return hmac.compare_digest(sent.encode(), key.encode())


def _is_open(request: Request) -> bool:
    """Tell whether a request needs no key: a browser asks (OPTIONS) before it sends one."""
    return request.method == "OPTIONS" or (
        request.path == "/" and request.method in ("GET", "HEAD")
    )


def _name_of(host: str) -> str:
    """Return the name or address in a Host header, without port and brackets.

    >>> _name_of("LocalHost:8042"), _name_of("[::1]:8042"), _name_of("127.0.0.1")
    ('localhost', '::1', '127.0.0.1')
    """
    try:
        return (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        return ""
