"""The OHIF viewer, served together with the classroom PACS: `open_viewer` in a notebook.

`python -m classroom.viewer` does the same in a terminal.
"""

import os
import webbrowser
from functools import cache
from typing import TYPE_CHECKING, Any

from classroom.pacs.server import Pacs
from helpers.errors import ViewerUnavailable

if TYPE_CHECKING:
    from classroom.viewer.button import ViewerButton as ViewerButton

HUB = "JUPYTERHUB_SERVICE_PREFIX"  # set where JupyterLab runs on a hub, such as Binder


def open_viewer(study_uid: str) -> None:
    """Open a study of the classroom PACS in the OHIF viewer, in a new tab of the browser.

    The first time, npm fetches the viewer. It is served by this Python process, on this computer
    only, until the kernel ends.

    Parameters
    ----------
    study_uid : str

    Raises
    ------
    ViewerUnavailable
        There is no npm or no network, or JupyterLab runs on another computer: on Binder, your
        browser does not reach what the kernel serves on loopback.
    WorkbookError
        The classroom PACS has no such study.
    ArchiveError
        The classroom PACS cannot start.

    Examples
    --------
    >>> from classroom.viewer import open_viewer
    >>> open_viewer("1.3.6.1.4.1.14519.5.2.1.7777.9002.19887")  # doctest: +SKIP
    The viewer shows the study at http://127.0.0.1:8043/viewer?StudyInstanceUIDs=1.3.6.1...
    """
    url = start_viewer(study_uid)
    webbrowser.open(url)
    print(f"The viewer shows the study at {url}")


def start_viewer(study_uid: str) -> str:
    """Start the viewer, if it does not run yet, and return the URL that shows a study in it."""
    if HUB in os.environ:
        raise ViewerUnavailable(
            "JupyterLab runs on another computer, and your browser does not reach a viewer there.",
            hint="In the file list, right-click the files in notebooks/downloads, choose Download, "
            "and open them in MicroDICOM, Weasis or 3D Slicer. Or start the workbook on your own "
            "computer: python3 workbook.py viewer",
        )
    # Imported only here: who opens no viewer does not need a second server.
    from classroom.viewer.server import address

    return address(_running(), study_uid)


@cache
def _running() -> Pacs:
    from classroom.viewer.server import start

    return start()


def __getattr__(name: str) -> Any:
    """Return the button, which needs the library of widgets, when it is asked for (PEP 562)."""
    if name == "ViewerButton":
        from classroom.viewer.button import ViewerButton

        return ViewerButton
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
