"""The viewer and the classroom PACS together, on one socket."""

from classroom.pacs import server
from classroom.pacs.archive import Study
from classroom.pacs.server import Pacs
from classroom.viewer import ohif
from classroom.viewer.pages import Viewer
from helpers.dicom.json_model import first_value
from helpers.errors import WorkbookError
from helpers.web.secrets import WORKSHOP_KEY


def start(port: int | None = None) -> Pacs:
    """Serve the viewer and the shipped archive, from a thread of this process, on loopback."""
    folder = ohif.pages()
    return server.start(port=port, wrap=lambda pacs: Viewer(pacs, folder, WORKSHOP_KEY))


def address(pacs: Pacs, study_uid: str) -> str:
    """Return the URL at which the viewer shows a study."""
    studies = pacs.archive.studies
    if study_uid not in studies:
        raise WorkbookError(
            "The classroom PACS has no study of that UID.",
            expected="one of these" + "".join(f"\n    {_describe(s)}" for s in studies.values()),
            came=study_uid,
            hint="Name the UID of one of these studies.",
        )
    return f"{pacs.url}/viewer?StudyInstanceUIDs={study_uid}"


def _describe(study: Study) -> str:
    name = first_value(study.attributes, "PatientName", {})
    return f"{study.uid}  {name.get('Alphabetic', '(no name)')}"
