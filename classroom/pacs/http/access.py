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
from urllib.parse import urlsplit

from classroom.pacs.http.problems import Problem

_LOOPBACK_ORIGIN = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?")
_EXPOSED = "Allow, Content-Length, Content-Location, Warning, WWW-Authenticate"
_HEADERS = "Accept, apikey, Content-Type"
_SECONDS_TO_REMEMBER = "600"


class Access:
    """The rules of who may ask.

    Parameters
    ----------
    apikey : str or None
        What the header `apikey` of every request must be; None asks for no key.
    hosts : iterable of str
        Names and addresses of this server, beside those of loopback.
    any_address : bool
        Whether every IP address may stand in `Host`: for a server that listens on all of its
        machine's. Rebinding needs a name, so an address is never one of its tricks.
    origins : iterable of str
        Where web pages may come from, beside this machine: "https://hub.mybinder.org".
    """

    def __init__(self, apikey, *, hosts=(), any_address=False, origins=()):
        self._apikey = apikey
        self._hosts = {"localhost", *(host.lower() for host in hosts)}
        self._any_address = any_address
        self._origins = {origin.lower() for origin in origins}

    def check_host(self, request):
        """Raise a 421 if the request was meant for another host."""
        host = request.headers.get("Host")
        # A browser always sends it; HTTP/1.0 does without.
        if host is not None and not self._is_ours(_name_of(host)):
            raise Problem(
                421,
                f"This server is not {host}.",
                "Use the URL that it was started with. --allow-host lets another name in.",
            )

    def check_origin(self, request):
        """Raise a 403 if the request comes from a web page that may not ask."""
        origin = request.headers.get("Origin")
        if origin is not None and not self._trusts(origin, request):
            raise Problem(
                403,
                f"Web pages from {origin} may not use this server.",
                "Open the page from this machine. --origin lets the pages of another one in.",
            )

    def check_key(self, request):
        """Raise a 401 without a key and a 403 with the wrong one."""
        if self._apikey is None:
            return
        sent = request.headers.get("apikey")
        if sent is None:
            raise Problem(
                401,
                "This server wants a key, and the request has none.",
                "Send the header apikey, with the key that this server was started with.",
                headers={"WWW-Authenticate": 'ApiKey realm="classroom PACS"'},
            )
        if not hmac.compare_digest(sent.encode(), self._apikey.encode()):
            raise Problem(
                403,
                "The key in the header apikey is wrong.",
                "Compare it, letter by letter, with the key that this server was started with.",
            )

    def headers(self, request):
        """Return the headers that let a page read the answer, if it may.

        Parameters
        ----------
        request : werkzeug.wrappers.Request

        Returns
        -------
        dict of str to str
        """
        origin = request.headers.get("Origin")
        if origin is None or not self._trusts(origin, request):
            return {"Vary": "Origin"}
        return {
            "Vary": "Origin",
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Expose-Headers": _EXPOSED,
        }

    def preflight_headers(self, request, methods):
        """Return the headers that let a page send its request after OPTIONS.

        Parameters
        ----------
        request : werkzeug.wrappers.Request
            One that `check_origin` found right.
        methods : str
            What the resource can do: "GET, HEAD".

        Returns
        -------
        dict of str to str
        """
        if "Origin" not in request.headers:
            return {}
        # A page that may ask may send any header.
        asked = request.headers.get("Access-Control-Request-Headers", _HEADERS)
        return {
            "Access-Control-Allow-Methods": methods,
            "Access-Control-Allow-Headers": asked,
            "Access-Control-Max-Age": _SECONDS_TO_REMEMBER,
        }

    def _is_ours(self, name):
        if name in self._hosts:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or self._any_address

    def _trusts(self, origin, request):
        if _LOOPBACK_ORIGIN.fullmatch(origin) or origin.lower() in self._origins:
            return True
        # A page of this server itself; that its name is ours, `check_host` has seen.
        return origin.partition("://")[2] == request.headers.get("Host")


def _name_of(host):
    """Return the name or address in a Host header, without port and brackets.

    Examples
    --------
    >>> _name_of("LocalHost:8042"), _name_of("[::1]:8042"), _name_of("127.0.0.1")
    ('localhost', '::1', '127.0.0.1')
    """
    try:
        return (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        return ""
