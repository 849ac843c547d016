"""How often each value occurs in a picture, and what a window makes of it."""

from typing import TYPE_CHECKING

import numpy
import numpy.typing as npt

from helpers.errors import FrameError
from helpers.pixels.show_frame import new_figure, window_limits

if TYPE_CHECKING:  # it takes long, and is needed only to draw
    from matplotlib.axes import Axes

BARS = 160
WIDTH, HEIGHT = 640, 300
# Pixels around the axes: for the numbers, the words, the strip of greys.
LEFT, RIGHT, BELOW, ABOVE = 20, 20, 52, 64
BLUE, ORANGE = "#1565c0", "#a84300"


def show_histogram(
    values: npt.ArrayLike,
    window: tuple[float, float] | None = None,
    ax: "Axes | None" = None,
    title: str | None = None,
    unit: str = "value",
) -> "Axes":
    """Draw how many pixels have each value, and print a line that says what is drawn.

    Parameters
    ----------
    values
        Of a grey picture: what `frame` returns, or that after the rescale.
    window
        ``(center, width)`` in the units of `values`. Its borders are drawn, and above the bars the
        grey that it gives to each value.
    ax
        Where to draw. Without it, a new figure.
    title
        A line above the bars.
    unit
        What the values are, for example ``"HU"``.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    FrameError
        These are no numbers, or the window makes no sense.

    Examples
    --------
    >>> ramp = numpy.arange(1000).reshape(20, 50)
    >>> ax = show_histogram(ramp, window=(500.5, 501), unit="HU")
    1000 pixels, 0 to 999 HU, window 500.5/501: 25 % black, 50 % grey, 25 % white
    """
    array = _numbers(values)
    low, high = float(array.min()), float(array.max())
    limits = window_limits(*window) if window else (low, high)
    if ax is None:
        ax = new_figure(WIDTH, HEIGHT).add_axes(
            (
                LEFT / WIDTH,
                BELOW / HEIGHT,
                1 - (LEFT + RIGHT) / WIDTH,
                1 - (BELOW + ABOVE) / HEIGHT,
            )
        )
    # A window may reach beyond the values.
    margin = (max(high, limits[1]) - min(low, limits[0])) * 0.02 or 1
    borders = (min(low, limits[0]) - margin, max(high, limits[1]) + margin)
    _draw_bars(ax, array, borders, unit)
    _draw_greys(ax, borders, limits)
    if window:
        ax.axvspan(*limits, color=ORANGE, alpha=0.15, linewidth=0, zorder=0)
        for limit in limits:
            ax.axvline(limit, color=ORANGE, linewidth=1.5)
    if title:
        ax.set_title(title, fontsize=10, color="black", pad=26)
    print(_describe(array, window, limits, unit))
    return ax


def _numbers(values: npt.ArrayLike) -> npt.NDArray[numpy.float64]:
    array = numpy.asarray(values)
    if array.size and array.dtype.kind in "iuf":
        finite = array[numpy.isfinite(array)].astype("float64")
        if finite.size:
            return finite
    raise FrameError(
        "There is nothing to count.",
        expected="an array of numbers",
        came=f"{array.dtype} of the shape {array.shape}",
        hint="Give what frame(...) returned.",
    )


def _draw_bars(
    ax: "Axes", array: npt.NDArray[numpy.float64], borders: tuple[float, float], unit: str
) -> None:
    low, high = array.min(), array.max()
    if (array == numpy.rint(array)).all():
        # A bar that holds two numbers beside one that holds three would be a comb.
        step = numpy.ceil((high - low + 1) / BARS)
        edges = low - 0.5 + step * numpy.arange(numpy.ceil((high - low + 1) / step) + 1)
    else:
        edges = numpy.linspace(low, high, BARS + 1)
    counts, _ = numpy.histogram(array, edges)
    ax.stairs(counts, edges, fill=True, color=BLUE)
    # Linear, the air around a patient would hide everything else.
    ax.set_yscale("log", nonpositive="clip")
    ax.set_ylim(0.7, counts.max() * 1.5)
    ax.set_xlim(*borders)
    ax.set_yticks([], minor=False)
    ax.set_yticks([], minor=True)
    ax.set_xlabel(f"{unit} (height: how many pixels, on a logarithmic scale)", fontsize=11)
    ax.tick_params(labelsize=11)
    ax.spines[["left", "right", "top"]].set_visible(False)


def _draw_greys(ax: "Axes", borders: tuple[float, float], limits: tuple[float, float]) -> None:
    """Draw above the bars which grey each value becomes."""
    strip = ax.inset_axes((0, 1.03, 1, 0.09))
    greys = numpy.linspace(*borders, 1024)[None]
    strip.imshow(greys, cmap="gray", vmin=limits[0], vmax=limits[1], aspect="auto")
    strip.set_xticks([])
    strip.set_yticks([])


def _describe(
    array: npt.NDArray[numpy.float64],
    window: tuple[float, float] | None,
    limits: tuple[float, float],
    unit: str,
) -> str:
    """Say in one line what the bars show."""
    measure = f" {unit}" if unit != "value" else ""
    line = f"{array.size} pixels, {array.min():g} to {array.max():g}{measure}"
    if window is None:
        return line
    # PS3.3 C.11.2.1.2: the lower border is black already, the upper one is still grey.
    black, white = (array <= limits[0]).mean(), (array > limits[1]).mean()
    shares = {"black": black, "grey": 1 - black - white, "white": white}
    words = ", ".join(
        f"{share:.0%}".replace("%", " %") + f" {name}" for name, share in shares.items()
    )
    return f"{line}, window {window[0]:g}/{window[1]:g}: {words}"
