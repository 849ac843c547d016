"""The request that made an answer, for other tools: masked once, written three times."""

import json
import re
import shlex
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import requests
from requests.utils import default_headers

from helpers.notebook import Sections
from helpers.web.answer import require_answer
from helpers.web.raw_query import is_raw
from helpers.web.secrets import SECRET_IN_URL, Secret, is_secret, native, scheme_of, true_text

# What `credentials` reads. A second secret in the same request needs a name of its own.
KEY, COOKIE = "DICOMWEB_APIKEY", "DICOMWEB_COOKIE"
# Postman cannot split user:password.
POSTMAN_USER, POSTMAN_PASSWORD = "DICOMWEB_USER", "DICOMWEB_PASSWORD"
# Where the three look for the body of a request, which may be large and is rarely text.
BODY_FILE = "request-body"
# Each tool sends its own of these.
AUTOMATIC_HEADERS = ("content-length", "transfer-encoding")
METHODS = ("GET", "OPTIONS", "HEAD", "POST", "PUT", "PATCH", "DELETE")  # functions of requests


def equivalents(response: requests.Response) -> "Equivalents":
    """Give the request that made an answer as curl, as Python and as Postman.

    A secret does not appear. In its place stands DICOMWEB_APIKEY, the environment variable that
    `connect` reads: where that finds the key, these work as they are. Postman has a variable of
    that name, or two for a user and a password. None of the three follows a redirect with a secret,
    which would go along to another host. A body is not copied either, it is read from a file. What
    is no part of a request stays out: time limits, proxies, certificates. For a server
    that does not undo percent-encoding, the Python program needs `helpers.web.raw_query`.

    Parameters
    ----------
    response
        What `requests` returned.

    Returns
    -------
    Equivalents
        Its attributes: `curl`, a command for bash; `python`, a program that calls requests;
        `postman`, an item of a Postman collection, version 2.1, as a dictionary. Postman's
        *Import* also takes the curl line.

    Raises
    ------
    WorkbookError
        It is not an answer at all.

    Examples
    --------
    >>> import requests
    >>> answer = requests.Response()
    >>> asked = requests.Request("GET", "http://127.0.0.1/studies", {"apikey": "my own"})
    >>> answer.request = requests.Session().prepare_request(asked)
    >>> twins = equivalents(answer)
    >>> print(twins.python)
    import os
    <BLANKLINE>
    import requests
    <BLANKLINE>
    response = requests.get(
        "http://127.0.0.1/studies",
        headers={
            "apikey": os.environ["DICOMWEB_APIKEY"],
        },
        allow_redirects=False,
    )
    >>> twins.postman["request"]["header"]
    [{'key': 'apikey', 'value': '{{DICOMWEB_APIKEY}}'}]
    """
    require_answer(response)
    return Equivalents(response.request)


class Equivalents(Sections):
    """One request in three forms: `curl`, `python`, `postman`."""

    def __init__(self, request: requests.PreparedRequest) -> None:
        masked = MaskedRequest(request)
        self.curl = _write_curl(masked)
        self.python = _write_python(masked)
        self.postman = _write_postman(masked)
        first = "\n".join(_first_steps(masked, request))
        super().__init__(
            {
                **({"First": first} if first else {}),
                "curl": self.curl,
                "Python": self.python,
                "Postman": json.dumps(self.postman, indent=2, ensure_ascii=False),
            }
        )


class Variable(str):
    """The name of the environment variable that holds a secret."""


# Texts, and a Variable in the place of each secret.
Pieces = Sequence[str]


class MaskedRequest:
    """A request with an environment variable in the place of each secret."""

    def __init__(self, request: requests.PreparedRequest) -> None:
        self.method = str(request.method)
        # For each variable, what it has to hold, in words.
        self.variables: dict[Variable, str] = {}
        self._by_secret: dict[str, Variable] = {}
        # It holds user:password, if the request signs in that way (Basic, RFC 7617). Each tool
        # makes the header Authorization of it.
        self.user: Variable | None = None
        # The key of the server goes first: it is what the variable of connect() holds.
        sent = _sent_headers(request)
        in_turn = sorted(sent.items(), key=lambda header: not isinstance(header[1], Secret))
        masked = {name: self._mask_header(name, value) for name, value in in_turn}
        self.headers = [(name, masked[name]) for name in sent if masked[name]]
        url = str(request.url)
        self.url = self._mask_url(url)
        self.has_body = request.body is not None
        # What a tool would add, and this request does without.
        self.left_out = []
        if "Accept" not in request.headers and "User-Agent" in request.headers:
            self.left_out.append("Accept")
        if self.has_body and "Content-Type" not in request.headers:
            self.left_out.append("Content-Type")
        scheme, address, path, *_ = urlsplit(url)
        self.path = unquote(path)
        # The server gets its queries as they were typed, here and wherever this request is sent.
        self.is_typed = is_raw(url)
        self.root = f"{scheme}://{address.rpartition('@')[2]}"

    def _mask_header(self, name: str, value: str) -> Pieces:
        """Return the pieces of a header; none if it is the one that signs in with Basic."""
        if not is_secret(name, value):
            return [value]
        scheme, value = scheme_of(name, value), true_text(value)
        if name.lower() == "authorization" and scheme.lower() == "basic":
            self.user = self._hide(value, "user:password")
            return []
        if name.lower() == "cookie":
            return [self._hide(value, "the value of the header Cookie", COOKIE)]
        if not scheme:
            return [self._hide(value, f"the value in the header {name}")]
        what = f"what comes after {scheme} in the header {name}"
        return [f"{scheme} ", self._hide(value[len(scheme) + 1 :], what)]

    def _mask_url(self, url: str) -> Pieces:
        scheme, address, path, query, _ = urlsplit(url)
        # requests sends a user and a password in a URL as the header Authorization.
        url = urlunsplit((scheme, address.rpartition("@")[2], path, query, ""))
        pieces, position = [], 0
        for found in SECRET_IN_URL.finditer(url):
            before = found[1] or found[2]
            what = f"the value of {before.strip('?&=')} in the URL"
            pieces.append(url[position : found.start()] + before)
            pieces.append(self._hide(found[0].removeprefix(before), what))
            position = found.end()
        return [*pieces, url[position:]]

    def _hide(self, secret: str, what: str, name: str = KEY) -> Variable:
        """Return the variable for a secret: the same for the same, another for another."""
        if secret not in self._by_secret:
            number = 1 + sum(other.startswith(name) for other in self.variables)
            variable = Variable(name if number == 1 else f"{name}_{number}")
            self._by_secret[secret] = variable
            self.variables[variable] = what
        return self._by_secret[secret]


def _sent_headers(request: requests.PreparedRequest) -> dict[str, str]:
    """Return the headers that are not automatic."""
    defaults = default_headers()
    return {
        name: native(value)
        for name, value in request.headers.items()
        if name.lower() not in AUTOMATIC_HEADERS and defaults.get(name) != value
    }


def _first_steps(masked: MaskedRequest, request: requests.PreparedRequest) -> list[str]:
    """Say what to do before the first run: set variables, save the body."""
    lines = []
    for variable, what in masked.variables.items():
        is_user = variable == masked.user
        in_postman = f"{POSTMAN_USER} and {POSTMAN_PASSWORD}" if is_user else "a variable"
        to_set = f"Let the environment variable {variable} hold {what}"
        lines.append(f"{to_set} (in Postman: {in_postman}).")
    if isinstance(request.body, str | bytes):
        encoded = ".encode()" if isinstance(request.body, str) else ""
        lines.append(f"Save the body ({request.headers['Content-Length']} bytes) to a file:")
        lines.append(f'    pathlib.Path("{BODY_FILE}").write_bytes(response.request.body{encoded})')
    elif masked.has_body:
        lines.append(f"The body was sent piece by piece: save what you sent as {BODY_FILE}.")
    return lines


def _write_curl(masked: MaskedRequest) -> str:
    method = {"GET": "", "HEAD": " --head"}.get(masked.method, f" -X {masked.method}")
    # -g: a bracket or brace that somebody adds to the URL is no pattern.
    lines = [f"curl -g{method} {_for_bash(masked.url)}"]
    if masked.user:
        lines.append(f"-u {_for_bash([masked.user])}")
    for name, pieces in masked.headers:
        # To curl, a name with a colon and nothing behind it is a header to leave out.
        separator = ": " if pieces != [""] else ";"
        lines.append(f"-H {_for_bash([name, separator, *pieces])}")
    lines += [f"-H '{name}:'" for name in masked.left_out]
    if masked.has_body:
        lines.append(f"--data-binary @{BODY_FILE}")
    return " \\\n  ".join(lines)


def _for_bash(pieces: Pieces) -> str:
    if not any(isinstance(piece, Variable) for piece in pieces):
        return shlex.quote("".join(pieces))
    return '"' + "".join(map(_in_double_quotes, pieces)) + '"'


def _in_double_quotes(piece: str) -> str:
    if isinstance(piece, Variable):
        return f"${piece}"
    escaped = re.sub(r'["\\$`]', r"\\\g<0>", piece)
    # An interactive bash would look for ! in its history, and in double quotes nothing stops it.
    return escaped.replace("!", "\"'!'\"")


def _write_python(masked: MaskedRequest) -> str:
    lines = ["import os"] if masked.variables else []
    lines += ["from pathlib import Path"] if masked.has_body else []
    lines += ["", "import requests", ""] if lines else ["import requests", ""]
    if masked.is_typed:
        lines += ["from helpers.web.raw_query import send_as_typed", ""]
        lines.append(f"send_as_typed({_for_python([masked.root])})")
    if masked.user:
        # As bytes: requests would write a text in Latin-1, and connect() writes UTF-8.
        lines.append(f'user, password = {_for_python([masked.user])}.encode().split(b":", 1)')
    arguments = [_for_python(masked.url)]
    call = f"requests.{masked.method.lower()}"
    if masked.method not in METHODS:
        call = "requests.request"
        arguments.insert(0, _for_python([masked.method]))
    headers = [f"{_for_python([name])}: {_for_python(pieces)}," for name, pieces in masked.headers]
    if "Accept" in masked.left_out:
        headers.append('"Accept": None,')
    if headers:
        arguments.append("\n        ".join(["headers={", *headers]) + "\n    }")
    if masked.user:
        arguments.append("auth=(user, password)")
    if masked.variables:
        arguments.append("allow_redirects=False")
    if masked.has_body:
        arguments.append(f'data=Path("{BODY_FILE}").read_bytes()')
    lines += [f"response = {call}(", *(f"    {argument}," for argument in arguments), ")"]
    return "\n".join(lines)


def _for_python(pieces: Pieces) -> str:
    if len(pieces) == 1 and isinstance(pieces[0], Variable):
        return f'os.environ["{pieces[0]}"]'
    if any(isinstance(piece, Variable) for piece in pieces):
        return "f" + json.dumps("".join(map(_in_f_string, pieces)), ensure_ascii=False)
    text = "".join(pieces)
    return repr(text) if '"' in text else json.dumps(text, ensure_ascii=False)


def _in_f_string(piece: str) -> str:
    if isinstance(piece, Variable):
        return f"{{os.environ['{piece}']}}"
    return piece.replace("{", "{{").replace("}", "}}")


def _write_postman(masked: MaskedRequest) -> dict[str, Any]:
    request: dict[str, Any] = {
        "method": masked.method,
        "header": [{"key": name, "value": _for_postman(value)} for name, value in masked.headers],
        "url": _for_postman(masked.url),
    }
    if masked.user:
        values = {"username": POSTMAN_USER, "password": POSTMAN_PASSWORD}
        basic = [
            {"key": key, "value": _for_postman([Variable(name)]), "type": "string"}
            for key, name in values.items()
        ]
        request["auth"] = {"type": "basic", "basic": basic}
    if masked.has_body:
        request["body"] = {"mode": "file", "file": {"src": BODY_FILE}}
    alone = {"protocolProfileBehavior": {"followRedirects": False}} if masked.variables else {}
    return {"name": f"{masked.method} {masked.path}", "request": request, **alone}


def _for_postman(pieces: Pieces) -> str:
    return "".join(f"{{{{{piece}}}}}" if isinstance(piece, Variable) else piece for piece in pieces)
