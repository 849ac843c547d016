"""A folder of files, as the server reads it and as a client does: which of them may be DICOM."""

import os
from pathlib import Path
from typing import NamedTuple

from helpers.dicom.names import may_be_dicom


class Folder(NamedTuple):
    """The files of a folder and of the folders in it, and what was not looked into."""

    files: list[Path]  # sorted: those named `*.dcm`, and those of any name that hold DICOM
    left_out: list[str]  # what may be missed, and why, a line each
    others: int  # files that nobody will miss


def look_through(path: str | os.PathLike[str]) -> Folder:
    """List the DICOM files of a folder and of the folders in it.

    Other programs name them `IM0001.IMA`, or by their UIDs. Links to folders are not followed.
    """
    found: list[Path] = []
    left_out: list[str] = []
    others = 0

    def tell(error: OSError) -> None:
        left_out.append(f"{error.filename}: it cannot be read ({error.strerror})")

    for parent, folders, files in os.walk(path, onerror=tell):
        # Unlike those of Path, the questions of os.path raise nothing where access is denied.
        for link in filter(os.path.islink, (Path(parent, name) for name in folders)):
            left_out.append(f"{link}: it is a link to a folder, and links are not followed")
        for file in (Path(parent, name) for name in files):
            if _may_be_read(file):
                found.append(file)
            else:
                others += 1
    return Folder(sorted(found), left_out, others)


def _may_be_read(path: Path) -> bool:
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe: reading it would never end
        return False
    # Why a file cannot be read, its reader says.
    return path.suffix.lower() == ".dcm" or may_be_dicom(path)
