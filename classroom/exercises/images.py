"""The exercises of notebook 03: see the images."""

from typing import Any, NamedTuple

import numpy

from classroom.exercises.answers import NotAttempted, NotYet, describe, need
from classroom.exercises.cavity import key_images, stack, tissues
from classroom.exercises.exercise import exercise
from helpers.servers.server import Server

NOTEBOOK = "03-see-the-images"
SHADES = 255
LARGEST = 1e6
# Shades of grey between what is to be told apart at a glance, and what can be told apart at all.
APART, VISIBLE = 60, 20


class Look(NamedTuple):
    """What a learner looks at: the number of the image in its series, and the window."""

    number: int
    center: float
    width: float


@exercise(
    NOTEBOOK,
    hints=[
        "A cavity is a hole with a wall around it. Air is in it, and air is the darkest of all.",
        "It lies in the upper part of the lung, and the stack begins at the neck: it is among the "
        "first ten images. In the picture, it is on the right.",
        "The wall is as dense as flesh, and the lung is full of air: the window `lung` shows both. "
        "Stop when a ring appears on the right, and run the cell of the check again.",
    ],
    solution="""
        image, lung_window = 7, (-600, 1500)
        find_cavity.check((image, lung_window))
    """,
)
def find_cavity(server: Server, viewer: Any) -> str:
    """Find the cavity, in a window that shows it."""
    images, keys = stack(server), key_images(server)
    look = look_of(viewer, images)
    # On the images beside them, its ends are seen.
    nearest = min(abs(look.number - key) for key in keys)
    air, lung, wall = shades_of(server, look)
    if nearest > 1:
        where = "further up" if look.number > max(keys) else "further down"
        raise NotYet(f"There is no cavity on image {look.number}. It is {where}.")
    if wall - lung < APART:
        raise NotYet(
            f"Image {look.number} is right. But in your window, lung and wall are both "
            f"{grey(lung)}: {wall - lung} of {SHADES} shades lie between them."
        )
    marked = "who wrote the report marked it, too" if not nearest else "its edge is seen here"
    found = f"The cavity is on image {look.number}: {marked}."
    if lung - air < VISIBLE:
        return f"{found} In the window `lung`, its air is also darker than the lung around it."
    return f"{found} In your window, air, lung and wall have three different shades."


def grey(shade: int) -> str:
    """Say in a word how bright a shade is.

    >>> grey(0), grey(100), grey(255)
    ('black', 'grey', 'white')
    """
    return "black" if shade < SHADES // 5 else "white" if shade > SHADES * 4 // 5 else "grey"


def look_of(viewer: Any, images: list[str]) -> Look:
    """Return what a viewer shows, or what a pair says: a number, and a window."""
    if hasattr(viewer, "shot"):
        if viewer.shot is None:
            raise NotAttempted("The viewer shows no image. Run its cell again, then this one.")
        uid = str(viewer.shot.dataset.SOPInstanceUID)
        if uid not in images:
            raise NotYet("The viewer shows another series. Choose Ravi's CT in it.")
        center, width = (float(getattr(one, "value", one)) for one in (viewer.center, viewer.width))
        if uid == images[0]:
            raise NotAttempted(
                "Go through the images in the viewer, choose a window, and run this cell again."
            )
        return Look(images.index(uid) + 1, center, width)
    need(viewer, tuple | list, "the viewer, or a pair: number of the image, and window")
    flat = [*viewer[:1], *viewer[1]] if len(viewer) == 2 and is_pair(viewer[1]) else [*viewer]
    if len(flat) != len(Look._fields) or not all(map(is_number, flat)):
        yours = " and ".join(map(describe, flat)) or "empty"
        raise NotYet(f"Give the viewer, or `(image, (center, width))`. Yours: {yours}.")
    look = Look(int(flat[0]), float(flat[1]), float(flat[2]))
    if not 1 <= look.number <= len(images):
        raise NotYet(f"There is no image {look.number}. The stack has {len(images)}.")
    return look


def is_pair(value: object) -> bool:
    """Tell whether a value is a tuple or a list."""
    return isinstance(value, tuple | list)


def is_number(value: object) -> bool:
    """Tell whether a value is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float | numpy.number):
        return False
    return bool(abs(float(value)) < LARGEST)


def shades_of(server: Server, look: Look) -> tuple[int, int, int]:
    """Return the shades of the air in the cavity, of the lung around it, and of its wall."""
    if look.width <= 1:
        raise NotYet(f"A window with the width {look.width:g} shows nothing.")
    shades = []
    for hounsfield in tissues(server):
        # PS3.3 C.11.2.1.2.1
        share = (hounsfield - (look.center - 0.5)) / (look.width - 1) + 0.5
        shades.append(int(SHADES * min(max(share, 0), 1)))
    air, lung, wall = shades
    return air, lung, wall
