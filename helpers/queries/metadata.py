"""What a picture is made of: the bytes of a frame, and the attributes of its instance."""

from urllib.parse import urljoin

import pydicom
import requests

from helpers.dicom.datasets import datasets, records
from helpers.dicom.names import tag_of
from helpers.errors import WorkbookError
from helpers.multipart.reader import Part, parts
from helpers.pixels.palettes import SEGMENTED_TABLES, TABLES, has_palette
from helpers.queries.request import GetRequest, path_of
from helpers.queries.search import JSON
from helpers.servers.server import Server

BYTES = 'multipart/related; type="application/octet-stream"'


def fetch_metadata(
    server: Server, path: str, session: requests.Session | None = None
) -> pydicom.Dataset:
    """Fetch the attributes of an instance that have a value, and the palette if it has one."""
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
    if has_palette(dataset):
        _add_palette(server, dataset, response, session)
    return dataset


def _drop_if_empty(dataset: pydicom.Dataset, element: pydicom.DataElement) -> None:
    # pydicom calculates with an empty Rescale Slope, and fails.
    if element.is_empty:
        del dataset[element.tag]


def _add_palette(
    server: Server,
    dataset: pydicom.Dataset,
    response: requests.Response,
    session: requests.Session | None,
) -> None:
    # Servers leave long values out, and say in BulkDataURI where they are (PS3.18 section
    # 10.4.1.1.5).
    [model, *_] = records(response)
    for keyword in (*TABLES, *SEGMENTED_TABLES):
        uri = model.get(tag_of(keyword), {}).get("BulkDataURI")
        if uri:
            path = path_of(server, urljoin(response.url, uri))
            answer = GetRequest(server, path, {}, BYTES).send(session)
            dataset.add_new(keyword, "OW", first_part(answer).content)


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
