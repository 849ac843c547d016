"""The code of a cell that draws what a viewer shows."""

from helpers.pixels.display import aspect_of, curve_of, is_inverted, voi_lut
from helpers.pixels.stored import read_image_pixel, rescale_in_python
from helpers.queries.request import Question
from helpers.queries.search import JSON

INSTANCE = 'multipart/related; type="application/dicom"'
IMPORTS = "import requests\nfrom pydicom.pixels import apply_modality_lut\n"
NAMES = ("datasets", "frame", "parts", "show_frame")
# What comes after the two requests.
THEN = """
metadata = datasets(answer)[0]
pixels = frame(parts(response)[0], metadata)
"""


def frame_code(question, path, number, dataset, window=None, invert=False):
    """Write a cell that fetches a frame with `requests`, and draws it.

    Parameters
    ----------
    question : Question
        The request of the frame.
    path : str
        The instance, below the root of the server.
    number : int
        Of the frame, from 1.
    dataset : pydicom.Dataset
        The attributes of the instance.
    window : tuple of float, optional
        Centre and width; colour has none.
    invert : bool
        Black for white.

    Returns
    -------
    str
        Python, which needs a `server`.

    Examples
    --------
    >>> from helpers import connect
    >>> from helpers.queries.request import Question
    >>> from pydicom import Dataset
    >>> path = "studies/1.2/series/1.3/instances/1.4"
    >>> question = Question(connect(), f"{path}/frames/1")
    >>> print(frame_code(question, path, 1, Dataset(), (40, 400)).splitlines()[-1])
    ax = show_frame(values, (40, 400))
    """
    # A table is too long for the metadata, or lacks its byte order; the instance has both.
    has_table = read_image_pixel(dataset).has_palette or "ModalityLUTSequence" in dataset
    path, accept = (path, INSTANCE) if has_table else (f"{path}/metadata", JSON)
    then = Question(question.server, path, {}, accept).call("answer") + THEN
    aspect = aspect_of(dataset)
    shape = f", aspect={aspect:g}" if aspect != 1 else ""
    if window is None:
        return question.python(NAMES, f"{then}ax = show_frame(pixels{shape})")
    rescale = rescale_in_python(dataset, number)
    if rescale:
        group, _, item = rescale.rpartition(".")
        then += f"group = metadata.{group}\nmetadata.update(group.{item})\n"
    then += "values = apply_modality_lut(pixels, metadata)\n"
    if voi_lut(dataset):
        then += "# The file asks for a table, its VOI LUT; this draws a line.\n"
    elif curve_of(dataset) != "LINEAR":
        then += f"# The file asks for the curve {curve_of(dataset)}; this draws a line.\n"
    then += f"ax = show_frame(values, ({window[0]:g}, {window[1]:g}){shape})"
    if is_inverted(dataset, invert):
        then += '\nax.images[0].set_cmap("gray_r")'
    written = question.python(NAMES, then)
    return written.replace("import requests\n", IMPORTS, 1)
