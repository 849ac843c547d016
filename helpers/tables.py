"""Tables in a notebook: text to the left, numbers to the right, and long names short.

UIDs, URLs and keywords have no blanks, so a browser does not break them, and a table of them is
wider than a screen. Tables stay plain DataFrames: only their HTML shows the end of a UID. The whole
one is in the page all the same: it is copied, searched for, and read out.
"""

from __future__ import annotations

import copy
import html
import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from numbers import Number
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas
    from pandas.io.formats.style import Styler

# A Retrieve URL with three UIDs has some 270 characters; pandas would cut it at 50.
LONGEST_TEXT = 300
# In HTML, a place where a line may end; it is not copied with the text.
BREAK = "<wbr>"
WORD_END = re.compile("(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# A keyword in a row, and the path of a value in a record: they may end a line as well.
LONG_WORD = re.compile(r"(?<=>)\w{14,}(?=<)|(?<=>)[\w.]+\[\d+\][\w.\[\]]*(?=<)")
UID = r"(?=[\d.]{20})\d+(?:\.\d+)+"
# The UID of the last resource of a URL, with what comes before it; a UID alone; or the place before
# a long component of another URL or of a media type, or the value of a parameter of it.
LONG_NAME = re.compile(
    rf"(?P<root>https?://[^\s<]*)(?P<name>/[a-z]+/)(?P<last>{UID})"
    rf"|\b(?P<uid>{UID})\b|(?<=[\w+]/)(?=\w{{6}})|(?<=\w=)(?=\w)"
)
# Standard names, as 1.2.840.10008.1.2.4.50 for JPEG, are known by their beginning.
STANDARD = "1.2.840.10008."
# What is too wide is cut at its left: an ellipsis and seven digits have less than 8.8 times the
# width of a digit in each usual font. A notebook that is not trusted keeps these styles, but for
# that unit. What has no width at all would not be copied.
LINE = "display:inline-block;overflow:hidden;white-space:nowrap;vertical-align:bottom"
END = f"{LINE};text-overflow:ellipsis;direction:rtl;max-width:5.6em;max-width:8.8ch"
NOTHING = f"{LINE};width:1px;opacity:0"
# An ellipsis that is not copied.
ELLIPSIS = """<q style='quotes:"…" ""'></q>"""
# Less than JupyterLab's own: six columns fit a page that is magnified to 150 %.
TABLE = "<table class='dataframe' style='font-size:12px;margin-left:0'>"
ROOM = "padding:0.5em 0.35em"
ROW_NAME = f"<th style='text-align:left;{ROOM}'>#</th>"
ROW_NUMBER = f"<th style='text-align:left;font-weight:normal;{ROOM}'>"
# What a Styler calls to write its cells and labels, each a function by place.
WRITERS = ("", "_index", "_columns", "_index_names", "_column_names")


def table_html(table: pandas.DataFrame) -> str:
    """Return a table as HTML that fits a screen."""
    import pandas

    # Also in a kernel that was not prepared, for a widget.
    with pandas.option_context("display.max_colwidth", LONGEST_TEXT):
        written = table._repr_html_()  # type: ignore[operator]
    written = re.sub(r"<style.*?</style>\s*", "", written, flags=re.DOTALL)
    written = re.sub("<table[^>]*>", TABLE, written, count=1)
    head, end, body = written.partition("</thead>")
    sides = _sides(table)
    # The column of the row numbers needs a name; what else is empty heads nothing.
    head = head.replace("<th></th>", ROW_NAME, 1).replace("<th></th>", "<td></td>")
    head = WORD_END.sub(BREAK, _align(head, "th", sides))
    body = LONG_WORD.sub(_break_word, body)
    body = _align(body, "td", sides).replace("<th>", ROW_NUMBER)
    return head + end + shorten(body)


def _break_word(word: re.Match[str]) -> str:
    return re.sub(r"(?<=\w)(?=[.\[])|(?<=\])(?=\.)", BREAK, WORD_END.sub(BREAK, word[0]))


def _sides(table: pandas.DataFrame) -> list[str]:
    """Return to which side each column goes."""
    columns = (table.iloc[:, number] for number in range(table.shape[1]))
    return ["right" if _is_numeric(column) else "left" for column in columns]


def _is_numeric(values: Iterable[object]) -> bool:
    """Tell whether what is there are numbers; a missing value is an empty text."""
    return {isinstance(value, Number) for value in values if value != ""} == {True}


def _align(rows: str, tag: str, sides: list[str]) -> str:
    """Set the cells of each row to their sides, counted from the last."""

    def align_row(row: re.Match[str]) -> str:
        cells = re.split(f"(?=<{tag}>)", row[0])
        first = max(len(cells) - len(sides), 1)
        for number in range(1, len(cells)):
            side = sides[number - first] if number >= first else "left"
            cells[number] = cells[number].replace(
                f"<{tag}>", f"<{tag} style='text-align:{side};{ROOM}'>", 1
            )
        return "".join(cells)

    return re.sub(r"<tr.*?</tr>", align_row, rows, flags=re.DOTALL)


def shorten(content: str) -> str:
    """Let the HTML of a table show the end of each UID and URL, with the whole on demand."""
    return LONG_NAME.sub(_shorten, content)


def _shorten(found: re.Match[str]) -> str:
    """Return what stands for a UID or a URL: it is whole, and its style shows its end."""
    whole = found[0]
    if not whole:
        return BREAK
    if whole.startswith(STANDARD):
        return whole.replace(STANDARD, f"1.2.840.{BREAK}10008.", 1)
    title = html.escape(html.unescape(whole), quote=True)
    uid = found["uid"] or found["last"]
    end = f"<span title='{title}' style='{END}'><bdi dir='ltr'>{uid}</bdi></span>"
    if found["uid"]:
        return end
    root = f"<span style='{NOTHING}'>{found['root']}</span>{found['name']}"
    return f"<span title='{title}' style='white-space:nowrap'>{ELLIPSIS}{root}</span>{BREAK}{end}"


def escape_styles() -> None:
    """Let the cells of each `table.style` be text: pandas writes them as the HTML that they hold.

    It is a setting of pandas (`Styler.format`), so it holds for ``table.style.to_html()`` too.
    """
    import pandas

    pandas.set_option("styler.format.escape", "html")


def style_html(style: Styler) -> str | None:
    """Return a styled table as HTML in which all that its data hold is text, the labels too."""
    written: str | None = _as_text(style)._repr_html_()
    return written


def _as_text(style: Styler) -> Any:
    """Return a copy of a style to which nothing in its table is HTML."""
    # The setting of pandas leaves out labels, lists, tooltips, and what `format` was called for.
    safe: Any = copy.copy(style)
    for kind in WRITERS:
        name = f"_display_funcs{kind}"
        setattr(safe, name, _Writers(getattr(safe, name)))
    safe.concatenated = [_as_text(other) for other in safe.concatenated]
    if safe.tooltips is not None:
        safe.tooltips = copy.copy(safe.tooltips)
        safe.tooltips.tt_data = safe.tooltips.tt_data.map(_escape)
    return safe


class _Writers:
    """The functions that write the cells of a table, each of which gets text without HTML."""

    def __init__(self, writers: Mapping[Hashable, Callable[[object], object]]) -> None:
        self._writers = writers

    def __getitem__(self, place: Hashable) -> Callable[[object], object]:
        write = self._writers[place]
        return lambda value: write(_escape(value))


class _EscapedText(str):
    """A text that pandas does not escape once more."""

    def __html__(self) -> str:
        return self


def _escape(value: object) -> object:
    """Return a value without HTML: as it is, if it is written without any."""
    written = str(value)
    escaped = html.escape(written)
    return value if escaped == written else _EscapedText(escaped)
