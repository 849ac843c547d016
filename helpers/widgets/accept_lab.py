"""A bench for Accept headers: build one, send some, compare the answers."""

import base64
import html

import ipywidgets as widgets
from pydicom import Dataset

from helpers.pixels.display import picture, png
from helpers.queries.compare_accepts import SPELLINGS, attempt, build_accept, description_of
from helpers.queries.request import Question, path_of
from helpers.widgets.panel import (
    LABEL,
    Panel,
    button,
    by_words,
    code,
    code_box,
    code_of_words,
    field_layout,
    head,
    row,
    scrolling,
    sentence,
    status,
    text,
)

KINDS = (
    "application/octet-stream",
    "image/jpeg",
    "image/dicom+jpeg",
    "image/jls",
    "image/jp2",
    "image/png",
    "application/dicom",
    "application/dicom+json",
    "application/dicom+xml",
    "*/*",
)
TRANSFER_SYNTAXES = (
    ("none", ""),
    ("*, as it is stored", "*"),
    ("Explicit VR Little Endian", "1.2.840.10008.1.2.1"),
    ("JPEG baseline, 8 bit", "1.2.840.10008.1.2.4.50"),
    ("JPEG lossless", "1.2.840.10008.1.2.4.70"),
    ("JPEG-LS lossless", "1.2.840.10008.1.2.4.80"),
    ("JPEG 2000 lossless", "1.2.840.10008.1.2.4.90"),
    ("RLE lossless", "1.2.840.10008.1.2.5"),
)
# Each column and the least width that it needs.
COLUMNS = {
    "Accept": "165px",
    "Status": "45px",
    "Type, and what the bytes are": "165px",
    "Bytes": "55px",
    "Picture": "70px",
}
THUMBNAIL = 100
WHOLE_RANGE = (128, 256)  # of 8 bits, as centre and width


class AcceptLab(Panel):
    """A bench for Accept headers; `compare_accepts` does the same in code.

    Parameters
    ----------
    server : Server
    resource : str
        A URL below ``server.dicomweb``, or what comes behind it: ``"studies/.../frames/1"``.

    Attributes
    ----------
    kind, transfer_syntax, multipart, quoted, quality : ipywidgets
        The parts of a header.
    accept : ipywidgets.Text
        The header; it may also be typed.
    attempts : list of Attempt
        What was sent, and what came.

    Examples
    --------
    >>> from helpers import connect
    >>> lab = AcceptLab(connect(), "studies")
    >>> lab.kind.value, lab.multipart.value = "application/dicom+json", False
    >>> lab.send_button.click()
    >>> lab.attempts[-1].accept, lab.attempts[-1].response.status_code
    ('application/dicom+json', 200)
    """

    def __init__(self, server, resource):
        self.server = server
        self.path = path_of(server, resource)
        self.attempts = []
        self.kind = widgets.Combobox(
            value=KINDS[0],
            options=KINDS,
            description="Media type",
            style=LABEL,
            layout=field_layout(),
        )
        self.transfer_syntax = widgets.Dropdown(
            options=TRANSFER_SYNTAXES,
            description="Transfer syntax",
            style=LABEL,
            layout=field_layout(),
        )
        self.multipart = _checkbox("multipart/related: an answer in parts", True)
        self.quoted = _checkbox("quotes around the type", True)
        self.quality = widgets.BoundedFloatText(
            1,
            min=0,
            max=1,
            step=0.1,
            description="q, how welcome",
            style=LABEL,
            layout=field_layout(),
        )
        self.accept = widgets.Text(
            description="Accept", style=LABEL, layout=widgets.Layout(width="auto")
        )
        self.send_button = button("Send", self.send, icon="paper-plane", button_style="primary")
        self.compare_button = button("Send three spellings", self.compare, icon="columns")
        self.clear_button = button("Clear", self.clear, icon="eraser")
        self.status, self.table, self.python = text(), text(), code_box()
        super().__init__(
            "wb-accept-lab",
            [
                text(f"GET {code(Question(server, self.path).url)}"),
                row(self.kind, self.transfer_syntax),
                row(self.quality, self.multipart, self.quoted),
                self.accept,
                row(self.send_button, self.compare_button, self.clear_button),
                self.status,
                self.table,
                self.python,
            ],
        )
        for part in (self.kind, self.transfer_syntax, self.multipart, self.quoted, self.quality):
            part.observe(lambda _: self._build(), "value")
        self.accept.observe(lambda _: self._show_code(), "value")
        self.accept.on_msg(self._on_enter)
        self._build()
        self.dataset = description_of(server, self.path)
        self.compare()

    def _build(self):
        self.accept.value = build_accept(
            self.kind.value,
            self.transfer_syntax.value,
            self.multipart.value,
            self.quoted.value,
            self.quality.value,
        )

    def _on_enter(self, _, content, __):
        if content.get("event") == "submit":
            self.send()

    def send(self):
        """Send the header that was built, and add its answer to the table."""
        self._try([self.accept.value])

    def compare(self):
        """Send three spellings of the same wish, and show their answers side by side."""
        self.attempts = []
        self._try(SPELLINGS)

    def clear(self):
        """Empty the table."""
        self.attempts = []
        self._try([])

    def _try(self, accepts):
        self.status.value = status("Asking ...")
        new = [attempt(self.server, self.path, accept, self.dataset) for accept in accepts]
        self.attempts += new
        good = sum(tried.error is None for tried in self.attempts)
        line = status(f"Answered as asked: {good} of {len(self.attempts)}.")
        # Of several answers one refusal is what the table is for; it needs no sentence.
        failed = new and all(tried.error for tried in new)
        self.status.value = line + (sentence(new[-1].error) if failed else "")
        self.table.value = self._table()

    def _show_code(self):
        self.python.value = Question(self.server, self.path, {}, self.accept.value).python(
            ["show"], "show(response)"
        )

    def _table(self):
        rows = "".join(_row(tried) for tried in self.attempts)
        table = f"<table style='table-layout:auto'>{head(COLUMNS)}{rows}</table>"
        return scrolling(table, "Answers", "700px")

    def static(self):
        """Return the table of the answers."""
        lines = [" | ".join(map(str, tried.row)) for tried in self.attempts]
        return {"text/html": self._table(), "text/plain": "\n".join(lines)}


def _checkbox(label, value):
    layout = widgets.Layout(width="auto", margin="2px 12px")
    return widgets.Checkbox(value, description=label, indent=False, layout=layout)


def _row(tried):
    accept, number, kind, size, content = tried.row
    type_and_words = f"{code_of_words(kind)}<br>{by_words(content)}"
    cells = (
        code_of_words(accept),
        f"<b>{number}</b>",
        type_and_words,
        f"{size:,}",
        _thumbnail(tried),
    )
    style = (
        "text-align:left;vertical-align:top;white-space:normal;overflow-wrap:anywhere;min-width:"
    )
    filled = zip(cells, COLUMNS.values(), strict=True)
    return "<tr>" + "".join(f"<td style='{style}{w}'>{cell}</td>" for cell, w in filled) + "</tr>"


def _thumbnail(tried):
    """Return the picture as an image of HTML, with words for those who cannot see it."""
    if tried.pixels is None:
        return "no picture"
    if tried.is_rendered:
        # It has gone through a window already, and black is black.
        drawn = picture(tried.pixels, Dataset(), WHOLE_RANGE)
    else:
        drawn = picture(tried.pixels, tried.dataset)
    drawn.thumbnail((THUMBNAIL, THUMBNAIL))
    encoded = base64.b64encode(png(drawn)).decode()
    words = html.escape(tried.content, quote=True)
    return f"<img alt='{words}' src='data:image/png;base64,{encoded}'>"
