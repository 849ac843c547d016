"""A folder of DICOM files: which of them are served, and why the others are not."""

import os
from pathlib import Path

from classroom.pacs.archive import Archive
from classroom.pacs.instance import NotServed, read_instance
from helpers.errors import ArchiveError


def read_archive(folder):
    """Index the DICOM files of a folder and of the folders in it.

    Files named `*.dcm` count, and those of any other name that hold DICOM: other programs name them
    `IM0001.IMA`, or by their UIDs. Links to folders are not followed.

    Parameters
    ----------
    folder : str or pathlib.Path

    Returns
    -------
    Archive

    Raises
    ------
    helpers.errors.ArchiveError
        If there is no such folder.
    """
    folder = Path(folder)
    # Unlike those of Path, the questions of os.path raise nothing where access is denied.
    if not os.path.isdir(folder):
        raise ArchiveError(
            f"There is no folder {folder}.",
            expected="a folder with DICOM files",
            hint="Check the name, and that you may open it; --data DIR names another folder.",
        )
    instances, skipped = [], []
    for path in sorted(_paths(folder, skipped)):
        try:
            instances.append(read_instance(path))
        except NotServed as reason:
            skipped.append(f"{path}: {reason}")
    return Archive(instances, skipped)


def _paths(folder, skipped):
    """Yield the files that may be DICOM; tell what cannot be looked into."""

    def tell(error):
        skipped.append(f"{error.filename}: it cannot be read ({error.strerror})")

    for parent, folders, files in os.walk(folder, onerror=tell):
        for link in filter(os.path.islink, (Path(parent, name) for name in folders)):
            skipped.append(f"{link}: it is a link to a folder, and links are not followed")
        yield from filter(_may_be_dicom, (Path(parent, name) for name in files))


def _may_be_dicom(path):
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe: reading it would never end
        return False
    if path.suffix.lower() == ".dcm":
        return True
    try:
        with open(path, "rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return True  # why it cannot be read, `read_instance` says
