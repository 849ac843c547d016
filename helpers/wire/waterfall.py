"""Many requests on one line of time: which waited, which ran together, and which were long."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from helpers.errors import WorkbookError
from helpers.pixels.show_frame import new_figure
from helpers.web.secrets import mask_url

if TYPE_CHECKING:  # it takes long, and is needed only to draw
    from matplotlib.axes import Axes

# More rows nobody reads.
ROWS = 40
# In pixels of the screen.
WIDTH, ROW, LEFT, RIGHT, ABOVE, TITLE, BELOW = 640, 20, 190, 70, 34, 24, 50
# What a viewer asks for: its colour, and the words in its path.
KINDS = {
    "pictures": ("#2e7d32", re.compile(r"/(frames|rendered|thumbnail|bulkdata)\b")),
    "attributes": ("#a84300", re.compile(r"/metadata\b")),
    "searches and files": ("#1565c0", re.compile("")),
}
UID = re.compile(r"[\d.]{12,}")


class Timed(NamedTuple):
    """A request: its path, when it began and how long it took (in milliseconds), and its bytes."""

    path: str
    start: float
    milliseconds: float
    size: int


def show_waterfall(
    requests: Iterable[Timed | tuple[str, float, float, int]],
    ax: "Axes | None" = None,
    title: str | None = None,
) -> "Axes":
    """Draw requests one below the other, each where and as long as it ran, and print their sum.

    Parameters
    ----------
    requests
        For each: its path, when it began in milliseconds by any clock, how many milliseconds it
        took, and how many bytes came.
    ax
        Where to draw. Without it, a new figure as high as there are requests.
    title
        A line above.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    WorkbookError
        There is no request.

    Examples
    --------
    >>> asked = [("/dicomweb/studies", 0, 12, 900), ("/dicomweb/studies/1.2/series", 13, 30, 8100)]
    >>> ax = show_waterfall(asked)
    2 requests, 9,000 bytes
    """
    rows = sorted((Timed(*row) for row in requests), key=lambda row: row.start)
    if not rows:
        raise WorkbookError(
            "There is no request to draw.",
            expected="a list of (path, start, milliseconds, bytes)",
            came="an empty list",
            hint="Fill the list first: run the cell that sends the requests.",
        )
    shown = rows[:ROWS]
    if ax is None:
        height = ABOVE + (TITLE if title else 0) + BELOW + ROW * len(shown)
        ax = new_figure(WIDTH, height).add_axes(
            (LEFT / WIDTH, BELOW / height, 1 - (LEFT + RIGHT) / WIDTH, ROW * len(shown) / height)
        )
    first = rows[0].start
    for place, row in enumerate(shown):
        begin, colour = row.start - first, KINDS[_kind(row.path)][0]
        ax.barh(place, row.milliseconds, left=begin, height=0.7, color=colour)
        size = f" {row.size / 1000:,.0f} kB" if row.size >= 1000 else f" {row.size} bytes"
        ax.text(begin + row.milliseconds, place, size, va="center", fontsize=9)
    _dress(ax, shown, title)
    total = sum(row.size for row in rows)
    more = f"; the first {ROWS} are drawn" if len(rows) > ROWS else ""
    # No time is printed: it is another one in each run.
    print(f"{len(rows)} request{'s' * (len(rows) != 1)}, {total:,} bytes{more}")
    return ax


def _dress(ax: "Axes", rows: list[Timed], title: str | None) -> None:
    from matplotlib.patches import Patch

    ax.set_yticks(range(len(rows)), [_shorten(row.path) for row in rows], fontsize=9)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlabel("milliseconds", fontsize=11)
    ax.set_xlim(left=0)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    kinds = {_kind(row.path) for row in rows}
    marks = [
        Patch(color=colour, label=kind) for kind, (colour, _) in KINDS.items() if kind in kinds
    ]
    ax.legend(
        handles=marks, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False, fontsize=9
    )
    if title:
        ax.set_title(title, fontsize=10, color="black", pad=24)


def _kind(path: str) -> str:
    return next(kind for kind, (_, words) in KINDS.items() if words.search(path))


def _shorten(path: str) -> str:
    """Return the end of a path; of a UID, its end.

    >>> _shorten("/dicomweb/studies/1.3.6.1.4.1.14519.5/series/1.3.6.1.4.1.14519.7/metadata?x=1")
    'series/…519.7/metadata'
    """
    segments = mask_url(path).partition("?")[0].strip("/").split("/")[-3:]
    return "/".join(
        f"…{segment[-5:]}" if UID.fullmatch(segment) else segment for segment in segments
    )
