"""Multipart bodies that are hard to read, and what a learner's parser makes of them."""

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any, TypeGuard

from classroom.exercises.answers import NotYet, call, describe, need, plural
from helpers import multipart
from helpers.errors import MultipartError


def hard_bodies() -> list[tuple[str, bytes, str]]:
    """Return bodies that are legal, or cut: what each is, its bytes, and its Content-Type."""
    plain = "multipart/related; boundary=b"
    part = b"Content-Type: text/plain\r\n\r\n"
    two = b"--b\r\n" + part + b"first\r\n--b\r\n" + part + b"second\r\n--b--\r\n"
    quoted = two.replace(b"--b", b"--cut;here")
    made = {
        "with words before the first delimiter": b"Read with care.\r\n" + two,
        "with words after the closing delimiter": two + b"The end.\r\n--b\r\nNo part.\r\n",
        "with data that begin like a delimiter": two.replace(b"first", b"--bicycle"),
        "with data that hold the delimiter inside a line": two.replace(b"first", b"1 --b\r\n2"),
        "with data that hold an empty line": two.replace(b"first", b"one\r\n\r\ntwo"),
        "with data that end in a line end": two.replace(b"first", b"first\r\n"),
        "with an empty part": two.replace(b"first", b""),
        "with a part that has no headers": two.replace(part + b"first", b"\r\nfirst"),
        "that ends right behind the closing delimiter": two.removesuffix(b"\r\n"),
        "with blanks behind a delimiter": two.replace(b"--b\r\n", b"--b  \r\n"),
    }
    cases = [(words, body, plain) for words, body in made.items()]
    long_type = 'multipart/related; boundary="cut;here"; type="text/plain"'
    cases.append(("with a boundary in quotes, and a semicolon in it", quoted, long_type))
    cuts = {
        "for a body that was cut in the data": two[: two.index(b"second") + 3],
        "for a body that was cut before the closing delimiter": two[: two.index(b"\r\n--b--")],
        "for a body that was cut after a delimiter": two[: two.rindex(b"Content")],
        "for a body that is empty": b"",
    }
    return [*cases, *((words, body, plain) for words, body in cuts.items())]


def whole_parts(body: bytes, content_type: str) -> list[tuple[dict[str, str], bytes]] | None:
    """Return headers and data of each part; None if the body is cut."""
    try:
        found = multipart.parse([body], content_type)
        return [(lower(part.headers), part.content) for part in found]
    except MultipartError:
        return None


def lower(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers with their names in lower case."""
    return {str(name).lower(): value for name, value in headers.items()}


def require_refusal(parse: object, words: str, body: bytes, content_type: str) -> None:
    """See that a learner's parser raises a ValueError for a body that is cut."""
    try:
        yours = call(parse, body, content_type, case=words)
    except NotYet as problem:
        if isinstance(problem.__cause__, ValueError):
            return
        raise NotYet(f"{problem} Raise a ValueError that says what is missing.") from None
    raise NotYet(
        f"Your function returns {describe(yours)} {words}, as if nothing were missing. "
        "The task asks for a ValueError, raised and not returned."
    )


def require_parts(
    parse: object,
    words: str,
    body: bytes,
    content_type: str,
    wanted: list[tuple[dict[str, str], bytes]],
) -> None:
    """See that a learner's parser finds the parts of a whole body."""
    yours = need(call(parse, body, content_type, case=words), list, f"a list {words}")
    for number, (pair, right) in enumerate(zip_longest(yours, wanted), 1):
        if pair is None or right is None:
            raise NotYet(
                f"Your function finds {plural(len(yours), 'part')} {words}. That is not right."
            )
        if not is_pair(pair) or not hasattr(pair[0], "items"):
            inside = ": " + " and ".join(map(describe, pair)) if is_pair(pair) else ""
            raise NotYet(
                f"Part {number} {words} should be a pair: a dictionary of headers, and bytes. "
                f"Yours is {describe(pair)}{inside}."
            )
        if bytes_of(pair[1]) != right[1]:
            ends = f" and end with {pair[1][-8:]!r}" if bytes_of(pair[1]) else ""
            raise NotYet(
                f"The data of part {number} are not right {words}. "
                f"Yours are {describe(pair[1])}{ends}."
            )
        if lower(pair[0]) != right[0]:
            raise NotYet(
                f"The headers of part {number} are not right {words}. Yours are {dict(pair[0])}."
            )


def is_pair(value: object) -> TypeGuard[tuple[Any, Any]]:
    """Tell whether a value is a tuple or a list of two."""
    return isinstance(value, tuple | list) and len(value) == 2


def bytes_of(data: object) -> bytes | None:
    """Return data as bytes; None if it is something else."""
    return bytes(data) if isinstance(data, bytes | bytearray | memoryview) else None
