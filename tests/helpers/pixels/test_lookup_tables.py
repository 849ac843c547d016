"""Palettes, compared with pydicom's reading of them."""

import struct

import numpy
import pydicom
import pytest
from pydicom.dataset import FileMetaDataset
from pydicom.pixels import apply_color_lut
from pydicom.uid import ExplicitVRLittleEndian

from helpers.errors import FrameError
from helpers.pixels.lookup_tables import SEGMENTED_TABLES, TABLES, colours
from helpers.pixels.stored import read_image_pixel

RANDOM = numpy.random.default_rng(7)


def image(tables, count, first=0, bits=8, names=TABLES):
    """Return the attributes of an image with a palette, as they lie in a file."""
    dataset = pydicom.Dataset()
    dataset.PhotometricInterpretation = "PALETTE COLOR"
    dataset.PixelRepresentation = 1 if first < 0 else 0
    for colour in ("Red", "Green", "Blue"):
        name = f"{colour}PaletteColorLookupTableDescriptor"
        dataset.add_new(name, "SS" if first < 0 else "US", [count % 65536, first, bits])
    for name, table in zip(names, tables, strict=True):
        dataset.add_new(name, "OW", table)
    return dataset


def over_the_wire(dataset):
    """Return what is left of a data set on its way through DICOM JSON."""
    return pydicom.Dataset.from_json(dataset.to_json())


def three_tables(count, kind):
    high = numpy.iinfo(kind).max
    return [RANDOM.integers(0, high, count, kind, endpoint=True).tobytes() for _ in TABLES]


@pytest.mark.parametrize("first", [0, 10, -6])
@pytest.mark.parametrize("count", [16, 256])
def test_colours_of_8_bits_are_those_of_pydicom(count, first):
    dataset = image(three_tables(count, "u1"), count, first)
    indices = numpy.arange(first, first + count, dtype="i2").reshape(4, -1)
    expected = apply_color_lut(indices, dataset)
    assert numpy.array_equal(colours(indices, over_the_wire(dataset)), expected)


@pytest.mark.parametrize("first", [0, 10, -6])
@pytest.mark.parametrize("count", [16, 4096, 65536])
def test_colours_of_16_bits_are_the_upper_half_of_pydicoms(count, first):
    dataset = image(three_tables(count, "u2"), count, first, bits=16)
    # Below the table, and above it.
    indices = numpy.arange(-20, count + 20, dtype="i4").reshape(4, -1)
    indices = indices.clip(-20, 65535 + min(first, 0))
    expected = apply_color_lut(indices, dataset) >> 8
    seen = colours(indices, over_the_wire(dataset))
    assert seen.dtype == numpy.uint8
    assert numpy.array_equal(seen, expected)


def test_an_index_beyond_the_table_is_its_nearest_entry():
    dataset = image([b"\x01\x02\x03\x04"] * 3, 4, first=10)
    seen = colours(numpy.array([[0, 10, 13, 14, 300]], "u2"), dataset)
    assert seen[0, :, 0].tolist() == [1, 1, 4, 4, 4]


def test_segments_are_expanded_as_by_pydicom():
    # PS3.3 C.7.9.2: two entries as they are, then 8 on a line up to the last.
    segments = [struct.pack("<7H", 0, 2, 0, start, 1, 8, 65535) for start in (100, 20_000, 40_000)]
    dataset = image(segments, 10, first=3, bits=16, names=SEGMENTED_TABLES)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    indices = numpy.arange(16, dtype="u1").reshape(2, 8)
    expected = apply_color_lut(indices, dataset) >> 8
    assert numpy.array_equal(colours(indices, over_the_wire(dataset)), expected)


def test_a_byte_that_makes_the_length_even_is_no_entry():
    dataset = image([b"\x05\x06\x07\x00"] * 3, 3)
    assert colours(numpy.array([[0, 1, 2, 3]]), dataset)[0, :, 0].tolist() == [5, 6, 7, 7]


def test_entries_of_8_bits_may_take_two_bytes_each():
    table = numpy.arange(256, dtype="<u2").tobytes()
    dataset = image([table] * 3, 256)
    indices = numpy.arange(256, dtype="u1").reshape(16, 16)
    assert numpy.array_equal(colours(indices, dataset), apply_color_lut(indices, dataset))


def test_more_than_256_entries_of_8_bits():
    table = bytes(range(256)) * 2
    dataset = image([table, table[::-1], table], 512)
    seen = colours(numpy.array([[300, 511]], "u2"), dataset)
    assert seen[0].tolist() == [[44, 211, 44], [255, 0, 255]]


def test_a_palette_that_is_missing_says_where_it_is():
    dataset = image(three_tables(16, "u1"), 16)
    for name in (TABLES[1], "RedPaletteColorLookupTableDescriptor"):
        without = over_the_wire(dataset)
        delattr(without, name)
        with pytest.raises(FrameError, match="the palette is missing") as caught:
            colours(numpy.zeros((2, 2), "u1"), without)
        assert 'type="application/dicom"' in caught.value.hint


@pytest.mark.parametrize(
    ("names", "table"),
    [
        (TABLES, b"\x01\x00\x05\x00"),
        (SEGMENTED_TABLES, b"\x01\x00\x05\x00"),  # a line from nowhere
        (SEGMENTED_TABLES, b"\x00\x00\x01\x00\x05"),  # half an entry
        (SEGMENTED_TABLES, struct.pack("<5H", 0, 1, 5, 1, 4)),  # a line to nowhere
    ],
)
def test_a_damaged_palette_is_explained(names, table):
    dataset = image([table] * 3, 256, bits=16, names=names)
    with pytest.raises(FrameError, match="palette of this image is damaged"):
        colours(numpy.zeros((2, 2), "u1"), over_the_wire(dataset))


def test_only_palette_color_has_a_palette():
    dataset = image(three_tables(16, "u1"), 16)
    assert read_image_pixel(dataset).has_palette
    dataset.PhotometricInterpretation = "MONOCHROME2"  # a supplemental palette (PS3.3 C.7.6.19)
    assert not read_image_pixel(dataset).has_palette


def test_segments_make_no_more_than_a_table_holds():
    """Six bytes can be 65,535 entries, and a segment can name others that are to be repeated."""
    many = struct.pack("<3H", 0, 1, 7) + struct.pack("<3H", 1, 65000, 8) * 1000
    repeated = struct.pack("<6H", 0, 1, 7, 1, 65535, 8) + struct.pack("<4H", 2, 2, 0, 0) * 1000
    endless = struct.pack("<3H", 0, 1, 7) + struct.pack("<4H", 2, 3, 0, 0) * 1000
    for segments, words in (
        (many, "65,536 entries"),
        (repeated, "65,536"),
        (endless, "each other"),
    ):
        dataset = image([segments] * 3, 65536, bits=16, names=SEGMENTED_TABLES)
        with pytest.raises(FrameError, match="damaged") as caught:
            colours(numpy.zeros((1, 1), "u2"), dataset)
        assert words in caught.value.came
