"""A whole study -> files on disk: each of them whole, or not there at all."""

import filecmp
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

import pydicom
import requests
from pydicom.errors import InvalidDicomError
from tqdm.auto import tqdm

from helpers.dicom.inflated import check_inflated
from helpers.dicom.names import UID_LENGTH, is_uid
from helpers.errors import (
    AttributeProblem,
    ConnectionCut,
    FileConflict,
    LimitExceeded,
    MediaTypeMismatch,
    SaveError,
    TruncatedMultipart,
    UnsafeName,
    WorkbookError,
)
from helpers.multipart.reader import iter_parts
from helpers.web import limits
from helpers.web.answer import check, describe_media_type, media_type, read_within

SOP_INSTANCE_UID = 0x00080018


def save_instances(
    response: requests.Response, folder: str | os.PathLike[str], overwrite: bool = False
) -> list[Path]:
    """Write every DICOM instance in an answer to a file of its own.

    The answer is read piece by piece, so a study may be larger than the memory: ask for it with
    ``stream=True``. A file is named by its SOP Instance UID. A file that is there already with the
    same content is left as it is.

    Parameters
    ----------
    response
        ``multipart/related; type="application/dicom"``, or a single ``application/dicom``.
    folder
        Where to write, ``~`` being your home; made when the first instance comes.
    overwrite
        Whether to replace a file with the same name and other content.

    Returns
    -------
    list
        A path for each instance, in the order in which they came.

    Raises
    ------
    HTTPProblem
        The status is 400 or more.
    MediaTypeMismatch
        The answer is not DICOM.
    WorkbookError
        It is not an answer at all.
    TruncatedMultipart, ConnectionCut, LimitExceeded
        The transfer ended too early; or the answer or a part of it is too large or too slow, or the
        disk nearly full (`helpers.web.limits`). The instances that came whole are saved; the
        message says how many.
    UnsafeName
        A SOP Instance UID is not made of digits and dots, at most 64.
    FileConflict
        A file with other content is there, and `overwrite` is false. Or two instances in the
        answer have the same UID and other content.
    SaveError
        The folder or a file cannot be written: no permission, or no room on the disk.
    AttributeProblem
        A part is no DICOM file.

    Notes
    -----
    PS3.18 section 10.4 (Retrieve Transaction), PS3.10 section 7 (the file).

    Examples
    --------
    >>> import io, requests, tempfile
    >>> answer = requests.Response()
    >>> answer.status_code, answer.headers["Content-Type"] = 200, "application/dicom"
    >>> instance = pydicom.examples.get_path("ct")
    >>> answer.raw = io.BytesIO(instance.read_bytes())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in save_instances(answer, folder)]
    1 instance saved: 39,206 bytes
    ['1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322.dcm']
    """
    check(response)
    folder = Path(folder).expanduser()
    paths: list[Path] = []
    come: set[Path] = set()
    size = 0
    # Most servers stream a study without saying how long it is: then the bar only counts.
    length = response.headers.get("Content-Length", "")
    total = int(length) if length.isdecimal() else None
    with tqdm(total=total, unit="B", unit_scale=True, desc="Retrieving") as bar:
        try:
            for part in _instances(response):
                folder.mkdir(parents=True, exist_ok=True)
                path = _save(part, folder, overwrite, come)
                paths.append(path)
                come.add(path)
                size += path.stat().st_size
                bar.update(path.stat().st_size)
            # Boundaries and headers are left over, and a bar that is not full looks like a failure.
            bar.total = bar.n
            bar.refresh()
        except (TruncatedMultipart, ConnectionCut, LimitExceeded) as error:
            error.came = f"{error.came}; {_count(paths)} came whole and stayed"
            raise
        except WorkbookError:  # some of them are of the next kind too
            raise
        except OSError as error:
            raise SaveError(
                f"The instances cannot be written to {folder.as_posix()}.",
                expected="a folder that you may write to, on a disk with room left",
                came=f"{error.strerror or error}; {_count(paths)} came whole and stayed",
                hint="Make room, or name another folder. "
                "Then run the cell with requests.get(...) again.",
            ) from error
    print(f"{_count(paths)} saved: {size:,} bytes")
    return paths


def _instances(response: requests.Response) -> Iterator[IO[bytes]]:
    """Yield each DICOM instance in an answer, a file that stands at its beginning."""
    kind = media_type(response)
    if kind == "multipart/related":
        yield from (part.file for part in iter_parts(response))
    elif kind == "application/dicom":
        with tempfile.TemporaryFile() as file:
            at_most = replace(limits.STREAM, body=limits.PART_BYTES)
            file.writelines(read_within(response, at_most.raised()))
            file.seek(0)
            yield file
    elif response.status_code != 204:
        raise MediaTypeMismatch(
            "This answer is not DICOM.",
            expected='multipart/related; type="application/dicom"',
            came=describe_media_type(response),
            hint="Ask for the study itself, server.dicomweb + '/studies/' + UID, with that Accept.",
        )


def _save(file: IO[bytes], folder: Path, overwrite: bool, come: set[Path]) -> Path:
    path = folder / f"{_uid(file)}.dcm"
    _check_room(file, folder)
    # Beside its final place, so that the last step is a rename: the file is whole, or not there.
    # Its name is known before it is made: an interrupt at any moment leaves nothing behind.
    part = folder / f"{path.stem}.{secrets.token_hex(8)}.part"
    try:
        # Closed before the rest: Windows renames and removes no file that is open.
        with open(part, "xb") as unfinished:
            shutil.copyfileobj(file, unfinished)
        is_twin = path in come
        if not path.exists() or (overwrite and not is_twin):
            os.replace(part, path)
        elif not filecmp.cmp(part, path, shallow=False):
            raise _conflict(path, is_twin)
    finally:
        part.unlink(missing_ok=True)
    return path


def _check_room(file: IO[bytes], folder: Path) -> None:
    """Raise if a file would fill the disk: a system whose disk is full does nothing well."""
    left = shutil.disk_usage(folder).free - file.seek(0, os.SEEK_END)
    file.seek(0)
    if left < limits.FREE_BYTES:
        raise LimitExceeded(
            f"The disk of {folder.as_posix()} is nearly full.",
            expected=f"{limits.FREE_BYTES / limits.MB:g} MB that stay free on it",
            came=f"{max(left, 0) / limits.MB:,.0f} MB with the next instance",
            hint="Make room, or name a folder on another disk. Then run the cell with "
            "requests.get(...) again.",
        )


def _conflict(path: Path, is_twin: bool) -> FileConflict:
    if is_twin:
        return FileConflict(
            "Two instances in this answer have the same SOP Instance UID, and are not the same.",
            expected="one instance for each UID",
            came=path.stem,
            hint="The first one is saved. Tell the server's owner.",
        )
    return FileConflict(
        "A file of that name is there already, and it holds something else.",
        expected="no file, or the same bytes",
        came=path.as_posix(),
        hint="Save to another folder, or replace it: save_instances(..., overwrite=True).",
    )


def _uid(file: IO[bytes]) -> str:
    """Return the SOP Instance UID of a DICOM file, checked: it comes from the network."""
    try:
        check_inflated(file)
        dataset = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=[SOP_INSTANCE_UID])
        # The bytes as they came: pydicom would only warn of a UID that is none.
        uid = dataset.get_item(SOP_INSTANCE_UID).value.rstrip(b"\0 ").decode("ascii", "replace")
    except (InvalidDicomError, EOFError, ValueError, AttributeError) as error:
        raise AttributeProblem(
            "A part of this answer is not a DICOM file.",
            expected="128 bytes, DICM, and a data set with a SOP Instance UID",
            came=str(error),
            hint="Look at it with show(response).",
        ) from error
    file.seek(0)
    if not is_uid(uid):
        raise UnsafeName(
            "A SOP Instance UID in this answer must not become a file name.",
            expected=f"digits and dots, at most {UID_LENGTH} characters",
            came=repr(uid[: UID_LENGTH + 10]),
            hint="Nothing was written for it. Tell the server's owner.",
        )
    return uid


def _count(paths: list[Path]) -> str:
    return "1 instance" if len(paths) == 1 else f"{len(paths)} instances"
