"""The files of the shipped archive, for tests: what they count, they ask for here."""

from pathlib import Path

import pydicom

FOLDER = Path(__file__).parents[1] / "data" / "archive"
FILES = sorted(FOLDER.rglob("*.dcm"))
JOE = sorted((FOLDER / "joe").glob("*.dcm"))
RAVI = sorted((FOLDER / "ravi").glob("*.dcm"))
ONE_OF_EACH_KIND = sorted({path.name[:5]: path for path in FILES}.values())

# A folder is one study; a patient may have several.
ONE_OF_EACH_STUDY = sorted({path.parent: path for path in FILES}.values())
_HEADS = [
    pydicom.dcmread(path, specific_tags=["PatientID", "StudyDate"]) for path in ONE_OF_EACH_STUDY
]
PATIENTS = {head.PatientID for head in _HEADS}
LATEST = max(head.StudyDate for head in _HEADS)
# As a server says it.
COUNT = f"{len(ONE_OF_EACH_STUDY)} studies"
