"""How we sign in to a server: the headers made of the key, and what to do when they are refused."""

import base64
import getpass
import os
import sys

from IPython import get_ipython

from .errors import WorkbookError
from .masking import Headers, Secret, mask_url
from .profiles import own_file

# What each way to sign in calls its secret.
WORDS = {"basic": "User name and password, as user:password,", "bearer": "Token"}


def credentials(profile):
    """Return the headers that sign in to a server.

    The key comes from the environment variable DICOMWEB_APIKEY. If it is not there, and the
    profile needs one, and somebody sits before the screen, they are asked. It is not stored.

    Parameters
    ----------
    profile : Profile

    Returns
    -------
    Headers
        Empty if the server asks for no key, or there is none.

    Raises
    ------
    WorkbookError
        The key is of a form that cannot be sent.

    Notes
    -----
    RFC 7617 (Basic), RFC 6750 (Bearer).

    Examples
    --------
    >>> from helpers.profiles import Profile
    >>> credentials(Profile("mine", "https://pacs.example/dicomweb", auth="none"))
    {}
    """
    if profile.auth == "none":
        return Headers()
    key = os.environ.get("DICOMWEB_APIKEY") or (_ask(profile) if profile.ask else "")
    if not key:
        return Headers()
    problem = _problem_of(key, profile.auth)
    if problem:
        raise WorkbookError(
            f"The key for {profile.title} cannot be sent: {problem}.",
            expected="user:password" if profile.auth == "basic" else "letters, digits and signs",
            came="(it is not shown)",
            hint="Copy it once more into the environment variable DICOMWEB_APIKEY.",
        )
    if profile.auth == "bearer":
        return Headers(Authorization=Secret(f"Bearer {key}"))
    if profile.auth == "basic":
        encoded = base64.b64encode(key.encode()).decode()
        return Headers(Authorization=Secret(f"Basic {encoded}"))
    return Headers({profile.header: Secret(key)})


def _problem_of(key, auth):
    """Say why a key cannot be sent; nothing if it can."""
    if key != key.strip() or not key.isprintable():
        return "there is a blank, or the end of a line, around it or in it"
    if auth == "basic":
        return "" if ":" in key else "it has no colon"
    return "" if key.isascii() else "it holds a character that no header can carry"


def _ask(profile):
    """Ask for the key, unseen; return an empty text where nobody can answer."""
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


def hint_for(response, headers):
    """Say what to do when a server does not let us in; nothing if it is another trouble.

    Parameters
    ----------
    response : requests.Response
    headers : dict
        What was sent to sign in.

    Returns
    -------
    str

    Examples
    --------
    >>> import requests
    >>> answer = requests.Response()
    >>> answer.status_code, answer.headers["WWW-Authenticate"] = 401, 'Basic realm="archive"'
    >>> print(hint_for(answer, {"apikey": "wrong"}).partition(" in ")[0])
    It asks for user and password: give it a profile with auth = "basic"
    >>> hint_for(answer, {"Authorization": "Basic wrong"})
    'Look at the key in DICOMWEB_APIKEY, letter by letter.'
    """
    if response.status_code not in (401, 403):
        return ""
    asks_for = response.headers.get("WWW-Authenticate", "").partition(" ")[0].lower()
    sent = headers.get("Authorization", "").partition(" ")[0].lower()
    if asks_for in WORDS and asks_for != sent:
        what = {"basic": "user and password", "bearer": "a token"}[asks_for]
        return (
            f'It asks for {what}: give it a profile with auth = "{asks_for}" in {own_file()}, '
            "as helpers/servers.toml explains."
        )
    if headers:
        return "Look at the key in DICOMWEB_APIKEY, letter by letter."
    return (
        "Put the key into the environment variable DICOMWEB_APIKEY, then do it again. "
        'With auth = "none" in its profile, no key is sent.'
    )
