"""DICOM instances -> a server: STOW-RS, the service that stores (PS3.18 section 10.5)."""

import io
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas
import pydicom
import requests
from tqdm.auto import tqdm

from helpers.dicom.datasets import records
from helpers.dicom.names import head_of, is_uid, why_no_instance
from helpers.dicom.quiet import quietly
from helpers.errors import (
    AttributeProblem,
    HTTPProblem,
    LimitExceeded,
    ServerUnreachable,
    StoreError,
    WorkbookError,
)
from helpers.files.store_response import FAILED, read_outcomes
from helpers.multipart.writer import MultipartBody, PartToSend, chunks_of
from helpers.servers.server import Server
from helpers.web import limits
from helpers.web.answer import check
from helpers.web.ask import ask

# One request carries no more than this: a failure costs little, and few servers refuse it.
BYTES_AT_ONCE = 32 * 1024 * 1024
INSTANCES_AT_ONCE = 50
FOUND_AT_ONCE = 1000

# What a server may say of a whole request because of one instance in it, or of its size.
SPOILT = (400, 413, 415, 500)
NOBODY_THERE = (ServerUnreachable, LimitExceeded)
THERE, NOT_SENT = "there already", "not sent"

# What has to be known of an instance before it is sent.
UIDS = ["StudyInstanceUID", "SOPInstanceUID"]
JSON = "application/dicom+json"

# What is known of an instance: the columns of the table, and the instance itself.
Row = dict[str, Any]


def store_instances(
    instances: Iterable[str | Path | pydicom.Dataset],
    server: Server,
    at_once: int = INSTANCES_AT_ONCE,
) -> pandas.DataFrame:
    """Store DICOM instances on a server: those that it does not have yet.

    First the server is asked which instances of each study it has. The others go out in requests
    of some 32 MiB, and the files are read while they are sent. If the server refuses a request as
    a whole, its halves are sent, so that one bad file does not keep the others out. Nothing else is
    sent again by itself: call it again, and it goes on where it ended.

    Parameters
    ----------
    instances
        Files, or data sets.
    server
        What `connect` returns.
    at_once
        How many instances go into one request, at most.

    Returns
    -------
    pandas.DataFrame
        A row for each instance, in the order given: ``SOPInstanceUID``; ``outcome``, which is
        "stored", "there already", "failed" or "not sent"; ``reason``, why it failed or what the
        server changed; ``file``, empty for a data set.

    Raises
    ------
    HTTPProblem, ServerUnreachable, LimitExceeded, AttributeProblem
        The server did not say what it has. Nothing was sent.

    Notes
    -----
    PS3.18 section 10.5 (Store Transaction), PS3.18 I.2 (Store Response).

    Examples
    --------
    >>> from helpers import connect
    >>> from helpers.servers.server import ARCHIVE
    >>> store_instances([ARCHIVE / "joe" / "CT001_0001.dcm"], connect()).outcome.tolist()
    ['there already']
    """
    rows = [_make_row(item) for item in instances]
    to_send = _skip_known(rows, server)
    if to_send:
        _send(to_send, server, at_once)
    return pandas.DataFrame(rows, columns=["SOPInstanceUID", "outcome", "reason", "file"])


def find_instances(study: str, server: Server) -> set[str]:
    """Return the SOP Instance UIDs that a server has of a study: all, in pages."""
    found: set[str] = set()
    since = time.monotonic()
    while True:
        response = ask(
            f"{server.dicomweb}/studies/{study}/instances",
            params={"limit": FOUND_AT_ONCE, "offset": len(found)},
            headers={**server.headers, "Accept": JSON},
            limits=limits.SEARCH_BEFORE_STORING,
            since=since,
            is_patient=True,
            is_raw=server.is_raw,
        )
        # Some servers say so of a study that they do not have.
        page = set() if response.status_code == 404 else _list_uids(response)
        # A server may send fewer than asked for, or ignore the offset (PS3.18 section 10.6.1).
        if page <= found:
            return found
        found |= page


def _list_uids(response: requests.Response) -> set[str]:
    try:
        return {record["00080018"]["Value"][0] for record in records(response)}
    except (KeyError, IndexError, TypeError) as error:
        raise AttributeProblem(
            "The server does not say which instances it has.",
            expected="a list of instances, each with its SOPInstanceUID",
            came=response.text[:80],
            hint="Is that the root URL of a DICOMweb server? Look at it with show(response).",
        ) from error


def _send(rows: list[Row], server: Server, at_once: int) -> None:
    """Send instances in batches, with a bar that shows how far it is."""
    size = sum(row["instance"].size for row in rows)
    with tqdm(total=size, unit="B", unit_scale=True, desc="Storing") as bar:
        for batch in _split(rows, at_once):
            try:
                _store(batch, server, bar.update)
            except NOBODY_THERE as error:
                # Halves of it may have been answered before.
                _fail([row for row in batch if row["outcome"] == NOT_SENT], error)
                # Nobody is there any more. The rest stays "not sent".
                return


def _make_row(item: str | Path | pydicom.Dataset) -> Row:
    """Return what is known of an instance before anything is sent."""
    file = "" if isinstance(item, pydicom.Dataset) else str(item)
    row: Row = dict(SOPInstanceUID="", outcome=NOT_SENT, reason="", file=file, instance=None)
    try:
        if file and (why := why_no_instance(head_of(file))):
            row.update(outcome=FAILED, reason=why)
            return row
        instance = _read_instance(item)
        row.update(SOPInstanceUID=instance.uid, instance=instance)
    except Exception as error:  # a broken file brings about whatever it likes
        row.update(outcome=FAILED, reason=f"it cannot be read: {error}")
    return row


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


def _read_instance(item: str | Path | pydicom.Dataset) -> InstanceToStore:
    if isinstance(item, pydicom.Dataset):
        study, uid = _read_uids_of(item)
        file = io.BytesIO()
        pydicom.dcmwrite(file, item, enforce_file_format=True)
        content = file.getvalue()
        return InstanceToStore(study, uid, len(content), content)
    path = Path(item)
    with quietly():  # It is sent as it is; whether it is right, the server says.
        head = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=UIDS)
        study, uid = _read_uids_of(head)
    return InstanceToStore(study, uid, path.stat().st_size, path)


def _read_uids_of(dataset: pydicom.Dataset) -> list[str]:
    uids = [str(dataset.get(keyword) or "") for keyword in UIDS]
    for keyword, uid in zip(UIDS, uids, strict=True):
        if not uid:
            raise ValueError(f"it has no {keyword}")
        # One of them becomes a part of a URL.
        if not is_uid(uid):
            raise ValueError(f"its {keyword} is malformed")
    return uids


def _skip_known(rows: list[Row], server: Server) -> list[Row]:
    """Return the rows to send; mark those that the server has already."""
    readable = [row for row in rows if row["instance"]]
    studies = {row["instance"].study for row in readable}
    there = {uid for study in studies for uid in find_instances(study, server)}
    for row in readable:
        if row["instance"].uid in there:
            row["outcome"] = THERE
    return [row for row in readable if row["outcome"] == NOT_SENT]


def _split(rows: list[Row], at_once: int) -> Iterator[list[Row]]:
    """Yield lists of rows that go out together."""
    batch: list[Row] = []
    for row in rows:
        size = sum(each["instance"].size for each in [*batch, row])
        if batch and (len(batch) == at_once or size > BYTES_AT_ONCE):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _store(batch: list[Row], server: Server, sent: Callable[[int], object]) -> None:
    """Send a batch, and write down what the server says of each instance."""
    try:
        response = _post(batch, server, sent)
        answers = read_outcomes(response, [row["SOPInstanceUID"] for row in batch])
    except HTTPProblem as error:
        if len(batch) == 1 or error.response.status_code not in SPOILT:
            _fail(batch, error)
            return
        # One instance may have spoilt it for all, or they are too many. Storing again does no harm.
        sent(-sum(row["instance"].size for row in batch))
        half = len(batch) // 2
        _store(batch[:half], server, sent)
        _store(batch[half:], server, sent)
    except NOBODY_THERE:
        raise
    except WorkbookError as error:
        _fail(batch, error)
    else:
        for row in batch:
            row["outcome"], row["reason"] = answers[row["SOPInstanceUID"]]


def _post(batch: list[Row], server: Server, sent: Callable[[int], object]) -> requests.Response:
    """Send a batch; return the store response, which may have the status 409 (Conflict)."""
    parts = [
        PartToSend("application/dicom", row["instance"].size, row["instance"].chunks(sent))
        for row in batch
    ]
    body = MultipartBody("application/dicom", parts)
    response = ask(
        f"{server.dicomweb}/studies",
        method="POST",
        body=body,
        headers={**server.headers, "Content-Type": body.content_type, "Accept": JSON},
        limits=limits.STORING,
    )
    return response if response.status_code == requests.codes.conflict else check(response)


def _fail(batch: list[Row], error: WorkbookError) -> None:
    for row in batch:
        row.update(outcome=FAILED, reason=_say_why(error))


def _say_why(error: WorkbookError) -> str:
    """Say what went wrong; what came, only if that says more."""
    came = error.came
    if isinstance(error, HTTPProblem):
        # The problem names the status already.
        came = came.removeprefix(str(error.response.status_code)).removeprefix(", and ")
    if not came or came.lower() in error.problem.lower():
        return error.problem
    return f"{error.problem.rstrip('.')}: {came}"
