"""What an exception of requests means, and what to do: no connection, no answer, no JSON."""

import re
from urllib.parse import urlsplit

import requests

from helpers.errors import (
    CertificateProblem,
    ConnectionCut,
    MediaTypeMismatch,
    ServerUnreachable,
    WorkbookError,
)
from helpers.web.secrets import HIDDEN, mask_url


def explain(error):
    """Turn an exception of requests into an error of ours that says what to do.

    Parameters
    ----------
    error : requests.RequestException, UnicodeEncodeError or ValueError
        The second comes of a header with a character that no header can carry, the third of a host
        that can be no name.

    Returns
    -------
    WorkbookError
        To be raised ``from`` the original.

    Examples
    --------
    >>> print(explain(requests.exceptions.InvalidSchema("htp://127.0.0.1")))
    That is not the URL of a web server.
      expected: http://host/path or https://host/path
      came:     htp://127.0.0.1
      next:     Start from server.dicomweb, and add the resource behind it.
    """
    said = str(error)
    words = mask_url(said)
    url = getattr(getattr(error, "request", None), "url", None) or ""
    # Without the user and the password that a URL may hold.
    host = urlsplit(url).netloc.rpartition("@")[2] or "the server"
    if isinstance(error, requests.exceptions.SSLError):
        if any(phrase in said for phrase in NO_TLS):
            return ServerUnreachable(
                f"{host} does not speak https.",
                expected="a server that encrypts, on that port",
                came="an answer without encryption",
                hint="Is it another port? On your own computer, http:// is enough. Elsewhere, "
                "anybody on the way can read what goes over http, the key too.",
            )
        return CertificateProblem(
            f"The certificate of {host} could not be checked.",
            expected="a certificate that is valid, for this host, today",
            came=certificate_words(said),
            hint="Do not switch the check off. Tell the owner, or use another server: connect(). "
            "If your hospital signs its own: REQUESTS_CA_BUNDLE names the file of its authority.",
        )
    if isinstance(error, requests.exceptions.Timeout):
        return ServerUnreachable(
            f"No answer from {host} in time.",
            expected="an answer",
            came="silence",
            hint="Check the host name and your network, or use the classroom PACS: connect().",
        )
    if isinstance(error, requests.exceptions.ChunkedEncodingError) or "Read timed out" in said:
        return ConnectionCut(
            f"The answer of {host} stopped half way.",
            expected="the whole body",
            came="a connection that ended, or fell silent, too early",
            hint="Ask again: reading does no harm. What came whole before the cut is kept.",
        )
    if isinstance(error, requests.exceptions.ProxyError):
        return ServerUnreachable(
            f"The proxy gives no connection to {host}.",
            expected="a proxy that passes requests on",
            came="it wants a user and a password (407)"
            if " 407 " in said
            else connection_words(said)["came"],
            hint="The variables HTTP_PROXY and HTTPS_PROXY, or your system, name it. Ask those who "
            "run your network. To a server in your own network, no proxy may be needed: "
            "write its host name into the variable NO_PROXY.",
        )
    if isinstance(error, requests.exceptions.ConnectionError):
        return ServerUnreachable(
            f"No connection to {host}.",
            expected="a DICOMweb server that answers",
            **connection_words(said),
        )
    if isinstance(error, requests.exceptions.JSONDecodeError):
        return MediaTypeMismatch(
            "This answer is not JSON.",
            expected="a body in JSON",
            came=f"a body that begins with {error.doc[:20]!r}" if error.doc else "no body at all",
            hint="Ask for JSON with the header Accept: application/json. A 204 has no body: look "
            "at the status first. attributes(response) reads all of these.",
        )
    if isinstance(error, requests.exceptions.InvalidHeader | UnicodeEncodeError):
        return WorkbookError(
            "A header of this request cannot be sent.",
            expected="texts of plain letters, digits and signs, without a blank in front and "
            "without the end of a line",
            came="another value (it is not shown: it may be a key)",
            hint="Look at the value of each header. What was copied often has a line end behind "
            'it, which .strip() takes away, or typographic quotation marks in place of ".',
        )
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return WorkbookError(
            "The body of this answer cannot be unpacked.",
            expected="a body that is compressed as its header Content-Encoding says",
            came=words,
            hint='Ask for it as it is: headers={"Accept-Encoding": "identity", ...}.',
        )
    if isinstance(error, requests.exceptions.TooManyRedirects):
        return WorkbookError(
            "The server sends us round in a circle.",
            expected="an answer",
            came=words,
            hint="Is the key right? Ask with allow_redirects=False, and look at the header "
            "Location: show(response).",
        )
    if isinstance(error, ValueError):
        hint = "Start from server.dicomweb, and add the resource behind it."
        if "{" in words:
            hint = 'Put an f before the quotes, so that the braces are filled in: f"{...}".'
        if BAD_PORT.search(words):
            # The host ends at the first / or #, and both may be in a password.
            words = BAD_PORT.sub(rf"\1{HIDDEN}", words)
            hint = "The port is a number. In a password, / is written %2F, # is %23, and ? is %3F."
        return ServerUnreachable(
            "That is not the URL of a web server.",
            expected="http://host/path or https://host/path",
            came=words,
            hint=hint,
        )
    return WorkbookError("The request failed.", came=words, hint="Ask again, or use connect().")


# OpenSSL says it in one way or the other, by its version.
NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "record layer failure")
# Linux, macOS and Windows each have words of their own for a name that nobody knows.
UNKNOWN_NAME = ("NameResolutionError", "getaddrinfo", "nodename nor servname", "Name or service")

BAD_PORT = re.compile(r"('[^':]*:)[^']*(?=' is not a valid host or port)")
# So says urllib3 when there was a connection, but no answer that it could read.
ABORTED = "Connection aborted"


def connection_words(words):
    """Say in plain words why there was no connection, and what to look at."""
    if any(name in words for name in UNKNOWN_NAME):
        came = "no computer of that name"
        hint = "Read the host name letter by letter. Is it spelt right? Are you online?"
    elif "refused" in words:
        came = "the computer is there, but no server listens on that port"
        hint = "Check the port in the URL. Is the server running? connect() starts ours."
    elif ABORTED in words:
        came = "the server took the request, and hung up or said what is not HTTP"
        hint = (
            "Does it want https:// in the place of http://? Is that the port of its web services? "
            "If it worked before, ask again."
        )
    else:
        came = "no connection"
        hint = "Check the URL and your network, or use the classroom PACS: connect()."
    return {"came": came, "hint": hint}


def certificate_words(words):
    """Say in plain words what is wrong with a certificate."""
    reasons = {
        "expired": "a certificate that has expired",
        "self-signed": "a certificate that the server signed itself",
        "self signed": "a certificate that the server signed itself",
        "mismatch": "a certificate for another host",
    }
    return next(
        (text for key, text in reasons.items() if key in words), "a certificate not trusted"
    )
