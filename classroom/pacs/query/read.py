"""The query string of a search: filters, fields to include, limit and offset (PS3.18, 8.3.4)."""

import re
from collections import defaultdict
from dataclasses import dataclass, field

from classroom.pacs.http.problems import Problem
from classroom.pacs.query.matching import BadValue, matcher
from helpers.dicom.names import creator_of, path_of, vr_of
from helpers.errors import AttributeProblem

_DEEPEST = 20  # attributes on the way through sequences
_ONCE = "Send each attribute once. A list of UIDs has commas: StudyInstanceUID=1.2,1.3"
# What a search does not do, and says so when it is asked for (PS3.18, 8.3.4.5 and 8.3.4.6).
_NOT_DONE = {
    "emptyvaluematching": "Empty Value Matching",
    "multiplevaluematching": "Multiple Value Matching",
}
_OPTIONS = ("limit", "offset", "fuzzymatching", "includefield", "accept", *_NOT_DONE)


@dataclass(frozen=True)
class Filter:
    """One condition on one attribute.

    Parameters
    ----------
    tag : str
        As DICOM JSON writes it.
    test : callable
        From a DICOM JSON attribute (or None) to bool.
    """

    tag: str
    test: object

    def matches(self, attributes):
        """Tell whether the attributes of a study, series, instance or item fulfil the condition."""
        return self.test(attributes.get(self.tag))


@dataclass(frozen=True)
class Query:
    """What a search asks for.

    Parameters
    ----------
    filters : list of Filter
    include : frozenset of str
        Tags to return beyond those that the level has anyway.
    everything : bool
        Whether `includefield=all` was sent.
    limit : int or None
    offset : int
    warnings : tuple of str
        What was asked for and is not done, a sentence or two each.
    """

    filters: list = field(default_factory=list)
    include: frozenset = frozenset()
    everything: bool = False
    limit: int | None = None
    offset: int = 0
    warnings: tuple = ()


def read_query(parameters):
    """Read the parameters of a search.

    Parameters
    ----------
    parameters : werkzeug.datastructures.MultiDict
        As they came, percent-decoded.

    Returns
    -------
    Query

    Raises
    ------
    Problem
        400 with the name of the parameter, when it is unknown, doubled or has an impossible value.
    """
    fuzzy = _flag(parameters, "fuzzymatching")
    tests = {}
    for name in parameters:
        if name in _OPTIONS:
            continue
        path = _path_of(name)
        wanted = _one(parameters, name)
        if path in tests:
            raise Problem(400, f"{name} is there under another name too.", _ONCE)
        try:
            tests[path] = matcher(vr_of(path[-1]), wanted, fuzzy=fuzzy)
        except BadValue as error:
            raise Problem(400, f"{name}={wanted}: {error}.", "Correct the value.") from None
    filters = _filters(tests)
    fields = [name for text in parameters.getlist("includefield") for name in text.split(",")]
    paths = [_path_of(name) for name in fields if name and name != "all"]
    tags = {path[0] for path in [*paths, *tests]}
    return Query(
        filters,
        include=frozenset(tags | {creator for tag in tags if (creator := creator_of(tag))}),
        everything="all" in fields,
        limit=_whole_number(parameters, "limit"),
        offset=_whole_number(parameters, "offset") or 0,
        warnings=tuple(
            f"The {name} parameter is not supported. {what} has not been performed."
            for name, what in _NOT_DONE.items()
            if _flag(parameters, name)
        ),
    )


def _filters(tests):
    """Make one filter of all that is asked of the same sequence.

    Parameters
    ----------
    tests : dict of tuple to callable
        By the path of the attribute: its tags, more than one if it is inside a sequence.

    Returns
    -------
    list of Filter
    """
    filters = [Filter(path[0], test) for path, test in tests.items() if len(path) == 1]
    inside = defaultdict(dict)
    for (tag, *rest), test in tests.items():
        if rest:
            inside[tag][tuple(rest)] = test
    return filters + [Filter(tag, _any_item(_filters(below))) for tag, below in inside.items()]


def _any_item(filters):
    """Return a test that one item fulfils as a whole (PS3.4, section C.2.2.2.6)."""

    def test(sequence):
        # An empty sequence fulfils what an absent attribute would fulfil: universal matching.
        items = (sequence or {}).get("Value") or [{}]
        return any(all(f.matches(item or {}) for f in filters) for item in items)

    return test


def _path_of(name):
    if (depth := name.count(".") + 1) > _DEEPEST:
        raise Problem(400, f"A path of {depth} attributes is not searched.", f"{_DEEPEST} will do.")
    try:
        return path_of(name)
    except AttributeProblem as error:
        raise Problem(400, f"There is no DICOM attribute {error.came!r}.", error.hint) from None


def _one(parameters, name, default=""):
    values = parameters.getlist(name)
    if len(values) > 1:
        raise Problem(
            400,
            f"{name} is there {len(values)} times.",
            _ONCE,
        )
    return values[0] if values else default


def _flag(parameters, name):
    text = _one(parameters, name, "false").lower()
    if text not in ("true", "false"):
        raise Problem(400, f"{name}={text} is not possible.", "Send true or false.")
    return text == "true"


def _whole_number(parameters, name):
    text = _one(parameters, name)
    if not text:
        return None
    if not re.fullmatch("[0-9]{1,18}", text):
        raise Problem(400, f"{name}={text} is not possible.", "Send a whole number, 0 or more.")
    return int(text)
