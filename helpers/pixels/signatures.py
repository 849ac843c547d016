"""What the bytes of a frame are: told from the bytes themselves, not from their label.

Most encodings begin with a signature, a "magic number". A label (the Content-Type of a part) can
be wrong: servers are known that send a JPEG as `image/png`.
"""

import json
import struct
from typing import NamedTuple

from helpers.dicom.names import is_dicom

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
START_OF_IMAGE, END_OF_IMAGE, START_OF_SCAN = 0xD8, 0xD9, 0xDA
# Markers without a segment: TEM, RST0 to RST7, SOI, EOI (T.81 table B.1).
ALONE = {0x01, *range(0xD0, 0xD8), START_OF_IMAGE, END_OF_IMAGE}
PNG = "PNG"
CODESTREAM = b"\xff\x4f\xff\x51"
SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": PNG,
    CODESTREAM: "JPEG 2000 (codestream)",
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


class Declared(NamedTuple):
    """What a codestream says of its own size, before anything is decoded."""

    width: int
    height: int
    samples: int
    bits: int
    tiles: int = 1

    @property
    def size(self) -> int:
        """Bytes of the decoded samples."""
        return self.width * self.height * self.samples * -(-self.bits // 8)


def encoding(data: bytes) -> str:
    r"""Say in plain words what the bytes of a frame are; also what is no frame at all.

    >>> encoding(b"\x89PNG\r\n\x1a\n..."), encoding(b'{"error": "no such study"}')
    ('PNG', 'JSON')
    >>> encoding(bytes(1000)), encoding(b"")
    ('raw samples', 'nothing')
    """
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
    return _not_a_frame(data) or RAW


def jpeg_markers(data: bytes) -> list[Marker]:
    """List the marker segments of a JPEG or JPEG-LS, up to the samples or to what is damaged.

    >>> for marker in jpeg_markers(bytes.fromhex("ffd8 ffc0000b 08 0010 0010 01 01 11 00 ffd9")):
    ...     print(marker.offset, marker.name)
    0 SOI, start of image
    2 JPEG baseline (SOF0)
    15 EOI, end of image
    """
    found, at = [], 0
    while at + 2 <= len(data) and data[at] == 0xFF:
        code = data[at + 1]
        if code == 0xFF:  # any number of fill bytes may stand before a marker (T.81 B.1.1.2)
            at += 1
            continue
        if code == 0:
            break  # no marker: a decoder would look for the next one, where it pleases
        name = JPEG_PROCESSES.get(code) or JPEG_NAMES.get(code) or f"marker {code:02X}"
        length = 0
        if code not in ALONE:
            if at + 4 > len(data):
                break
            [length] = struct.unpack_from(">H", data, at + 2)
        found.append(Marker(at, code, name, data[at + 4 : at + 2 + length]))
        if code in (END_OF_IMAGE, START_OF_SCAN) or (length < 2 and code not in ALONE):
            break
        at += 2 + length
    return found


def jpeg_colours(data: bytes) -> str:
    """Return how the colours of a JPEG are coded, "RGB" or "YCBCR"; empty if it does not say.

    The transform of an Adobe segment says so (ITU-T T.872 section 6.5.3), and else a JFIF segment
    (T.871), which is always YCbCr, or components that are named R, G and B.
    """
    components = b""
    is_jfif = False
    for marker in jpeg_markers(data):
        if marker.code == 0xEE and marker.data[:5] == b"Adobe" and len(marker.data) >= 12:
            return "YCBCR" if marker.data[11] else "RGB"
        is_jfif = is_jfif or (marker.code == 0xE0 and marker.data[:5] == b"JFIF\0")
        if marker.code in JPEG_PROCESSES:
            components = marker.data[6:15:3]
    if is_jfif:
        return "YCBCR"
    return "RGB" if components == b"RGB" else ""


def declared(data: bytes) -> Declared | None:
    """Read the size that an encoded frame says it has; None if it says none.

    >>> declared(bytes.fromhex("ffd8 ffc0000b 08 0010 0020 01 01 11 00 ffd9"))
    Declared(width=32, height=16, samples=1, bits=8, tiles=1)
    """
    try:
        if data.startswith(b"\xff\xd8\xff"):
            headers = [mark.data for mark in jpeg_markers(data) if mark.code in JPEG_PROCESSES]
            bits, height, width, samples = struct.unpack_from(">BHHB", headers[0])
            return Declared(width, height, samples, bits)
        if data.startswith(b"\x89PNG"):
            width, height, bits, colour = struct.unpack_from(">LLBB", data, 16)
            # Grey, RGB, palette, grey with alpha, RGB with alpha (PNG section 11.2.1).
            return Declared(width, height, {2: 3, 3: 3, 4: 2, 6: 4}.get(colour, 1), bits)
        return _declared_by_jpeg_2000(data)
    except (struct.error, IndexError):
        return None


def _declared_by_jpeg_2000(data: bytes) -> Declared | None:
    """Read the SIZ segment, the first of a codestream (ITU-T T.800 section A.5.1)."""
    start = _codestream(data)
    if start is None:
        return None
    right, bottom, left, top, *grid = struct.unpack_from(">8L", data, start + 8)
    tile_width, tile_height, tile_left, tile_top = grid
    [samples] = struct.unpack_from(">H", data, start + 40)
    depths = data[start + 42 : start + 42 + 3 * samples : 3]
    if not (depths and tile_width and tile_height):
        return None
    across = -(-(right - tile_left) // tile_width)
    down = -(-(bottom - tile_top) // tile_height)
    bits = max(depth & 0x7F for depth in depths) + 1
    return Declared(right - left, bottom - top, samples, bits, across * down)


def _codestream(data: bytes) -> int | None:
    """Return where a codestream begins; in a JP2 file, in which box (T.800 section I.4)."""
    at, head, kind = 0, 0, b""
    while kind != b"jp2c" and not data.startswith(CODESTREAM):
        length, kind = struct.unpack_from(">L4s", data, at)
        head = 8
        if length == 1:
            [length] = struct.unpack_from(">Q", data, at + 8)
            head = 16
        if kind != b"jp2c":
            if length < head:
                return None
            at += length
    return at + head if data.startswith(CODESTREAM, at + head) else None


def is_rle(data: bytes) -> bool:
    """Tell whether bytes begin with the header of an RLE frame (PS3.5 G.5).

    It holds the number of segments and where each of them begins, the first at 64.
    """
    if len(data) < 66:
        return False
    count, *offsets = struct.unpack_from("<16L", data)
    used, unused = offsets[:count], offsets[count:]
    return (
        1 <= count <= 15
        and used[0] == 64
        and all(one < other for one, other in zip(used, [*used[1:], len(data)], strict=True))
        and not any(unused)
    )


def _not_a_frame(data: bytes) -> str:
    """Name what a server may send instead of a frame; empty if it may be a frame."""
    start = data[:200].lstrip().lower()
    if not data:
        return "nothing"
    if is_dicom(data):
        return "DICOM file"
    if start.startswith((b"<!doctype html", b"<html")):
        return "HTML"
    if start.startswith(b"<?xml"):
        return "XML"
    if start.startswith((b"{", b"[")):
        try:
            json.loads(data)
        except (ValueError, RecursionError):
            return ""
        return "JSON"
    return ""
