"""URLs that a learner gives: sent to the server in use, and to no other."""

from urllib.parse import urlsplit

import requests

from classroom.exercises.answers import NotYet, describe, need
from classroom.exercises.expected import ask, get
from helpers.errors import ServerUnreachable, WorkbookError
from helpers.servers.server import Server
from helpers.web.answer import check

# Room for a picture of an exercise, on a screen with small points.
VIEWPORT = "600,600"


def text_of_url(server: Server, answer: object) -> str:
    """Return a learner's URL; say what is wrong with one that does not lead to the server."""
    given: str = need(only(answer), str, "a URL, which is a text")
    url = given.strip().strip("\"'")
    if "{" in url:
        raise NotYet(
            f"Curly brackets are left in your text: {describe(url)[9:]}. Put the letter `f` before "
            "its first quote."
        )
    if not url.startswith(("http://", "https://")):
        raise NotYet(f"A URL begins with `http://` or `https://`. Yours is {describe(url)}.")
    roots = [server.dicomweb, server.wadouri or server.dicomweb]
    try:
        host = host_of(url)
    except ValueError:
        raise NotYet("Your URL has no host that can be read.") from None
    if host not in map(host_of, roots):
        raise NotYet(
            f"Your URL goes to {host or 'no host'}, which is not your server. Let it begin with "
            "`{server.dicomweb}`."
        )
    return url


def only(value: object) -> object:
    """Return what is in a list or a column of one; anything else as it is.

    >>> only(["1.2"]), only("1.2"), only([1, 2])
    ('1.2', '1.2', [1, 2])
    """
    try:
        found = [] if isinstance(value, str | bytes | dict) else list(value)  # type: ignore[call-overload]
    except TypeError:
        return value
    return found[0] if len(found) == 1 else value


def host_of(url: str) -> str:
    """Return the host and the port of a URL, without a name and a password."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def send(server: Server, url: str, accept: str) -> requests.Response:
    """Send a learner's URL; a bad status is no error of the check."""
    headers = {**server.headers, "Accept": accept}
    try:
        return check(get(url, headers=headers, is_raw=server.is_raw))
    except ServerUnreachable:
        raise
    except WorkbookError as error:
        raise NotYet(f"{error.problem} {error.hint}".strip()) from error


def picture_of(server: Server, resource: str) -> bytes:
    """Return a JPEG of the first frame of an instance; nothing if the server cannot make one."""
    try:
        rendered = f"{resource}/frames/1/rendered"
        return ask(server, rendered, {"viewport": VIEWPORT}, accept="image/jpeg").content
    except WorkbookError:
        return b""
