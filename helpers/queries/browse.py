"""What an archive holds, level by level, as a function: patients, studies, series, instances."""

import pandas
import requests

from helpers.dicom.names import require_uid
from helpers.dicom.table import SERIES
from helpers.errors import WorkbookError
from helpers.queries.request import GetRequest
from helpers.queries.search import JSON, tabulate
from helpers.servers.server import Server

PATIENTS = ("PatientName", "PatientID", "StudyInstanceUID")
STUDIES = (
    "PatientID",
    "StudyDate",
    "ModalitiesInStudy",
    "StudyDescription",
    "StudyInstanceUID",
)
INSTANCES = ("InstanceNumber", "Rows", "Columns", "NumberOfFrames", "SOPInstanceUID")
# What the standard leaves to the server, so it must be asked for.
EXTRA: dict[tuple[str, ...], dict[str, str]] = {
    STUDIES: {"includefield": "StudyDescription"},
    SERIES: {"includefield": "SeriesDescription"},
}


def browse(
    server: Server,
    patient_id: str | None = None,
    study_uid: str | None = None,
    series_uid: str | None = None,
    limit: int = 1000,
) -> pandas.DataFrame:
    """List what lies one level below, as `StudyBrowser` does, and print the request.

    Parameters
    ----------
    server
    patient_id
        List the studies of this patient.
    study_uid
        List the series of this study.
    series_uid
        With `study_uid`: list the instances of this series.
    limit
        At most so many results are asked for. Patients are made from so many studies.

    Returns
    -------
    pandas.DataFrame
        Patients, studies, series or instances: a row for each. Series and instances are sorted by
        their numbers.

    Raises
    ------
    WorkbookError
        No answer came, or one with a bad status (see `attributes`); or a series without its study.

    Notes
    -----
    PS3.18 section 10.6. DICOMweb has no resource for patients: they are found by their studies.

    Examples
    --------
    >>> from helpers import connect
    >>> browse(connect(), patient_id="TCGA-17-Z058")["ModalitiesInStudy"].tolist()
    GET /dicomweb/studies?PatientID=TCGA-17-Z058&limit=1000&includefield=StudyDescription
    ['DX', 'CT']
    """
    request, columns = build_listing(server, patient_id, study_uid, series_uid, limit=limit)
    print(f"GET {request.prepared.path_url}")
    return tabulate_listing(request.send(), columns, patient_id)


def build_listing(
    server: Server,
    patient_id: str | None = None,
    study_uid: str | None = None,
    series_uid: str | None = None,
    *,
    limit: int,
) -> tuple[GetRequest, tuple[str, ...]]:
    """Return the request that lists one level, not yet sent, and the columns of its table."""
    params = {"limit": str(limit)}
    columns: tuple[str, ...]
    if series_uid and not study_uid:
        raise WorkbookError(
            "A series is found below its study.",
            expected="study_uid and series_uid",
            came="series_uid alone",
            hint="browse(server, patient_id=...) lists the studies.",
        )
    for keyword, uid in (("StudyInstanceUID", study_uid), ("SeriesInstanceUID", series_uid)):
        if uid:
            require_uid(uid, keyword)
    if study_uid and series_uid:
        path, columns = f"studies/{study_uid}/series/{series_uid}/instances", INSTANCES
    elif study_uid:
        path, columns = f"studies/{study_uid}/series", SERIES
    elif patient_id is not None:
        path, columns = "studies", STUDIES
        # An empty value matches everything: the table then keeps those without an ID.
        params = {"PatientID": patient_id, **params} if patient_id else params
    else:
        path, columns = "studies", PATIENTS
    return GetRequest(server, path, {**params, **EXTRA.get(columns, {})}, JSON), columns


def tabulate_listing(
    response: requests.Response, columns: tuple[str, ...], patient_id: str | None = None
) -> pandas.DataFrame:
    """Make the table of one level from an answer."""
    found = tabulate(response, columns)
    if columns is STUDIES:
        # Some servers ignore a condition, and an asterisk in an ID is a wildcard to all of them.
        found = found[found["PatientID"] == patient_id]
    if columns is PATIENTS:
        groups = found.groupby(["PatientName", "PatientID"]).size()
        return groups.reset_index(name="Studies")
    order = "StudyDate" if columns is STUDIES else columns[0]  # a number
    # What has none goes to the end.
    return found.sort_values(order, key=_as_numbers, kind="stable", ignore_index=True)


def _as_numbers(column: pandas.Series) -> pandas.Series:
    return pandas.to_numeric(column, errors="coerce")
