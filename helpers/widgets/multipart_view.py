"""A multipart body as the parser sees it: every byte of it, labelled."""

from pathlib import Path

import ipywidgets as widgets
import requests

from helpers.multipart.describe import MEANINGS, Piece, label_pieces
from helpers.web.answer import media_type
from helpers.web.secrets import mask_url
from helpers.widgets import markup
from helpers.widgets.controls import field, text
from helpers.widgets.kept import Picture
from helpers.widgets.panel import Panel

# Dark text on a light ground: legible whatever the theme around it is. The word stands in the
# badge too, so that nobody needs to see the colour.
COLOURS = {
    "preamble": "#e0e0e0",
    "delimiter": "#ffcc80",
    "headers": "#90caf9",
    "blank line": "#eeeeee",
    "data": "#a5d6a7",
    "closing delimiter": "#ff8a65",
    "epilogue": "#e0e0e0",
    "missing": "#ef9a9a",
}
LINE_ENDS = r"A line end, CR LF, is written <code>\r\n</code>."
# More than that in one list, and nobody reads it: then a part is chosen.
PARTS = 20
# A list of three parts needs no box that scrolls, in which the last row is easily missed.
WHOLE_ROWS = 16
STATIC_LINES = 40
# A live answer, or a saved body: its bytes, or the file that holds them.
Body = requests.Response | bytes | str | Path


class MultipartView(Panel):
    r"""A multipart body, taken to pieces; `describe_multipart` does the same in code.

    Parameters
    ----------
    response
        A live answer, or a saved body: its bytes, or the file that holds them. An answer that was
        asked for with ``stream=True`` is read to its end here, and cannot be read again.
    content_type
        The Content-Type header of a saved body, which names the boundary. Without it, the first
        line of the body is taken for the boundary.

    Attributes
    ----------
    pieces : list of Piece
    error : WorkbookError or None
        Why the body could not be read, or not to its end.
    part : ipywidgets.Dropdown
        Which part is shown.

    Examples
    --------
    >>> body = b"--cut\r\nContent-Type: text/plain\r\n\r\nHello\r\n--cut--"
    >>> view = MultipartView(body, "multipart/related; boundary=cut")
    >>> view
    offset 0, 7 bytes, delimiter: '--cut\r\n'
    offset 7, 26 bytes, headers: 'Content-Type: text/plain\r\n'
    offset 33, 2 bytes, blank line: '\r\n'
    offset 35, 5 bytes, data: 'Hello'
    offset 40, 9 bytes, closing delimiter: '\r\n--cut--'
    """

    def __init__(self, response: Body, content_type: str | None = None) -> None:
        self.pieces, self.error = label_pieces(response, content_type)
        self.origin = _origin(response)
        self.count = count = max((piece.part for piece in self.pieces), default=0)
        choices = [("all parts", 0)] if count <= PARTS else []
        choices += [(f"part {number} of {count}", number) for number in range(1, count + 1)]
        options = choices or [("no part", 0)]
        self.part = field(widgets.Dropdown, "Show:", width=None, options=options)
        self.summary, self.body = text(), text()
        if not self.pieces:
            # There is nothing to take to pieces: it steps aside.
            self.summary.value = markup.status(self._why_not(response))
            super().__init__([self.summary])
            return
        super().__init__([self.summary, self.part, self.body])
        self.part.observe(lambda _: self._show(), "value")
        self._show()

    def _why_not(self, response: Body) -> str:
        """Say why there are no parts: an answer in one piece is no fault."""
        if isinstance(response, requests.Response) and response.ok:
            kind = media_type(response)
            if kind and not kind.startswith("multipart/"):
                return f"This answer comes in one piece, as {markup.code(kind)}: it has no parts."
        return markup.sentence(self.error) if self.error else "The body is empty."

    def _show(self) -> None:
        size = sum(piece.size for piece in self.pieces)
        parts = "1 part" if self.count == 1 else f"{self.count} parts"
        line = f"{self.origin}{parts}, {size:,} bytes. {LINE_ENDS}"
        why = markup.sentence(self.error) if self.error else ""
        self.summary.value = markup.status(line) + why
        height = "none" if len(self._shown) <= WHOLE_ROWS else "560px"
        self.body.value = markup.scrolling(self._rows(), "The body, piece by piece", height)

    @property
    def _shown(self) -> list[Piece]:
        # Without a part chosen, what lies outside of the parts is shown too.
        return [piece for piece in self.pieces if self.part.value in (0, piece.part)]

    def _rows(self) -> str:
        rows = "".join(_row(piece) for piece in self._shown)
        names = markup.table_head(("Offset", "Bytes", "What it is", "Content"))
        return f"<table style='width:100%;table-layout:auto'>{names}{rows}</table>"

    def static(self) -> Picture:
        """Return the table."""
        lines = [
            f"offset {piece.offset}, {piece.size} bytes, {piece.kind}: {piece.excerpt}"
            for piece in self.pieces[:STATIC_LINES]
        ]
        if len(self.pieces) > STATIC_LINES:
            lines.append(f"and {len(self.pieces) - STATIC_LINES} more pieces")
        if self.error:
            lines.append(str(self.error))
        picture = self.summary.value + (self._rows() if self.pieces else "")
        return {"text/html": picture, "text/plain": "\n".join(lines)}


def _origin(response: Body) -> str:
    """Say which request brought the body; and how to do the same in code."""
    twin = f"In code: {markup.code('describe_multipart(response)')}<br>"
    if not isinstance(response, requests.Response):
        return twin
    return f"{response.request.method} {markup.code(mask_url(str(response.request.url)))}<br>{twin}"


def _row(piece: Piece) -> str:
    cells = "".join(
        f"<td style='text-align:left;vertical-align:top;white-space:nowrap'>{content}</td>"
        for content in (f"{piece.offset:,}", f"{piece.size:,}", _badge(piece.kind))
    )
    words = f"<small>{MEANINGS[piece.kind]}</small><br>"
    content = f"<td style='text-align:left;width:100%'>{words}{_content(piece)}</td>"
    return f"<tr>{cells}{content}</tr>"


def _badge(kind: str) -> str:
    style = f"background:{COLOURS[kind]};color:#000;padding:1px 6px;border-radius:3px"
    return f"<span style='{style}'>{kind}</span>"


def _content(piece: Piece) -> str:
    if not piece.size:
        return ""
    if piece.kind != "data":
        return markup.preformatted(piece.written.replace(r"\r\n", "\\r\\n\n").rstrip("\n"))
    lines = markup.preformatted(piece.preview)
    return f"<details><summary>{markup.code(piece.excerpt)}</summary>{lines}</details>"
