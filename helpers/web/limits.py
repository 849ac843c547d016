"""The limits of all that comes from a network or a file, in one table.

Past a limit comes an error that names it, and says what to do. Who needs more of an answer sets the
environment variable DICOMWEB_LIMITS to a number: with 10, answers may be ten times as large, and
take ten times as long.
"""

import os
from contextlib import suppress
from dataclasses import dataclass, replace

MB = 1 << 20

# Bytes of a body that is read as a whole: the metadata of a study are some 1 MB, a study of the
# archive is 18 MB, and what a browser tab can show is not much more. A stream has no such limit.
BODY_BYTES = 64 * MB
# Bytes of the pixels of one image, decoded: a mammogram has some 30 MB, a CT of 500 slices 260 MB.
PIXEL_BYTES = 1 << 28
# Bytes that all pictures in the making take together, in the classroom PACS; a larger one is made
# alone. A picture takes up to seven times the bytes of its pixels for a moment.
WORKING_BYTES = 1 << 30
# Bytes of attributes that the classroom PACS remembers of the images that it opened last.
REMEMBERED_BYTES = 64 * MB
# Bytes of one part of an answer, which lies in a file: the film of a breast tomosynthesis.
PART_BYTES = 512 * MB
# Bytes that stay free on the disk to which a study is saved.
FREE_BYTES = 256 * MB
# Seconds after which an answer has to have come at its pace, on the average.
PACED_AFTER = 20
RAISED_BY = "DICOMWEB_LIMITS"
HOW_TO_RAISE = f'More is allowed after os.environ["{RAISED_BY}"] = "10": ten times of each limit.'
# Seconds until a connection stands: who is there answers at once, from any place on earth.
CONNECT_SECONDS = 5


@dataclass(frozen=True)
class Limits:
    """How large an answer may be, and how long it may take."""

    silence: float
    """Seconds of waiting for the next bytes."""
    in_all: float
    """Seconds until all of it is there, with everything that is asked again."""
    body: int = BODY_BYTES
    connect: float = CONNECT_SECONDS
    pace: float = 0
    """Bytes in a second, on the average, that it has to have at least."""

    def raised(self) -> "Limits":
        """Return these limits as DICOMWEB_LIMITS raises them."""
        factor = how_often()
        return replace(
            self,
            silence=self.silence * factor,
            in_all=self.in_all * factor,
            body=int(self.body * factor),
            pace=self.pace / factor,
        )


def how_often() -> float:
    """Return by how much limits are raised: 1, if nobody said it, or said what is no number."""
    with suppress(ValueError):
        # In this order "nan" is 1 as well: nothing would be more than that.
        return min(max(1.0, float(os.environ.get(RAISED_BY, 1))), 1e6)
    return 1.0


# connect(): somebody waits before the screen, for a server that may not be there at all. These are
# the seconds for all its questions together; with the start of the classroom PACS in the place of a
# server that does not answer, a whole call takes 15 at most.
CONNECTING = Limits(silence=5, in_all=12)
# A search, metadata or a picture, for a widget or a function: somebody waits for it, too.
ANSWER = Limits(silence=20, in_all=20)
# What a learner asked for with stream=True, and gives to a function of ours: read as a whole (JSON,
# XML, a picture); as the list of its parts; or part by part, and saved.
WHOLE = Limits(silence=20, in_all=60, pace=1000)
PARTS = Limits(silence=60, in_all=600, body=256 * MB, pace=1000)
STREAM = Limits(silence=60, in_all=3600, body=16384 * MB, pace=1000)
# A study that an exercise compares with, over a slow line.
STUDY = Limits(silence=60, in_all=120)
# One of the 35 questions of probe(), to a server that may do whatever it likes.
PROBING = Limits(silence=5, in_all=5, body=200 * MB)
# What a server has of a study, asked for while it is still busy with what it got before.
SEARCH_BEFORE_STORING = Limits(silence=120, in_all=300)
# Storing: 32 MB over a slow line; then the server decodes, writes and indexes what it got.
STORING = Limits(silence=120, in_all=900)


@dataclass(frozen=True)
class ServerLimits:
    """What a server grants to those who ask it, so that nobody keeps the others waiting."""

    head: int = 1 << 17
    """Bytes of a request's head: a list of a thousand UIDs fits into its URL."""
    head_seconds: float = 10
    """Seconds until a head is whole, from its first byte on."""
    idle: float = 60
    """Seconds that a connection is kept on which nothing is asked."""
    least_speed: float = 1000
    """Bytes a second that a body, or an answer, moves at least on average."""
    body_pause: float = 30
    """Seconds for which a body may stand still; then it is too slow."""
    answer_pause: float = 60
    """Seconds for which a client may not read: it may be busy with what it has."""
    farewell: float = 60
    """Seconds for which a client may go on sending after the last answer, which it reads later."""
    farewell_pause: float = 5
    """Seconds after which one that sends no more is taken to have read it."""
    farewell_bytes: int = 1 << 30
    """Bytes that it may send meanwhile; nobody reads them."""
    working: int = 32
    """Requests that are worked on at once; those that wait for their clients come on top."""
    connections: int = 1024
    """Connections at once: three for each of 300 learners, if the machine has room for them."""
    share: float = 0.75
    """How many of these one address may have: a whole class may sit behind one (NAT, a hub)."""


SERVING = ServerLimits()
