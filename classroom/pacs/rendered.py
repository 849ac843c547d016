"""Rendered pictures and thumbnails of images (PS3.18 sections 8.3.5 and 10.4)."""

import math
import os
from typing import Any

import imagecodecs
import numpy
from PIL import Image
from werkzeug.wrappers import Response

from classroom.pacs.http.problems import Problem
from classroom.pacs.image_file import ImageFile, NotAvailable, open_image, refusing
from classroom.pacs.instance import SOPInstance
from classroom.pacs.retrieve import frame_numbers
from classroom.pacs.room import ROOM, room_for
from classroom.pacs.service import PacsRequest, Service, check_parameters, choose_offer
from helpers.pixels.display import eight_bits
from helpers.pixels.lookup_tables import colours
from helpers.pixels.stored import Pixels, frame_attributes
from helpers.pixels.windows import FUNCTIONS, Window
from helpers.web.media_types import MediaType

PICTURES = [MediaType("image/jpeg"), MediaType("image/png")]
LARGEST_SIDE = 8192
# Half the time of level 3, for pictures 15 % larger.
PNG_LEVEL = 1
_THUMBNAIL = (128, 128)
# What PS3.18 section 8.3.5.1.4 calls the functions of PS3.3 C.11.2.1.
_FUNCTIONS = {name.lower().replace("_", "-"): name for name in FUNCTIONS}


def rendered(
    service: Service,
    request: PacsRequest,
    study: str,
    series: str,
    instance: str,
    frames: str = "1",
) -> Response:
    """Answer with one frame as a picture, in its own window or the one that is asked for."""
    check_parameters(service, request, ["accept", "window", "viewport", "quality"])
    [image] = service.find(study, series, instance)
    options: dict[str, Any] = {}
    if "window" in request.args:
        options["window"] = _window(request.args["window"])
    if "viewport" in request.args:
        options["viewport"] = _viewport(request.args["viewport"])
    if "quality" in request.args:
        options["quality"] = whole_number("quality", request.args["quality"])
    return _picture(request, image, _frame(image, frames), options)


def thumbnail(
    service: Service,
    request: PacsRequest,
    study: str,
    series: str | None = None,
    instance: str | None = None,
    frames: str = "1",
) -> Response:
    """Answer with a small picture: of a frame, or of the middle image of a series or study."""
    check_parameters(service, request, ["accept", "viewport"])
    found = service.find(study, series, instance)
    images = [instance for instance in found if instance.frames] or found
    options = {"viewport": _THUMBNAIL}
    if "viewport" in request.args:
        options["viewport"] = _viewport(request.args["viewport"])
    image = images[len(images) // 2]
    return _picture(request, image, _frame(image, frames), options)


def picture(image: SOPInstance, frame: int, media_type: str, options: dict[str, Any]) -> Response:
    """Answer with one frame as a picture; `options` are those of `render`."""
    try:
        content = render(image.file, frame, media_type, **options)
    except NotAvailable as reason:
        raise Problem(406, reason.detail, reason.hint, acceptable=["application/dicom"]) from None
    except ValueError as error:
        raise Problem(400, str(error), "Correct the value, or leave it out.") from None
    return Response(content, content_type=media_type)


def render(
    path: str | os.PathLike[str],
    number: int,
    media_type: str,
    *,
    window: Window | None = None,
    viewport: tuple[int, int] | None = None,
    quality: int = 90,
) -> bytes:
    """Draw one frame, in its own window or the one given; colour has none.

    A viewport is columns and rows of the space to fill: the picture is scaled, up or down, to the
    largest size that fits, and keeps its proportions (PS3.18 section 8.3.5.1.3). NotAvailable says
    that the file cannot be drawn, ValueError that an option makes no sense.

    >>> jpeg = render("data/archive/joe/CT001_0001.dcm", 1, "image/jpeg", window=Window(40, 400))
    >>> jpeg[:2].hex()
    'ffd8'
    """
    if media_type not in ("image/jpeg", "image/png"):
        raise NotAvailable(f"Pictures are not sent as {media_type}.", "image/jpeg or image/png.")
    if not 1 <= quality <= 100:
        raise ValueError(f"The quality is 1 to 100, not {quality}.")
    if viewport and not all(1 <= side <= LARGEST_SIDE for side in viewport):
        raise ValueError(f"A viewport is 1 to {LARGEST_SIDE} pixels wide and high.")
    if window and not window.makes_sense:
        least = "1 or more" if window.function == "LINEAR" else "more than 0"
        raise ValueError(f"The width of this window is {least}, not {window.width:g}.")
    with refusing():
        image = open_image(path)
        image.require_pixel_data()
        with ROOM.take(room_for(image.pixel, viewport or (0, 0))):
            pixels = _draw(image, number, window)
            if viewport:
                pixels = _scaled(pixels, viewport)
            pixels = numpy.ascontiguousarray(pixels)
            if media_type == "image/png":
                return bytes(imagecodecs.png_encode(pixels, level=PNG_LEVEL))
            return bytes(imagecodecs.jpeg8_encode(pixels, level=quality))


def _draw(image: ImageFile, number: int, window: Window | None) -> Pixels:
    pixels = image.decode(number, rgb=True)
    if image.pixel.has_palette and pixels.ndim == 2:
        return colours(pixels, image.header)
    return eight_bits(pixels, frame_attributes(image.header, number), window)


def _scaled(pixels: Pixels, viewport: tuple[int, int]) -> Pixels:
    rows, columns = pixels.shape[:2]
    scale = min(viewport[0] / columns, viewport[1] / rows)
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    return numpy.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


def numbers(name: str, text: str, count: int) -> list[float]:
    """Read `count` numbers with commas between; raise a 400 that names the parameter."""
    try:
        found = [float(number) for number in text.split(",")]
    except ValueError:
        found = []
    if len(found) != count or not all(map(math.isfinite, found)):
        expected = "a number" if count == 1 else f"{count} numbers with commas between"
        raise Problem(400, f"{name}={text} is not possible.", f"Send {expected}.")
    return found


def whole_number(name: str, text: str) -> int:
    """Read a whole number from 1; raise a 400 that names the parameter."""
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text)):
        raise Problem(400, f"{name}={text} is not possible.", "Send a whole number, 1 or more.")
    return int(text)


def _picture(
    request: PacsRequest, image: SOPInstance, frame: int, options: dict[str, Any]
) -> Response:
    return picture(image, frame, choose_offer(request, PICTURES).name, options)


def _frame(image: SOPInstance, text: str) -> int:
    found = frame_numbers(image, text)
    if len(found) > 1:
        raise Problem(400, "A picture has one frame.", "Send one request for each frame.")
    return found[0]


def _window(text: str) -> Window:
    """Read "center,width" or "center,width,function"."""
    sides = text.split(",")
    function = sides.pop() if len(sides) == 3 else "linear"
    if function not in _FUNCTIONS:
        known = ", ".join(_FUNCTIONS)
        raise Problem(400, f"window={text} is not possible.", f"The function is one of {known}.")
    center, width = numbers("window", ",".join(sides), 2)
    return Window(center, width, _FUNCTIONS[function])


def _viewport(text: str) -> tuple[int, int]:
    columns, rows = numbers("viewport", text, 2)
    return int(columns), int(rows)
