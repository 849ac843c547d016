"""What a server answers to different Accept headers, as a function."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
import pandas
import requests
from pydicom import Dataset

from helpers.errors import WorkbookError
from helpers.multipart.reader import parts
from helpers.pixels.frame import frame
from helpers.pixels.signatures import encoding
from helpers.queries.metadata import fetch_metadata
from helpers.queries.request import GetRequest, path_of
from helpers.servers.server import Server
from helpers.web.answer import check, media_type
from helpers.web.media_types import MediaType

SPELLINGS = (
    "multipart/related; type=image/dicom+jpeg",
    'multipart/related; type="image/jpeg"',
    'multipart/related; type="image/jpeg"; transfer-syntax=1.2.840.10008.1.2.4.50',
)
"""As the workshop wrote it in 2018, as it is written today, and with a transfer syntax."""

FRAME = re.compile(r"(?P<instance>.*/instances/[^/]+)/(frames/[\d,]+|rendered|thumbnail)")


def build_accept(
    kind: str,
    transfer_syntax: str = "",
    multipart: bool = True,
    quoted: bool = True,
    quality: float = 1.0,
) -> str:
    """Put an Accept header together from its parts.

    Parameters
    ----------
    kind
        The media type wanted, for example ``"image/jpeg"``.
    transfer_syntax
        A UID, ``"*"`` for as it is stored, or empty.
    multipart
        Whether to ask for a multipart body, whose parts are of that kind.
    quoted
        Whether the type stands in quotes, as it should: it holds a slash (RFC 9110 section 5.6.6).
    quality
        How welcome it is, from 0 to 1; 1 is not written.

    Examples
    --------
    >>> build_accept("image/jls", "1.2.840.10008.1.2.4.80")
    'multipart/related; type="image/jls"; transfer-syntax=1.2.840.10008.1.2.4.80'
    >>> build_accept("image/dicom+jpeg", quoted=False)
    'multipart/related; type=image/dicom+jpeg'
    >>> build_accept("image/png", multipart=False, quality=0.5)
    'image/png; q=0.5'
    """
    parameters = {"type": kind} if multipart else {}
    if transfer_syntax:
        parameters["transfer-syntax"] = transfer_syntax
    header = str(MediaType("multipart/related" if multipart else kind, parameters, quality))
    return header if quoted else header.replace('"', "")


def compare_accepts(
    server: Server, resource: str, accepts: Iterable[str] = SPELLINGS
) -> pandas.DataFrame:
    """Ask for one resource with different Accept headers, as `AcceptLab` does.

    Parameters
    ----------
    server
    resource
        A URL below ``server.dicomweb``, or what comes behind it: ``"studies/.../frames/1"``.
    accepts
        The headers to try; by default three spellings of a JPEG.

    Returns
    -------
    pandas.DataFrame
        A row for each: accept, status, type (of the answer or of its first part), bytes, and
        content: what the bytes are, or why the server refused.

    Raises
    ------
    WorkbookError
        The resource belongs to another server.

    Notes
    -----
    PS3.18 section 8.7 (media types).

    Examples
    --------
    >>> from helpers import connect
    >>> accepts = ["application/dicom+json", "image/png"]
    >>> compare_accepts(connect(), "studies", accepts)[["status", "type"]]
    GET /dicomweb/studies
       status                      type
    0     200    application/dicom+json
    1     406  application/problem+json
    """
    path = path_of(server, resource)
    print(f"GET {GetRequest(server, path).prepared.path_url}")
    dataset = fetch_description(server, path)
    rows = [try_accept(server, path, accept, dataset).row for accept in accepts]
    return pandas.DataFrame(rows, columns=["accept", "status", "type", "bytes", "content"])


@dataclass
class Attempt:
    """One Accept header, and what came of it."""

    accept: str
    response: requests.Response | None = None
    # Why there is nothing to look at.
    error: WorkbookError | None = None
    # The media type of the answer, or of its first part.
    type: str = ""
    # What the bytes are, told from themselves.
    content: str = ""
    # The picture, if it is one, and the attributes of the instance.
    pixels: npt.NDArray[Any] | None = None
    dataset: Dataset | None = None
    # Whether the pixels are shades for the eye, and no stored values any more.
    is_rendered: bool = False

    @property
    def row(self) -> tuple[str, int | str, str, int, str]:
        """Accept, status, type, bytes and content: a row of the table."""
        if self.response is None:
            return self.accept, "no answer", "", 0, self.error.problem if self.error else ""
        size = len(self.response.content)
        return self.accept, self.response.status_code, self.type, size, self.content


def fetch_description(server: Server, path: str) -> Dataset | None:
    """Fetch the attributes that raw samples need to become a picture; None if there are none."""
    found = FRAME.fullmatch(path)
    if not found:
        return None
    try:
        return fetch_metadata(server, found["instance"])
    except WorkbookError:
        return None  # the attempts themselves will say what is wrong


def try_accept(server: Server, path: str, accept: str, dataset: Dataset | None = None) -> Attempt:
    """Ask once, and look at what comes."""
    tried = Attempt(accept, dataset=dataset)
    try:
        tried.response = GetRequest(server, path, {}, accept).send()
        tried.type = media_type(tried.response)
        _look_at(check(tried.response), tried)
    except WorkbookError as error:
        tried.error = error
        tried.content = tried.content or error.came or error.problem
    return tried


def _look_at(response: requests.Response, tried: Attempt) -> None:
    """Say what the first bytes are, and make a picture of them if they are one."""
    content = response.content
    if tried.type == "multipart/related":
        found = parts(response)
        kind = found[0].headers.get("Content-Type", "") if found else ""
        content = found[0].content if found else b""
        tried.type = f"{len(found)} x {kind}"
    tried.content = encoding(content)
    if tried.dataset is not None:
        tried.pixels = frame(content, tried.dataset)
        rows, columns = tried.pixels.shape[:2]
        tried.content += f", {columns} x {rows}"
        is_frame = "/frames/" in response.request.path_url
        has_lost_bits = tried.pixels.dtype == "uint8" and tried.dataset.get("BitsStored", 8) > 8
        tried.is_rendered = has_lost_bits or not is_frame
