"""What a server can do, found out by asking: a table to compare servers by."""

import json
import time

import pandas
import requests

from helpers.dicom.datasets import records
from helpers.dicom.json_model import Record, first_value
from helpers.dicom.names import is_uid, tag_of
from helpers.errors import WorkbookError
from helpers.multipart.reader import parse
from helpers.pixels.signatures import encoding
from helpers.servers.server import Server
from helpers.web import limits
from helpers.web.answer import media_type, read_within
from helpers.web.ask import ask

STUDIES_TO_LOOK_AT = 10
# A study that no server has.
NOWHERE = "1.2.3.4.5.6.7.8.9"

ANY, JSON, XML = "*/*", "application/dicom+json", "application/dicom+xml"
PARTS = 'multipart/related; type="{}"'
DICOM, PARTS_OF_XML = PARTS.format("application/dicom"), PARTS.format(XML)
RAW = PARTS.format("application/octet-stream")
STORING = "storing what is no DICOM"
NO_DICOM = b"--b\r\nContent-Type: application/dicom\r\n\r\nno DICOM\r\n--b--\r\n"

# What a question is about: the resource that it asks for, and what it accepts.
Questions = dict[str, tuple[str, str]]
SEARCHES: Questions = {
    "studies as */*": ("/studies?limit=1", ANY),
    "studies as application/dicom+json": ("/studies?limit=1", JSON),
    "studies as application/json": ("/studies?limit=1", "application/json"),
    "studies as application/dicom+xml": ("/studies?limit=1", XML),
    "studies as parts of XML": ("/studies?limit=1", PARTS_OF_XML),
    "studies as audio/midi": ("/studies?limit=1", "audio/midi"),
    "all series": ("/series?limit=1", JSON),
    "all instances": ("/instances?limit=1", JSON),
    "a search that finds nothing": (f"/studies?StudyInstanceUID={NOWHERE}", JSON),
    "a search by a misspelt attribute": ("/studies?limit=1&PatientsName=Nobody", JSON),
    "a search with percent-encoding": ("/studies?limit=1&PatientName=%2A", JSON),
    "a study that is not there": (f"/studies/{NOWHERE}", DICOM),
    STORING: ("/studies", JSON),
}
SERIES = "/studies/{study}/series/{series}"
INSTANCE = SERIES + "/instances/{instance}"
FRAME = INSTANCE + "/frames/1"
ABOUT_AN_IMAGE: Questions = {
    "series of a study": ("/studies/{study}/series?limit=1", JSON),
    "instances of a study": ("/studies/{study}/instances?limit=1", JSON),
    "instances of a series": (SERIES + "/instances?limit=1", JSON),
    "metadata as JSON": (INSTANCE + "/metadata", JSON),
    "metadata as parts of XML": (INSTANCE + "/metadata", PARTS_OF_XML),
    "instance as */*": (INSTANCE, ANY),
    "instance as parts of DICOM": (INSTANCE, DICOM),
    "instance as application/dicom": (INSTANCE, "application/dicom"),
    "frame as */*": (FRAME, ANY),
    "frame as application/octet-stream": (FRAME, RAW),
    "frame as the workshop asked": (FRAME, "multipart/related; type=image/dicom+jpeg"),
    "frame as image/jpeg": (FRAME, PARTS.format("image/jpeg")),
    "frame as image/jls": (FRAME, PARTS.format("image/jls")),
    "frame as image/jp2": (FRAME, PARTS.format("image/jp2")),
    "frame as image/dicom-rle": (FRAME, PARTS.format("image/dicom-rle")),
    "frame as a PNG alone": (FRAME, "image/png"),
    "frame that is not there": (INSTANCE + "/frames/999999", RAW),
    "rendered as JPEG": (INSTANCE + "/rendered", "image/jpeg"),
    "rendered as PNG": (INSTANCE + "/rendered", "image/png"),
}
WADO_URI = "?requestType=WADO&studyUID={study}&seriesUID={series}&objectUID={instance}&contentType="
ABOUT_WADO_URI: Questions = {
    "WADO-URI: image/jpeg": (WADO_URI + "image/jpeg", ANY),
    "WADO-URI: image/png": (WADO_URI + "image/png", ANY),
    "WADO-URI: application/dicom": (WADO_URI + "application/dicom", ANY),
}


def probe(server: Server) -> pandas.DataFrame:
    """Find out what a server can do.

    It takes some 35 requests. All but one read. The one that stores sends a part that is no DICOM
    object, so nothing can be kept. What goes wrong is said in the table, and never raised.

    Parameters
    ----------
    server
        What `connect` returns.

    Returns
    -------
    pandas.DataFrame
        A row for each question. The only column has the name of the server, and says what came: the
        status, the media type, and what the bytes really are. Without an image on the server, the
        questions about one are left out.

    Notes
    -----
    PS3.18 sections 9 (WADO-URI), 10.4 (Retrieve), 10.5 (Store) and 10.6 (Search).

    Examples
    --------
    Two servers, side by side: ``probe(one).join(probe(another))``.

    >>> from helpers import connect
    >>> probe(connect()).loc["rendered as PNG", "Classroom PACS"]
    '200 image/png: PNG'
    """
    questions: list[tuple[str, Questions, dict[str, str]]] = [(server.dicomweb, SEARCHES, {})]
    image = _find_image(server)
    if image:
        questions.append((server.dicomweb, ABOUT_AN_IMAGE, image))
    if image and server.wadouri:
        questions.append((server.wadouri, ABOUT_WADO_URI, image))
    answers = {
        about: _answer(server, root + resource.format(**uids), accept, is_store=about == STORING)
        for root, table, uids in questions
        for about, (resource, accept) in table.items()
    }
    return pandas.DataFrame({server.name: answers}).rename_axis("question")


def _answer(server: Server, url: str, accept: str, *, is_store: bool = False) -> str:
    """Ask one question; return in a few words what came."""
    store = {"Content-Type": f"{DICOM}; boundary=b"} if is_store else {}
    since, said = time.monotonic(), "no answer"
    try:
        with ask(
            url,
            method="POST" if is_store else "GET",
            headers={**server.headers, "Accept": accept, **store},
            body=NO_DICOM if is_store else None,
            limits=limits.PROBING,
            since=since,
            is_streamed=True,
        ) as response:
            said = f"{response.status_code} {media_type(response)}".rstrip()
            if response.status_code >= 300:
                return said.split()[0]
            return f"{said}: {_name_content(response, since)}"
    except WorkbookError as error:
        return f"{said}: {error.came if said == 'no answer' else error.problem}"


def _name_content(response: requests.Response, since: float) -> str:
    """Say what the bytes of an answer are, whatever its label says."""
    chunks = read_within(response, limits.PROBING, since)
    if media_type(response) == "multipart/related":
        first = next(parse(chunks, response.headers["Content-Type"]), None)
        return encoding(first.content) if first else "no parts"
    body = b"".join(chunks)
    return _count(body) if media_type(response).endswith("json") else encoding(body)


def _count(body: bytes) -> str:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return "JSON that cannot be read"
    return f"{len(found)} found" if isinstance(found, list) else "one object"


def _find_image(server: Server) -> dict[str, str] | None:
    """Return the three UIDs of an image: on equal archives the same one. None if there is none."""
    studies = _search(server, f"studies?limit={STUDIES_TO_LOOK_AT}")
    for study in sorted(filter(is_uid, (_uid(record, "Study") for record in studies))):
        instances = _search(server, f"studies/{study}/instances?includefield={tag_of('Rows')}")
        for record in sorted(instances, key=lambda record: _uid(record, "SOP")):
            uids = {
                "study": study,
                "series": _uid(record, "Series"),
                "instance": _uid(record, "SOP"),
            }
            if first_value(record, "Rows") and all(map(is_uid, uids.values())):
                return uids
    return None


def _search(server: Server, search: str) -> list[Record]:
    """Return what a search finds; nothing if it goes wrong."""
    headers = {**server.headers, "Accept": JSON}
    try:
        return records(ask(f"{server.dicomweb}/{search}", headers=headers, limits=limits.PROBING))
    except (WorkbookError, ValueError):
        return []


def _uid(record: Record, kind: str) -> str:
    return str(first_value(record, f"{kind}InstanceUID", ""))
