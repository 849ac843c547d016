"""What a picture is made of: the bytes of a frame, and the attributes of its instance."""

from typing import Any
from urllib.parse import urljoin

import pydicom
import requests

from helpers.dicom.datasets import datasets, records
from helpers.dicom.names import tag_of
from helpers.errors import WorkbookError
from helpers.multipart.reader import Part, parts
from helpers.pixels.lookup_tables import SEGMENTED_TABLES, TABLES
from helpers.pixels.stored import GROUPS, OWN, SHARED
from helpers.queries.request import GetRequest, path_of
from helpers.queries.search import JSON
from helpers.servers.server import Server

_SEQUENCES = {
    tag_of(keyword) for keyword in ("ModalityLUTSequence", "VOILUTSequence", SHARED, OWN, *GROUPS)
}
_TABLES = {tag_of(keyword) for keyword in (*TABLES, *SEGMENTED_TABLES, "LUTData")}
BYTES = 'multipart/related; type="application/octet-stream"'


def fetch_metadata(
    server: Server, path: str, session: requests.Session | None = None
) -> pydicom.Dataset:
    """Fetch the attributes of an instance that have a value, and its lookup tables."""
    response = GetRequest(server, f"{path}/metadata", {}, JSON).send(session)
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


def _drop_if_empty(dataset: pydicom.Dataset, element: pydicom.DataElement) -> None:
    # pydicom calculates with an empty Rescale Slope, and fails.
    if element.is_empty:
        del dataset[element.tag]


def _add_tables(
    server: Server,
    dataset: pydicom.Dataset,
    model: dict[str, Any],
    base: str,
    session: requests.Session | None,
) -> None:
    """Fetch what pixels are looked up in: palettes, Modality LUT and VOI LUT, also of frames."""
    # Servers leave long values out, and say in BulkDataURI where they are (PS3.18 section
    # 10.4.1.1.5).
    for tag, element in model.items():
        if tag in _TABLES and "BulkDataURI" in element:
            path = path_of(server, urljoin(base, element["BulkDataURI"]))
            answer = GetRequest(server, path, {}, BYTES).send(session)
            dataset.add_new(int(tag, 16), "OW", first_part(answer).content)
        elif tag in _SEQUENCES and tag in dataset:
            for item, inner in zip(dataset[tag].value, element.get("Value", []), strict=False):
                _add_tables(server, item, inner or {}, base, session)


def first_part(response: requests.Response) -> Part:
    """Return the first part of a multipart answer."""
    found = parts(response)
    if found:
        return found[0]
    raise WorkbookError(
        "The answer holds nothing.",
        expected="a multipart body with a part",
        came=f"{response.status_code} {response.reason}, and no part",
        hint="Ask again. If it stays so, the server does not have what it lists.",
    )
