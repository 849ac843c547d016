"""Answers of a DICOMweb server -> DICOM data sets.

One data set has three representations (PS3.18 section 8.7.3): DICOM JSON, Native DICOM XML, and the
binary form that lies in files. JSON and XML are read into the DICOM JSON model, dictionaries that a
table can be made of at once; from there it is one step to a pydicom ``Dataset``.
"""

import io
from collections.abc import Iterator
from typing import IO, Any

import pydicom
import requests

from helpers.dicom.inflated import check_inflated
from helpers.dicom.json_model import Record, read_model
from helpers.dicom.names import is_dicom
from helpers.dicom.native_model import read_native
from helpers.errors import AttributeProblem, LimitExceeded, MediaTypeMismatch
from helpers.multipart.reader import parts
from helpers.web.answer import body, check, describe_media_type, media_type

JSON_TYPES = ("application/json", "application/dicom+json")
OTHER_TYPES = (
    "application/dicom",
    "application/dicom+xml",
    "application/xml",
    "text/xml",
    "multipart/related",
)


def datasets(response: requests.Response) -> list[pydicom.Dataset]:
    """Read every data set in an answer, whatever its representation.

    Parameters
    ----------
    response
        DICOM JSON, or Native DICOM XML or DICOM, alone or multipart.

    Returns
    -------
    list
        In the order of the answer; empty if nothing matched. Bulk data that the server left out,
        with a link in its place, is not in the data set. A decimal or integer string that is no
        number stays a text.

    Raises
    ------
    HTTPProblem
        The status is 400 or more.
    ConnectionCut, WorkbookError
        The body did not come whole, or was read as a stream before.
    LimitExceeded
        The answer is too large or too slow (`helpers.web.limits`).
    MediaTypeMismatch
        The answer is of another kind, a web page for example.
    AttributeProblem
        The answer says that it is DICOM, but it cannot be read.
    MultipartError
        The multipart body is broken or cut.

    Notes
    -----
    PS3.18 annex F is the DICOM JSON Model, PS3.19 A.1 the Native DICOM Model.

    Examples
    --------
    >>> import requests
    >>> answer = requests.Response()
    >>> answer.status_code, answer.headers["Content-Type"] = 200, "application/dicom+json"
    >>> answer.raw = io.BytesIO(b'[{"00100020": {"vr": "LO", "Value": ["TCGA-17-Z058"]}}]')
    >>> datasets(answer)[0].PatientID
    'TCGA-17-Z058'
    """
    check(response)
    return [
        item if isinstance(item, pydicom.Dataset) else read_model(item) for item in _read(response)
    ]


def records(response: requests.Response) -> list[Record]:
    """Read every data set in an answer, as `datasets` does, into the DICOM JSON Model."""
    check(response)
    return unchecked_records(response)


def unchecked_records(response: requests.Response) -> list[Record]:
    """Read as `records` does, also where the status is bad: a store response of 409 is one."""
    return [
        _record(item) if isinstance(item, pydicom.Dataset) else item for item in _read(response)
    ]


def _read(response: requests.Response) -> Iterator[pydicom.Dataset | Record]:
    if response.status_code == 204:
        return
    kind = media_type(response)
    if kind in JSON_TYPES:
        yield from _json_records(response)
    elif kind == "multipart/related":
        yield from (_read_file(part.file) for part in parts(response))
    elif kind in OTHER_TYPES:
        yield _read_file(io.BytesIO(body(response)))
    else:
        raise MediaTypeMismatch(
            "This answer holds no DICOM attributes.",
            expected="DICOM JSON, Native DICOM XML, or DICOM",
            came=describe_media_type(response),
            hint='Ask again with "Accept": "application/dicom+json", or look: show(response).',
        )


def _json_records(response: requests.Response) -> list[Record]:
    size = len(body(response))
    try:
        model = response.json()
    except (ValueError, RecursionError) as error:
        why = getattr(error, "msg", error)
        raise AttributeProblem(
            "The answer says that it is JSON, but it cannot be read.",
            expected="a list of data sets",
            came=f"{size} bytes that are not JSON ({why})",
            hint="Look at it with show(response). Was the transfer cut? Ask again.",
        ) from error
    items = [model] if isinstance(model, dict) else model
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise AttributeProblem(
            "This JSON is not a list of data sets.",
            expected='[{"00100010": {"vr": "PN", "Value": [...]}}, ...]',
            came=response.text[:80],
            hint="Look at it with show(response). Is the URL that of a DICOMweb resource?",
        )
    return items


def _read_file(file: IO[bytes]) -> pydicom.Dataset | Record:
    # What a part holds shows best in the part itself.
    is_file = is_dicom(file.read(132))
    file.seek(0)
    if not is_file:
        return read_native(file.read())
    try:
        check_inflated(file)
        dataset = pydicom.dcmread(file)
        if not dataset:
            raise EOFError("it ends before its first attribute")
        return dataset
    except LimitExceeded:
        raise
    except Exception as error:  # a broken file brings about whatever it likes
        raise _broken(error) from error


def _record(dataset: pydicom.Dataset) -> dict[str, Any]:
    try:
        return dataset.to_json_dict(bulk_data_element_handler=lambda element: "")
    except Exception as error:  # pydicom reads each value only now
        raise _broken(error) from error


def _broken(error: Exception) -> AttributeProblem:
    return AttributeProblem(
        "A DICOM object in this answer cannot be read.",
        expected="a whole DICOM file",
        came=str(error),
        hint="Ask again. If it stays so, the server holds a broken object.",
    )
