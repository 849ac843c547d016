"""The archive that we ship is what data/README.md says that it is."""

import re
import subprocess
from collections import Counter
from pathlib import Path

import pydicom
import pytest

from tests.tools import needs_tool

DATA = Path(__file__).resolve().parents[1] / "data"
FILES = sorted((DATA / "archive").rglob("*.dcm"))
README = (DATA / "README.md").read_text(encoding="utf-8")
WORKSHOP_UIDS = "1.3.6.1.4.1.14519.5.2.1.7777.9002."


@pytest.fixture(scope="module")
def instances():
    """Return (folder name, data set) of each file, without its pixels."""
    return [(path.parent.name, pydicom.dcmread(path, stop_before_pixels=True)) for path in FILES]


def described():
    """Return the rows of the table: folder -> patient, date, study, {modality: files}."""
    rows = {}
    for line in README.splitlines():
        if found := re.match(r"\| `(\w+)` \|", line):
            _, _, patient, date, study, files, _, _ = (cell.strip() for cell in line.split("|"))
            counts = {kind: int(n) for n, kind in re.findall(r"(\d+) (\w+)", files)}
            rows[found[1]] = (patient, date.replace("-", ""), study, counts)
    return rows


def test_table_agrees_with_the_files(instances):
    found = {}
    for folder, ds in instances:
        row = (str(ds.PatientName), ds.StudyDate, ds.StudyDescription.strip(), Counter())
        found.setdefault(folder, row)[3][ds.Modality] += 1
    assert described() == found


def test_every_file_says_that_it_is_synthetic(instances):
    for _, ds in instances:
        assert ds.QualityControlSubject == "YES"
        assert ds.PatientComments == "Synthetic phantom: not a real person"


def test_only_joe_s_ct_carries_the_workshop_s_uids(instances):
    for folder, ds in instances:
        for uid in (ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID):
            assert uid.startswith(WORKSHOP_UIDS if folder == "joe" else "2.25.")


def test_every_instance_has_a_uid_of_its_own(instances):
    assert len({ds.SOPInstanceUID for _, ds in instances}) == len(FILES)


@needs_tool("dciodvfy", "dicom3tools")
@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_dciodvfy_finds_no_error(path):
    said = subprocess.run(["dciodvfy", "-new", path], capture_output=True, text=True)
    assert [line for line in said.stderr.splitlines() if line.startswith("Error")] == []
