"""Ask a server, within limits, and explain what went wrong: the one way in which helpers ask.

Notebooks call `requests` themselves, and see what it does. Here stands what else it takes.
"""

import ipaddress
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from helpers.errors import WorkbookError
from helpers.web.answer import read_within, too_slow
from helpers.web.explanations import explain
from helpers.web.limits import ANSWER, Limits
from helpers.web.raw_query import RawQueryAdapter
from helpers.web.transport import Adapter

# Seconds before the second and before the third time.
WAITS = (0.3, 1)
# The server, or a proxy in front of it, says that it may do better later.
BUSY = (429, 502, 503, 504)


def ask(
    url: str,
    *,
    params: Mapping[str, str | int] | None = None,
    headers: Mapping[str, str] | None = None,
    limits: Limits = ANSWER,
    since: float | None = None,
    is_patient: bool = False,
    is_streamed: bool = False,
    is_raw: bool = False,
    session: requests.Session | None = None,
    method: str = "GET",
    body: bytes | Iterable[bytes] | None = None,
) -> requests.Response:
    """Send a request, and return the answer, whatever its status, with its body in memory."""
    since = time.monotonic() if since is None else since
    limits = limits.raised()

    def send() -> requests.Response:
        # A thousandth, where none is left: then it is over at once.
        left = max(since + limits.in_all - time.monotonic(), 0.001)
        # requests passes it on, though its types do not say so.
        timeout: Any = urllib3.Timeout(connect=limits.connect, read=limits.silence, total=left)
        return channel.request(
            method,
            url,
            params=params,
            headers=headers,
            data=body,
            timeout=timeout,
            stream=True,
            # A key in a header of its own would go along, to any other host.
            allow_redirects=False,
            proxies={"no_proxy": urlsplit(url).hostname or ""} if is_here(url) else None,
        )

    with nullcontext(session) if session else open_session(is_raw) as channel:
        try:
            # Reading does no harm, so it may be done again (RFC 9110 sections 9.2.2 and 10.2.3).
            waits = WAITS if is_patient and method == "GET" else ()
            response = _send_again(send, waits, since + limits.in_all)
        except WorkbookError:
            # The body that was to be sent has trouble of its own.
            raise
        except requests.Timeout as error:
            if _is_over(limits, since):
                raise too_slow(limits, url, 0) from error
            raise explain(error) from error
        except (requests.RequestException, ValueError) as error:
            # A ValueError: a host that can be no name.
            raise explain(error) from error
        if not is_streamed:
            try:
                response._content = b"".join(read_within(response, limits, since))
                response._content_consumed = True  # type: ignore[attr-defined]
            finally:
                # Gives the connection back: who keeps an answer must not keep a socket with it.
                response.close()
    return response


class _Session(requests.Session):
    """A session to which a redirect is an answer like any other, within the same limits."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return none: else requests reads its body whole, even if it does not follow it."""


def open_session(is_raw: bool = False) -> requests.Session:
    """Return a session for requests to one server; `is_raw` if that one decodes no query."""
    session = _Session()
    adapter = RawQueryAdapter() if is_raw else Adapter()
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    return session


def is_here(url: str) -> bool:
    """Tell whether a URL leads to this computer itself."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _send_again(
    send: Callable[[], requests.Response], waits: Iterable[float], deadline: float
) -> requests.Response:
    """Send a request, and again after each wait, if the server was busy or hung up."""
    for wait in waits:
        try:
            response = send()
            if response.status_code not in BUSY:
                return response
            wait = _seconds(response.headers.get("Retry-After"), wait)
            if wait > max(WAITS) or time.monotonic() + wait > deadline:
                return response
            response.close()
        except requests.ConnectionError as error:
            # Nothing else will be better in a second: an unknown name, a refusal, a certificate.
            if "Connection aborted" not in str(error):
                raise
        time.sleep(wait)
    return send()


def _seconds(retry_after: str | None, usual: float) -> float:
    """Return how long to wait: as the server asks, if it does so in seconds."""
    # Nine digits are enough to see that it is too long.
    return int(retry_after[:9]) if retry_after and retry_after.isdecimal() else usual


def _is_over(limits: Limits, since: float) -> bool:
    return time.monotonic() >= since + limits.in_all
