"""What an archive holds, level by level, as a function: patients, studies, series, instances."""

import pandas

from helpers.dicom.names import require_uid
from helpers.dicom.table import SERIES
from helpers.errors import WorkbookError
from helpers.queries.request import Question
from helpers.queries.search import JSON, quiet_attributes

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
EXTRA = {
    STUDIES: {"includefield": "StudyDescription"},
    SERIES: {"includefield": "SeriesDescription"},
}


def browse(server, patient_id=None, study_uid=None, series_uid=None, limit=1000):
    """List what lies one level below, as `StudyBrowser` does, and print the request.

    Parameters
    ----------
    server : Server
    patient_id : str, optional
        List the studies of this patient.
    study_uid : str, optional
        List the series of this study.
    series_uid : str, optional
        With `study_uid`: list the instances of this series.
    limit : int
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
    question, columns = level_question(server, patient_id, study_uid, series_uid, limit)
    print(f"GET {question.request.path_url}")
    return listed(question.send(), columns, patient_id)


def level_question(server, patient_id=None, study_uid=None, series_uid=None, limit=1000):
    """Return the request that lists one level, not yet sent, and the columns of its table."""
    params = {"limit": str(limit)}
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
        # An empty value matches everything: `listed` then finds those without an ID.
        params = {"PatientID": patient_id, **params} if patient_id else params
    else:
        path, columns = "studies", PATIENTS
    return Question(server, path, {**params, **EXTRA.get(columns, {})}, JSON), columns


def listed(response, columns, patient_id=None):
    """Make the table of one level from an answer."""
    found = quiet_attributes(response, columns)
    if columns is STUDIES:
        # Some servers ignore a condition, and an asterisk in an ID is a wildcard to all of them.
        found = found[found["PatientID"] == patient_id]
    if columns is PATIENTS:
        groups = found.groupby(["PatientName", "PatientID"]).size()
        return groups.reset_index(name="Studies")
    order = "StudyDate" if columns is STUDIES else columns[0]  # a number
    # What has none goes to the end.
    return found.sort_values(order, key=_as_numbers, kind="stable", ignore_index=True)


def _as_numbers(column):
    return pandas.to_numeric(column, errors="coerce")
