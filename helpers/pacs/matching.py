"""Matching of attributes: what PS3.4, section C.2.2.2, says that a query value selects.

`matcher` turns a query value into a function that tells whether an attribute, in DICOM JSON,
matches. It raises `BadValue` when the attribute's VR does not allow the value.
"""

import fnmatch
import re
import unicodedata
from datetime import UTC, datetime, timedelta

from helpers.pacs.instance import is_uid

_LISTS = {"UI", "CS"}
_NUMBERS = {"IS", "DS", "US", "SS", "UL", "SL", "UV", "SV", "FL", "FD"}
_TEXTS = {"AE", "AS", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT", "AT"}
_MOMENTS = {
    "DA": re.compile(r"(?P<digits>\d{8})"),
    "TM": re.compile(r"(?P<digits>\d{2}|\d{4}|\d{6})(?:(?<=\d{6})\.(?P<fraction>\d{1,6}))?"),
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


class BadValue(ValueError):
    """A query value that the attribute's VR does not allow; the message says what would do."""


def matcher(vr, wanted, *, fuzzy=False):
    """Return a function that tells whether an attribute has the value that is wanted.

    Parameters
    ----------
    vr : str
        Value Representation of the attribute, for example "PN".
    wanted : str
        The query value: a single value, a list of UIDs or codes, a range of dates or times, or a
        text with the wildcards `*` and `?`. Empty or `*` alone selects everything.
    fuzzy : bool
        For names: compare word by word, by how a word begins, without accents.

    Returns
    -------
    callable
        From a DICOM JSON attribute (or None where it is absent) to bool.

    Raises
    ------
    BadValue

    Examples
    --------
    >>> joe = {"vr": "PN", "Value": [{"Alphabetic": "SIIM^Joe"}]}
    >>> [matcher("PN", wanted)(joe) for wanted in ("siim*", "SIIM", "SIIM^J?e", "")]
    [True, False, True, True]
    >>> matcher("PN", "joe siim", fuzzy=True)(joe)
    True
    >>> matcher("DA", "19860101-")({"vr": "DA", "Value": ["19860330"]})
    True
    """
    wanted = wanted.strip()
    if wanted.strip("*") == "":
        return lambda attribute: True
    test, test_text = _test(vr, wanted, fuzzy), _text_test(wanted)

    def matches(attribute):
        if attribute is None:
            return False
        # A file may have given the attribute another VR than the dictionary does.
        fitting = test if attribute["vr"] == vr else test_text
        return any(fitting(value) for value in attribute.get("Value", ()) if value is not None)

    return matches


def _test(vr, wanted, fuzzy):
    """Return a function from one value to bool."""
    if vr in _MOMENTS:
        return _moment_test(vr, wanted)
    if vr in _NUMBERS:
        return _number_test(wanted)
    if vr == "UI":
        return _uid_test(wanted)
    if vr == "PN":
        return _fuzzy_name_test(wanted) if fuzzy else _name_test(wanted)
    if vr == "CS":
        tests = [_text_test(code) for code in re.split(r"[,\\]", wanted) if code.strip()]
        return lambda value: any(test(value) for test in tests)
    if vr in _TEXTS:
        return _text_test(wanted)
    raise BadValue(f"values of VR {vr} cannot be searched")


def _text_test(wanted):
    # fnmatch knows sets of characters, [abc], which DICOM does not.
    pattern = fnmatch.translate(wanted.strip().casefold().replace("[", "[[]"))
    match = re.compile(pattern).match
    return lambda value: match(str(value).strip().casefold()) is not None


def _name_test(wanted):
    test = _text_test("=".join(group.rstrip("^ ") for group in wanted.split("=")))

    def test_name(name):
        groups = [group.rstrip("^ ") for group in name.values()]
        return any(test(text) for text in (*groups, "=".join(groups)))

    return test_name


def _fuzzy_name_test(wanted):
    words = _words(wanted.replace("*", " "))

    def test_name(name):
        present = [word for group in name.values() for word in _words(group)]
        return all(any(p.startswith(word) for p in present) for word in words)

    return test_name


def _words(text):
    """Split a name into its words, without case and accents.

    Examples
    --------
    >>> _words("Müller^Zoë")
    ['muller', 'zoe']
    """
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    return [word for word in re.split(r"[\s^=,]+", plain) if word]


def _uid_test(wanted):
    uids = {uid.strip() for uid in re.split(r"[,\\]", wanted) if uid.strip()}
    for uid in uids:
        if not is_uid(uid):
            raise BadValue(f"expected a UID or a list of UIDs; {uid!r} is none")
    return lambda value: value in uids


def _number_test(wanted):
    try:
        number = float(wanted)
    except ValueError:
        raise BadValue(f"expected a number; {wanted!r} is none") from None
    return lambda value: float(value) == number


def _moment_test(vr, wanted):
    start, end = _range(vr, wanted)
    earliest = _span(vr, start)[0] if start else datetime.min.replace(tzinfo=UTC)
    latest = _span(vr, end)[1] if end else datetime.max.replace(tzinfo=UTC)

    def test(value):
        try:
            return earliest <= _span(vr, value)[0] <= latest
        except BadValue:  # stored, but not as the standard wants it
            return False

    return test


def _range(vr, wanted):
    """Split a range at its hyphen; that of a time zone is none (PS3.4, section C.2.2.2.5)."""
    moment = _MOMENTS[vr]
    if moment.fullmatch(wanted):
        return wanted, wanted
    for hyphen in re.finditer("-", wanted):
        sides = wanted[: hyphen.start()].strip(), wanted[hyphen.end() :].strip()
        if any(sides) and all(not side or moment.fullmatch(side) for side in sides):
            return sides
    raise BadValue(f"expected {_EXPECTED[vr]}; {wanted!r} is none")


def _span(vr, text):
    """Return the first and the last moment that a date or time of any precision stands for."""
    found = _MOMENTS[vr].fullmatch(text.strip())
    if not found:
        raise BadValue(f"expected {_EXPECTED[vr]}; {text!r} is none")
    parts = found.groupdict()
    digits = ("19000101" if vr == "TM" else "") + parts["digits"]
    zone = parts.get("zone") or "+0000"
    try:
        first = datetime.strptime((digits + "0101000000"[len(digits) - 4 :])[:14] + zone, _STRPTIME)
        last = _end(first, len(digits))
    except ValueError:
        raise BadValue(f"expected {_EXPECTED[vr]}; {text!r} is not in the calendar") from None
    if fraction := parts.get("fraction"):
        first += timedelta(microseconds=int(fraction.ljust(6, "0")))
        last = first + timedelta(microseconds=10 ** (6 - len(fraction)) - 1)
    return first, last


_STRPTIME = "%Y%m%d%H%M%S%z"
_STEPS = {8: timedelta(days=1), 10: timedelta(hours=1), 12: timedelta(minutes=1)}


def _end(first, precision):
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
