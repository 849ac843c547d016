"""QIDO-RS: from a query to its results (PS3.18, section 10.6)."""

from itertools import islice

from classroom.pacs.query.levels import INSTANCE, LEVELS, SERIES, STUDY
from classroom.pacs.query.read import read_query
from classroom.pacs.responses import described
from helpers.dicom.json_model import element, with_bulk_data_uris
from helpers.dicom.names import tag_of

_RETRIEVE_URL = tag_of("RetrieveURL")
_AVAILABILITY = tag_of("InstanceAvailability")
_ONLINE = element("InstanceAvailability", "ONLINE")


def search(archive, level, query, *, study=None, series=None, url=""):
    """Find studies, series or instances.

    The order is always the same: Study Date, Study Time and Study Instance UID; then Series Number
    and Series Instance UID; then Instance Number and SOP Instance UID. What has no number comes
    last.

    Parameters
    ----------
    archive : Archive
    level : Level
    query : Query
    study, series : str, optional
        UIDs that the path of the request names.
    url : str
        DICOMweb root without a trailing slash, for the Retrieve URLs.

    Returns
    -------
    results : list of dict
        DICOM JSON.
    remaining : int
        How many more there are after `query.limit`.
    """
    # Everything here is online, which no file says of itself.
    filters = [f for f in query.filters if not (f.tag == _AVAILABILITY and f.test(_ONLINE))]
    found = _matches(archive, level, filters, study, series)
    page = list(islice(found, query.offset, _end(query)))
    remaining = sum(1 for _ in found) if query.limit is not None else 0
    fixed = 0 if study is None else 1 if series is None else 2
    shown = LEVELS[fixed : LEVELS.index(level) + 1]
    return [_result(entities, level, shown, query, url) for entities in page], remaining


def _end(query):
    return None if query.limit is None else query.offset + query.limit


def _matches(archive, level, filters, study, series):
    """Yield what matches: (study,), (study, series) or (study, series, instance)."""
    above_series, rest = _split(filters, STUDY)
    above_instance, rest = _split(rest, SERIES)
    studies = [archive.studies[study]] if study else archive.studies.values()
    for one_study in studies:
        if not _fulfils(one_study, above_series):
            continue
        found = _series_matches(one_study, above_instance, rest, series)
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


def _series_matches(study, series_filters, instance_filters, uid):
    for series in [study.series[uid]] if uid else study.series.values():
        if not _fulfils(series, series_filters):
            continue
        instances = [i for i in series.instances.values() if _fulfils(i, instance_filters)]
        if instances:
            yield series, instances


def _split(filters, level):
    here = [condition for condition in filters if condition.tag in level.tags]
    return here, [condition for condition in filters if condition not in here]


def _fulfils(entity, filters):
    return all(condition.matches(entity.attributes) for condition in filters)


def _result(entities, level, shown, query, url):
    result = {}
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
    own_url = f"{url}/{_resource(entities)}"
    if level is INSTANCE:
        result = with_bulk_data_uris(result, own_url)
    result[_RETRIEVE_URL] = element("RetrieveURL", own_url)
    result[_AVAILABILITY] = _ONLINE
    return dict(sorted(result.items()))


def _resource(entities):
    return "/".join(f"{level.name}/{e.uid}" for level, e in zip(LEVELS, entities, strict=False))


def results(service, request, *, level, study=None, series=None):
    """Answer a search.

    Parameters
    ----------
    service : Service
    request : werkzeug.wrappers.Request
    level : Level
        What is searched for.
    study, series : str, optional
        UIDs from the path.

    Returns
    -------
    werkzeug.wrappers.Response
        With a Warning header when `limit` left results out (PS3.18, section 10.6.3.2), and for
        what was asked for and is not done.
    """
    query = read_query(request.args)
    if study is not None:
        service.find(study, series)
    models, remaining = search(
        service.archive, level, query, study=study, series=series, url=service.url
    )
    response = described(service, request, models)
    warnings = list(query.warnings)
    if remaining:
        warnings.append(f"There are {remaining} additional results that can be requested")
    for text in warnings:
        response.headers.add("Warning", f'299 {service.url} "{text}"')
    return response
