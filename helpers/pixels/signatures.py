"""What the bytes of a frame are: told from the bytes themselves, not from their label.

Most encodings begin with a signature, a "magic number". A label (the Content-Type of a part) can
be wrong: servers are known that send a JPEG as `image/png`.
"""

import json
import struct
from typing import NamedTuple

import requests

from helpers.errors import FrameError
from helpers.web.answer import body, check

# The frame header of a JPEG names its process (ITU-T T.81 table B.1; T.87 for JPEG-LS).
JPEG_PROCESSES = {
    0xC0: "JPEG baseline (SOF0)",
    0xC1: "JPEG extended (SOF1)",
    0xC2: "JPEG progressive (SOF2)",
    0xC3: "JPEG Lossless (SOF3)",
    0xF7: "JPEG-LS (SOF55)",
}
JPEG_NAMES = {
    0xC4: "DHT, Huffman table",
    0xD8: "SOI, start of image",
    0xD9: "EOI, end of image",
    0xDA: "SOS, start of scan",
    0xDB: "DQT, quantization table",
    0xE0: "APP0, usually JFIF",
    0xEE: "APP14, usually Adobe",
    0xF8: "LSE, JPEG-LS parameters",
}
SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\x4f\xff\x51": "JPEG 2000 (codestream)",
    b"\x00\x00\x00\x0cjP  ": "JPEG 2000 (JP2 file)",
}
RLE = "RLE Lossless"
RAW = "raw samples"
"""Bytes without a signature: numbers, one after the other."""


class Marker(NamedTuple):
    """One marker segment of a JPEG: where it is, what it is, and its data."""

    offset: int
    code: int
    name: str
    data: bytes


def content(part_or_bytes):
    """Return the bytes of a part, of a single-part answer, or of bytes as they are.

    Raises
    ------
    HTTPProblem
        The answer has a bad status.
    FrameError
        The answer is multipart: its parts hold the frames, or the object has no bytes at all.
    """
    if isinstance(part_or_bytes, bytes | bytearray | memoryview):
        return bytes(part_or_bytes)
    if isinstance(part_or_bytes, requests.Response):
        check(part_or_bytes)
        label = part_or_bytes.headers.get("Content-Type", "")
        if label.lower().startswith("multipart/"):
            raise FrameError(
                "This answer has parts, and each of them is a frame.",
                expected="one part, or an answer with one image",
                came=f"Content-Type: {label}",
                hint="Take the parts first: frame(parts(response)[0]).",
            )
        return body(part_or_bytes)
    try:
        return part_or_bytes.content
    except AttributeError:
        raise FrameError(
            "A frame is made of bytes.",
            expected="a part, bytes, or an answer of requests",
            came=type(part_or_bytes).__name__,
            hint="Take one of the parts: frame(parts(response)[0]).",
        ) from None


def encoding(part_or_bytes):
    r"""Say in plain words what the bytes of a frame are.

    Parameters
    ----------
    part_or_bytes : Part, bytes or requests.Response
        One frame. Its label is not looked at.

    Returns
    -------
    str
        For example ``JPEG Lossless (SOF3), 12 bit``, ``JPEG baseline (SOF0), 8 bit``,
        ``JPEG 2000 (codestream)``, ``PNG``, ``RLE Lossless``. Bytes without a signature are
        ``raw samples``; what is no frame at all is named too: ``HTML``, ``JSON``, ``XML``,
        ``DICOM file``, ``nothing``.

    Examples
    --------
    >>> encoding(b"\x89PNG\r\n\x1a\n...")
    'PNG'
    >>> encoding(b'{"error": "no such study"}')
    'JSON'
    >>> encoding(bytes(1000))
    'raw samples'
    """
    data = content(part_or_bytes)
    if data.startswith(b"\xff\xd8\xff"):
        for marker in jpeg_markers(data):
            if marker.code in JPEG_PROCESSES and marker.data:
                return f"{JPEG_PROCESSES[marker.code]}, {marker.data[0]} bit"
        return "JPEG"
    for signature, name in SIGNATURES.items():
        if data.startswith(signature):
            return name
    if is_rle(data):
        return RLE
    return not_a_frame(data) or RAW


def jpeg_markers(data):
    """List the marker segments of a JPEG or JPEG-LS, up to the compressed samples.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    list of Marker
        Whatever can be read: the list of a damaged JPEG ends early.

    Examples
    --------
    >>> for marker in jpeg_markers(bytes.fromhex("ffd8 ffc0000b 08 0010 0010 01 01 11 00 ffd9")):
    ...     print(marker.offset, marker.name)
    0 SOI, start of image
    2 JPEG baseline (SOF0)
    15 EOI, end of image
    """
    found, at = [], 0
    while at + 2 <= len(data) and data[at] == 0xFF:
        code = data[at + 1]
        name = JPEG_PROCESSES.get(code) or JPEG_NAMES.get(code) or f"marker {code:02X}"
        length = 0
        if code not in (0xD8, 0xD9):
            if at + 4 > len(data):
                break
            [length] = struct.unpack(">H", data[at + 2 : at + 4])
        found.append(Marker(at, code, name, data[at + 4 : at + 2 + length]))
        if code in (0xD9, 0xDA) or (length < 2 and code != 0xD8):
            break
        at += 2 + length
    return found


def size_of(data):
    r"""Return how wide and how high an encoded frame says that it is; zeros if it does not say.

    Parameters
    ----------
    data : bytes
        JPEG, JPEG-LS, JPEG 2000 or PNG.

    Returns
    -------
    tuple of int

    Examples
    --------
    >>> size_of(bytes.fromhex("ffd8 ffc0000b 08 0010 0020 01 01 11 00 ffd9"))
    (32, 16)
    """
    try:
        if data.startswith(b"\xff\xd8\xff"):
            headers = (mark.data for mark in jpeg_markers(data) if mark.code in JPEG_PROCESSES)
            return struct.unpack_from(">HH", next(headers, b""), 1)[::-1]
        if data.startswith(b"\x89PNG"):
            return struct.unpack_from(">LL", data, 16)
        # JPEG 2000: the whole grid, and where on it the image begins (ITU-T T.800 A.5.1).
        start = data.find(b"\xff\x4f\xff\x51")
        right, bottom, left, top = struct.unpack_from(">LLLL", data, start + 8)
        return (right - left, bottom - top) if start >= 0 else (0, 0)
    except struct.error:
        return 0, 0


def is_rle(data):
    """Tell whether bytes begin with the header of an RLE frame (PS3.5 G.5).

    It holds the number of segments and where each of them begins, the first at 64.
    """
    if len(data) < 66:
        return False
    count, *offsets = struct.unpack("<16L", data[:64])
    used, unused = offsets[:count], offsets[count:]
    return (
        1 <= count <= 15
        and used[0] == 64
        and used == sorted(used)
        and used[-1] < len(data)
        and not any(unused)
    )


def not_a_frame(data):
    """Name what a server may send instead of a frame; empty if it may be a frame."""
    start = data[:200].lstrip().lower()
    if not data:
        return "nothing"
    if data[128:132] == b"DICM":
        return "DICOM file"
    if start.startswith((b"<!doctype html", b"<html")):
        return "HTML"
    if start.startswith(b"<?xml"):
        return "XML"
    if start.startswith((b"{", b"[")):
        try:
            json.loads(data)
        except ValueError:
            return ""
        return "JSON"
    return ""
