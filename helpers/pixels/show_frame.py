"""Pixels on the screen, with a line of text that says what is seen."""

import zlib
from typing import TYPE_CHECKING, Any

import numpy
import numpy.typing as npt

from helpers.errors import FrameError
from helpers.pixels.stored import Pixels

if TYPE_CHECKING:  # it takes long, and is needed only to draw
    from matplotlib.axes import Axes
    from matplotlib.backend_bases import FigureCanvasBase
    from matplotlib.figure import Figure

DOTS_PER_INCH = 100
# The longer side of a picture, in pixels of the screen.
SMALLEST, LARGEST = 320, 640
TITLE_HEIGHT = 30


def show_frame(
    pixels: npt.ArrayLike,
    window: tuple[float, float] | None = None,
    ax: "Axes | None" = None,
    title: str | None = None,
    aspect: float = 1.0,
) -> "Axes":
    """Draw a frame, and print a line that says what is drawn.

    Parameters
    ----------
    pixels
        Shape (rows, columns) for grey, (rows, columns, 3) for RGB; what `frame` returns.
    window
        ``(center, width)`` in the units of `pixels`: all below is black, all above is white
        (PS3.3 C.11.2.1.2). Without it, the least value is black and the greatest white.
    ax
        Where to draw. Without it, a new figure whose size follows the pixels.
    title
        A line above the picture.
    aspect
        The height of a pixel, divided by its width: Pixel Spacing or Pixel Aspect Ratio, the first
        of the two values divided by the second.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    FrameError
        The array is no picture, or the window or the aspect makes no sense.

    Examples
    --------
    >>> ramp = numpy.arange(4096, dtype="uint16").reshape(64, 64)
    >>> ax = show_frame(ramp, window=(1040, 400), title="A ramp")
    64 x 64, uint16, 0 to 4095, window 1040/400, checksum e4460805
    """
    array = numpy.asarray(pixels)
    is_colour = _is_colour(array)
    limits = _limits(array, window, is_colour)
    _check_aspect(aspect)
    if ax is None:
        rows, columns = array.shape[:2]
        ax = _new_axes(rows * aspect, columns, title)
    if is_colour:
        drawn = ax.imshow(_eight_bits(array), aspect=aspect)
    else:
        drawn = ax.imshow(array, cmap="gray", vmin=limits[0], vmax=limits[1], aspect=aspect)
    # What a page says of the figure to who cannot see it.
    drawn.set_label(description(array, window))
    ax.set_axis_off()
    if title:
        ax.set_title(title, fontsize=10, color="black")
    print(description(array, window))
    return ax


def description(pixels: Pixels, window: tuple[float, float] | None = None) -> str:
    """Say in one line what a picture shows, with a checksum that is the same on every machine.

    >>> description(numpy.zeros((2, 3), "uint8"))
    '3 x 2, uint8, 0 to 0, full range, checksum b1c2a1a3'
    """
    rows, columns = pixels.shape[:2]
    in_order = numpy.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<"))
    words = [
        f"{columns} x {rows}",
        *(["RGB"] if pixels.ndim == 3 else []),
        str(pixels.dtype),
        f"{_short(pixels.min())} to {_short(pixels.max())}",
        f"window {window[0]:g}/{window[1]:g}" if window else "full range",
        f"checksum {zlib.crc32(in_order.data):08x}",
    ]
    return ", ".join(words)


def _short(number: object) -> str:
    return f"{number:g}" if isinstance(number, numpy.floating) else str(number)


def _is_colour(pixels: Pixels) -> bool:
    """Tell colour from grey, and refuse what is neither."""
    if pixels.size and pixels.dtype.kind in "iuf":
        if pixels.ndim == 2:
            return False
        if pixels.ndim == 3 and pixels.shape[2] == 3:
            return True
    raise FrameError(
        "This array is no picture.",
        expected="numbers of the shape (rows, columns) or (rows, columns, 3)",
        came=f"{pixels.dtype} of the shape {pixels.shape}",
        hint="For one of several frames: show_frame(pixels[0]).",
    )


def _limits(
    pixels: Pixels, window: tuple[float, float] | None, is_colour: bool
) -> tuple[float, float]:
    """Return the values that are black and white."""
    if window is None:
        return pixels.min(), pixels.max()
    if is_colour:
        raise FrameError(
            "A colour picture has no window.", hint="Leave it out: show_frame(pixels)."
        )
    return window_limits(*window)


def window_limits(center: float, width: float) -> tuple[float, float]:
    """Return the values that a window makes black and white."""
    if width < 1:
        raise FrameError(
            "A window cannot be that narrow.",
            expected="(center, width), with a width of 1 or more",
            came=f"({center:g}, {width:g})",
            hint="For soft tissue in CT, after the rescale: window=(40, 400).",
        )
    return center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2


def _check_aspect(aspect: float) -> None:
    if not 0.01 <= aspect <= 100:
        raise FrameError(
            "Pixels cannot have that shape.",
            expected="their height divided by their width, 1 for squares",
            came=f"{aspect:g}",
            hint="Of metadata.PixelSpacing, divide the first value by the second.",
        )


def _eight_bits(pixels: Pixels) -> Pixels:
    """Colours as matplotlib wants them: 0 to 255."""
    if pixels.dtype == numpy.uint8:
        return pixels
    return (pixels.astype("float64") * (255 / max(pixels.max(), 255))).clip(0, 255).astype("uint8")


def _new_axes(height: float, width: float, title: str | None) -> "Axes":
    """Make axes of that shape that fill a figure, below its title."""
    longer = max(height, width)
    scale = min(max(longer, SMALLEST), LARGEST) / longer
    width, height = width * scale, height * scale
    above = TITLE_HEIGHT if title else 0
    figure = new_figure(width, height + above)
    return figure.add_axes((0, 0, 1, height / (height + above)))


def new_figure(width: float, height: float) -> "Figure":
    """Make a figure of so many pixels, with a background that any theme can surround."""
    from matplotlib import pyplot

    figure = pyplot.figure(
        figsize=(width / DOTS_PER_INCH, height / DOTS_PER_INCH),
        dpi=DOTS_PER_INCH,
        facecolor="white",
    )
    _print_quickly(figure.canvas)
    return figure


def _print_quickly(canvas: "FigureCanvasBase") -> None:
    """Let Jupyter show this figure pixel by pixel, in a third of the time.

    By default it draws twice, to cut off the margin, which there is none, and then spends most of
    the time on compressing. Cutting also shifts the picture, so that its pixels are blurred.
    """
    print_figure = canvas.print_figure

    def quickly(filename: Any, **options: Any) -> Any:
        options["bbox_inches"] = None
        if options.get("format") == "png":
            options.setdefault("pil_kwargs", {"compress_level": 1})
        return print_figure(filename, **options)

    canvas.print_figure = quickly  # type: ignore[method-assign,assignment]
