"""The guard before the decoders: what is damaged, or lies, is an error in a moment."""

import struct
import subprocess
import sys
from pathlib import Path

import imagecodecs
import numpy
import pydicom
import pytest
from pydicom.encaps import get_frame
from pydicom.pixels import convert_color_space
from pydicom.uid import (
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from helpers.errors import FrameError
from helpers.pixels.codecs import decode_stored
from helpers.pixels.encode import LOSSLESS, encode
from helpers.pixels.frame import frame
from helpers.pixels.signatures import declared, encoding, jpeg_colours, jpeg_markers
from helpers.pixels.stored import read_image_pixel
from helpers.web.limits import PIXEL_BYTES
from tests.archive import RAVI

ROOT = Path(__file__).parents[3]


def description(rows, columns, photometric="MONOCHROME2", bits=8, **attributes):
    dataset = pydicom.Dataset()
    dataset.Rows, dataset.Columns = rows, columns
    dataset.SamplesPerPixel = 3 if photometric in ("RGB", "YBR_FULL") else 1
    dataset.PhotometricInterpretation = photometric
    dataset.BitsAllocated = 8 if bits <= 8 else 16
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = bits, bits - 1, 0
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


# Hundreds of damaged frames ------------------------------------------------------------------


@pytest.mark.parametrize("seed", [20, 21])
def test_no_damaged_frame_ends_the_process_or_fills_the_memory(seed):
    """RLE, JPEG of 8 and 12 bits, Lossless, JPEG-LS, JPEG 2000: an array or a FrameError."""
    command = [sys.executable, "-m", "tests.helpers.pixels.fuzz", "200", str(seed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    decoded, refused, megabytes = map(int, done.stdout.split())
    assert decoded > 200 and refused > 200
    assert megabytes < 300


# RLE -----------------------------------------------------------------------------------------


def ravi():
    dataset = pydicom.dcmread(RAVI[0])
    return get_frame(dataset.pop("PixelData").value, 0, number_of_frames=1), dataset


@pytest.mark.parametrize(
    ("at", "number"),
    [
        (2, 1_073_768_745),  # the second segment begins far outside: once a segmentation fault
        (2, 64),  # where the first does: that one is empty
        (1, 60),
        (1, 66),
        (0, 1),  # fewer segments than bytes in a sample
        (0, 3),
        (0, 16),
        (3, 100),  # a segment that is not counted
    ],
)
def test_segments_of_rle_lie_in_the_frame_and_are_as_many_as_bytes_in_a_pixel(at, number):
    data, dataset = ravi()
    broken = data[: 4 * at] + struct.pack("<L", number) + data[4 * at + 4 :]
    pixel = read_image_pixel(dataset)
    with pytest.raises(FrameError, match="cannot be decoded"):
        decode_stored(broken, RLELossless, pixel)
    with pytest.raises(FrameError):
        frame(broken, dataset)


def test_segments_of_rle_fill_the_image_and_no_more():
    """Two bytes make 128: a frame of 4 MB would be 256 MB of an image that has 100 bytes."""
    bomb = struct.pack("<16L", 1, 64, *[0] * 14) + b"\x81\x00" * 2_000_000
    with pytest.raises(FrameError, match="cannot be decoded"):
        frame(bomb, description(10, 10))


# What a codestream says ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "syntax", [JPEGBaseline8Bit, JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless]
)
@pytest.mark.parametrize("shape", [(20, 24), (24, 21), (24, 20, 3)])
def test_a_stored_codestream_is_as_large_as_its_image(syntax, shape):
    pixel = read_image_pixel(description(24, 20))
    whole = encode(numpy.zeros((24, 20), "u1"), pixel, syntax)
    assert decode_stored(whole, syntax, pixel).shape == (24, 20)
    other = read_image_pixel(description(*shape[:2], "RGB" if len(shape) == 3 else "MONOCHROME2"))
    with pytest.raises(FrameError, match="cannot be decoded") as caught:
        decode_stored(encode(numpy.zeros(shape, "u1"), other, syntax), syntax, pixel)
    assert "20 x 24 pixels of 1 samples" in caught.value.expected


def test_a_picture_may_have_another_size_than_the_image():
    """A thumbnail of it, for example."""
    small = imagecodecs.jpeg8_encode(numpy.zeros((6, 5), "u1"))
    assert frame(small, description(24, 20, bits=12)).shape == (6, 5)


@pytest.mark.parametrize("name", ["raw samples", "RLE Lossless"])
def test_a_data_set_that_says_that_its_image_is_vast_is_not_believed(name):
    data = bytes(1000) if name == "raw samples" else ravi()[0]
    assert encoding(data) == name
    with pytest.raises(FrameError, match="cannot be decoded") as caught:
        frame(data, description(60_000, 60_000, bits=16))
    assert f"{PIXEL_BYTES:,}" in caught.value.expected


def test_a_codestream_of_too_many_tiles_is_not_decoded():
    whole = bytearray(imagecodecs.jpeg2k_encode(numpy.zeros((200, 200), "u1"), codecformat="j2k"))
    size = whole.index(b"\xff\x51")
    whole[size + 22 : size + 30] = struct.pack(">LL", 2, 2)
    with pytest.raises(FrameError) as caught:
        frame(bytes(whole))
    assert "10,000 tiles" in caught.value.came


@pytest.mark.parametrize("behind", [b"\0", b"\xd3\x0c\x99\xfa", bytes(7)])
@pytest.mark.parametrize(
    "syntax", [JPEGBaseline8Bit, JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless]
)
def test_what_follows_the_end_is_no_part_of_the_image(syntax, behind):
    dataset = description(24, 20)
    shades = numpy.arange(480, dtype="u2").reshape(24, 20).astype("u1")
    whole = encode(shades, read_image_pixel(dataset), syntax)
    assert (frame(whole + behind, dataset) == frame(whole, dataset)).all()


def test_an_end_in_front_of_the_samples_is_none():
    """The end of a thumbnail inside an Exif segment, say."""
    whole = imagecodecs.jpeg8_encode(numpy.zeros((24, 20), "u1"))
    exif = b"\xff\xe1" + struct.pack(">H", 10) + b"Exif\0\0\xff\xd9"
    with pytest.raises(FrameError, match="its end is missing"):
        frame(whole[:2] + exif + whole[2:-2])


# Colours --------------------------------------------------------------------------------------


@pytest.mark.parametrize("syntax", LOSSLESS)
def test_ybr_full_is_rgb_however_it_was_encoded(syntax):
    """dcmtk and Orthanc put a JFIF segment even into a lossless JPEG."""
    rgb = numpy.random.default_rng(1).integers(0, 256, (8, 8, 3), "u1")
    ybr = convert_color_space(rgb, "RGB", "YBR_FULL")
    expected = convert_color_space(ybr, "YBR_FULL", "RGB").astype(int)
    dataset = description(8, 8, "YBR_FULL", PlanarConfiguration=0)
    data = encode(ybr, read_image_pixel(dataset), syntax)
    assert abs(frame(data, dataset) - expected).max() <= 1
    if syntax == JPEGLosslessSV1:
        jfif = bytes.fromhex("ffe000104a46494600010100000100010000")
        assert abs(frame(data[:2] + jfif + data[2:], dataset) - expected).max() <= 1


def segment(code, data):
    return b"\xff" + bytes([code]) + struct.pack(">H", len(data) + 2) + data


EXIF = segment(0xE1, b"Exif\0\0" + bytes(394))
JFIF = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
FRAME = segment(0xC0, b"\x08\0\x10\0\x10\3\1\x11\0\2\x11\1\3\x11\1")
NAMED = segment(0xC0, b"\x08\0\x10\0\x10\3R\x11\0G\x11\0B\x11\0")


def adobe(transform):
    return segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes([transform]))


@pytest.mark.parametrize(
    ("segments", "colours"),
    [
        (JFIF + FRAME, "YCBCR"),
        (EXIF + JFIF + FRAME, "YCBCR"),
        (EXIF + adobe(1) + FRAME, "YCBCR"),
        (EXIF + adobe(0) + FRAME, "RGB"),
        (JFIF + adobe(0) + FRAME, "RGB"),
        (NAMED, "RGB"),
        (EXIF + FRAME, ""),
        # The words, but not where they count.
        (segment(0xFE, b"JFIF\0 or Adobe\0\x64\0\0\0\0\0") + FRAME, ""),
        (segment(0xE0, b"AVI1") + FRAME, ""),
    ],
)
def test_colours_of_a_jpeg_are_read_from_its_segments(segments, colours):
    assert jpeg_colours(b"\xff\xd8" + segments + b"\xff\xd9") == colours


def test_fill_bytes_before_a_marker_are_no_marker():
    markers = jpeg_markers(b"\xff\xd8" + b"\xff\xff" + FRAME + b"\xff\xd9")
    assert [marker.code for marker in markers] == [0xD8, 0xC0, 0xD9]


LARGE = FRAME.replace(b"\0\x10\0\x10", b"\xff\xff\xff\xff")


@pytest.mark.parametrize("alone", [b"\xff\x01", b"\xff\xd0", b"\xff\xd7"])
def test_markers_without_a_segment_hide_no_other(alone):
    """Read as a segment, it would swallow the frame header that the decoder sees."""
    assert declared(b"\xff\xd8" + alone + LARGE + FRAME)[:2] == (65535, 65535)


def test_what_is_no_marker_ends_the_list():
    hidden = b"\xff\xd8\xff\x00" + LARGE + FRAME
    assert [marker.code for marker in jpeg_markers(hidden)] == [0xD8]
    assert declared(hidden) is None


def test_a_codestream_of_jp2_is_that_of_its_box():
    shades = numpy.zeros((24, 20), "u1")
    whole = imagecodecs.jpeg2k_encode(shades, codecformat="jp2")
    at = whole.index(b"jp2c") - 4
    small = whole[at + 8 :]
    decoy = struct.pack(">L4s", 8 + len(small), b"free") + small
    large = whole[at:].replace(struct.pack(">LL", 20, 24), struct.pack(">LL", 2**20, 2**20))
    assert declared(whole)[:2] == (20, 24)
    assert declared(whole[:at] + decoy + large)[:2] == (2**20, 2**20)
    with pytest.raises(FrameError, match="cannot be decoded"):
        frame(whole[:at] + decoy + large)
    assert declared(whole[:at] + b"\0\0\0\4free") is None


# Where the value is in its cell ----------------------------------------------------------------


def test_high_bit_says_where_the_value_is():
    """PS3.5 section 8.1.1: 12 bits stored, in the upper part of 16."""
    values = numpy.arange(-3, 3, dtype="i2").reshape(2, 3)
    dataset = description(2, 3, bits=12, HighBit=15, PixelRepresentation=1)
    assert (frame((values << 4).tobytes(), dataset) == values).all()
    dataset.HighBit = 11
    assert (frame((values & 0xFFF).tobytes(), dataset) == values).all()
