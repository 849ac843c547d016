"""The request that made an answer, for other tools: curl, Python and Postman."""

import json
import re
import shlex
from urllib.parse import unquote, urlsplit

from helpers.notebook import Sections
from helpers.web.answer import require_answer
from helpers.web.raw_query import is_raw
from helpers.wire.placeholders import Placeholders, Variable

# Where the three look for the body of a request, which may be large and is rarely text.
BODY_FILE = "request-body"
# Postman cannot split user:password.
POSTMAN_USER, POSTMAN_PASSWORD = "DICOMWEB_USER", "DICOMWEB_PASSWORD"
METHODS = ("GET", "OPTIONS", "HEAD", "POST", "PUT", "PATCH", "DELETE")  # functions of requests


def equivalents(response):
    """Give the request that made an answer as curl, as Python and as Postman.

    A secret does not appear. In its place stands DICOMWEB_APIKEY, the environment variable that
    `connect` reads: where that finds the key, these work as they are. Postman has a variable of
    that name, or two for a user and a password. A body is not copied either, it is read from a
    file. What is no part of a request stays out: time limits, proxies, certificates. For a server
    that does not undo percent-encoding, the Python program needs `helpers.web.raw_query`.

    Parameters
    ----------
    response : requests.Response

    Returns
    -------
    Equivalents

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
    )
    >>> twins.postman["request"]["header"]
    [{'key': 'apikey', 'value': '{{DICOMWEB_APIKEY}}'}]
    """
    require_answer(response)
    return Equivalents(response.request)


class Equivalents(Sections):
    """One request in three forms.

    Attributes
    ----------
    curl : str
        A command for bash.
    python : str
        A program that calls requests.
    postman : dict
        An item of a Postman collection, version 2.1. Postman's *Import* also takes the curl line.

    Parameters
    ----------
    request : requests.PreparedRequest
    """

    def __init__(self, request):
        self.curl = curl(request)
        self.python = python(request)
        self.postman = postman(request)
        first = _before_the_first_run(request)
        self.sections = {
            **({"First": first} if first else {}),
            "curl": self.curl,
            "Python": self.python,
            "Postman": json.dumps(self.postman, indent=2, ensure_ascii=False),
        }


def curl(request):
    r"""Return the curl command that sends the same request, for bash.

    Parameters
    ----------
    request : requests.PreparedRequest

    Returns
    -------
    str

    Examples
    --------
    >>> import requests
    >>> headers = {"apikey": "my own", "Accept": "application/json"}
    >>> request = requests.Request("GET", "http://127.0.0.1/studies?limit=1", headers)
    >>> print(curl(request.prepare()))
    curl -g 'http://127.0.0.1/studies?limit=1' \
      -H "apikey: $DICOMWEB_APIKEY" \
      -H 'Accept: application/json'
    """
    method = {"GET": "", "HEAD": " --head"}.get(request.method, f" -X {request.method}")
    # -g: a bracket or brace that somebody adds to the URL is no pattern.
    held = Placeholders(request)
    lines = [f"curl -g{method} {_bash(held.url)}"]
    if held.user:
        lines.append(f"-u {_bash([held.user])}")
    for name, pieces in held.headers:
        # To curl, a name with a colon and nothing behind it is a header to leave out.
        separator = ": " if pieces != [""] else ";"
        lines.append(f"-H {_bash([name, separator, *pieces])}")
    if "Accept" not in request.headers and "User-Agent" in request.headers:
        lines.append("-H 'Accept:'")
    if request.body is not None:
        if "Content-Type" not in request.headers:
            lines.append("-H 'Content-Type:'")
        lines.append(f"--data-binary @{BODY_FILE}")
    return " \\\n  ".join(lines)


def python(request):
    """Return a Python program that sends the same request.

    Parameters
    ----------
    request : requests.PreparedRequest

    Returns
    -------
    str

    Examples
    --------
    >>> import requests
    >>> print(python(requests.Request("GET", "http://127.0.0.1/studies?limit=1").prepare()))
    import requests
    <BLANKLINE>
    response = requests.get(
        "http://127.0.0.1/studies?limit=1",
    )
    """
    held = Placeholders(request)
    arguments = [_python(held.url)]
    headers = [f"{_python([name])}: {_python(pieces)}" for name, pieces in held.headers]
    if "Accept" not in request.headers and "User-Agent" in request.headers:
        headers.append('"Accept": None')
    if headers:
        rows = "".join(f"        {header},\n" for header in headers)
        arguments.append(f"headers={{\n{rows}    }}")
    if held.user:
        arguments.append("auth=(user, password)")
    if request.body is not None:
        arguments.append(f'data=Path("{BODY_FILE}").read_bytes()')
    if request.method in METHODS:
        call = f"requests.{request.method.lower()}"
    else:
        call = "requests.request"
        arguments.insert(0, _python([request.method]))
    rows = "".join(f"    {argument},\n" for argument in arguments)
    imports = ["import os"] if held.variables else []
    if request.body is not None:
        imports.append("from pathlib import Path")
    standard = "\n".join(imports) + "\n\n" if imports else ""
    before = ""
    if is_raw(request.url):
        # What this program asks must go out as it did here.
        scheme, address, *_ = urlsplit(request.url)
        root = _python([f"{scheme}://{address.rpartition('@')[2]}"])
        before = f"from helpers.web.raw_query import send_as_typed\n\nsend_as_typed({root})\n"
    if held.user:
        # As bytes: requests would write a text in Latin-1, and connect() writes UTF-8.
        before += f'user, password = {_python([held.user])}.encode().split(b":", 1)\n'
    return f"{standard}import requests\n\n{before}response = {call}(\n{rows})"


def postman(request):
    """Return the same request as an item of a Postman collection, version 2.1.

    Parameters
    ----------
    request : requests.PreparedRequest

    Returns
    -------
    dict

    Examples
    --------
    >>> import requests
    >>> postman(requests.Request("GET", "http://127.0.0.1/studies?limit=1").prepare())["request"]
    {'method': 'GET', 'header': [], 'url': 'http://127.0.0.1/studies?limit=1'}
    """
    held = Placeholders(request)
    item = {
        "name": f"{request.method} {unquote(urlsplit(request.url).path)}",
        "request": {
            "method": request.method,
            "header": [{"key": name, "value": _postman(pieces)} for name, pieces in held.headers],
            "url": _postman(held.url),
        },
    }
    if held.user:
        values = {"username": POSTMAN_USER, "password": POSTMAN_PASSWORD}
        basic = [
            {"key": key, "value": _postman([Variable(name)]), "type": "string"}
            for key, name in values.items()
        ]
        item["request"]["auth"] = {"type": "basic", "basic": basic}
    if request.body is not None:
        item["request"]["body"] = {"mode": "file", "file": {"src": BODY_FILE}}
    return item


def _before_the_first_run(request):
    held = Placeholders(request)
    lines = [
        f"Let the environment variable {variable} hold {what} (in Postman: "
        + ("a variable)." if variable != held.user else f"{POSTMAN_USER} and {POSTMAN_PASSWORD}).")
        for variable, what in held.variables.items()
    ]
    if isinstance(request.body, str | bytes):
        encoded = ".encode()" if isinstance(request.body, str) else ""
        lines.append(f"Save the body ({request.headers['Content-Length']} bytes) to a file:")
        lines.append(f'    pathlib.Path("{BODY_FILE}").write_bytes(response.request.body{encoded})')
    elif request.body is not None:
        lines.append(f"The body was sent piece by piece: save what you sent as {BODY_FILE}.")
    return "\n".join(lines)


def _bash(pieces):
    if not any(isinstance(piece, Variable) for piece in pieces):
        return shlex.quote("".join(pieces))
    return '"' + "".join(map(_in_double_quotes, pieces)) + '"'


def _in_double_quotes(piece):
    if isinstance(piece, Variable):
        return f"${piece}"
    escaped = re.sub(r'["\\$`]', r"\\\g<0>", piece)
    # An interactive bash would look for ! in its history, and in double quotes nothing stops it.
    return escaped.replace("!", "\"'!'\"")


def _python(pieces):
    if len(pieces) == 1 and isinstance(pieces[0], Variable):
        return f'os.environ["{pieces[0]}"]'
    if any(isinstance(piece, Variable) for piece in pieces):
        return "f" + json.dumps("".join(map(_in_f_string, pieces)), ensure_ascii=False)
    text = "".join(pieces)
    return repr(text) if '"' in text else json.dumps(text, ensure_ascii=False)


def _in_f_string(piece):
    if isinstance(piece, Variable):
        return f"{{os.environ['{piece}']}}"
    return piece.replace("{", "{{").replace("}", "}}")


def _postman(pieces):
    return "".join(f"{{{{{piece}}}}}" if isinstance(piece, Variable) else piece for piece in pieces)
