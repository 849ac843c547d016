"""A folder of DICOM files: which of them are served, and why the others are not."""

import os
from collections.abc import Iterator
from pathlib import Path

from classroom.pacs.archive import Archive
from classroom.pacs.instance import SOPInstance, read_instance
from classroom.pacs.part10 import NotServed
from helpers.dicom.names import may_be_dicom
from helpers.errors import ArchiveError


def read_archive(folder: str | Path) -> Archive:
    """Index the DICOM files of a folder and of the folders in it; raise ArchiveError for no folder.

    Files named `*.dcm` count, and those of any other name that hold DICOM: other programs name them
    `IM0001.IMA`, or by their UIDs. Links to folders are not followed.
    """
    folder = Path(folder)
    # Unlike those of Path, the questions of os.path raise nothing where access is denied.
    if not os.path.isdir(folder):
        raise ArchiveError(
            f"There is no folder {folder}.",
            expected="a folder with DICOM files",
            hint="Check the name, and that you may open it; --data DIR names another folder.",
        )
    instances: list[SOPInstance] = []
    skipped: list[str] = []
    for path in sorted(_paths(folder, skipped)):
        try:
            instances.append(read_instance(path))
        except NotServed as reason:
            skipped.append(f"{path}: {reason}")
    return Archive(instances, skipped)


def _paths(folder: Path, skipped: list[str]) -> Iterator[Path]:
    """Yield the files that may be DICOM; tell what cannot be looked into."""

    def tell(error: OSError) -> None:
        skipped.append(f"{error.filename}: it cannot be read ({error.strerror})")

    for parent, folders, files in os.walk(folder, onerror=tell):
        for link in filter(os.path.islink, (Path(parent, name) for name in folders)):
            skipped.append(f"{link}: it is a link to a folder, and links are not followed")
        yield from filter(_may_be_served, (Path(parent, name) for name in files))


def _may_be_served(path: Path) -> bool:
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe: reading it would never end
        return False
    # Why a file cannot be read, `read_instance` says.
    return path.suffix.lower() == ".dcm" or may_be_dicom(path)
