"""A URL of DICOMweb in its parts: each is underlined in a colour, and says what it is."""

import html
import re
from urllib.parse import unquote

# One character: a byte below 80, or several bytes above that (UTF-8).
ENCODED = re.compile(r"%[0-7][0-9A-F]|(?:%[89A-F][0-9A-F])+")
# An underline, and no colour of the letters: it is seen in each theme.
COLOURS = {"server": "#4682b4", "resource": "#2e8b57", "query": "#c77700"}


def url_in_parts(url: str, root: str) -> str:
    """Return a URL as HTML: where the server is, what is asked for, and which of it."""
    beginning = root if url.startswith(root) else ""
    resource, mark, query = url[len(beginning) :].partition("?")
    parts = {"server": beginning, "resource": resource, "query": mark + query}
    shown = {name: part for name, part in parts.items() if part}
    written = "".join(_part(name, part) for name, part in shown.items())
    legend = [_underlined(name, name) for name in shown]
    for found in dict.fromkeys(ENCODED.findall(url)):
        meaning = "a blank" if found == "%20" else unquote(found)
        legend.append(f"<b>{found}</b> is {html.escape(meaning)}")
    return (
        f"<code style='overflow-wrap:anywhere'>{written}</code>"
        f"<div><small>{' &nbsp; '.join(legend)}</small></div>"
    )


def _part(name: str, part: str) -> str:
    marked = ENCODED.sub(lambda found: f"<b>{found[0]}</b>", html.escape(part))
    # In a query, each condition stays in one line, as far as there is room.
    return _underlined(name, marked.replace("&amp;", "<wbr>&amp;"))


def _underlined(name: str, content: str) -> str:
    return f"<span style='border-bottom:2px solid {COLOURS[name]}'>{content}</span>"
