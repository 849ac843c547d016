"""QIDO-RS: from a query to its results (PS3.18 section 10.6)."""

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

from pydicom.datadict import keyword_dict
from werkzeug.wrappers import Response

from classroom.pacs.archive import Archive, Series, Study
from classroom.pacs.instance import SOPInstance
from classroom.pacs.query.levels import INSTANCE, LEVELS, SERIES, STUDY, Level
from classroom.pacs.query.read import OPTIONS, Filter, Query, read_query
from classroom.pacs.responses import describe
from classroom.pacs.service import PacsRequest, Service
from helpers.dicom.json_model import element, with_bulk_data_uris
from helpers.dicom.names import tag_of

Entity = Study | Series | SOPInstance
# A study, with a series of it, with an instance of that.
Found = tuple[Entity, ...]

_RETRIEVE_URL = tag_of("RetrieveURL")
_AVAILABILITY = tag_of("InstanceAvailability")
_INSTANCE_UID = tag_of("SOPInstanceUID")
_UIDS = [(STUDY, tag_of("StudyInstanceUID")), (SERIES, tag_of("SeriesInstanceUID"))]
_UIDS += [(INSTANCE, _INSTANCE_UID)]
_ONLINE = element("InstanceAvailability", "ONLINE")


def search(
    service: Service,
    request: PacsRequest,
    *,
    level: Level,
    study: str | None = None,
    series: str | None = None,
) -> Response:
    """Answer a search; a Warning names what is left out or not done (PS3.18 section 10.6.3.2)."""
    query = read_query(request.args, is_strict=service.is_strict)
    request.warn_of(query.unsupported, supported=chain(OPTIONS, keyword_dict))
    request.warnings += query.warnings
    if study is not None:
        service.find(study, series)
    request.warnings += filter(None, [service.archive.progress])
    models, remaining = _find(service, level, query, study, series)
    if remaining:
        request.warnings.append(f"There are {remaining} additional results that can be requested")
    return describe(service, request, models)


def _find(
    service: Service, level: Level, query: Query, study: str | None, series: str | None
) -> tuple[list[dict[str, Any]], int]:
    """Return the results, in the archive's order, and how many more there are after `limit`."""
    # Everything here is online, which no file says of itself.
    filters = [f for f in query.filters if not (f.tag == _AVAILABILITY and f.test(_ONLINE))]
    found = _match(service.archive, level, filters, study, series)
    end = None if query.limit is None else query.offset + query.limit
    page = list(islice(found, query.offset, end))
    remaining = sum(1 for _ in found) if query.limit is not None else 0
    fixed = 0 if study is None else 1 if series is None else 2
    shown = LEVELS[fixed : LEVELS.index(level) + 1]
    return [_describe(entities, level, shown, query, service.url) for entities in page], remaining


def _match(
    archive: Archive, level: Level, filters: list[Filter], study: str | None, series: str | None
) -> Iterator[Found]:
    """Yield what matches: (study,), (study, series) or (study, series, instance)."""
    above_series, rest = _split(filters, STUDY)
    above_instance, rest = _split(rest, SERIES)
    studies: Iterable[Study] = archive.studies.values()
    for its_level, tag in _UIDS:
        if (uids := _uids(filters, tag)) is not None:
            studies = archive.studies_with(its_level, uids)
    for one_study in [archive.studies[study]] if study else studies:
        if not _fulfils(one_study, above_series):
            continue
        found = _match_series(one_study, above_instance, rest, series)
        if level is STUDY:
            # Of what is below, one match is enough.
            if not (above_instance or rest) or any(True for _ in found):
                yield (one_study,)
            continue
        for one_series, instances in found:
            if level is SERIES:
                yield one_study, one_series
            else:
                yield from ((one_study, one_series, instance) for instance in instances)


def _match_series(
    study: Study, series_filters: list[Filter], instance_filters: list[Filter], uid: str | None
) -> Iterator[tuple[Series, list[SOPInstance]]]:
    for series in [study.series[uid]] if uid else study.series.values():
        if not _fulfils(series, series_filters):
            continue
        uids = _uids(instance_filters, _INSTANCE_UID)
        candidates = series.instances.values() if uids is None else series.find(uids)
        rest = [condition for condition in instance_filters if condition.tag != _INSTANCE_UID]
        instances = [i for i in candidates if _fulfils(i, rest)]
        if instances:
            yield series, instances


def _uids(filters: list[Filter], tag: str) -> frozenset[str] | None:
    """Return which UIDs are wanted in an attribute; None if it does not matter."""
    return next((condition.uids for condition in filters if condition.tag == tag), None)


def _split(filters: list[Filter], level: Level) -> tuple[list[Filter], list[Filter]]:
    here = [condition for condition in filters if condition.tag in level.tags]
    return here, [condition for condition in filters if condition not in here]


def _fulfils(entity: Entity, filters: list[Filter]) -> bool:
    return all(condition.matches(entity.attributes) for condition in filters)


def _describe(
    entities: Found, level: Level, shown: tuple[Level, ...], query: Query, url: str
) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for entity, its_level in zip(entities, LEVELS, strict=False):
        known = entity.attributes
        if its_level in shown:
            result.update((tag, known.get(tag, empty)) for tag, empty in its_level.required.items())
            result.update((tag, known[tag]) for tag in its_level.conditional if tag in known)
        if query.everything:
            result.update(
                (tag, value) for tag, value in known.items() if "BulkDataURI" not in value
            )
        result.update((tag, known[tag]) for tag in query.include if tag in known)
    names = (f"{level.name}/{e.uid}" for level, e in zip(LEVELS, entities, strict=False))
    own_url = "/".join([url, *names])
    if level is INSTANCE:
        result = with_bulk_data_uris(result, own_url)
    result[_RETRIEVE_URL] = element("RetrieveURL", own_url)
    result[_AVAILABILITY] = _ONLINE
    return dict(sorted(result.items()))
