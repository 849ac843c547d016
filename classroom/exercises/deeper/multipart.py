"""The exercises of deeper/multipart: take bodies to pieces."""

from numbers import Integral
from typing import Any

from classroom.exercises.answers import NotYet, call, describe, need, plural
from classroom.exercises.bodies import hard_bodies, require_parts, require_refusal, whole_parts
from classroom.exercises.exercise import exercise
from classroom.exercises.expected import DICOM, XML, ask, joes_study, table
from helpers import multipart
from helpers.dicom.names import tag_of
from helpers.multipart.pieces import BLANK, DATA, DELIMITER, HEADERS, pieces
from helpers.servers.server import Server

NOTEBOOK = "deeper/multipart"
# What `read_attribute` is asked for, besides the SOP Instance UID.
KEYWORDS = ("Modality", "SeriesDescription", "InstanceNumber", "StudyInstanceUID")

# So many studies of an archive with other patients are counted.
MANY = 8


@exercise(
    NOTEBOOK,
    hints=[
        "The resource of the instances lies below the resource of the study.",
        "In JSON, the answer is one list, and each instance is one object in it.",
        "Build the URL with the UID, ask with `Accept: application/json`, and take `len` of "
        "`response.json()`. The key goes along as `auth=server.auth`.",
    ],
    solution="""
        def count(study_uid):
            response = requests.get(
                f"{server.dicomweb}/studies/{study_uid}/instances",
                headers={"Accept": "application/json"},
                auth=server.auth,
            )
            return len(response.json())


        count_instances.check(count)
    """,
)
def count_instances(server: Server, count: Any) -> str:
    """Count the instances of a study."""
    studies = table(server, "/studies", ["PatientName", "StudyDate", "StudyInstanceUID"])
    # Not the copies that a learner may store meanwhile; and some, if there are a million.
    patients = studies[studies.PatientName.str.endswith("SIIM")]
    studies = patients if len(patients) else studies.head(MANY)
    yours = {}
    for study in studies.itertuples():
        case = f"for {study.PatientName}'s study of {study.StudyDate}"
        number = call(count, study.StudyInstanceUID, case=case)
        # A count that pandas made is no `int`.
        yours[study.StudyInstanceUID] = case, need(number, Integral, f"a whole number {case}")
    is_constant = len({number for _, number in yours.values()}) == 1
    for uid, (case, number) in yours.items():
        right = len(table(server, f"/studies/{uid}/instances", ["SOPInstanceUID"]))
        if number != right:
            relation = "too many" if number > right else "too few"
            # An error is JSON too, and has a length.
            same = (
                f" Your function says {number} for every study: does its URL hold the UID that it "
                "is given, and what is the status of the answer?"
            )
            raise NotYet(f"{number} is {relation} {case}.{same if is_constant else ''}")
    return f"Your function counts the instances of {len(yours)} studies."


@exercise(
    NOTEBOOK,
    hints=[
        "An XML document is a tree. Each attribute is one element, and its value is an element "
        "below it.",
        "`ElementTree.fromstring` makes the tree. The name of the attribute is in `@keyword`.",
        "`findtext` takes a path, as in the notebook. Put the keyword into it with an f-string, "
        "where curly brackets that shall stay are written twice: `{{*}}`.",
    ],
    solution="""
        def read(xml, keyword):
            document = ElementTree.fromstring(xml)
            path = f"{{*}}DicomAttribute[@keyword='{keyword}']/{{*}}Value"
            return document.findtext(path)


        read_attribute.check(read)
    """,
)
def read_attribute(server: Server, read: Any) -> str:
    """Read one attribute out of XML."""
    resource = f"{joes_study(server)}/metadata"
    documents = [part.content for part in multipart.parts(ask(server, resource, accept=XML))]
    records = {record["00080018"]["Value"][0]: record for record in ask(server, resource).json()}
    for number, document in enumerate(documents, 1):
        uid = call(read, document, "SOPInstanceUID", case="for SOPInstanceUID")
        if not isinstance(uid, str) or uid not in records:
            raise NotYet(
                f"For SOPInstanceUID in document {number}, your function returns "
                f"{describe(uid)}. That is not what the document says."
            )
        for keyword in KEYWORDS:
            case = f"for {keyword} in document {number}"
            yours = need(call(read, document, keyword, case=case), str, f"a text {case}")
            if yours != str(records[uid][tag_of(keyword)]["Value"][0]):
                raise NotYet(
                    f"Your function returns {describe(yours)} {case}. "
                    "That is not what the document says."
                )
        nothing = call(read, document, "FrameTime", case="for an attribute that is not there")
        if nothing is not None:
            raise NotYet(
                "FrameTime is not in the document, and your function returns "
                f"{describe(nothing)}. The task asks for None."
            )
    return f"Your function reads {len(KEYWORDS) + 1} attributes in {len(documents)} documents."


def between_delimiters(body: bytes, boundary: bytes) -> list[bytes]:
    """Return the parts of a body with their headers, each from its first byte to its last."""
    found = []
    for kind, data in pieces([body], boundary):
        if kind == DELIMITER:
            found.append(b"")
        elif kind in (HEADERS, BLANK, DATA):
            found[-1] += data
    return found


def same_bytes(piece: bytes, part: bytes, which: str) -> None:
    """Say what is wrong with a piece that is not exactly the part."""
    if piece == part:
        return
    ends = f"{which} begins with {piece[:8]!r} and ends with {piece[-8:]!r} in your list."
    if piece.strip() == part.strip():
        raise NotYet(f"{ends} Which line ends belong to the delimiters, and which to the data?")
    raise NotYet(f"{ends} These {len(piece):,} bytes are not all of the part, or more than it.")


@exercise(
    NOTEBOOK,
    hints=[
        "A delimiter is two hyphens and the boundary. What is between two delimiters is a part.",
        "`bytes.split` cuts at the delimiters, and gives two pieces that are no parts: what comes "
        "before the first delimiter, and what comes after the last. The slice `[1:-1]` leaves "
        "out the first and the last of a list.",
        "Each piece begins and ends with a line end that belongs to a delimiter. Take away one at "
        "each end, not more: `removeprefix` and `removesuffix`. The boundary is a text: "
        "`.encode()` makes bytes of it.",
    ],
    solution=r"""
        def split(body, boundary):
            pieces = body.split(b"--" + boundary.encode())
            return [
                piece.removeprefix(b"\r\n").removesuffix(b"\r\n")
                for piece in pieces[1:-1]
            ]


        split_body.check(split)
    """,
)
def split_body(server: Server, split: Any) -> str:
    """Split a body at its boundary."""
    response = ask(server, f"{joes_study(server)}/metadata", accept=XML)
    boundary = multipart.boundary_of(response.headers["Content-Type"])
    wanted = between_delimiters(response.content, boundary)
    yours = call(split, response.content, boundary.decode(), case="for an answer of the server")
    need(yours, list, "a list")
    for piece in yours:
        need(piece, bytes, "a list of bytes")
    if len(yours) != len(wanted):
        raise NotYet(
            f"Your list has {len(yours)} pieces, and that is not the number of parts. "
            f"The first one begins with {yours[0][:20]!r}, the last one with {yours[-1][:20]!r}."
            if yours
            else "Your list is empty."
        )
    for number, (piece, part) in enumerate(zip(yours, wanted, strict=True), 1):
        same_bytes(piece, part, f"Part {number}")
    # Who takes away every blank at the ends takes some of the data, too.
    data = b"Content-Type: text/plain\r\n\r\nfirst \r\n"
    case = "for a part whose data end in a line end"
    yours = need(call(split, b"--b\r\n" + data + b"\r\n--b--\r\n", "b", case=case), list, "a list")
    if len(yours) != 1:
        raise NotYet(f"Your list has {plural(len(yours), 'piece')} {case}. There is 1 part.")
    same_bytes(yours[0], data, "A part whose data end in a line end")
    return f"{len(wanted)} parts, each from its first header to its last byte of data."


@exercise(
    NOTEBOOK,
    hints=[
        "First the boundary: `email.message.Message` of the standard library reads a Content-Type "
        "with quotes, and has the method `get_boundary`.",
        "A delimiter is a whole line: it follows a line end or begins the body, and only blanks, "
        "`--` or a line end come behind it. A regular expression can say that. Look for all of "
        "them with `finditer`.",
        "A part is what lies between two delimiters that follow each other. `partition` at "
        "`\\r\\n\\r\\n` separates its headers from its data.",
        "Stop at the first delimiter with `--` behind it. If there is none, the body is cut: "
        "`raise ValueError`.",
        "The expression, for a boundary `b` in bytes: a group `(?:\\A|\\r\\n)`, then `--`, then "
        "`re.escape(b)`, then a group `(--)?`, then `[ \\t]*`, and at the end a look ahead "
        "`(?=\\r\\n|\\Z)`, so that the line end stays with the part.",
    ],
    solution=r"""
        import re
        from email.message import Message
        from itertools import pairwise


        def parse(body, content_type):
            header = Message()
            header["Content-Type"] = content_type
            boundary = re.escape(header.get_boundary().encode())
            begin, end = rb"(?:\A|\r\n)--", rb"(--)?[ \t]*(?=\r\n|\Z)"
            line = begin + boundary + end
            delimiters = []
            for delimiter in re.finditer(line, body):
                delimiters.append(delimiter)
                if delimiter[1]:
                    break
            if not delimiters or not delimiters[-1][1]:
                raise ValueError("The body has no closing delimiter.")
            found = []
            for before, after in pairwise(delimiters):
                block = body[before.end() : after.start()]
                head, _, data = block.partition(b"\r\n\r\n")
                headers = {}
                for field in head.decode().strip().splitlines():
                    name, _, value = field.partition(":")
                    headers[name] = value.strip()
                found.append((headers, data))
            return found


        parse_multipart.check(parse)
    """,
)
def parse_multipart(server: Server, parse: Any) -> str:
    """Write a multipart parser."""
    live = {
        "for the XML of a study": ask(server, f"{joes_study(server)}/metadata", accept=XML),
        "for the DICOM files of a study": ask(server, joes_study(server), accept=DICOM),
    }
    cases = [
        (words, response.content, response.headers["Content-Type"])
        for words, response in live.items()
    ]
    cases += hard_bodies()
    for words, body, content_type in cases:
        wanted = whole_parts(body, content_type)
        if wanted is None:
            require_refusal(parse, words, body, content_type)
        else:
            require_parts(parse, words, body, content_type, wanted)
    return f"{len(cases)} bodies: your parser reads those that are whole, and refuses the others."
