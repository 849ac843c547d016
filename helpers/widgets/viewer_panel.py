"""What the viewer of frames looks like: its controls, and where they are."""

import base64
import html

import ipywidgets as widgets

from helpers.widgets.panel import FULL, LABEL, Panel, code_box, row, slider, text

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


def image(png, words):
    """Return a picture, packed as PNG, as HTML, with words for those who cannot see it."""
    encoded = base64.b64encode(png).decode()
    words = html.escape(words, quote=True)
    # Decoded at once, or the screen is empty for a moment at each step.
    return (
        f"<img decoding='sync' alt='{words}' src='data:image/png;base64,{encoded}' "
        "style='max-width:100%;display:block;margin:0'>"
    )


class ViewerPanel(Panel):
    """The controls of `FrameViewer`, and the screen.

    Attributes
    ----------
    series : ipywidgets.Dropdown
    image, frame : tuple of ipywidgets.IntSlider and ipywidgets.BoundedIntText
        Which image of the series, and which frame of it, from 1.
    window : ipywidgets.Dropdown
        "file", "lung", "mediastinum", "bone", "full range" or "my own".
    center, width : ipywidgets.FloatText
    invert : ipywidgets.Checkbox
    zoom, across, down : tuple of ipywidgets.IntSlider and ipywidgets.BoundedIntText
        In per cent.
    play : ipywidgets.ToggleButton
        Starts and stops the film.
    screen, header, message : ipywidgets.HTML
        The picture, the attributes beside it, and what is to be said.
    python : ipywidgets.Textarea
    """

    _with_films = set()  # the viewers whose films play

    def __init__(self):
        # A cell that is run again takes its old viewer from the page, but not the film from the
        # browser: it would go on, and nobody could stop it.
        for viewer in list(self._with_films):
            viewer.play.value = False
        self._make_controls()
        self._make_film()
        self.screen, self.header, self.message = text(), text(), text()
        self.header.layout = widgets.Layout(flex="1 1 260px", width="auto", margin="4px 8px")
        self.python = code_box()
        self.python.rows = 8
        beside = row(self.screen, self.header)
        beside.layout.align_items = "flex-start"
        self.film = row(*reversed(self.frame), self.play, self.cine)
        self.pan = widgets.VBox([row(*reversed(pair)) for pair in (self.across, self.down)])
        super().__init__(
            "wb-frame-viewer",
            [
                self.series,
                row(*reversed(self.image)),
                self.film,
                # Where one row is too long, a pair goes below the other, label below label.
                row(row(self.window, self.invert), row(self.center, self.width)),
                row(*reversed(self.zoom)),
                self.pan,
                beside,
                self.message,
                self.python,
            ],
        )

    def _make_controls(self):
        self.series = widgets.Dropdown(description="Series", style=LABEL, layout=FULL)
        self.image = slider("Image", 1, 1, 1)
        self.frame = slider("Frame", 1, 1, 1)
        self.window = widgets.Dropdown(
            description="Window", style=LABEL, layout=widgets.Layout(width="270px")
        )
        self.center = widgets.FloatText(
            description="Centre", style=LABEL, layout=widgets.Layout(width="230px")
        )
        self.width = widgets.BoundedFloatText(
            description="Width",
            min=1,
            max=1e9,
            value=1,
            style={"description_width": "60px"},
            layout=widgets.Layout(width="160px"),
        )
        self.invert = widgets.Checkbox(
            description="Invert",
            indent=False,
            layout=widgets.Layout(width="auto", margin="2px 12px"),
        )
        self.zoom = slider("Zoom, per cent", 100, 800, 100, 25)
        self.across = slider("Across, per cent", 0, 100, 50, 5)
        self.down = slider("Down, per cent", 0, 100, 50, 5)

    def _make_film(self):
        # The buttons of Play have no names that a screen reader could say. So it is not seen, and a
        # button with a name starts it.
        self.cine = widgets.Play(min=1, max=1, value=1, interval=TICK, repeat=True)
        self.cine.layout.display = "none"
        self.play = widgets.ToggleButton(description="Play", icon="play")
        self.play.layout.width = "110px"
        widgets.jslink((self.cine, "value"), (self.frame[1], "value"))
        widgets.jslink((self.play, "value"), (self.cine, "playing"))
        self.play.observe(lambda _: self._play_or_pause(), "value")

    def _play_or_pause(self):
        (self._with_films.add if self.play.value else self._with_films.discard)(self)
        self.play.description = "Pause" if self.play.value else "Play"
        self.play.icon = "pause" if self.play.value else "play"

    def show_only_the_message(self):
        """Hide the controls, which have nothing to control."""
        style, *_ = self.children
        self.children = [style, self.message]

    def show_header(self, dataset):
        """Show the attributes that one looks for first."""
        values = {name: dataset.get(name) for name in ESSENTIALS}
        rows = "".join(
            f"<tr><th scope='row' style='text-align:left;padding-right:8px'>{name}</th>"
            f"<td style='text-align:left'>{html.escape(str(value))}</td></tr>"
            for name, value in values.items()
            if value not in (None, "")
        )
        self.header.value = f"<table style='font-size:12px'>{rows}</table>"
