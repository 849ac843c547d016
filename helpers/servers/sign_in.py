"""How we sign in to a server: the headers made of the key, and what to do when they are refused."""

import base64
import getpass
import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase
from requests.utils import check_header_validity, get_netrc_auth

from helpers.errors import WorkbookError
from helpers.servers.profiles import Profile, own_file
from helpers.web.secrets import Headers, Secret, host_of, mask, mask_url, scheme_of

REFUSED = (401, 403)
# A way to sign in, at the beginning or behind a comma; a parameter of it has = behind it.
CHALLENGE = re.compile(r"(?:^|,)\s*([a-z]+)(?=\s|,|$)")
# What each way to sign in calls its secret.
WORDS = {"basic": "User name and password, as user:password,", "bearer": "Token"}


def find_credentials(profile: Profile) -> Headers:
    """Return the headers that sign in to a server; none if it asks for no key, or there is none."""
    if profile.auth == "none":
        return Headers()
    in_environment = os.environ.get("DICOMWEB_APIKEY")
    key = in_environment or (_ask(profile) if profile.ask else "")
    if not key:
        return Headers()
    problem = _problem_of(key, profile.auth)
    if problem and not profile.ask:
        # Of a bare URL, a header is only our guess. Its refusal will say which way it is.
        return Headers()
    if problem:
        raise WorkbookError(
            f"The key for {profile.title} cannot be sent: {problem}.",
            expected="user:password" if profile.auth == "basic" else "letters, digits and signs",
            came="(it is not shown)",
            hint="Copy it once more into the environment variable DICOMWEB_APIKEY."
            if in_environment
            else "Do it again, and copy it once more.",
        )
    return sign_in(key, profile.auth, profile.header)


def sign_in(key: str, auth: str, header: str = "apikey") -> Headers:
    """Return the header that carries a key, in one of `WAYS_TO_SIGN_IN` (RFC 7617, RFC 6750)."""
    if auth == "bearer":
        return Headers(Authorization=f"Bearer {key}")
    if auth == "basic":
        encoded = base64.b64encode(key.encode()).decode()
        return Headers(Authorization=f"Basic {encoded}")
    # Whatever the header is called, what is in it is a key.
    return Headers({header: Secret(key, scheme_of(header, key))})


class OriginAuth(AuthBase):
    """Adds headers to requests for one server, and takes them away before a redirect to another.

    `requests` takes a header of one's own along, wherever an answer redirects to; of all headers it
    leaves only Authorization behind. A server is known by its origin: scheme, host and port
    (RFC 6454 section 4). What comes back from another one has no key any more.

    >>> auth = OriginAuth(Headers(apikey="my own"), ["http://127.0.0.1:8080/dicomweb"])
    >>> auth
    apikey: ******** to http://127.0.0.1:8080 only
    >>> requests.Request("GET", "http://127.0.0.1:8080/studies", auth=auth).prepare().headers
    {'apikey': '********'}
    >>> requests.Request("GET", "http://localhost:8080/studies", auth=auth).prepare().headers
    {}
    """

    def __init__(self, headers: Mapping[str, str], roots: Iterable[str]) -> None:
        self.headers = Headers(headers)
        self._roots = tuple(roots)
        self._origins = {_origin_of(_as_sent(root)) for root in self._roots} - {None}

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the headers, if the request goes to the server; `requests` asks for it."""
        if self._is_ours(request.url):
            for header in self.headers.items():
                # As requests does with headers of one's own, and with no others.
                check_header_validity(header)
            request.headers.update(self.headers)
        if "Authorization" not in request.headers:
            # What requests does where nobody passes auth=: it looks into the URL and into .netrc.
            request.prepare_auth(get_netrc_auth(request.url or ""))
        request.register_hook("response", self._before_redirect)
        return request

    def _before_redirect(self, response: requests.Response, **_: Any) -> None:
        """Take the headers out of what `requests` makes the next request of, if that leaves us."""
        if response.is_redirect and not self._is_ours(_redirect_of(response)):
            copied = response.request
            # What was sent, for all who look at it.
            response.request = copied.copy()
            for name in self.headers:
                copied.headers.pop(name, None)

    def _is_ours(self, url: str | None) -> bool:
        return _origin_of(url) in self._origins

    def __repr__(self) -> str:
        if not self.headers:
            return "(no key is sent)"
        sent = ", ".join(f"{name}: {mask(name, text)}" for name, text in self.headers.items())
        origins = dict.fromkeys(_origin_in_words(root) for root in self._roots)
        return f"{sent} to {' and '.join(origins)} only"


def _origin_in_words(url: str) -> str:
    return f"{urlsplit(url).scheme}://{host_of(url)}"


def _as_sent(url: str) -> str:
    """Return a URL as `requests` sends it: a name with an umlaut is written in ASCII."""
    try:
        return requests.Request("GET", url).prepare().url or ""
    except (requests.RequestException, ValueError):
        # Nothing can be sent there.
        return ""


def _origin_of(url: str | None) -> tuple[str, str, int] | None:
    """Return scheme, host and port; None where nobody can tell."""
    try:
        parts = urlsplit(url or "")
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        return (parts.scheme, parts.hostname, port) if parts.hostname else None
    except (ValueError, KeyError):
        return None


def _redirect_of(response: requests.Response) -> str | None:
    """Return where an answer redirects to, as `requests` understands it; None if it does not."""
    answer = requests.Response()
    answer.status_code, answer.headers = response.status_code, response.headers
    answer.url, answer.request = response.url, response.request
    answer._content, answer._content_consumed = b"", True  # type: ignore[attr-defined]
    with requests.Session() as session:
        # Its environment, proxies and .netrc, has no say in this.
        session.trust_env = False
        try:
            # What it yields is the next request.
            following: Any = next(
                session.resolve_redirects(answer, answer.request, yield_requests=True)
            )
        except (requests.RequestException, ValueError, StopIteration):
            return None
        return str(following.url)


def _problem_of(key: str, auth: str) -> str:
    """Say why a key cannot be sent; nothing if it can."""
    if key != key.strip() or not key.isprintable():
        return "there is a blank, or the end of a line, around it or in it"
    if auth == "basic":
        return "" if ":" in key else "it has no colon"
    return "" if key.isascii() else "it holds a character that no header can carry"


def _ask(profile: Profile) -> str:
    """Ask for the key, unseen; return an empty text where nobody can answer."""
    from IPython import get_ipython  # it takes a while, and most servers need no key

    if get_ipython() is None and not sys.stdin.isatty():
        return ""
    words = WORDS.get(profile.auth, "Key")
    question = f"{words} for {mask_url(profile.dicomweb)} (it is not stored): "
    try:
        # What was copied often has a blank or a line end behind it.
        return getpass.getpass(question).strip()
    except (NotImplementedError, EOFError):
        # A kernel that runs without a page in a browser has nobody to ask.
        return ""


def answer_challenge(
    response: requests.Response, profile: Profile, sent: Mapping[str, str]
) -> Headers:
    """Return the headers that sign in the way that a refusal asks for; none if that was sent."""
    # A profile says which way it is: of a bare URL, nobody knows.
    if profile.ask or response.status_code not in REFUSED:
        return Headers()
    way = (_ways_of(response) or [profile.auth])[0]
    if sent and way == profile.auth:
        return Headers()
    return find_credentials(replace(profile, auth=way, ask=True))


def _ways_of(response: requests.Response) -> list[str]:
    """Return the ways to sign in that a refusal offers and we know (RFC 9110 section 11.6.1)."""
    offers = CHALLENGE.findall(response.headers.get("WWW-Authenticate", "").lower())
    return [way for way in offers if way in WORDS]


def advise(response: requests.Response, headers: Mapping[str, str]) -> str:
    """Say what to do when a server does not let us in; nothing if it is another trouble."""
    if response.status_code not in REFUSED:
        return ""
    ways = _ways_of(response)
    if ways and headers.get("Authorization", "").partition(" ")[0].lower() not in ways:
        what = "user:password" if ways[0] == "basic" else "a token"
        return (
            f"It asks for {what}, in the environment variable DICOMWEB_APIKEY. "
            f'If it has a profile in {own_file()}, that needs auth = "{ways[0]}".'
        )
    if headers:
        where = " in DICOMWEB_APIKEY" if os.environ.get("DICOMWEB_APIKEY") else ""
        return f"Look at the key{where}, letter by letter."
    return (
        "Put the key into the environment variable DICOMWEB_APIKEY, then do it again. "
        'With auth = "none" in its profile, no key is sent.'
    )
