"""DICOM instances -> a server: STOW-RS, the service that stores (PS3.18 section 10.5)."""

import io
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pandas
import pydicom
import requests
from pydicom.errors import InvalidDicomError
from tqdm.auto import tqdm

from helpers.dicom.names import is_uid
from helpers.errors import HTTPProblem, StoreError, WorkbookError
from helpers.files.holdings import instances_of
from helpers.files.store_response import FAILED, outcomes
from helpers.multipart.writer import MultipartBody, PartToSend, chunks_of
from helpers.web.answer import check
from helpers.web.explanations import explain

# One request carries no more than this: a failure costs little, and few servers refuse it.
BYTES_AT_ONCE = 32 * 1024 * 1024
INSTANCES_AT_ONCE = 50
# The server may think long over what it got: decode it, write it, index it.
SECONDS_TO_WAIT = (5, 120)

# What a server may say of a whole request because of one instance in it, or of its size.
SPOILT = (400, 413, 415, 500)

THERE, NOT_SENT = "there already", "not sent"

# What has to be known of an instance before it is sent.
UIDS = ["StudyInstanceUID", "SOPInstanceUID"]


class InstanceToStore(NamedTuple):
    """An instance to store: its UIDs, its size in bytes, and the file or the bytes that it is."""

    study: str
    uid: str
    size: int
    source: Path | bytes

    def chunks(self, sent: Callable[[int], object]) -> Iterator[bytes]:
        """Yield its bytes, piece by piece, and tell how many went out."""
        source = self.source
        try:
            with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
                for chunk in chunks_of(file, self.size):
                    yield chunk
                    sent(len(chunk))
        except OSError as error:
            raise StoreError(
                "A file cannot be read to its end.",
                came=str(error),
                hint="Look at it, and store it again when nobody writes to it.",
            ) from error


def store_instances(instances, server, at_once=INSTANCES_AT_ONCE):
    """Store DICOM instances on a server: those that it does not have yet.

    First the server is asked which instances of each study it has. The others go out in requests
    of some 32 MiB, and the files are read while they are sent. If the server refuses a request as
    a whole, its halves are sent, so that one bad file does not keep the others out. Nothing else is
    sent again by itself: call it again, and it goes on where it ended.

    Parameters
    ----------
    instances : iterable of str, pathlib.Path or pydicom.Dataset
        Files, or data sets.
    server : Server
        What `connect` returns.
    at_once : int
        How many instances go into one request, at most.

    Returns
    -------
    pandas.DataFrame
        A row for each instance, in the order given: ``SOPInstanceUID``; ``outcome``, which is
        "stored", "there already", "failed" or "not sent"; ``reason``, why it failed or what the
        server changed; ``file``, empty for a data set.

    Raises
    ------
    HTTPProblem, ServerUnreachable, AttributeProblem
        The server did not say what it has. Nothing was sent.

    Notes
    -----
    PS3.18 section 10.5 (Store Transaction), appendix I.2 (Store Response).

    Examples
    --------
    >>> from helpers import connect
    >>> from helpers.servers.server import ARCHIVE
    >>> store_instances([ARCHIVE / "joe" / "CT001_0001.dcm"], connect()).outcome.tolist()
    ['there already']
    """
    rows = [_row(item) for item in instances]
    to_send = _those_not_there(rows, server)
    if to_send:
        _send(to_send, server, at_once)
    columns = ["SOPInstanceUID", "outcome", "reason", "file"]
    return pandas.DataFrame(rows, columns=columns)


def _send(rows, server, at_once):
    """Send instances in batches, with a bar that shows how far it is."""
    size = sum(row["instance"].size for row in rows)
    with tqdm(total=size, unit="B", unit_scale=True, desc="Storing") as bar:
        for batch in _batches(rows, at_once):
            try:
                _store(batch, server, bar.update)
            except requests.RequestException as error:
                # Halves of it may have been answered before.
                _fail([row for row in batch if row["outcome"] == NOT_SENT], explain(error))
                # Nobody is there any more. The rest stays "not sent".
                return


def _row(item):
    """Return what is known of an instance before anything is sent."""
    file = "" if isinstance(item, pydicom.Dataset) else str(item)
    row = {"SOPInstanceUID": "", "outcome": NOT_SENT, "reason": "", "file": file, "instance": None}
    try:
        row["instance"] = _instance(item)
        row["SOPInstanceUID"] = row["instance"].uid
    except InvalidDicomError:
        why = "it is no DICOM file: the letters DICM are not behind its first 128 bytes"
        row.update(outcome=FAILED, reason=why)
    except Exception as error:  # a broken file brings about whatever it likes
        row.update(outcome=FAILED, reason=f"it cannot be read: {error}")
    return row


def _instance(item):
    if isinstance(item, pydicom.Dataset):
        uids = _uids_in(item)
        file = io.BytesIO()
        pydicom.dcmwrite(file, item, enforce_file_format=True)
        content = file.getvalue()
        return InstanceToStore(*uids, len(content), content)
    path = Path(item)
    with warnings.catch_warnings():
        # It is sent as it is; whether it is right, the server says.
        warnings.simplefilter("ignore")
        uids = _uids_in(pydicom.dcmread(path, stop_before_pixels=True, specific_tags=UIDS))
    return InstanceToStore(*uids, path.stat().st_size, path)


def _uids_in(dataset):
    uids = [str(dataset.get(keyword) or "") for keyword in UIDS]
    for keyword, uid in zip(UIDS, uids, strict=True):
        if not uid:
            raise ValueError(f"it has no {keyword}")
        # One of them becomes a part of a URL.
        if not is_uid(uid):
            raise ValueError(f"its {keyword} is malformed")
    return uids


def _those_not_there(rows, server):
    """Return the rows to send; mark those that the server has already."""
    readable = [row for row in rows if row["instance"]]
    studies = {row["instance"].study for row in readable}
    there = {uid for study in studies for uid in instances_of(study, server)}
    for row in readable:
        if row["instance"].uid in there:
            row["outcome"] = THERE
    return [row for row in readable if row["outcome"] == NOT_SENT]


def _batches(rows, at_once):
    """Yield lists of rows that go out together."""
    batch, size = [], 0
    for row in rows:
        if batch and (len(batch) == at_once or size + row["instance"].size > BYTES_AT_ONCE):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += row["instance"].size
    if batch:
        yield batch


def _store(batch, server, sent):
    """Send a batch, and write down what the server says of each instance."""
    try:
        answers = outcomes(_post(batch, server, sent), [row["SOPInstanceUID"] for row in batch])
    except HTTPProblem as error:
        if len(batch) == 1 or error.response.status_code not in SPOILT:
            _fail(batch, error)
            return
        # One instance may have spoilt it for all, or they are too many. Storing again does no harm.
        sent(-sum(row["instance"].size for row in batch))
        half = len(batch) // 2
        _store(batch[:half], server, sent)
        _store(batch[half:], server, sent)
    except WorkbookError as error:
        _fail(batch, error)
    else:
        for row in batch:
            row["outcome"], row["reason"] = answers[row["SOPInstanceUID"]]


def _post(batch, server, sent):
    """Send a batch; return the store response, which may have the status 409 (Conflict)."""
    parts = [
        PartToSend("application/dicom", row["instance"].size, row["instance"].chunks(sent))
        for row in batch
    ]
    body = MultipartBody("application/dicom", parts)
    response = requests.post(
        f"{server.dicomweb}/studies",
        data=body,
        headers={
            **server.headers,
            "Content-Type": body.content_type,
            "Accept": "application/dicom+json",
        },
        timeout=SECONDS_TO_WAIT,
        # After a redirect, requests would send a GET without a body, and the key to anybody.
        allow_redirects=False,
    )
    return response if response.status_code == requests.codes.conflict else check(response)


def _fail(batch, error):
    for row in batch:
        row.update(outcome=FAILED, reason=_in_one_line(error))


def _in_one_line(error):
    """Say what went wrong; what came, only if that says more."""
    came = error.came
    if isinstance(error, HTTPProblem):
        # The problem names the status already.
        came = came.removeprefix(str(error.response.status_code)).removeprefix(", and ")
    if not came or came.lower() in error.problem.lower():
        return error.problem
    return f"{error.problem.rstrip('.')}: {came}"
