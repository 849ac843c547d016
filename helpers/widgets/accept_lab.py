"""A bench for Accept headers: build one, send some, compare the answers."""

from collections.abc import Iterable

import ipywidgets as widgets
from pydicom import Dataset

from helpers.pixels.display import picture, png
from helpers.queries.as_python import write_cell
from helpers.queries.compare_accepts import (
    SPELLINGS,
    Attempt,
    build_accept,
    fetch_description,
    try_accept,
)
from helpers.queries.request import GetRequest, path_of
from helpers.servers.server import Server
from helpers.widgets import markup
from helpers.widgets.controls import button, checkbox, code_box, field, on_enter, row, text
from helpers.widgets.copy_button import CopyButton
from helpers.widgets.kept import Picture
from helpers.widgets.panel import Panel

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
ALL_REFUSED = "This server gives none of them. Choose another media type, and send it."
WHOLE_RANGE = (128, 256)  # of 8 bits, as centre and width


class AcceptLab(Panel):
    """A bench for Accept headers; `compare_accepts` does the same in code.

    Parameters
    ----------
    server
    resource
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

    def __init__(self, server: Server, resource: str) -> None:
        self.server = server
        self.path = path_of(server, resource)
        self.attempts: list[Attempt] = []
        self._make_header_fields()
        self.send_button = button("Send", self.send, icon="paper-plane", button_style="primary")
        self.compare_button = button("Send three spellings", self.compare, icon="columns")
        self.clear_button = button("Clear", self.clear, icon="eraser")
        self.status, self.table, self.python = text(), text(), code_box()
        super().__init__(
            [
                text(f"GET {markup.code(GetRequest(server, self.path).url)}"),
                row(self.kind, self.transfer_syntax),
                row(self.quality, self.multipart, self.quoted),
                self.accept,
                row(self.send_button, self.compare_button, self.clear_button),
                self.status,
                self.table,
                self.python,
                CopyButton(self.python),
            ]
        )
        self._build_header()
        self.dataset = fetch_description(server, self.path)
        self.compare()

    def _make_header_fields(self) -> None:
        self.kind = field(widgets.Combobox, "Media type", value=KINDS[0], options=KINDS)
        self.transfer_syntax = field(widgets.Dropdown, "Transfer syntax", options=TRANSFER_SYNTAXES)
        self.multipart = checkbox("multipart/related: an answer in parts", True)
        self.quoted = checkbox("quotes around the type", True)
        self.quality = field(
            widgets.BoundedFloatText, "q, how welcome", value=1, min=0, max=1, step=0.1
        )
        for part in (self.kind, self.transfer_syntax, self.multipart, self.quoted, self.quality):
            part.observe(lambda _: self._build_header(), "value")
        self.accept = field(widgets.Text, "Accept", width="auto")
        self.accept.observe(lambda _: self._show_code(), "value")
        on_enter(self.accept, self.send)

    def _build_header(self) -> None:
        self.accept.value = build_accept(
            self.kind.value,
            self.transfer_syntax.value,
            self.multipart.value,
            self.quoted.value,
            self.quality.value,
        )

    def send(self) -> None:
        """Send the header that was built, and add its answer to the table."""
        self._try([self.accept.value])

    def compare(self) -> None:
        """Send three spellings of the same wish, and show their answers side by side."""
        self.attempts = []
        self._try(SPELLINGS)

    def clear(self) -> None:
        """Empty the table."""
        self.attempts = []
        self._try([])

    def _try(self, accepts: Iterable[str]) -> None:
        self.status.value = markup.status("Asking ...")
        new = [try_accept(self.server, self.path, accept, self.dataset) for accept in accepts]
        self.attempts += new
        good = sum(tried.error is None for tried in self.attempts)
        line = markup.status(f"Answered as asked: {good} of {len(self.attempts)}.")
        # Of several answers one refusal is what the table is for; it needs no sentence.
        refusals = [tried.error for tried in new if tried.error]
        is_refused = bool(new) and len(refusals) == len(new)
        words = markup.sentence(refusals[-1]) if is_refused else ""
        if is_refused and len(new) > 1 and all(tried.response is not None for tried in new):
            words = ALL_REFUSED
        self.status.value = line + words
        self.table.value = self._table()

    def _show_code(self) -> None:
        request = GetRequest(self.server, self.path, {}, self.accept.value)
        self.python.value = write_cell(request, ["show"], "show(response)")

    def _table(self) -> str:
        rows = "".join(_row(tried) for tried in self.attempts)
        table = f"<table style='table-layout:auto'>{markup.table_head(COLUMNS)}{rows}</table>"
        return markup.scrolling(table, "Answers", "700px")

    def static(self) -> Picture:
        """Return the table of the answers."""
        lines = [" | ".join(map(str, tried.row)) for tried in self.attempts]
        return {"text/html": self._table(), "text/plain": "\n".join(lines)}


def _row(tried: Attempt) -> str:
    accept, number, kind, size, content = tried.row
    type_and_words = f"{markup.code_of_words(kind)}<br>{markup.by_words(content)}"
    cells = (
        markup.code_of_words(accept),
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


def _thumbnail(tried: Attempt) -> str:
    if tried.pixels is None or tried.dataset is None:
        return "no picture"
    if tried.is_rendered:
        # It has gone through a window already, and black is black.
        drawn = picture(tried.pixels, Dataset(), WHOLE_RANGE)
    else:
        drawn = picture(tried.pixels, tried.dataset)
    drawn.thumbnail((THUMBNAIL, THUMBNAIL))
    return markup.image(png(drawn), tried.content)
