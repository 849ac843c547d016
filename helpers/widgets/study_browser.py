"""The archive as a tree: each level is asked for when it is opened."""

import html
from collections.abc import Hashable, Mapping
from typing import Any

import ipywidgets as widgets
import traitlets

from helpers.dicom.datasets import records
from helpers.errors import WorkbookError
from helpers.queries.as_python import write_assignment
from helpers.queries.browse import build_listing, tabulate_listing
from helpers.servers.server import Server
from helpers.tables import shorten
from helpers.web.secrets import mask_url
from helpers.widgets import markup
from helpers.widgets.controls import code_box, row, text
from helpers.widgets.copy_button import CopyButton
from helpers.widgets.kept import Picture
from helpers.widgets.panel import Panel
from helpers.widgets.thumbnail import thumbnail

# Of one level, at most so many: a tree of thousands helps nobody.
LIMIT = 200
# What is below what: the name of a level, and the column whose value opens it.
LEVELS = ("patient", "study", "series", "instance")
# Modalities of series that hold no image.
WITHOUT_IMAGE = ("SR", "PR", "KO", "DOC", "SEG", "RTSTRUCT", "RTPLAN", "REG", "ECG", "AU")
COLUMNS = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
PICKED = ("patient_id", "study_uid", "series_uid", "instance_uid")
# The identifiers from the patient down.
Identifiers = tuple[str, ...]
Row = Mapping[Hashable, Any]


class StudyBrowser(Panel):
    """A tree of patients, studies, series and instances; `browse` lists the same in code.

    What was opened last is picked, with all that lies above it.

    Parameters
    ----------
    server

    Attributes
    ----------
    patient_id, study_uid, series_uid, instance_uid : str
        What is picked; empty below that. Other code may observe them.
    nodes : list of Node
        The patients; each has `children` when it was opened.

    Examples
    --------
    >>> from helpers import connect
    >>> browser = StudyBrowser(connect())
    >>> joe = next(node for node in browser.nodes if "Joe" in node.button.description)
    >>> joe.button.description
    'Joe SIIM, TCGA-17-Z058, studies: 2'
    >>> joe.button.click()
    >>> [study.uid[:8] for study in joe.children]
    ['2.25.376', '1.3.6.1.']
    """

    patient_id = traitlets.Unicode("")
    study_uid = traitlets.Unicode("")
    series_uid = traitlets.Unicode("")
    instance_uid = traitlets.Unicode("")

    def __init__(self, server: Server) -> None:
        self.server = server
        self.message, self.picked, self.thumbnail = text(), text(), text()
        self.python = code_box()
        room = widgets.Layout(flex="3 1 300px", max_height="360px", overflow="auto")
        self.tree = widgets.VBox(layout=room)
        aside = row(self.thumbnail, self.picked)
        aside.layout.flex = "1 0 200px"
        both = row(self.tree, aside)
        both.layout.align_items = "flex-start"
        # Nothing is there to be copied before something is picked.
        self._code = widgets.VBox([self.python, CopyButton(self.python)])
        super().__init__([self.message, both, self._code])
        self.nodes: list[Node] = []
        self._image: Identifiers = ()
        self.load()

    def load(self) -> None:
        """Ask for the patients."""
        self.nodes, self.message.value = self.children_of(())
        self.tree.children = [node.box for node in self.nodes]
        self.pick(())

    def children_of(self, path: Identifiers) -> tuple[list["Node"], str]:
        """Ask for what is below a patient, study or series; return it, and how it went in HTML."""
        try:
            request, columns = build_listing(self.server, *path, limit=LIMIT)
            line = f"GET {markup.code(mask_url(request.prepared.path_url))}"
            response, milliseconds = request.send_and_time()
            found = tabulate_listing(response, columns, *path[:1])
        except WorkbookError as error:
            return [], f"<small>{markup.sentence(error)}</small>"
        line += f"<br>{response.status_code} {html.escape(response.reason)}, "
        line += f"{_number(len(found), LEVELS[len(path)])}, {milliseconds:.0f} ms"
        # Of patients and of studies, fewer are shown than came.
        if len(records(response)) >= LIMIT:
            line += f". The server was asked for {LIMIT} at most: find the others with QueryForm."
        # Some servers send all the same: more rows than JupyterLab can draw.
        nodes = [Node(self, path, row) for row in found.head(LIMIT).to_dict("records")]
        return nodes, f"<small>{line}</small>"

    def pick(self, path: Identifiers) -> None:
        """Pick what is at a path, and what it lies in."""
        picked = dict(zip(PICKED, [*path, "", "", "", ""], strict=False))
        for name, value in picked.items():
            setattr(self, name, value)
        shown = {
            name: shorten(markup.code(value)) if value else "nothing picked"
            for name, value in picked.items()
        }
        self.picked.value = markup.status(f"<b>Picked</b>{markup.table_of_pairs(shown)}")
        image = self._image_of(path)
        if image != self._image:
            self._image, self.thumbnail.value = image, thumbnail(self.server, image)
        rows = [write_assignment(name, value) for name, value in picked.items() if value]
        self.python.value = "\n".join(rows)
        self.python.rows = max(2, len(self.python.value.splitlines()))
        self._code.layout.display = "flex" if rows else "none"

    def _image_of(self, path: Identifiers) -> Identifiers:
        """Return the path of an image in what is picked: of a series, the one in the middle."""
        node, nodes = None, self.nodes
        for uid in path:
            node = next((one for one in nodes if one.uid == uid), None)
            nodes = (node.children or []) if node else []
        if node is None or node.level == "patient":
            return ()
        if node.level == "study":
            series = next((one for one in nodes if one.modality not in WITHOUT_IMAGE), None)
            nodes = series.load() if series else []
        images = [one for one in (nodes or [node]) if one.has_image]
        return images[len(images) // 2].path if images else ()

    def static(self) -> Picture:
        """Return the tree as far as it is open, and what is picked, if anything is."""
        lines = [line for node in self.nodes for line in node.lines()]
        # What asks for a click helps nobody there.
        picked = ["", self.python.value] if self.python.value else []
        plain = "\n".join([*lines, *picked])
        picture = f"{self.message.value}<pre>{html.escape(plain)}</pre>"
        return {"text/html": picture, "text/plain": plain}


class Node:
    """A row of the tree: a patient, study, series or instance."""

    def __init__(self, browser: StudyBrowser, above: Identifiers, row: Row) -> None:
        self.browser = browser
        self.level = LEVELS[len(above)]
        self.uid = str(row[COLUMNS[len(above)]])
        self.path: Identifiers = (*above, self.uid)
        self.modality = str(row.get("Modality", ""))
        self.has_image = self.level == "instance" and row["Rows"] != ""
        # None until it was opened.
        self.children: list[Node] | None = None
        self.is_open = False
        self.button = widgets.Button(
            description=_label(self.level, row),
            layout=widgets.Layout(width="auto", max_width="100%"),
            style={"button_color": "transparent"},
        )
        self.button.add_class("wb-left").on_click(lambda _: self.toggle())
        self.message = text()
        below = widgets.Layout(margin="0 0 0 28px", display="none")
        self.below = widgets.VBox([self.message], layout=below)
        self.box = widgets.VBox([self.button, self.below], layout=widgets.Layout(flex="0 0 auto"))
        self._mark()

    def toggle(self) -> None:
        """Open the node, or close it."""
        self.is_open = not self.is_open and self.level != "instance"
        if self.is_open:
            self.load()
        self.below.layout.display = "flex" if self.is_open else "none"
        self._mark()
        self.browser.pick(self.path)

    def load(self) -> list["Node"]:
        """Ask for what is below, unless that is known, and return it."""
        if not self.children:
            self.children, self.message.value = self.browser.children_of(self.path)
            self.below.children = [self.message, *(child.box for child in self.children)]
        return self.children

    def _mark(self) -> None:
        """Say in the picture of the button, and in words, what a click does."""
        if self.level == "instance":
            self.button.icon, self.button.tooltip = "file-o", f"Pick this {self.level}"
        else:
            self.button.icon = "caret-down" if self.is_open else "caret-right"
            self.button.tooltip = f"{'Close' if self.is_open else 'Open'} this {self.level}"

    def lines(self, margin: str = "") -> list[str]:
        """Return the node and what is open below it as lines of text."""
        below = (self.children or []) if self.is_open else []
        own = f"{margin}{self.level} {self.button.description}"
        return [own, *(line for child in below for line in child.lines(margin + "    "))]


def _label(level: str, row: Row) -> str:
    """Say in words what a row of the tree is."""
    if level == "patient":
        words = [row["PatientName"] or "(no name)", row["PatientID"], f"studies: {row['Studies']}"]
    elif level == "study":
        words = [row["StudyDate"], row["ModalitiesInStudy"], row["StudyDescription"]]
    elif level == "series":
        count = row["NumberOfSeriesRelatedInstances"]
        words = [row["SeriesNumber"], row["Modality"], row["SeriesDescription"]]
        words += [f"instances: {count}"] if count != "" else []
    else:
        size = f"{row['Columns']} x {row['Rows']}" if row["Rows"] != "" else "no image"
        frames = f"frames: {row['NumberOfFrames']}" if row["NumberOfFrames"] != "" else ""
        words = [f"instance {row['InstanceNumber']}", size, frames]
    return ", ".join(str(word) for word in words if word != "")


def _number(count: int, level: str) -> str:
    plural = {"study": "studies", "series": "series"}.get(level, f"{level}s")
    return f"{count} {level if count == 1 else plural}"
