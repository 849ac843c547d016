"""What an exception of requests means, and what to do: no connection, no answer, no JSON."""

import json
import re
from typing import Any, NamedTuple

from requests import exceptions

from helpers.errors import (
    CertificateProblem,
    ConnectionCut,
    MediaTypeMismatch,
    ServerUnreachable,
    WorkbookError,
)
from helpers.web.secrets import HIDDEN, host_of, mask_url


def explain(error: BaseException) -> WorkbookError:
    """Turn an exception of requests into an error of ours, to be raised ``from`` the original.

    >>> print(explain(exceptions.InvalidSchema("htp://127.0.0.1")))
    That is not the URL of a web server.
      expected: http://host/path or https://host/path
      came:     htp://127.0.0.1
      next:     Start from server.dicomweb, and add the resource behind it.
    """
    said = str(error)
    kind = next(kind for kind in type(error).__mro__ if kind in EXPLANATIONS)
    found = EXPLANATIONS[kind]
    for words, other in WHERE_TYPES_FAIL.get(kind, {}).items():
        if re.search(words, said):
            found = found._replace(**other)
            break
    url = getattr(getattr(error, "request", None), "url", None) or ""
    body = getattr(error, "doc", "")
    values = {
        "host": host_of(url) or "the server",
        # The host ends at the first / or #, and both may be in a password.
        "words": BAD_PORT.sub(rf"\1{HIDDEN}\2", mask_url(said)),
        "body": f"a body that begins with {body[:20]!r}" if body else "no body at all",
    }
    texts = {name: getattr(found, name).format(**values) for name in ("expected", "came", "hint")}
    return found.error(found.problem.format(**values), **texts)


class Explanation(NamedTuple):
    """The error, and its texts; {host}, {words} and {body} are those of the exception."""

    error: type[WorkbookError]
    problem: str
    expected: str
    came: str
    hint: str


BAD_PORT = re.compile(r"('[^':]*:)[^']*(' is not a valid host or port)")

SILENCE = Explanation(
    ServerUnreachable,
    "No answer from {host} in time.",
    "an answer",
    "silence",
    "Check the host name and your network, or use the classroom PACS: connect().",
)
CUT = Explanation(
    ConnectionCut,
    "The answer of {host} stopped half way.",
    "the whole body",
    "a connection that ended, or fell silent, too early",
    "Ask again: reading does no harm. What came whole before the cut is kept.",
)
BAD_HEADER = Explanation(
    WorkbookError,
    "A header of this request cannot be sent.",
    "texts of plain letters, digits and signs, without a blank in front and without the end of a "
    "line",
    "another value (it is not shown: it may be a key)",
    "Look at the value of each header. What was copied often has a line end behind it, which "
    '.strip() takes away, or typographic quotation marks in place of ".',
)
NO_JSON = Explanation(
    MediaTypeMismatch,
    "This answer is not JSON.",
    "a body in JSON",
    "{body}",
    "Ask for JSON with the header Accept: application/json. A 204 has no body: look at the "
    "status first. attributes(response) reads all of these.",
)
# Of an exception's classes, the most exact one that stands here counts.
EXPLANATIONS: dict[type, Explanation] = {
    exceptions.SSLError: Explanation(
        CertificateProblem,
        "The certificate of {host} could not be checked.",
        "a certificate that is valid, for this host, today",
        "a certificate not trusted",
        "Do not switch the check off. Tell the owner, or use another server: connect(). "
        "If your hospital signs its own: REQUESTS_CA_BUNDLE names the file of its authority.",
    ),
    exceptions.ConnectTimeout: SILENCE,
    exceptions.Timeout: SILENCE,
    exceptions.ChunkedEncodingError: CUT,
    exceptions.ProxyError: Explanation(
        ServerUnreachable,
        "The proxy gives no connection to {host}.",
        "a proxy that passes requests on",
        "no connection",
        "The variables HTTP_PROXY and HTTPS_PROXY, or your system, name it. Ask those who run your "
        "network. To a server in your own network, no proxy may be needed: write its host name "
        "into the variable NO_PROXY.",
    ),
    exceptions.ConnectionError: Explanation(
        ServerUnreachable,
        "No connection to {host}.",
        "a DICOMweb server that answers",
        "no connection",
        "Check the URL and your network, or use the classroom PACS: connect().",
    ),
    json.JSONDecodeError: NO_JSON,
    exceptions.JSONDecodeError: NO_JSON,
    exceptions.InvalidHeader: BAD_HEADER,
    UnicodeEncodeError: BAD_HEADER,
    exceptions.ContentDecodingError: Explanation(
        WorkbookError,
        "The body of this answer cannot be unpacked.",
        "a body that is compressed as its header Content-Encoding says",
        "{words}",
        'Ask for it as it is: headers={{"Accept-Encoding": "identity", ...}}.',
    ),
    exceptions.TooManyRedirects: Explanation(
        WorkbookError,
        "The server sends us round in a circle.",
        "an answer",
        "{words}",
        "Is the key right? Ask with allow_redirects=False, and look at the header Location: "
        "show(response).",
    ),
    # Of a host that can be no name, urllib3 raises one that requests lets through.
    ValueError: Explanation(
        ServerUnreachable,
        "That is not the URL of a web server.",
        "http://host/path or https://host/path",
        "{words}",
        "Start from server.dicomweb, and add the resource behind it.",
    ),
    Exception: Explanation(
        WorkbookError, "The request failed.", "", "{words}", "Ask again, or use connect()."
    ),
}

# Linux, macOS and Windows each have words of their own for a name that nobody knows.
UNKNOWN_NAME = "NameResolutionError|getaddrinfo|nodename nor servname|Name or service"
# So says urllib3 when there was a connection, but no answer that it could read.
HUNG_UP = "Connection aborted"
NO_NAME = "no computer of that name"
NO_LISTENER = "the computer is there, but no server listens on that port"
NO_HTTP = "the server took the request, and hung up or said what is not HTTP"
# What only the words of an exception tell: the first that fit change these texts.
WHERE_TYPES_FAIL: dict[type, dict[str, dict[str, Any]]] = {
    exceptions.SSLError: {
        # OpenSSL says it in one way or the other, by its version.
        "WRONG_VERSION_NUMBER|RECORD_LAYER_FAILURE|record layer failure": {
            "error": ServerUnreachable,
            "problem": "{host} does not speak https.",
            "expected": "a server that encrypts, on that port",
            "came": "an answer without encryption",
            "hint": "Is it another port? On your own computer, http:// is enough. Elsewhere, "
            "anybody on the way can read what goes over http, the key too.",
        },
        "expired": {"came": "a certificate that has expired"},
        "self.signed": {"came": "a certificate that the server signed itself"},
        "mismatch": {"came": "a certificate for another host"},
    },
    exceptions.ProxyError: {
        " 407 ": {"came": "it wants a user and a password (407)"},
        UNKNOWN_NAME: {"came": NO_NAME},
        "refused": {"came": NO_LISTENER},
        HUNG_UP: {"came": NO_HTTP},
    },
    exceptions.ConnectionError: {
        "Read timed out": CUT._asdict(),
        UNKNOWN_NAME: {
            "came": NO_NAME,
            "hint": "Read the host name letter by letter. Is it spelt right? Are you online?",
        },
        "refused": {
            "came": NO_LISTENER,
            "hint": "Check the port in the URL. Is the server running? connect() starts ours.",
        },
        HUNG_UP: {
            "came": NO_HTTP,
            "hint": "Does it want https:// in the place of http://? Is that the port of its web "
            "services? If it worked before, ask again.",
        },
    },
    ValueError: {
        BAD_PORT.pattern: {
            "hint": "The port is a number. In a password, / is written %2F, # is %23, and ? is %3F."
        },
        r"\{": {
            "hint": 'Put an f before the quotes, so that the braces are filled in: f"{{...}}".'
        },
    },
}
