"""What an answer means before its body is read: status and media type."""

from email.message import Message
from urllib.parse import urlsplit

import requests

from helpers.errors import HTTPProblem, WorkbookError
from helpers.web.secrets import mask_url

LONGEST_WORDS = 1000  # characters of what a server says
# What to try next, for each status that PS3.18 or a proxy in front of a server may send.
NEXT_STEPS = {
    400: "Read the URL from left to right: a misspelt attribute, a bad date, a bad number?",
    401: "Send the key: requests.get(url, headers=server.headers).",
    403: "No key was sent, or not the right one. Send it: headers=server.headers.",
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


def media_type(response):
    """Return the media type of an answer, in lower case and without parameters.

    Parameters
    ----------
    response : requests.Response

    Returns
    -------
    str
        For example ``"application/dicom+json"``; empty if the server did not say.

    Examples
    --------
    >>> answer = requests.Response()
    >>> answer.headers["Content-Type"] = 'multipart/related; type="application/dicom"; boundary=b'
    >>> media_type(answer)
    'multipart/related'
    """
    header = Message()
    header["Content-Type"] = response.headers.get("Content-Type", "")
    return header.get_content_type() if "/" in header["Content-Type"] else ""


def check(response):
    """Return an answer with a good status as it is; explain any other.

    Parameters
    ----------
    response : requests.Response

    Returns
    -------
    requests.Response
        The same object, if its status is good.

    Raises
    ------
    HTTPProblem
        The status is 400 or more, or a redirect that was not followed. The message holds the
        server's own words, if it sent any.
    WorkbookError
        It is not an answer at all.

    Examples
    --------
    >>> answer = requests.Response()
    >>> answer.status_code, answer.reason, answer.url = 403, "Forbidden", "http://127.0.0.1/dicomweb"
    >>> check(answer)
    Traceback (most recent call last):
    helpers.errors.HTTPProblem: The server answered 403 Forbidden to GET /dicomweb.
      expected: a status of 200
      came:     403
      next:     No key was sent, or not the right one. Send it: headers=server.headers.
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
    detail, hint = server_words(response)
    next_step = NEXT_STEPS.get(status) or NEXT_STEPS[500 if status >= 500 else 400]
    raise HTTPProblem(
        f"The server answered {status} {response.reason} to {method} {path}.",
        expected="a status of 200",
        came=f"{status}, and the server says: {detail}" if detail else f"{status}",
        hint=hint or next_step,
        response=response,
    )


def require_answer(response):
    """Explain what is not an answer at all, but its text for example.

    Raises
    ------
    WorkbookError

    Examples
    --------
    >>> require_answer(requests.Response())
    >>> require_answer("[]")
    Traceback (most recent call last):
    helpers.errors.WorkbookError: That is not the answer of a server.
      expected: what requests.get(...) returned
      came:     str
      next:     Give the answer as a whole: not its .text, .content or .json().
    """
    if not hasattr(response, "status_code"):
        raise WorkbookError(
            "That is not the answer of a server.",
            expected="what requests.get(...) returned",
            came=type(response).__name__,
            hint="Give the answer as a whole: not its .text, .content or .json().",
        )


def server_words(response):
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
    return _short(detail), _short(words.get("hint") or "")


def _short(words):
    """Return words of a server in one line, without what a terminal would take for a command."""
    text = "".join(letter if letter.isprintable() else " " for letter in str(words)[:LONGEST_WORDS])
    return " ".join(text.split())
