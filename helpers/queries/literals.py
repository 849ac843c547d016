"""Texts as Python writes them, in lines that a widget shows without scrolling sideways."""

import re

# A box of code shows 74 characters on a screen of 1024 pixels. Notebooks have as many as here.
WIDTH = 68
# Where a long value may go on in another line: after a parameter of a media type, or a name.
PIECE = re.compile(r"(?<=[;,] )|(?<=,)(?! )")


def quoted(text):
    """Write a text as people write it in Python: with double quotes, if it holds none.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> print(quoted("image/jpeg"), quoted('type="image/jpeg"'))
    "image/jpeg" 'type="image/jpeg"'
    """
    text = str(text)
    if '"' in text or "\\" in text or not text.isprintable():
        return repr(text)
    return f'"{text}"'


def assignment(name, text):
    """Write the assignment of a text to a name: in parentheses, if it is long.

    Parameters
    ----------
    name, text : str

    Returns
    -------
    str

    Examples
    --------
    >>> print(assignment("study_uid", "2.25.35872168834085900275852582640522096"))
    study_uid = "2.25.35872168834085900275852582640522096"
    """
    row = f"{name} = {quoted(text)}"
    return row if len(row) <= WIDTH else f"{name} = (\n    {quoted(text)}\n)"


def url_rows(path):
    r"""Write the URL of a resource, given the server as ``server``, as an argument of a call.

    Parameters
    ----------
    path : str
        Below the root of the server.

    Returns
    -------
    list of str
        A UID stays whole, also where its line is then a little longer than the others.

    Examples
    --------
    >>> uid = "1.3.6.1.4.1.14519.5.2.1.7777.9002.198875685720513246512710453733"
    >>> print("\n".join(url_rows(f"studies/{uid}/series")))
        f"{server.dicomweb}/studies"
        "/1.3.6.1.4.1.14519.5.2.1.7777.9002.198875685720513246512710453733"
        "/series",
    """
    rows = ["{server.dicomweb}"]
    for segment in re.findall("/[^/]*", f"/{path}"):
        if len(f'    f"{rows[-1]}{segment}",') <= WIDTH:
            rows[-1] += segment
        else:
            rows.append(segment)
    first, *others = rows
    written = [f'    f"{first}"', *(f"    {quoted(row)}" for row in others)]
    written[-1] += ","
    return written


def dictionary_rows(name, texts, before=()):
    r"""Write a dictionary as an argument of a call: in one row, if that is short.

    Parameters
    ----------
    name : str
        Of the argument.
    texts : dict of str to str
    before : iterable of str
        What stands before them in the dictionary, as Python.

    Returns
    -------
    list of str

    Examples
    --------
    >>> print("\n".join(dictionary_rows("headers", {"Accept": "image/png"}, ["**headers"])))
        headers={**headers, "Accept": "image/png"},
    """
    entries = [*before, *(f"{quoted(key)}: {quoted(value)}" for key, value in texts.items())]
    row = f"    {name}={{{', '.join(entries)}}},"
    if len(row) <= WIDTH and len(texts) <= 1:
        return [row]
    rows = [f"        {entry}," for entry in before]
    for key, value in texts.items():
        rows += _entry_rows(key, value)
    return [f"    {name}={{", *rows, "    },"]


def _entry_rows(key, value):
    row = f"        {quoted(key)}: {quoted(value)},"
    pieces = PIECE.split(value)
    if len(row) <= WIDTH or len(pieces) == 1:
        return [row]
    indent = " " * 12
    rows = [""]
    for piece in pieces:
        if len(indent + quoted(rows[-1] + piece)) <= WIDTH:
            rows[-1] += piece
        else:
            rows.append(piece)
    written = [indent + quoted(piece) for piece in rows if piece]
    return [f"        {quoted(key)}: (", *written, "        ),"]
