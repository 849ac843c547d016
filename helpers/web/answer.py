"""What an answer means: its status, its media type, and its body, whole or as a stream."""

import re
import time
from collections.abc import Generator
from contextlib import closing
from urllib.parse import urlsplit

import requests
import urllib3

from helpers.errors import ConnectionCut, HTTPProblem, LimitExceeded, WorkbookError
from helpers.web import limits as table
from helpers.web.explanations import explain
from helpers.web.limits import HOW_TO_RAISE, MB, Limits
from helpers.web.media_types import parse_one
from helpers.web.secrets import host_of, mask_url

READ_SIZE = 256 * 1024  # bytes asked of the network at a time
LONGEST_WORDS = 1000  # characters of what a server says
# What to try next, for each status that PS3.18 or a proxy in front of a server may send.
NEXT_STEPS = {
    400: "Read the URL from left to right: a misspelt attribute, a bad date, a bad number?",
    401: "No key was sent, or a wrong one. Send it: requests.get(url, auth=server.auth).",
    403: "The server knows who you are, and you may not. Its owner can allow it. Some servers "
    "answer a missing or wrong key like this too: send auth=server.auth.",
    404: "Compare each UID in the URL with the answer that you took it from.",
    405: "This resource does not take that method. Use GET to read.",
    406: "The server cannot answer in that representation. Change the Accept header.",
    409: "The server understood, but it did not store. Its answer says why.",
    413: "Send less at once: fewer instances in a request.",
    415: "The server does not take what was sent. Check the request's Content-Type header.",
    429: "Too many requests. Wait a little, then ask again.",
    500: "A fault of the server. Ask for less, or for something else, and tell its owner.",
    502: "A proxy answered, the DICOMweb server behind it did not. Try again later.",
    503: "The server is busy or being repaired. Try again later.",
    504: "A proxy waited for the server in vain. Try again later.",
}


# `299 host "text"`; PS3.18 section 8.3.4.4.1, and so some servers, write `299 host: text`.
WARNING = re.compile(
    r'\d{3} \S+ (?:"((?:[^"\\]|\\.)*)"(?:\s*"[^"]*")?|(.*?))(?=,\s*\d{3} \S+ |\s*$)'
)


def warnings_of(response: requests.Response) -> list[str]:
    """Return what a server warns of in an answer that is good otherwise: its headers `Warning`.

    >>> answer = requests.Response()
    >>> answer.headers["Warning"] = '299 http://127.0.0.1/dicomweb "PatientNme has been ignored"'
    >>> warnings_of(answer)
    ['PatientNme has been ignored']
    """
    found = WARNING.findall(response.headers.get("Warning", ""))
    texts = (re.sub(r"\\(.)", r"\1", quoted) or plain for quoted, plain in found)
    return [text for text in map(in_one_line, texts) if text]


def print_warnings(response: requests.Response) -> None:
    """Print what a server warns of, a line each."""
    for text in warnings_of(response):
        print(f"The server warns: {text}")


def media_type(response: requests.Response) -> str:
    """Return the media type of an answer, in lower case and without parameters; may be empty."""
    name = parse_one(response.headers.get("Content-Type", "")).name
    return name if "/" in name else ""


def describe_media_type(response: requests.Response) -> str:
    """Return the media type of an answer, or words that say that it has none."""
    return media_type(response) or "an answer without a Content-Type"


def check(response: requests.Response) -> requests.Response:
    """Return an answer with a good status as it is; explain any other, and what is no answer.

    >>> answer = requests.Response()
    >>> answer.status_code, answer.reason = 401, "Unauthorized"
    >>> answer.url = "http://127.0.0.1/dicomweb"
    >>> check(answer)
    Traceback (most recent call last):
    helpers.errors.HTTPProblem: The server answered 401 Unauthorized to GET /dicomweb.
      expected: a status of 200
      came:     401
      next:     No key was sent, or a wrong one. Send it: requests.get(url, auth=server.auth).
    """
    require_answer(response)
    status = response.status_code
    if status < 400 and not response.is_redirect:
        return response
    method = response.request.method if response.request is not None else "GET"
    path = urlsplit(response.url).path
    if response.is_redirect:
        raise HTTPProblem(
            f"The server sends us elsewhere, with {status} {response.reason} to {method} {path}.",
            expected="an answer from this address",
            came=mask_url(response.headers["Location"]),
            hint="If you trust that address, use it from the start. A key must not go to another.",
            response=response,
        )
    detail, hint = _server_words(response)
    if status in (401, 403) and _came_by_another_host(response):
        hint = (
            f"We were sent on to {mask_url(response.url)}, and a key does not go along to another "
            "host. If you trust that address, use it from the start."
        )
    next_step = NEXT_STEPS.get(status) or NEXT_STEPS[500 if status >= 500 else 400]
    raise HTTPProblem(
        f"The server answered {status} {response.reason} to {method} {path}.",
        expected="a status of 200",
        came=f"{status}, and the server says: {detail}" if detail else f"{status}",
        hint=hint or next_step,
        response=response,
    )


def _came_by_another_host(response: requests.Response) -> bool:
    """Tell whether requests followed redirects, and not all were of one host."""
    return len({host_of(one.url) for one in [*response.history, response]}) > 1


def require_answer(response: object) -> None:
    """Explain what is not an answer at all, but its text for example."""
    if not hasattr(response, "status_code"):
        raise WorkbookError(
            "That is not the answer of a server.",
            expected="what requests.get(...) returned",
            came=type(response).__name__,
            hint="Give the answer as a whole: not its .text, .content or .json().",
        )


def _server_words(response: requests.Response) -> tuple[str, str]:
    """Return the server's own detail and hint on an error; either may be empty."""
    if "html" in media_type(response):
        return "(a web page, probably from a proxy in front of the server)", ""
    try:
        words = response.json()
    except (ValueError, RuntimeError, requests.RequestException):
        # No JSON, JSON that is too deep, a body that was streamed before or does not come whole.
        return "", ""
    if not isinstance(words, dict):
        return "", ""
    # The classroom PACS says detail and hint; Orthanc says Details or Message; Kong says message.
    keys = ("detail", "Details", "Message", "message")
    detail = next((words[key] for key in keys if words.get(key)), "")
    return in_one_line(detail), in_one_line(words.get("hint") or "")


def in_one_line(words: object) -> str:
    """Return words of a server without what a terminal would take for a command."""
    text = "".join(letter if letter.isprintable() else " " for letter in str(words)[:LONGEST_WORDS])
    return " ".join(text.split())


def stream(response: requests.Response) -> Generator[bytes, None, None]:
    """Yield the body of an answer as it comes, then give the connection back."""
    if was_streamed(response):
        raise _read_already()
    with response:
        if is_kept(response):
            yield from response.iter_content(READ_SIZE)
            return
        # ``response.iter_content`` waits until a chunk is full. When the connection ends too early,
        # it drops what the unfinished chunk held already, and that may be whole instances.
        try:
            while chunk := response.raw.read1(READ_SIZE, decode_content=True):
                yield chunk
        except urllib3.exceptions.DecodeError as error:
            raise explain(requests.exceptions.ContentDecodingError(error)) from error
        except urllib3.exceptions.HTTPError as error:
            cut = requests.exceptions.ChunkedEncodingError(error, request=response.request)
            raise explain(cut) from error


def read_within(
    response: requests.Response, limits: Limits, since: float | None = None
) -> Generator[bytes, None, None]:
    """Yield a body as it comes; past a limit, say which one it is.

    Time counts from `since` on, but not what the reader of each chunk takes. What is in memory
    already has no limit any more.
    """
    if is_kept(response):
        yield from stream(response)
        return
    size, spent = 0, 0.0 if since is None else time.monotonic() - since
    _wait_no_longer(response, limits.silence)
    with closing(stream(response)) as chunks:
        while True:
            begin = time.monotonic()
            try:
                chunk = next(chunks, None)
            except ConnectionCut as error:
                if spent + time.monotonic() - begin >= limits.in_all:
                    raise too_slow(limits, response.url, size) from error
                raise
            spent += time.monotonic() - begin
            if chunk is None:
                return
            size += len(chunk)
            if size > limits.body:
                raise _too_large(limits, response.url)
            # Of the whole of it, only the end is late; a stream is late at any time.
            is_slow = spent > table.PACED_AFTER and size < limits.pace * spent
            if spent >= limits.in_all or is_slow:
                raise too_slow(limits, response.url, size)
            yield chunk


def _wait_no_longer(response: requests.Response, seconds: float) -> None:
    """Let each read of a body end in time, also where nobody gave requests a time-out."""
    # There is no public way from an answer to its socket; http.client has it below two files.
    reader = getattr(getattr(response.raw, "_fp", None), "fp", None)
    sock = getattr(getattr(reader, "raw", None), "_sock", None)
    if sock is not None and (sock.gettimeout() or seconds + 1) > seconds:
        sock.settimeout(seconds)


def _too_large(limits: Limits, url: str) -> LimitExceeded:
    return LimitExceeded(
        "This answer is too large.",
        expected=f"at most {limits.body / MB:g} MB",
        came=f"more than that, from {host_of(url)}",
        hint="Ask for less: a limit in the query, or a series in the place of a study. Or take it "
        "part by part: requests.get(url, stream=True), then iter_parts or save_instances. "
        + HOW_TO_RAISE,
    )


def too_slow(limits: Limits, url: str, size: int) -> LimitExceeded:
    """Say that an answer took longer than it may."""
    pace = f", and {limits.pace:g} bytes a second" if limits.pace else ""
    return LimitExceeded(
        "This answer takes too long.",
        expected=f"the whole of it within {limits.in_all:g} seconds{pace}",
        came=f"{size:,} bytes of its body in that time, from {host_of(url)}",
        hint="Ask again, or ask for less. If it stays so, tell the owner of the server, or use "
        f"the classroom PACS: connect(). {HOW_TO_RAISE}",
    )


def body(response: requests.Response) -> bytes:
    """Return the body of an answer, read to its end."""
    if not is_kept(response):
        content = b"".join(read_within(response, table.WHOLE.raised()))
        response._content, response._content_consumed = content, True  # type: ignore[attr-defined]
    try:
        return response.content
    except requests.RequestException as error:
        raise explain(error) from error
    except RuntimeError as error:
        raise _read_already() from error


def was_streamed(response: requests.Response) -> bool:
    """Tell whether the body of an answer was read as a stream, and is gone."""
    # A body of no bytes is closed before anybody has read it.
    raw = response.raw
    return not is_kept(response) and raw.closed and raw.tell() > 0


def is_kept(response: requests.Response) -> bool:
    """Tell whether the body of an answer is in memory, or never came from a server."""
    # requests has no public way to ask. Before, there stands False.
    content: object = response._content
    return content is not False or not isinstance(response.raw, urllib3.HTTPResponse)


def _read_already() -> WorkbookError:
    return WorkbookError(
        "This answer has been read already.",
        expected="an answer whose body nobody has read",
        came="a stream at its end",
        hint="A stream can be read once. Run the cell with requests.get(...) again.",
    )
