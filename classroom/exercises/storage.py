"""The exercises of notebook 05: bulk data, and storing."""

from typing import Any

import numpy
import pydicom

from classroom.exercises.answers import SHORT, NotYet, call, describe, need, plural
from classroom.exercises.exercise import exercise
from classroom.exercises.expected import DICOM, ask, instance_resource
from classroom.exercises.files import taken_pixels
from helpers import multipart
from helpers.dicom.datasets import datasets
from helpers.dicom.names import is_uid
from helpers.errors import MultipartError
from helpers.servers.server import Server

NOTEBOOK = "05-beyond-the-workshop"
BOUNDARY = "a-boundary-for-the-check"
FAMILY_NAME = "LESSON"


@exercise(
    NOTEBOOK,
    hints=[
        "In DICOM JSON, an attribute has either a `Value` or something in its place.",
        "Go through the pairs of the dictionary with `metadata.items()`: tag and element. An "
        "element is a dictionary, too.",
        "Ask each element: is `'BulkDataURI'` among its keys? If so, put tag and URI into the "
        "dictionary that you return.",
    ],
    solution="""
        def bulk_data(metadata):
            found = {}
            for tag, element in metadata.items():
                if "BulkDataURI" in element:
                    found[tag] = element["BulkDataURI"]
            return found


        find_bulk_data.check(bulk_data)
    """,
)
def find_bulk_data(server: Server, bulk_data: Any) -> str:
    """Find what the metadata leaves out."""
    cases = {}
    for patient, modality in (("SIIM^Joe", "CT"), ("SIIM^Ravi", "DOC"), ("SIIM^Andy", "US")):
        resource = instance_resource(server, patient, modality)
        [cases[f"for the {modality} of {patient}"]] = ask(server, f"{resource}/metadata").json()
    joe, ravi, _ = cases.values()
    cases["for a data set with the bulk data of both Joe and Ravi"] = joe | elsewhere(ravi)
    cases["for a data set without bulk data"] = {
        tag: element for tag, element in joe.items() if tag not in elsewhere(joe)
    }
    for case, metadata in cases.items():
        right = {tag: element["BulkDataURI"] for tag, element in elsewhere(metadata).items()}
        yours = need(call(bulk_data, metadata, case=case), dict, f"a dictionary {case}")
        if set(yours) != set(right):
            keys = SHORT.repr(sorted(map(str, yours)))
            raise NotYet(f"Your dictionary has the keys {keys} {case}.")
        if yours != right:
            raise NotYet(f"The tags are right {case}, but their values are not the URIs.")
    return "Your function finds the pixels of Joe and Andy, and Ravi's report."


def elsewhere(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return the elements whose value stands elsewhere, behind a URI."""
    return {tag: element for tag, element in metadata.items() if "BulkDataURI" in element}


@exercise(
    NOTEBOOK,
    hints=[
        "A body to store has the same form as a body to retrieve: notebook 02 shows its lines.",
        "For each file: two hyphens and the boundary, a line end, the header, an empty line, the "
        "file, a line end. A line end is two bytes, CR and LF. After the last file: two hyphens, "
        "the boundary, two hyphens.",
        "Make the delimiter with `b'--' + boundary.encode()`. Before you begin, look whether it is "
        "in any of the files: `if delimiter in file: raise ValueError`.",
    ],
    solution=r"""
        def make_body(files, boundary):
            delimiter = b"--" + boundary.encode()
            body = b""
            for file in files:
                if delimiter in file:
                    raise ValueError("The boundary is in the data.")
                body += delimiter + b"\r\nContent-Type: application/dicom"
                body += b"\r\n\r\n" + file + b"\r\n"
            return body + delimiter + b"--\r\n"


        write_body.check(make_body)
    """,
)
def write_body(server: Server, make_body: Any) -> str:
    """Write the body of a request to store."""
    study = instance_resource(server, "SIIM^Joe", "CT").partition("/series/")[0]
    files = [part.content for part in multipart.parts(ask(server, study, accept=DICOM))]
    for count in (len(files), 1):
        case = f"for {count} files" if count > 1 else "for 1 file"
        yours = call(make_body, files[:count], BOUNDARY, case=case)
        body = bytes(need(yours, bytes | bytearray, f"bytes {case}"))
        try:
            found = list(multipart.parse([body], f"multipart/related; boundary={BOUNDARY}"))
        except MultipartError as error:
            raise NotYet(f"A server cannot read your body {case}: {error.problem}") from error
        if len(found) != count:
            raise NotYet(f"Your body has {plural(len(found), 'part')} {case}.")
        for number, (part, file) in enumerate(zip(found, files, strict=False), 1):
            if part.content != file:
                raise NotYet(
                    f"Part {number} of your body is not the file {case}: a server reads "
                    f"{part.size:,} bytes that begin with {part.content[:4]!r}, and the file has "
                    f"{len(file):,} bytes that begin with {file[:4]!r}."
                )
        if any(b"\r\n\r\n" + file + b"\r\n--" not in body for file in files[:count]):
            raise NotYet(f"Some line ends of your body are not CR and LF {case}: `\\r\\n`.")
        if any(part.media_type != "application/dicom" for part in found):
            raise NotYet("A part of your body does not say that it is `application/dicom`.")
    refuses_its_boundary(make_body, files)
    return "A server can read your body, and no file can break it."


def refuses_its_boundary(make_body: object, files: list[bytes]) -> None:
    """See that a boundary which occurs in the data is an error."""
    case = "for a file that holds the delimiter"
    broken = files[0] + f"\r\n--{BOUNDARY}\r\n".encode()
    try:
        call(make_body, [*files, broken], BOUNDARY, case=case)
    except NotYet as problem:
        if isinstance(problem.__cause__, ValueError):
            return
        raise
    raise NotYet(f"Your function makes a body {case}. A server would cut that file in two.")


@exercise(
    NOTEBOOK,
    hints=[
        "The notebook does almost the same: fetch, change, store. What is new is the name of the "
        "patient.",
        "A changed instance needs three new UIDs. Take `generate_uid()` without a text, and do not "
        "forget the UID in `file_meta`.",
        "Set `PatientName`, the three UIDs and the one in `file_meta`. Then "
        "`store_instances([copy_of_joe], server)`, and the answer is the SOP Instance UID.",
    ],
    solution="""
        lesson = copy.deepcopy(joe)
        lesson.PatientName = "LESSON^Joe"
        lesson.StudyInstanceUID = generate_uid()
        lesson.SeriesInstanceUID = generate_uid()
        lesson.SOPInstanceUID = generate_uid()
        meta = lesson.file_meta
        meta.MediaStorageSOPInstanceUID = lesson.SOPInstanceUID
        store_instances([lesson], server)
        store_copy.check(lesson.SOPInstanceUID)
    """,
)
def store_copy(server: Server, stored_uid: Any) -> str:
    """Store a changed instance."""
    need(stored_uid, str, "a UID, which is a text")
    if not is_uid(stored_uid):
        raise NotYet(f"The task asks for a UID: digits and dots. Yours is {describe(stored_uid)}.")
    found = datasets(ask(server, "/instances", {"SOPInstanceUID": stored_uid}))
    if not found:
        raise NotYet("The server has no instance of that name.")
    [stored] = found
    resource = (
        f"/studies/{stored.StudyInstanceUID}/series/{stored.SeriesInstanceUID}"
        f"/instances/{stored.SOPInstanceUID}"
    )
    yours = retrieved(server, resource)
    joe = retrieved(server, instance_resource(server, "SIIM^Joe", "CT"))
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        if yours[keyword].value == joe[keyword].value:
            raise NotYet(f"Your instance still has the {keyword} of Joe's.")
    if yours.PatientName.family_name != FAMILY_NAME:
        raise NotYet(f"The name of your patient is {str(yours.PatientName)!r}.")
    # Decoded: a server may keep and send the same pixels compressed.
    if not numpy.array_equal(taken_pixels(yours), taken_pixels(joe)):
        raise NotYet("The pixels of your instance are not those of Joe's first image.")
    return "The server has your instance, with names of its own, and Joe's pixels in it."


def retrieved(server: Server, resource: str) -> pydicom.Dataset:
    """Return an instance as the server has it."""
    [part] = multipart.parts(ask(server, resource, accept=DICOM))
    return pydicom.dcmread(part.file)
