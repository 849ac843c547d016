"""A folder of DICOM files: which of them are served, and why the others are not."""

import os
from pathlib import Path

from classroom.pacs.archive import Archive
from classroom.pacs.instance import SOPInstance, read_instance
from classroom.pacs.part10 import NotServed
from helpers.dicom.folder import look_through
from helpers.errors import ArchiveError


def read_archive(folder: str | Path) -> Archive:
    """Index the DICOM files of a folder and those below it; raise ArchiveError for no folder."""
    folder = Path(folder)
    # Unlike those of Path, the questions of os.path raise nothing where access is denied.
    if not os.path.isdir(folder):
        raise ArchiveError(
            f"There is no folder {folder}.",
            expected="a folder with DICOM files",
            hint="Check the name, and that you may open it; --data DIR names another folder.",
        )
    found = look_through(folder)
    instances: list[SOPInstance] = []
    skipped = found.left_out
    for path in found.files:
        try:
            instances.append(read_instance(path))
        except NotServed as reason:
            skipped.append(f"{path}: {reason}")
    return Archive(instances, skipped)
