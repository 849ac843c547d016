"""A button that opens a study in OHIF: nothing is fetched or started until it is pressed."""

import html

from classroom.viewer import start_viewer
from helpers.errors import WorkbookError
from helpers.widgets import markup
from helpers.widgets.controls import button, row, text
from helpers.widgets.panel import Panel, Picture

LABEL = "Open in OHIF"
WAITING = "Starting the viewer. The first time, it is fetched from the network: 48 MB ..."


class ViewerButton(Panel):
    """A button that opens a study of the classroom PACS in OHIF; `open_viewer` does it in code.

    Parameters
    ----------
    study_uid
        Study Instance UID.

    Attributes
    ----------
    opener : ipywidgets.Button
    said : ipywidgets.HTML
        The link to the study, or why there is none.

    Examples
    --------
    >>> from classroom.viewer import ViewerButton
    >>> ViewerButton("1.3.6.1.4.1.14519.5.2.1.7777.9002.19887")
    Open in OHIF: open_viewer("1.3.6.1.4.1.14519.5.2.1.7777.9002.19887")
    """

    def __init__(self, study_uid: str) -> None:
        self.study_uid = study_uid
        self.opener = button(LABEL, self.press, icon="external-link", button_style="primary")
        self.said = text()
        super().__init__([row(self.opener), self.said])

    def press(self) -> None:
        """Start the viewer, and show the link to the study."""
        self.said.value = markup.status(WAITING)
        try:
            url = html.escape(start_viewer(self.study_uid), quote=True)
        except WorkbookError as error:
            self.said.value = markup.sentence(error)
            return
        link = f"<a href='{url}' target='_blank' rel='noopener'>Look at the study in OHIF</a>"
        self.said.value = markup.status(f"{link}<br><small>{url}</small>")

    def static(self) -> Picture:
        """Return what the button stands for, in code."""
        code = f'open_viewer("{self.study_uid}")'
        return {
            "text/html": f"<p><b>{LABEL}</b>: {markup.code(code)}</p>",
            "text/plain": f"{LABEL}: {code}",
        }
