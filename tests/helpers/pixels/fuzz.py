"""Decode damaged frames, a process of its own: what a C decoder does wrong ends only this one.

Run with how many damaged frames of each encoding to try, and a seed. It prints how many were
decoded and refused, and how many MB the process took beyond what it had before.
"""

import random
import sys

import imagecodecs
import numpy
from pydicom.uid import (
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from helpers.errors import FrameError
from helpers.pixels.codecs import decode, decode_stored
from helpers.pixels.encode import encode
from helpers.pixels.signatures import encoding
from helpers.pixels.stored import ImagePixel

GREY = ImagePixel(48, 40, 1, 16, 12, 11, False, "MONOCHROME2", False)
BYTES = ImagePixel(48, 40, 1, 8, 8, 7, False, "MONOCHROME2", False)
COLOUR = ImagePixel(48, 40, 3, 8, 8, 7, False, "RGB", False)


def frames():
    """Yield whole frames: the bytes, their transfer syntax, and the description of the image."""
    numbers = numpy.random.default_rng(2)
    grey = numbers.integers(0, 4096, GREY.shape, "u2")
    colour = numbers.integers(0, 256, COLOUR.shape).astype("u1")
    for syntax in (RLELossless, JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless):
        yield encode(grey, GREY, syntax), syntax, GREY
        yield encode(colour, COLOUR, syntax), syntax, COLOUR
    yield imagecodecs.jpeg8_encode((grey >> 4).astype("u1")), JPEGBaseline8Bit, BYTES
    yield imagecodecs.jpeg8_encode(colour), JPEGBaseline8Bit, COLOUR
    yield imagecodecs.jpeg8_encode(grey, bitspersample=12), JPEGExtended12Bit, GREY


def damaged(frame, rng):
    """Change some bytes, most of them in the headers, or cut some out."""
    made = bytearray(frame)
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        at = rng.randrange(min(len(made), rng.choice((16, 64, 200, len(made)))))
        kind = rng.randrange(5)
        if kind == 0:
            made[at] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
        elif kind == 1:
            made[at : at + 4] = rng.randbytes(4)
        elif kind == 2:
            del made[at : at + rng.randrange(1, 9)]
        else:
            made[at] ^= 1 << rng.randrange(8)
    return bytes(made)


def memory():
    """Return the most memory that this process has had, in MB; 0 where nobody can say."""
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> (
        20 if sys.platform == "darwin" else 10
    )


def main(count, seed):
    rng, before, outcomes = random.Random(seed), 0, {True: 0, False: 0}
    for frame, syntax, pixel in frames():
        decode_stored(frame, syntax, pixel)
        before = before or memory()
        for _ in range(count):
            broken = damaged(frame, rng)
            name = encoding(broken)
            calls = [lambda: decode_stored(broken, syntax, pixel)]  # noqa: B023 - called at once
            if name.startswith("JPEG"):
                calls.append(lambda: decode(broken, name, None))  # noqa: B023
            for call in calls:
                try:
                    call()
                    outcomes[True] += 1
                except FrameError:
                    outcomes[False] += 1
    print(*outcomes.values(), memory() - before)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
