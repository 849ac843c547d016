"""What a server can do, found out by asking: a table to compare servers by."""

import json
import time
from dataclasses import dataclass

import pandas
import requests

from helpers.dicom.datasets import records
from helpers.dicom.names import is_uid
from helpers.errors import WorkbookError
from helpers.multipart.reader import parse
from helpers.pixels.signatures import encoding
from helpers.web.answer import media_type
from helpers.web.bodies import stream
from helpers.web.explanations import explain

SECONDS_TO_WAIT = 5
BYTES_TO_READ = 200_000_000
STUDIES_TO_LOOK_AT = 10
# A study that no server has.
NOWHERE = "1.2.3.4.5.6.7.8.9"

ANY = "*/*"
JSON = "application/dicom+json"
DICOM = 'multipart/related; type="application/dicom"'
RAW = 'multipart/related; type="application/octet-stream"'
NO_DICOM = b"--b\r\nContent-Type: application/dicom\r\n\r\nno DICOM\r\n--b--\r\n"

STUDY, SERIES, INSTANCE, ROWS = "0020000D", "0020000E", "00080018", "00280010"


@dataclass(frozen=True)
class Question:
    """One request: what it finds out, where it goes, what it accepts, and what it stores."""

    about: str
    url: str
    accept: str
    body: bytes | None = None


def probe(server):
    """Find out what a server can do.

    It takes some 35 requests. All but one read. The one that stores sends a part that is no DICOM
    object, so nothing can be kept. What goes wrong is said in the table, and never raised.

    Parameters
    ----------
    server : Server
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
    questions = _about_searching(server.dicomweb)
    image = _image(server)
    if image:
        questions += _about_an_image(server.dicomweb, *image)
    if image and server.wadouri:
        questions += _about_wado_uri(server.wadouri, *image)
    answers = {question.about: _answer(question, server) for question in questions}
    return pandas.DataFrame({server.name: answers}).rename_axis("question")


def _about_searching(root):
    one = f"{root}/studies?limit=1"
    return [
        Question("studies as */*", one, ANY),
        Question("studies as application/dicom+json", one, JSON),
        Question("studies as application/json", one, "application/json"),
        Question("studies as application/dicom+xml", one, "application/dicom+xml"),
        Question("studies as parts of XML", one, 'multipart/related; type="application/dicom+xml"'),
        Question("studies as audio/midi", one, "audio/midi"),
        Question("all series", f"{root}/series?limit=1", JSON),
        Question("all instances", f"{root}/instances?limit=1", JSON),
        Question("a search that finds nothing", f"{root}/studies?StudyInstanceUID={NOWHERE}", JSON),
        Question("a search by a misspelt attribute", f"{one}&PatientsName=Nobody", JSON),
        Question("a search with percent-encoding", f"{one}&PatientName=%2A", JSON),
        Question("a study that is not there", f"{root}/studies/{NOWHERE}", DICOM),
        Question("storing what is no DICOM", f"{root}/studies", JSON, NO_DICOM),
    ]


def _about_an_image(root, study, series, instance):
    series_url = f"{root}/studies/{study}/series/{series}"
    url = f"{series_url}/instances/{instance}"
    frame = f"{url}/frames/1"
    return [
        Question("series of a study", f"{root}/studies/{study}/series?limit=1", JSON),
        Question("instances of a study", f"{root}/studies/{study}/instances?limit=1", JSON),
        Question("instances of a series", f"{series_url}/instances?limit=1", JSON),
        Question("metadata as JSON", f"{url}/metadata", JSON),
        Question(
            "metadata as parts of XML",
            f"{url}/metadata",
            'multipart/related; type="application/dicom+xml"',
        ),
        Question("instance as */*", url, ANY),
        Question("instance as parts of DICOM", url, DICOM),
        Question("instance as application/dicom", url, "application/dicom"),
        Question("frame as */*", frame, ANY),
        Question("frame as application/octet-stream", frame, RAW),
        Question("frame as the workshop asked", frame, "multipart/related; type=image/dicom+jpeg"),
        *(
            Question(f"frame as {kind}", frame, f'multipart/related; type="{kind}"')
            for kind in ("image/jpeg", "image/jls", "image/jp2", "image/dicom-rle")
        ),
        Question("frame as a PNG alone", frame, "image/png"),
        Question("frame that is not there", f"{url}/frames/999999", RAW),
        Question("rendered as JPEG", f"{url}/rendered", "image/jpeg"),
        Question("rendered as PNG", f"{url}/rendered", "image/png"),
    ]


def _about_wado_uri(root, study, series, instance):
    query = f"requestType=WADO&studyUID={study}&seriesUID={series}&objectUID={instance}"
    return [
        Question(f"WADO-URI: {kind}", f"{root}?{query}&contentType={kind}", ANY)
        for kind in ("image/jpeg", "image/png", "application/dicom")
    ]


def _image(server):
    """Return the three UIDs of an image: on equal archives the same one. None if there is none."""
    studies = _found(server, f"studies?limit={STUDIES_TO_LOOK_AT}", STUDY)
    for study in sorted(filter(is_uid, (_value(record, STUDY) for record in studies))):
        instances = _found(server, f"studies/{study}/instances?includefield={ROWS}", INSTANCE)
        for record in sorted(instances, key=lambda record: _value(record, INSTANCE)):
            series, instance = _value(record, SERIES), _value(record, INSTANCE)
            if _value(record, ROWS) and is_uid(series) and is_uid(instance):
                return study, series, instance
    return None


def _found(server, search, tag):
    """Return what a search finds and has a value at the tag; nothing if it goes wrong."""
    try:
        response = _send(Question("", f"{server.dicomweb}/{search}", JSON), server)
        return [record for record in records(response) if _value(record, tag)]
    except (requests.RequestException, WorkbookError, ValueError):
        return []


def _value(record, tag):
    element = record.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return str(values[0]) if isinstance(values, list) and values else ""


def _send(question, server):
    store = {"Content-Type": f"{DICOM}; boundary=b"} if question.body else {}
    return requests.request(
        "POST" if question.body else "GET",
        question.url,
        headers={**server.headers, "Accept": question.accept, **store},
        data=question.body,
        timeout=SECONDS_TO_WAIT,
        stream=True,
        allow_redirects=False,
    )


def _answer(question, server):
    """Ask one question; return in a few words what came."""
    try:
        with _send(question, server) as response:
            said = f"{response.status_code} {media_type(response)}".rstrip()
            if response.status_code >= 300:
                return said.split()[0]
            return f"{said}: {_content(response)}"
    except requests.RequestException as error:
        return f"no answer: {explain(error).came}"
    except WorkbookError as error:
        return f"{said}: {error.problem}"
    except ValueError as error:
        # requests looks at where a redirect leads, though it does not follow it.
        return f"no answer: {error}"


def _content(response):
    """Say what the bytes of an answer are, whatever its label says."""
    if media_type(response) == "multipart/related":
        first = next(parse(_in_time(response), response.headers["Content-Type"]), None)
        return encoding(first.content) if first else "no parts"
    body = b"".join(_in_time(response))
    return _json(body) if media_type(response).endswith("json") else encoding(body)


def _json(body):
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return "JSON that cannot be read"
    return f"{len(found)} found" if isinstance(found, list) else "one object"


def _in_time(response):
    """Yield a body, but not for ever."""
    size, deadline = 0, time.monotonic() + SECONDS_TO_WAIT
    for chunk in stream(response):
        size += len(chunk)
        if size > BYTES_TO_READ or time.monotonic() > deadline:
            raise WorkbookError("It goes on and on.")
        yield chunk
