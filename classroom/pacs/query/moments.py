"""Dates and times: single ones, and ranges of them (PS3.4 C.2.2.2.5)."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

# Files of before 1993 have dates and times with marks between (PS3.5 section 6.2, DA and TM):
# 1994.11.05, 11:20:00.
MOMENTS = {
    "DA": re.compile(r"(?P<digits>\d{8}|\d{4}\.\d\d\.\d\d)"),
    "TM": re.compile(
        r"(?P<digits>\d\d|\d{4}|\d{6}|\d\d:\d\d|\d\d:\d\d:\d\d)"
        r"(?:(?:(?<=\d{6})|(?<=:\d\d:\d\d))\.(?P<fraction>\d{1,6}))?"
    ),
    "DT": re.compile(
        r"(?P<digits>\d{4}|\d{6}|\d{8}|\d{10}|\d{12}|\d{14})"
        r"(?:(?<=\d{14})\.(?P<fraction>\d{1,6}))?"
        r"(?P<zone>[+-](?:0\d|1[0-4])[0-5]\d)?"
    ),
}
_EXPECTED = {
    "DA": "a date as YYYYMMDD, or a range: 19860101-19861231, 19860101- or -19861231",
    "TM": "a time as HHMMSS, or a range: 080000-120000, 080000- or -120000",
    "DT": "a date and time as YYYYMMDDHHMMSS, or a range of two with a hyphen between",
}
_STRPTIME = "%Y%m%d%H%M%S%z"
_STEPS = {8: timedelta(days=1), 10: timedelta(hours=1), 12: timedelta(minutes=1)}


class BadValue(ValueError):
    """A query value that the attribute's VR does not allow; the message says what would do."""


def make_moment_test(vr: str, wanted: str) -> Callable[[str], bool]:
    """Return a test whether a stored date or time is the one wanted, or in the range wanted.

    >>> test = make_moment_test("TM", "1015-")
    >>> [test(time) for time in ("101459", "101500", "18")]
    [False, True, True]
    """
    start, end = _split_range(vr, wanted)
    earliest = _find_span(vr, start)[0] if start else datetime.min.replace(tzinfo=UTC)
    latest = _find_span(vr, end)[1] if end else datetime.max.replace(tzinfo=UTC)

    def test(value: str) -> bool:
        try:
            return earliest <= _find_span(vr, value)[0] <= latest
        except BadValue:  # stored, but not as the standard wants it
            return False

    return test


def _split_range(vr: str, wanted: str) -> tuple[str, str]:
    """Split a range at its hyphen; that of a time zone is none (PS3.4 C.2.2.2.5)."""
    moment = MOMENTS[vr]
    if moment.fullmatch(wanted):
        return wanted, wanted
    for hyphen in re.finditer("-", wanted):
        sides = wanted[: hyphen.start()].strip(), wanted[hyphen.end() :].strip()
        if any(sides) and all(not side or moment.fullmatch(side) for side in sides):
            return sides
    raise BadValue(f"expected {_EXPECTED[vr]}; {wanted!r} is none")


def _find_span(vr: str, text: str) -> tuple[datetime, datetime]:
    """Return the first and the last moment that a date or time of any precision stands for."""
    found = MOMENTS[vr].fullmatch(text.strip())
    if not found:
        raise BadValue(f"expected {_EXPECTED[vr]}; {text!r} is none")
    parts = found.groupdict()
    digits = ("19000101" if vr == "TM" else "") + re.sub("[.:]", "", parts["digits"])
    zone = parts.get("zone") or "+0000"
    try:
        first = datetime.strptime((digits + "0101000000"[len(digits) - 4 :])[:14] + zone, _STRPTIME)
        last = _find_end(first, len(digits))
    except ValueError:
        raise BadValue(f"expected {_EXPECTED[vr]}; {text!r} is not in the calendar") from None
    if fraction := parts.get("fraction"):
        first += timedelta(microseconds=int(fraction.ljust(6, "0")))
        last = first + timedelta(microseconds=10 ** (6 - len(fraction)) - 1)
    return first, last


def _find_end(first: datetime, precision: int) -> datetime:
    """Return the last microsecond of the year, month, day, ... second that begins at `first`."""
    if first.year == datetime.max.year:  # where clients let an open range end
        return datetime.max.replace(tzinfo=first.tzinfo)
    if precision == 4:
        following = first.replace(year=first.year + 1)
    elif precision == 6:
        following = (first + timedelta(days=31)).replace(day=1)
    else:
        following = first + _STEPS.get(precision, timedelta(seconds=1))
    return following - timedelta(microseconds=1)
