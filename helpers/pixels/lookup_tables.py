"""Lookup tables: the Modality LUT, the VOI LUT, and the colours of a palette, read in one way."""

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.pixels.processing import apply_color_lut
from pydicom.uid import ExplicitVRLittleEndian

from helpers.errors import FrameError
from helpers.pixels.stored import Pixels

# Three tables, one a colour: as they are, or in segments, which take less space (PS3.3 C.7.9.2).
TABLES = [f"{colour}PaletteColorLookupTableData" for colour in ("Red", "Green", "Blue")]
SEGMENTED_TABLES = [f"Segmented{name}" for name in TABLES]
DESCRIPTOR = "RedPaletteColorLookupTableDescriptor"  # all three are alike

MOST_ENTRIES = 1 << 16  # of a table: what an index of 16 bits can name
_DISCRETE, _INDIRECT = 0, 2  # kinds of segments; the one between is linear
_DEPTH = 4  # of segments in segments

_BROKEN = (TypeError, ValueError, OverflowError)  # what comes of a table that makes no sense


class LookupTable(NamedTuple):
    """Entries, the value that the first of them is for, and how many bits an entry has."""

    first: int
    bits: int
    entries: Pixels

    def look_up(self, values: Pixels) -> Pixels:
        """Return the entries for values; beyond an end of the table, its first or last entry."""
        whole = values.round() if values.dtype.kind == "f" else values
        places = (whole.astype("i8") - self.first).clip(0, len(self.entries) - 1)
        return self.entries[places]


def lookup_table(dataset: Dataset, sequence: str, is_signed: bool = False) -> LookupTable | None:
    """Read the first table of a sequence (PS3.3 C.11.1, C.11.2); None if there is none.

    `is_signed` tells how to read the first value mapped, if the values looked up have a sign.
    """
    for item in (dataset.get(sequence) or [])[:1]:
        descriptor, data = item.get("LUTDescriptor"), item.get("LUTData")
        if not descriptor or data is None or (isinstance(data, bytes | list) and not data):
            return None
        try:
            count, first, bits = map(int, descriptor)
            entries = _entries(data, count or 65536)
        except _BROKEN as error:
            raise _damaged(f"The lookup table in {sequence}", "a whole table", error) from error
        # Numbers of 16 bits do not say whether they have a sign; and some tables say 0 bits.
        first = first - 65536 if is_signed and first > 32767 else first
        bits = bits if 1 <= bits <= 16 else max(int(entries.max()).bit_length(), 1)
        return LookupTable(first, bits, entries)
    return None


def _entries(data: bytes | int | Iterable[int], count: int) -> Pixels:
    """Read so many entries: little endian words or bytes, or the numbers themselves."""
    if isinstance(data, bytes):
        # Two bytes an entry, or one; a byte may follow, which makes the length even.
        return numpy.frombuffer(data, "<u2" if len(data) >= 2 * count else "u1", count)
    entries = numpy.atleast_1d(numpy.array(data, "u2"))
    if len(entries) < count:
        raise ValueError(f"{len(entries)} entries")
    return entries[:count]


def colours(indices: Pixels, dataset: Dataset) -> Pixels:
    r"""Look up the colours of a palette image (PS3.3 C.7.6.3.1.5): RGB of 8 bits.

    >>> dataset = Dataset()
    >>> dataset.RedPaletteColorLookupTableDescriptor = [2, 0, 8]
    >>> for name, table in zip(TABLES, (b"\x00\xff", b"\x00\x80", b"\x00\x00")):
    ...     setattr(dataset, name, table)
    >>> colours(numpy.array([[0, 1]]), dataset).tolist()
    [[[0, 0, 0], [255, 128, 0]]]
    """
    has_data = any(all(dataset.get(name) for name in names) for names in (TABLES, SEGMENTED_TABLES))
    descriptor = dataset.get(DESCRIPTOR)
    if not has_data or not descriptor:
        raise FrameError(
            "The pixels of this image are indices into a palette, and the palette is missing.",
            expected="a data set with Red, Green and Blue Palette Color Lookup Table Data",
            came="one without",
            hint="/metadata has a link in place of long values. Get the whole instance with "
            '"Accept": \'multipart/related; type="application/dicom"\', and call '
            "frame(part, datasets(response)[0]).",
        )
    try:
        palette = _palette(dataset, descriptor)
    except (
        ValueError,
        TypeError,
        LookupError,
        OverflowError,
        RecursionError,
        struct.error,
    ) as error:
        raise _damaged(
            "The palette of this image", "a whole table for each colour", error
        ) from error
    return palette.look_up(indices)


def _palette(dataset: Dataset, descriptor: Sequence[int]) -> LookupTable:
    count, first, _ = map(int, descriptor)
    count = count or 65536
    if dataset.get(TABLES[0]):
        columns = [_entries(dataset[name].value, count) for name in TABLES]
        entries = numpy.stack(columns, axis=1)
    else:
        for name in SEGMENTED_TABLES:
            _check_segments(dataset[name].value, descriptor[2])
        entries = apply_color_lut(numpy.arange(first, first + count), _segmented(dataset))
    # Some say 16 bits and use 8 of them.
    entries = (entries >> 8 if entries.max() > 255 else entries).astype("u1")
    return LookupTable(first, 8, entries)


def _check_segments(data: bytes, bits: int) -> None:
    """Raise ValueError if segments make more than a table holds: six bytes can be 65,535 entries.

    A segment may name others that are to be repeated (PS3.3 C.7.9.2), so that each makes more.
    """
    words = numpy.frombuffer(data, "u1" if bits == 8 else "<u2", len(data) * 8 // max(bits, 8))
    left = MOST_ENTRIES

    def walk(at: int, count: int, depth: int = 0) -> None:
        nonlocal left
        if depth > _DEPTH:
            raise ValueError("segments that name each other")
        while count and at + 1 < len(words):
            kind, length = int(words[at]), int(words[at + 1])
            left -= 1 if kind == _INDIRECT else max(length, 1)
            if left < 0:
                raise ValueError(f"segments of more than {MOST_ENTRIES:,} entries")
            at, count = at + 2, count - 1
            if kind == _INDIRECT:
                place = words[at : at + (4 if bits == 8 else 2)].tobytes()
                walk(int.from_bytes(place, "little"), length, depth + 1)
                at += len(place) // words.itemsize
            else:
                at += length if kind == _DISCRETE else 1

    walk(0, len(words))


def _segmented(dataset: Dataset) -> Dataset:
    """Return the segments as pydicom wants them: in a data set that knows its byte order."""
    elements = [dataset[name] for name in (DESCRIPTOR, *SEGMENTED_TABLES)]
    palette = Dataset({element.tag: element for element in elements})
    palette.file_meta = FileMetaDataset()
    palette.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return palette


def _damaged(what: str, expected: str, error: Exception) -> FrameError:
    return FrameError(
        f"{what} is damaged.",
        expected=expected,
        came=str(error),
        hint="Ask for the instance again. If it stays so, the server holds a broken object.",
    )
