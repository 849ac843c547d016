"""The viewer and the classroom PACS together, on one socket."""

from classroom.pacs import server
from classroom.viewer import ohif
from classroom.viewer.pages import Viewer
from helpers.dicom.json_model import first_value
from helpers.errors import WorkbookError
from helpers.web.secrets import WORKSHOP_KEY


def start(port=None):
    """Serve the viewer and the shipped archive, from a thread of this process, on loopback.

    Parameters
    ----------
    port : int, optional
        As for `classroom.pacs.server.start`.

    Returns
    -------
    classroom.pacs.server.Pacs

    Raises
    ------
    ViewerUnavailable
        The viewer is not here and cannot be fetched.
    ArchiveError
        The port is taken.
    """
    folder = ohif.pages()
    return server.start(port=port, wrap=lambda pacs: Viewer(pacs, folder, WORKSHOP_KEY))


def address(pacs, study_uid):
    """Return the URL at which the viewer shows a study.

    Parameters
    ----------
    pacs : classroom.pacs.server.Pacs
    study_uid : str

    Returns
    -------
    str

    Raises
    ------
    WorkbookError
        If the PACS has no such study.
    """
    studies = pacs.archive.studies
    if study_uid not in studies:
        raise WorkbookError(
            "The classroom PACS has no study of that UID.",
            expected="one of these" + "".join(f"\n    {_described(s)}" for s in studies.values()),
            came=study_uid,
            hint="Name the UID of one of these studies.",
        )
    return f"{pacs.url}/viewer?StudyInstanceUIDs={study_uid}"


def _described(study):
    name = first_value(study.attributes, "PatientName", {})
    return f"{study.uid}  {name.get('Alphabetic', '(no name)')}"
