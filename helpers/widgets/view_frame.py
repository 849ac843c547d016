"""A frame of a study as a picture, as a function."""

from helpers.errors import WorkbookError
from helpers.pixels.display import FILE, picture
from helpers.widgets.frame_source import FrameSource


def view_frame(
    server,
    study_uid,
    series_uid,
    instance_uid,
    number=1,
    window=FILE,
    invert=False,
    zoom=1.0,
    at=(0.5, 0.5),
):
    """Fetch a frame and draw it, as `FrameViewer` does, and print the request.

    Parameters
    ----------
    server : Server
    study_uid, series_uid, instance_uid : str
    number : int
        Of the frame, from 1.
    window : str or tuple of float
        "file", "lung", "mediastinum", "bone", "full range", or ``(centre, width)``.
    invert : bool
        Black for white.
    zoom : float
        1 shows all of it.
    at : tuple of float
        Where to look when zoomed: across and down, from 0 to 1.

    Returns
    -------
    PIL.Image.Image
        At the end of a cell, it shows itself.

    Raises
    ------
    WorkbookError
        No answer, one with a bad status, a frame that cannot be decoded, or a window or zoom that
        makes no sense.

    Notes
    -----
    PS3.18 section 10.4 (frames), PS3.3 section C.11.2 (the window).

    Examples
    --------
    >>> from helpers import connect
    >>> server = connect()
    >>> uids = {
    ...     "study_uid": "2.25.35872168834085900275852582640522096",
    ...     "series_uid": "2.25.700382605123067889941364541050446308",
    ...     "instance_uid": "2.25.1195887653393464892332823185644033270",
    ... }
    >>> view_frame(server, **uids, window="lung").size  # doctest: +ELLIPSIS
    GET /dicomweb/studies/.../frames/1
    (512, 512)
    """
    if zoom < 1 or not all(0 <= place <= 1 for place in at):
        raise WorkbookError(
            "Nobody can look there.",
            expected="a zoom of 1 or more, at places from 0 to 1",
            came=f"zoom={zoom}, at={at}",
            hint="For the lower left quarter: zoom=2, at=(0, 1).",
        )
    source = FrameSource(server, study_uid)
    question = source.frame_question(series_uid, instance_uid, number)
    print(f"GET {question.request.path_url}")
    try:
        shot = source.load(series_uid, instance_uid, number)
    finally:
        source.close()
    return picture(shot.pixels, shot.dataset, window, invert, zoom, at)
