"""One exchange made visible: what was sent, what came back, and the same request in curl."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from xml.parsers.expat import ExpatError

import requests
from defusedxml import minidom
from IPython.display import display

from helpers.errors import MultipartError
from helpers.multipart.describe import hexadecimal
from helpers.multipart.reader import parse
from helpers.notebook import Sections
from helpers.web.answer import is_kept, media_type, require_answer, warnings_of, was_streamed
from helpers.web.secrets import host_of, mask, mask_url, native
from helpers.wire.equivalents import Equivalents

LINES = 30
PART_LINES = 8
PARTS = 2
HEX_BYTES = 160
WIDTH = 100
LONGEST_LINE = 300
# Above this a body is not indented: only its beginning is shown anyway.
INDENTED_BYTES = 1_000_000


def show(response: requests.Response, lines: int = LINES) -> None:
    """Show one exchange with a server: request, answer, and the body in a readable form.

    JSON and XML are indented. A multipart body is shown part by part: the headers of each part,
    then its beginning, in hexadecimal if it is no text. Secrets are masked.

    Parameters
    ----------
    response
        If it was asked for with ``stream=True`` and its body is not read yet, it stays unread.
    lines
        How many lines of a text body to show.

    Raises
    ------
    WorkbookError
        It is not an answer at all.

    Examples
    --------
    >>> import io, requests
    >>> answer = requests.Response()
    >>> answer.status_code, answer.reason = 200, "OK"
    >>> answer.headers["Content-Type"] = "application/dicom+json"
    >>> answer._content = b'[{"00100020": {"vr": "LO", "Value": ["TCGA-17-Z058"]}}]'
    >>> answer.request = requests.Request("GET", "http://127.0.0.1/dicomweb/studies").prepare()
    >>> show(answer)
    GET /dicomweb/studies
    Host: 127.0.0.1
    <BLANKLINE>
    200 OK
    Content-Type: application/dicom+json
    <BLANKLINE>
    [{"00100020": {"vr": "LO", "Value": ["TCGA-17-Z058"]}}]
    <BLANKLINE>
    curl -g http://127.0.0.1/dicomweb/studies
    """
    display(Exchange(response, lines))


class Exchange(Sections):
    """A request and its answer as text, in four sections; `show` displays it."""

    def __init__(self, response: requests.Response, lines: int = LINES) -> None:
        require_answer(response)
        request = response.request
        url = urlsplit(mask_url(str(request.url)))
        path = url.path + (f"?{url.query}" if url.query else "")
        sent = {"Host": host_of(str(request.url)), **request.headers}
        received = f"{response.status_code} {response.reason}"
        warned = "\n".join(f"The server warns: {text}" for text in warnings_of(response))
        super().__init__(
            {
                "Request": _head(f"{request.method} {path}", sent),
                "Answer": _head(received, response.headers),
                **({"Warning": warned} if warned else {}),
                "Body": _body_text(response, lines),
                "The same with curl": Equivalents(request).curl,
            },
            # The bytes of a picture tell most people nothing.
            folded=("The same with curl", *(["Body"] if _is_picture(response) else [])),
        )


def _is_picture(response: requests.Response) -> bool:
    return media_type(response).startswith("image/")


def _head(first_line: str, headers: Mapping[str, str]) -> str:
    lines = (f"{name}: {mask(name, native(value))}" for name, value in headers.items())
    return "\n".join([first_line, *lines])


def _body_text(response: requests.Response, lines: int) -> str:
    """Return the beginning of a body in a readable form."""
    if not is_kept(response):
        state = "was read already" if was_streamed(response) else "is not read yet"
        return f"(a stream: the body {state})"
    if not response.content:
        return "(no body)"
    if media_type(response) == "multipart/related":
        return _multipart_text(response)
    return _preview(response.content, media_type(response), lines)


def _multipart_text(response: requests.Response) -> str:
    try:
        # Whatever the status is: an error may have parts too.
        found = list(parse([response.content], response.headers["Content-Type"]))
    except MultipartError as error:
        return f"{error}\n\n{hexadecimal(response.content)}"
    blocks = []
    for number, part in enumerate(found[:PARTS], 1):
        head = "\n".join(f"{name}: {value}" for name, value in part.headers.items())
        preview = _preview(part.content, part.headers.get("Content-Type", ""), PART_LINES)
        blocks.append(f"[part {number} of {len(found)}]\n{head}\n\n{preview}")
    if len(found) > PARTS:
        blocks.append(f"[and {len(found) - PARTS} more, {len(response.content):,} bytes in all]")
    return "\n\n".join(blocks)


def _preview(content: bytes, kind: str, lines: int) -> str:
    text = _text(content, kind)
    if text is None:
        dump = hexadecimal(content[:HEX_BYTES])
        return f"{dump}\n... {len(content):,} bytes in all" if len(content) > HEX_BYTES else dump
    rows = text.splitlines()
    shown = [
        row if len(row) <= LONGEST_LINE else row[:LONGEST_LINE] + " ..." for row in rows[:lines]
    ]
    if len(rows) > lines:
        shown.append(f"... {len(rows) - lines} more lines, {len(content):,} bytes in all")
    return "\n".join(shown)


def _text(content: bytes, kind: str) -> str | None:
    """Return a text body, indented; None if it is no text."""
    if not any(word in kind for word in ("json", "xml", "text")):
        return None
    text = content.decode("utf-8", errors="replace")
    if len(content) > INDENTED_BYTES:
        return text
    try:
        if "json" in kind:
            return indent_json(json.loads(text))
        if "xml" in kind:
            document = minidom.parseString(content)  # type: ignore[arg-type]
            rows = document.toprettyxml(indent="  ").splitlines()
            return "\n".join(row for row in rows if row.strip())
    except (ValueError, ExpatError, LookupError, RecursionError):
        pass  # The label is wrong, the body is cut or too deep: then as it came.
    return text


def indent_json(value: Any, margin: str = "") -> str:
    """Return JSON with each object and list that is short on one line.

    Examples
    --------
    >>> attributes = {"00080060": {"vr": "CS", "Value": ["CT"]}, "00100010": {"vr": "PN"}}
    >>> print(indent_json([attributes] * 2))
    [
      {"00080060": {"vr": "CS", "Value": ["CT"]}, "00100010": {"vr": "PN"}},
      {"00080060": {"vr": "CS", "Value": ["CT"]}, "00100010": {"vr": "PN"}}
    ]
    """
    # DICOM JSON has an object for each attribute and a list in each of them: with every bracket on
    # a line of its own, as `json.dumps` would have it, four attributes fill a screen.
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or len(margin) + len(line) <= WIDTH:
        return line
    inner = margin + "  "
    if isinstance(value, dict):
        rows = [f"{json.dumps(name)}: {indent_json(item, inner)}" for name, item in value.items()]
        opening, closing = "{", "}"
    else:
        rows = [indent_json(item, inner) for item in value]
        opening, closing = "[", "]"
    return f"{opening}\n{inner}" + f",\n{inner}".join(rows) + f"\n{margin}{closing}"
