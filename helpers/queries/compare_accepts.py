"""What a server answers to different Accept headers, as a function."""

import re
from dataclasses import dataclass

import numpy
import pandas
import requests
from pydicom import Dataset

from helpers.errors import WorkbookError
from helpers.multipart.reader import parts
from helpers.pixels.frame import frame
from helpers.pixels.signatures import encoding
from helpers.queries.metadata import fetch_metadata
from helpers.queries.request import Question, path_of
from helpers.web.answer import check, media_type
from helpers.web.media_types import MediaType

SPELLINGS = (
    "multipart/related; type=image/dicom+jpeg",
    'multipart/related; type="image/jpeg"',
    'multipart/related; type="image/jpeg"; transfer-syntax=1.2.840.10008.1.2.4.50',
)
"""As the workshop wrote it in 2018, as it is written today, and with a transfer syntax."""

FRAME = re.compile(r"(?P<instance>.*/instances/[^/]+)/(frames/[\d,]+|rendered|thumbnail)")


@dataclass
class Attempt:
    """One Accept header, and what came of it.

    Attributes
    ----------
    accept : str
    response : requests.Response or None
    error : WorkbookError or None
        Why there is nothing to look at.
    type : str
        The media type of the answer, or of its first part.
    content : str
        What the bytes are, told from themselves.
    pixels : numpy.ndarray or None
        The picture, if it is one.
    dataset : pydicom.Dataset or None
        The attributes of the instance.
    """

    accept: str
    response: requests.Response | None = None
    error: WorkbookError | None = None
    type: str = ""
    content: str = ""
    pixels: numpy.ndarray | None = None
    dataset: Dataset | None = None

    @property
    def is_rendered(self):
        """Whether the pixels are shades for the eye, and no stored values any more."""
        if "/frames/" not in self.response.request.path_url:
            return True
        return self.pixels.dtype == "uint8" and self.dataset.get("BitsStored", 8) > 8

    @property
    def row(self):
        """Accept, status, type, bytes and content: a row of the table."""
        if self.response is None:
            return self.accept, "no answer", "", 0, self.error.problem
        size = len(self.response.content)
        return self.accept, self.response.status_code, self.type, size, self.content


def build_accept(kind, transfer_syntax="", multipart=True, quoted=True, quality=1.0):
    """Put an Accept header together from its parts.

    Parameters
    ----------
    kind : str
        The media type wanted, for example ``"image/jpeg"``.
    transfer_syntax : str
        A UID, ``"*"`` for as it is stored, or empty.
    multipart : bool
        Whether to ask for a multipart body, whose parts are of that kind.
    quoted : bool
        Whether the type stands in quotes, as it should: it holds a slash (RFC 9110 section 5.6.6).
    quality : float
        How welcome it is, from 0 to 1; 1 is not written.

    Returns
    -------
    str

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


def compare_accepts(server, resource, accepts=SPELLINGS):
    """Ask for one resource with different Accept headers, as `AcceptLab` does.

    Parameters
    ----------
    server : Server
    resource : str
        A URL below ``server.dicomweb``, or what comes behind it: ``"studies/.../frames/1"``.
    accepts : iterable of str
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
    print(f"GET {Question(server, path).request.path_url}")
    dataset = description_of(server, path)
    rows = [attempt(server, path, accept, dataset).row for accept in accepts]
    return pandas.DataFrame(rows, columns=["accept", "status", "type", "bytes", "content"])


def description_of(server, path):
    """Fetch the attributes that raw samples need to become a picture; None if there are none."""
    found = FRAME.fullmatch(path)
    if not found:
        return None
    try:
        return fetch_metadata(server, found["instance"])
    except WorkbookError:
        return None  # the attempts themselves will say what is wrong


def attempt(server, path, accept, dataset=None):
    """Ask once, and look at what comes.

    Parameters
    ----------
    server : Server
    path : str
    accept : str
    dataset : pydicom.Dataset or None
        From `description_of`.

    Returns
    -------
    Attempt
    """
    tried = Attempt(accept, dataset=dataset)
    try:
        tried.response = Question(server, path, {}, accept).send()
        tried.type = media_type(tried.response)
        check(tried.response)
        _look(tried)
    except WorkbookError as error:
        tried.error = error
        tried.content = tried.content or error.came or error.problem
    return tried


def _look(tried):
    """Say what the first bytes are, and make a picture of them if they are one."""
    content, label = tried.response.content, tried.response.headers.get("Content-Type", "")
    if tried.type == "multipart/related":
        found = parts(tried.response)
        first = (found[0].content, found[0].headers.get("Content-Type", "")) if found else (b"", "")
        content, label = first
        tried.type = f"{len(found)} x {label}"
    tried.content = encoding(content)
    if tried.dataset is not None:
        tried.pixels = frame(content, tried.dataset)
        rows, columns = tried.pixels.shape[:2]
        tried.content += f", {columns} x {rows}"
