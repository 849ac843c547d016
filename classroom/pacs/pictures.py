"""Rendered pictures and thumbnails of images (PS3.18, sections 8.3.5 and 10.4)."""

import math

from werkzeug.wrappers import Response

from classroom.pacs.frames import NotAvailable
from classroom.pacs.http.problems import Problem
from classroom.pacs.retrieve import frame_numbers
from classroom.pacs.service import check_parameters, choose_offer
from helpers.pixels import render
from helpers.pixels.grey import FUNCTIONS
from helpers.web.media_types import MediaType

PICTURES = [MediaType("image/jpeg"), MediaType("image/png")]
_THUMBNAIL = (128, 128)


def rendered(service, request, study, series, instance, frames="1"):
    """Answer with one frame as a picture, in its own window or the one that is asked for."""
    check_parameters(request, ["accept", "window", "viewport", "quality"])
    [image] = service.find(study, series, instance)
    options = {}
    if "window" in request.args:
        options["window"] = _window(request.args["window"])
    if "viewport" in request.args:
        options["viewport"] = _viewport(request.args["viewport"])
    if "quality" in request.args:
        options["quality"] = whole_number("quality", request.args["quality"])
    return _picture(request, image, _frame(image, frames), options)


def thumbnail(service, request, study, series=None, instance=None, frames="1"):
    """Answer with a small picture: of a frame, or of the middle image of a series or study."""
    check_parameters(request, ["accept", "viewport"])
    found = service.find(study, series, instance)
    images = [instance for instance in found if instance.frames] or found
    options = {"viewport": _THUMBNAIL}
    if "viewport" in request.args:
        options["viewport"] = _viewport(request.args["viewport"])
    image = images[len(images) // 2]
    return _picture(request, image, _frame(image, frames), options)


def picture(image, frame, media_type, options):
    """Answer with one frame as a picture.

    Parameters
    ----------
    image : Instance
    frame : int
    media_type : str
        image/jpeg or image/png.
    options : dict
        Of `render.render`.

    Raises
    ------
    Problem
        400 if an option makes no sense, 406 if the image cannot be drawn.
    """
    try:
        content = render.render(image.path, frame, media_type, **options)
    except NotAvailable as reason:
        raise Problem(406, reason.detail, reason.hint, acceptable=["application/dicom"]) from None
    except ValueError as error:
        raise Problem(400, str(error), "Correct the value, or leave it out.") from None
    return Response(content, content_type=media_type)


def numbers(name, text, count):
    """Read `count` numbers with commas between; raise a 400 that names the parameter."""
    try:
        found = [float(number) for number in text.split(",")]
    except ValueError:
        found = []
    if len(found) != count or not all(map(math.isfinite, found)):
        expected = "a number" if count == 1 else f"{count} numbers with commas between"
        raise Problem(400, f"{name}={text} is not possible.", f"Send {expected}.")
    return found


def whole_number(name, text):
    """Read a whole number from 1; raise a 400 that names the parameter."""
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text)):
        raise Problem(400, f"{name}={text} is not possible.", "Send a whole number, 1 or more.")
    return int(text)


def _picture(request, image, frame, options):
    offer = choose_offer(request, PICTURES)
    return picture(image, frame, offer.name, options)


def _frame(image, text):
    found = frame_numbers(image, text)
    if len(found) > 1:
        raise Problem(400, "A picture has one frame.", "Send one request for each frame.")
    return found[0]


def _window(text):
    """Read "center,width" or "center,width,function"."""
    sides = text.split(",")
    function = sides.pop() if len(sides) == 3 else "linear"
    if function not in FUNCTIONS:
        known = ", ".join(FUNCTIONS)
        raise Problem(400, f"window={text} is not possible.", f"The function is one of {known}.")
    return (*numbers("window", ",".join(sides), 2), function)


def _viewport(text):
    return tuple(int(side) for side in numbers("viewport", text, 2))
