"""The query string of a search: filters, fields, limit and offset (PS3.18 section 8.3.4)."""

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict

from classroom.pacs.http.problems import Problem
from classroom.pacs.query.matching import NotSearched, Test, UIDTest, make_test
from classroom.pacs.query.moments import BadValue
from helpers.dicom.names import creator_of, is_path, path_of, vr_of
from helpers.errors import AttributeProblem

Path = tuple[str, ...]  # tags, more than one inside a sequence

_DEEPEST = 20  # attributes on the way through sequences
_ONCE = "Send each attribute once. A list of UIDs has commas: StudyInstanceUID=1.2,1.3"
# What a search does not do, and says so when it is asked for (PS3.18 sections 8.3.4.5 and 8.3.4.6).
_NOT_DONE = {
    "emptyvaluematching": "Empty Value Matching",
    "multiplevaluematching": "Multiple Value Matching",
}
OPTIONS = ("limit", "offset", "fuzzymatching", "includefield", "accept", *_NOT_DONE)


@dataclass(frozen=True)
class Filter:
    """One condition on one attribute."""

    tag: str
    test: Test

    @property
    def uids(self) -> frozenset[str] | None:
        """The UIDs that the attribute may have; None if it is no such condition."""
        return self.test.uids if isinstance(self.test, UIDTest) else None

    def matches(self, attributes: dict[str, Any]) -> bool:
        """Tell whether the attributes of a study, series, instance or item fulfil the condition."""
        return self.test(attributes.get(self.tag))


@dataclass(frozen=True)
class Query:
    """What a search asks for."""

    filters: list[Filter]
    include: frozenset[str]  # tags to return beyond those that the level has anyway
    everything: bool  # whether `includefield=all` was sent
    limit: int | None
    offset: int
    warnings: tuple[str, ...]  # what was asked for and is not done, a sentence or two each
    unsupported: tuple[str, ...]  # the names of parameters that were ignored (PS3.18 section 8.3)


def read_query(parameters: MultiDict[str, str], *, is_strict: bool = False) -> Query:
    """Read the parameters of a search; a 400 names one that is doubled or impossible.

    One that is not supported, no attribute for example, is left out; if `is_strict`, a 400 too.
    """
    fuzzy = _read_flag(parameters, "fuzzymatching")
    ignores_empty = _read_flag(parameters, "emptyvaluematching")
    tests: dict[Path, Test] = {}
    unsupported = []
    for name in parameters:
        if name in OPTIONS:
            continue
        if not is_strict and not _is_searched(name):
            unsupported.append(name)
            continue
        path = _path_of(name)
        wanted = _read_one(parameters, name)
        if ignores_empty and wanted == '""':
            wanted = ""  # as if it were not there: any value, and none (PS3.18 section 8.3.4.5)
        if path in tests:
            raise Problem(400, f"{name} is there under another name too.", _ONCE)
        try:
            tests[path] = make_test(vr_of(path[-1]), wanted, fuzzy=fuzzy)
        except BadValue as error:
            if isinstance(error, NotSearched) and not is_strict:
                unsupported.append(name)
                continue
            raise Problem(400, f"{name}={wanted}: {error}.", "Correct the value.") from None
    filters = _make_filters(tests)
    fields = [name for text in parameters.getlist("includefield") for name in text.split(",")]
    paths = [_path_of(name) for name in fields if name and name != "all"]
    tags = {path[0] for path in [*paths, *tests]}
    return Query(
        filters,
        include=frozenset(tags | {creator for tag in tags if (creator := creator_of(tag))}),
        everything="all" in fields,
        limit=_read_number(parameters, "limit"),
        offset=_read_number(parameters, "offset") or 0,
        warnings=tuple(
            f"The {name} parameter is not supported. {what} has not been performed."
            for name, what in _NOT_DONE.items()
            if _read_flag(parameters, name)
        ),
        unsupported=tuple(unsupported),
    )


def _make_filters(tests: dict[Path, Test]) -> list[Filter]:
    """Make one filter of all that is asked of the same sequence, by the paths of attributes."""
    filters = [Filter(path[0], test) for path, test in tests.items() if len(path) == 1]
    inside: dict[str, dict[Path, Test]] = defaultdict(dict)
    for (tag, *rest), test in tests.items():
        if rest:
            inside[tag][tuple(rest)] = test
    return filters + [
        Filter(tag, _test_items(_make_filters(below))) for tag, below in inside.items()
    ]


def _test_items(filters: list[Filter]) -> Test:
    """Return a test that one item fulfils as a whole (PS3.4 C.2.2.2.6)."""

    def test(sequence: dict[str, Any] | None) -> bool:
        # An empty sequence fulfils what an absent attribute would fulfil: universal matching.
        items = (sequence or {}).get("Value") or [{}]
        return any(all(f.matches(item or {}) for f in filters) for item in items)

    return test


def _is_searched(name: str) -> bool:
    return name.count(".") < _DEEPEST and is_path(name)


def _path_of(name: str) -> Path:
    if (depth := name.count(".") + 1) > _DEEPEST:
        raise Problem(400, f"A path of {depth} attributes is not searched.", f"{_DEEPEST} will do.")
    try:
        return path_of(name)
    except AttributeProblem as error:
        raise Problem(400, f"There is no DICOM attribute {error.came!r}.", error.hint) from None


def _read_one(parameters: MultiDict[str, str], name: str, default: str = "") -> str:
    values = parameters.getlist(name)
    if len(values) > 1:
        raise Problem(400, f"{name} is there {len(values)} times.", _ONCE)
    return values[0] if values else default


def _read_flag(parameters: MultiDict[str, str], name: str) -> bool:
    text = _read_one(parameters, name, "false").lower()
    if text not in ("true", "false"):
        raise Problem(400, f"{name}={text} is not possible.", "Send true or false.")
    return text == "true"


def _read_number(parameters: MultiDict[str, str], name: str) -> int | None:
    text = _read_one(parameters, name)
    if not text:
        return None
    if not re.fullmatch("[0-9]{1,18}", text):
        raise Problem(400, f"{name}={text} is not possible.", "Send a whole number, 0 or more.")
    return int(text)
