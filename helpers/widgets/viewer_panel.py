"""What the viewer of frames looks like: its controls, and where they are."""

import html
from typing import ClassVar

import ipywidgets as widgets
from pydicom import Dataset

from helpers.widgets import markup
from helpers.widgets.controls import checkbox, code_box, field, number, row, text
from helpers.widgets.panel import Panel

OWN = "my own"
NO_WINDOW = "none: colour"
TICK = 100  # milliseconds from frame to frame
ESSENTIALS = (
    "PatientName",
    "StudyDate",
    "Modality",
    "SeriesDescription",
    "InstanceNumber",
    "Rows",
    "Columns",
    "BitsStored",
    "PhotometricInterpretation",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "PixelAspectRatio",
    "SliceLocation",
    "WindowCenter",
    "WindowWidth",
)


class ViewerPanel(Panel):
    """The controls of `FrameViewer`, and the screen."""

    _with_films: ClassVar[set["ViewerPanel"]] = set()  # the viewers whose films play

    def __init__(self) -> None:
        # A cell that is run again takes its old viewer from the page, but not the film from the
        # browser: it would go on, and nobody could stop it.
        for viewer in list(self._with_films):
            viewer.play.value = False
        self._make_controls()
        self._make_film()
        self.screen, self.header, self.message = text(), text(), text()
        self.header.layout = widgets.Layout(flex="1 1 260px", width="auto", margin="4px 8px")
        self.python = code_box(rows=8)
        beside = row(self.screen, self.header)
        beside.layout.align_items = "flex-start"
        self.film = row(*self.frame, self.play, self.cine)
        self.pan = widgets.VBox([row(*pair) for pair in (self.across, self.down)])
        super().__init__(
            [
                self.series,
                row(*self.image),
                self.film,
                # Where one row is too long, a pair goes below the other, label below label.
                row(row(self.window, self.invert), row(self.center, self.width)),
                row(*self.zoom),
                self.pan,
                beside,
                self.message,
                self.python,
            ]
        )

    def _make_controls(self) -> None:
        self.series = field(widgets.Dropdown, "Series", width="auto")
        # Which image of the series, and which frame of it, from 1.
        self.image = number("Image", 1, 1, 1)
        self.frame = number("Frame", 1, 1, 1)
        self.window = field(widgets.Dropdown, "Window", width="270px")
        self.center = field(widgets.FloatText, "Centre", width="230px")
        narrow = {"description_width": "60px"}
        limits = {"min": 1, "max": 1e9, "value": 1}
        self.width = field(widgets.BoundedFloatText, "Width", width="160px", style=narrow, **limits)
        self.invert = checkbox("Invert")
        # In per cent.
        self.zoom = number("Zoom, per cent", 100, 800, 100, 25)
        self.across = number("Across, per cent", 0, 100, 50, 5)
        self.down = number("Down, per cent", 0, 100, 50, 5)

    def _make_film(self) -> None:
        # The buttons of Play have no names that a screen reader could say. So it is not seen, and a
        # button with a name starts it.
        self.cine = widgets.Play(min=1, max=1, value=1, interval=TICK, repeat=True)
        self.cine.layout.display = "none"
        self.play = widgets.ToggleButton(description="Play", icon="play")
        self.play.layout.width = "110px"
        widgets.jslink((self.cine, "value"), (self.frame.box, "value"))
        widgets.jslink((self.play, "value"), (self.cine, "playing"))
        self.play.observe(lambda _: self._play_or_pause(), "value")

    def _play_or_pause(self) -> None:
        (self._with_films.add if self.play.value else self._with_films.discard)(self)
        self.play.description = "Pause" if self.play.value else "Play"
        self.play.icon = "pause" if self.play.value else "play"

    def show_only_the_message(self) -> None:
        """Hide the controls, which have nothing to control."""
        self.children = [self.style_sheet, self.message]

    def show_header(self, dataset: Dataset) -> None:
        """Show the attributes that one looks for first."""
        values = {name: dataset.get(name) for name in ESSENTIALS}
        shown = {
            name: html.escape(str(value))
            for name, value in values.items()
            if value not in (None, "")
        }
        self.header.value = markup.table_of_pairs(shown, "font-size:12px")
