"""The instances of a study as a table, all of them, and in their order."""

from collections.abc import Iterator

import pandas
import requests

from helpers.dicom.names import require_uid
from helpers.errors import HTTPProblem
from helpers.queries.request import GetRequest
from helpers.queries.search import JSON, tabulate
from helpers.servers.server import Server

SERIES = ["SeriesInstanceUID", "SeriesNumber", "Modality", "SeriesDescription"]
COLUMNS = [
    *SERIES,
    "SOPInstanceUID",
    "InstanceNumber",
    "Rows",
    "NumberOfFrames",
]


def list_instances(
    server: Server, study_uid: str, session: requests.Session | None = None
) -> pandas.DataFrame:
    """List the instances of a study, sorted by the numbers of series and instance."""
    path = f"studies/{require_uid(study_uid, 'StudyInstanceUID')}"
    try:
        pages = list(_pages(server, path, session))
    except HTTPProblem as problem:
        pages = list(_pages_of_each_series(server, path, session))
        if not pages:
            raise problem
    found = pandas.concat(pages, ignore_index=True)
    for column in ("SeriesNumber", "InstanceNumber", "NumberOfFrames"):
        # What is no number is not worth an error, and an image has one frame at least.
        numbers = pandas.to_numeric(found[column], errors="coerce").fillna(0).astype(int)
        found[column] = numbers.clip(lower=1) if column == "NumberOfFrames" else numbers
    return found.sort_values(["SeriesNumber", "InstanceNumber"], ignore_index=True)


def images_of(instances: pandas.DataFrame) -> pandas.DataFrame:
    """Leave those that hold pixels."""
    return instances[instances["Rows"] != ""].reset_index(drop=True)


def _pages_of_each_series(
    server: Server, path: str, session: requests.Session | None
) -> Iterator[pandas.DataFrame]:
    """Yield tables of the instances, asked for series by series: some servers take nothing else."""
    answer = GetRequest(server, f"{path}/series", {}, JSON).send(session)
    if not answer.ok:
        return
    for series in tabulate(answer, SERIES).to_dict("records"):
        uid = require_uid(str(series["SeriesInstanceUID"]), "SeriesInstanceUID")
        for page in _pages(server, f"{path}/series/{uid}", session):
            # Below a series, the answer need not repeat what is true of all of it.
            page[SERIES] = [series[column] for column in SERIES]
            yield page


def _pages(
    server: Server, path: str, session: requests.Session | None
) -> Iterator[pandas.DataFrame]:
    """Yield tables of the instances; a server may give only so many at a time."""
    seen: set[str] = set()
    more = True
    while more:
        params = {"includefield": "SeriesDescription,Rows,NumberOfFrames"}
        if seen:
            params["offset"] = str(len(seen))
        response = GetRequest(server, f"{path}/instances", params, JSON).send(session)
        page = tabulate(response, COLUMNS)
        # A server that ignores the offset sends the same again, for ever.
        new = set(page["SOPInstanceUID"]) - seen
        if new or not seen:
            yield page
        seen |= new
        # That there are more, the header Warning says (PS3.18 section 8.3.4.4).
        more = bool(new) and "additional results" in response.headers.get("Warning", "")
