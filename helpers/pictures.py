"""Pictures in a page, with words for those who cannot see them.

JupyterLab shows a PNG without an alternative text, whatever its metadata say. In its page a picture
is HTML as well; a file keeps the PNG alone, which code hosts show.
"""

from __future__ import annotations

import base64
import html
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

# JupyterLab and Notebook tell their kernels where the notebook is.
PAGE = "JPY_SESSION_NAME"
SIGNATURES = {b"\xff\xd8": "image/jpeg", b"\x89P": "image/png"}


def add_words(shell: InteractiveShell) -> None:
    """Give the figures and images of a kernel their words, where a page shows them."""
    if PAGE not in os.environ or shell.display_formatter is None:
        return
    formats = shell.display_formatter.formatters["text/html"]

    def register(*_: object) -> None:
        formats.for_type_by_name("matplotlib.figure", "Figure", _draw_figure)
        formats.for_type_by_name("IPython.core.display", "Image", _show_image)

    register()
    # Matplotlib takes all formats of its figures away in the cell that draws its first one, and
    # shows that figure when the cell has ended.
    shell.events.register("pre_run_cell", register)
    shell.events.register("post_execute", register)


def picture_html(content: bytes, words: str, width: int | None = None) -> str:
    """Return a picture file as HTML, with words for those who cannot see it."""
    kind = SIGNATURES.get(content[:2], "image/png")
    size = f" width='{width}'" if width else ""
    alternative = html.escape(words, quote=True)
    encoded = base64.b64encode(content).decode()
    return f"<img alt='{alternative}'{size} src='data:{kind};base64,{encoded}'>"


def _draw_figure(figure: Any) -> str:
    from IPython.core.pylabtools import print_figure

    png = print_figure(figure, "png", base64=False)  # type: ignore[no-untyped-call]
    titles = [axes.get_title() for axes in figure.axes]
    labels = [image.get_label() for axes in figure.axes for image in axes.images]
    words = "; ".join(filter(None, [*titles, *labels]))
    return picture_html(png, words or "A figure; the text of this cell says what it shows.")


def _show_image(image: Any) -> str | None:
    if not isinstance(image.data, bytes):
        return None
    return picture_html(image.data, image.alt or "A picture.", image.width)
