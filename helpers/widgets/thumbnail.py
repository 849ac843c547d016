"""A small picture of an instance, as the server draws it; nothing where it draws none."""

import base64
from collections.abc import Sequence

from helpers.errors import WorkbookError
from helpers.pixels.display import picture, png
from helpers.queries.compare_accepts import fetch_description, try_accept
from helpers.queries.request import GetRequest
from helpers.servers.server import Server
from helpers.web.answer import media_type
from helpers.widgets import markup

SIZE = 160
WORDS = "The image that is picked, small"
STYLE = f" style='max-width:{SIZE}px;max-height:{SIZE}px;display:block;margin:0'"
# Nothing else goes into the page: a Content-Type may hold a quote, and more behind it.
DRAWN = ("image/jpeg", "image/png")
STORED = 'multipart/related; type="application/octet-stream"'


def thumbnail(server: Server, path: Sequence[str]) -> str:
    """Return the first frame of an instance as HTML: patient, study, series and instance."""
    if len(path) < 4:
        return ""
    study, series, instance = path[1:]
    frame = f"studies/{study}/series/{series}/instances/{instance}/frames/1"
    return _rendered(server, frame) or _drawn_here(server, frame)


def _rendered(server: Server, frame: str) -> str:
    """Ask the server to draw it (PS3.18 section 8.3.5, Rendering Query Parameters)."""
    size = {"viewport": f"{SIZE},{SIZE}"}
    try:
        answer = GetRequest(server, f"{frame}/rendered", size, ", ".join(DRAWN)).send()
    except WorkbookError:
        return ""
    kind = media_type(answer)
    if not answer.ok or kind not in DRAWN:
        return ""
    encoded = base64.b64encode(answer.content).decode()
    return f"<img alt='{WORDS}' src='data:{kind};base64,{encoded}'{STYLE}>"


def _drawn_here(server: Server, frame: str) -> str:
    """Draw the stored samples, where a server draws nothing."""
    tried = try_accept(server, frame, STORED, fetch_description(server, frame))
    if tried.pixels is None or tried.dataset is None:
        return ""
    drawn = picture(tried.pixels, tried.dataset)
    drawn.thumbnail((SIZE, SIZE))
    return markup.image(png(drawn), WORDS, STYLE)
