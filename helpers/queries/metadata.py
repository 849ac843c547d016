"""What a picture is made of: the bytes of a frame, and the attributes of its instance."""

from urllib.parse import urljoin

import requests
from pydicom.datadict import tag_for_keyword

from helpers.dicom.datasets import datasets, records
from helpers.errors import WorkbookError
from helpers.multipart.reader import parts
from helpers.pixels.lookup_tables import SEGMENTED_TABLES, TABLES
from helpers.pixels.stored import GROUPS, OWN, SHARED
from helpers.queries.request import Question, path_of
from helpers.queries.search import JSON

_SEQUENCES = {
    f"{tag_for_keyword(keyword):08X}"
    for keyword in ("ModalityLUTSequence", "VOILUTSequence", SHARED, OWN, *GROUPS)
}
_TABLES = {f"{tag_for_keyword(keyword):08X}" for keyword in (*TABLES, *SEGMENTED_TABLES, "LUTData")}
BYTES = 'multipart/related; type="application/octet-stream"'


def fetch_metadata(server, path, session=requests):
    """Fetch the attributes of an instance that have a value, and its lookup tables.

    Servers leave long values out of ``/metadata``, and say in BulkDataURI where they are.

    Parameters
    ----------
    server : Server
    path : str
        The instance, below the root: ``"studies/.../series/.../instances/..."``.
    session : requests.Session, optional
        Connections to use again.

    Returns
    -------
    pydicom.Dataset

    Raises
    ------
    WorkbookError
        No answer, one with a bad status, or an empty one; or a table lies on another server.

    Notes
    -----
    PS3.18 section 10.4.1.1.2 (metadata), 10.4.1.1.5 (bulk data).

    Examples
    --------
    >>> from helpers import connect
    >>> path = (
    ...     "studies/2.25.35872168834085900275852582640522096"
    ...     "/series/2.25.700382605123067889941364541050446308"
    ...     "/instances/2.25.1195887653393464892332823185644033270"
    ... )
    >>> fetch_metadata(connect(), path).Rows
    512
    """
    response = Question(server, f"{path}/metadata", {}, JSON).send(session)
    found = datasets(response)
    if not found:
        raise WorkbookError(
            "The server has no attributes of this instance.",
            expected="one data set",
            came=f"{response.status_code} {response.reason}, and none",
            hint="Compare the UIDs with those of the answer that you took them from.",
        )
    dataset = found[0]
    dataset.walk(_drop_if_empty)
    _add_tables(server, dataset, records(response)[0], response.url, session)
    return dataset


def _drop_if_empty(dataset, element):
    # pydicom calculates with an empty Rescale Slope, and fails.
    if element.is_empty:
        del dataset[element.tag]


def _add_tables(server, dataset, model, base, session):
    """Fetch what pixels are looked up in: palettes, Modality LUT and VOI LUT, also of frames."""
    for tag, element in model.items():
        if tag in _TABLES and "BulkDataURI" in element:
            path = path_of(server, urljoin(base, element["BulkDataURI"]))
            answer = Question(server, path, {}, BYTES).send(session)
            dataset.add_new(int(tag, 16), "OW", first_part(answer).content)
        elif tag in _SEQUENCES and tag in dataset:
            for item, inner in zip(dataset[tag].value, element.get("Value", []), strict=False):
                _add_tables(server, item, inner or {}, base, session)


def first_part(response):
    """Return the first part of a multipart answer.

    Parameters
    ----------
    response : requests.Response

    Returns
    -------
    Part

    Raises
    ------
    WorkbookError
        There is none, or see `parts`.
    """
    found = parts(response)
    if found:
        return found[0]
    raise WorkbookError(
        "The answer holds nothing.",
        expected="a multipart body with a part",
        came=f"{response.status_code} {response.reason}, and no part",
        hint="Ask again. If it stays so, the server does not have what it lists.",
    )
