"""Rendered pictures and thumbnails of images (PS3.18 sections 8.3.5 and 10.4)."""

import math
import os
from typing import Any, NamedTuple

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


class Region(NamedTuple):
    """What a picture shows of an image, in its pixels (PS3.18 section 8.3.5.1.3).

    What is not said reaches to the edge; a negative width or height turns the picture round.
    """

    left: float | None = None
    top: float | None = None
    width: float | None = None
    height: float | None = None

    def cut(self, pixels: Pixels) -> Pixels:
        """Return the part of the pixels; raise ValueError if it is not in the image.

        >>> Region(1, None, -2).cut(numpy.arange(8).reshape(2, 4)).tolist()
        [[2, 1], [6, 5]]
        """
        rows, columns = pixels.shape[:2]
        down = _span("height", rows, self.top, self.height)
        return pixels[down, _span("width", columns, self.left, self.width)]


def _span(side: str, whole: int, start: float | None, length: float | None) -> slice:
    first = round(abs(start or 0))
    end = whole if length is None else round(abs(start or 0) + abs(length))
    if not first < end <= whole:
        raise ValueError(f"The {side} of this image is {whole} pixels; {first} to {end} is not.")
    if length is None or length > 0:
        return slice(first, end)
    return slice(end - 1, first - 1 if first else None, -1)


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
        options |= _viewport(request.args["viewport"], 6)
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
    options: dict[str, Any] = {"viewport": _THUMBNAIL}
    if "viewport" in request.args:
        options = _viewport(request.args["viewport"], 2)
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
    region: Region | None = None,
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
        room = room_for(image.pixel, viewport or (0, 0))
    with ROOM.take(room):
        with refusing():
            pixels = _draw(image, number, window)
        if region:
            pixels = region.cut(pixels)
        with refusing():
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
    """Read "center,width,function": all of them are needed (PS3.18 section 8.3.5.1.4)."""
    sides, _, function = text.rpartition(",")
    if function not in _FUNCTIONS:
        raise Problem(
            400,
            f"window={text} is not possible.",
            f"Send center,width,function. The function is one of {', '.join(_FUNCTIONS)}.",
        )
    center, width = numbers("window", sides, 2)
    return Window(center, width, _FUNCTIONS[function])


def _viewport(text: str, most: int) -> dict[str, Any]:
    """Read "width,height", and what may follow: the left, top, width and height of a region."""
    sides = text.split(",")
    # What is left out between others keeps its comma, at the end it does not.
    if not 2 <= len(sides) <= most or not sides[-1]:
        shape = (
            "width,height" if most == 2 else "width,height or width,height,left,top,width,height"
        )
        raise Problem(400, f"viewport={text} is not possible.", f"Send {shape}.")
    size = tuple(whole_number("viewport", side) for side in sides[:2])
    places = [numbers("viewport", side, 1)[0] if side else None for side in sides[2:]]
    return {"viewport": size, "region": Region(*places) if places else None}
