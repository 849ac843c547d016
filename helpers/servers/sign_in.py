"""How we sign in to a server: the headers made of the key, and what to do when they are refused."""

import base64
import getpass
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import replace

import requests

from helpers.errors import WorkbookError
from helpers.servers.profiles import Profile, own_file
from helpers.web.secrets import Headers, Secret, mask_url

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
        return Headers(Authorization=Secret(f"Bearer {key}"))
    if auth == "basic":
        encoded = base64.b64encode(key.encode()).decode()
        return Headers(Authorization=Secret(f"Basic {encoded}"))
    return Headers({header: Secret(key)})


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
