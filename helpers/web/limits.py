"""The limits of all that comes from a network or a file, in one table.

Past a limit comes an error that names it, and says what to do.
"""

from dataclasses import dataclass

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


# connect(): somebody waits before the screen, for a server that may not be there at all. These are
# the seconds for all its questions together; with the start of the classroom PACS in the place of a
# server that does not answer, a whole call takes 15 at most.
CONNECTING = Limits(silence=5, in_all=12)
# A search, metadata or a picture, for a widget or a function: somebody waits for it, too.
ANSWER = Limits(silence=20, in_all=25)
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
