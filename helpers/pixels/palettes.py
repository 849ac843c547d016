"""Indices into a palette -> colours."""

import struct

import numpy
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.pixels import apply_color_lut
from pydicom.uid import ExplicitVRLittleEndian

from helpers.errors import FrameError

# Three tables, one a colour: as they are, or in segments, which take less space (PS3.3 C.7.9.2).
TABLES = [f"{colour}PaletteColorLookupTableData" for colour in ("Red", "Green", "Blue")]
SEGMENTED_TABLES = [f"Segmented{name}" for name in TABLES]
DESCRIPTOR = "RedPaletteColorLookupTableDescriptor"  # all three are alike


def has_palette(dataset):
    """Tell whether the pixels of an image are indices into a palette."""
    return dataset.get("PhotometricInterpretation") == "PALETTE COLOR"


def colours(indices, dataset):
    r"""Look up the colours of a palette image.

    Parameters
    ----------
    indices : numpy.ndarray
        Stored values, of the shape (rows, columns).
    dataset : pydicom.Dataset
        With the palette: descriptor and data of the lookup tables.

    Returns
    -------
    numpy.ndarray
        RGB, uint8, of the shape (rows, columns, 3). Of colours with 16 bits, the upper 8.

    Raises
    ------
    FrameError
        The palette is missing, or damaged.

    Notes
    -----
    PS3.3 C.7.6.3.1.5 (the descriptor) and C.7.6.3.1.6 (the data).

    Examples
    --------
    >>> dataset = Dataset()
    >>> dataset.RedPaletteColorLookupTableDescriptor = [2, 0, 8]
    >>> for name, table in zip(TABLES, (b"\x00\xff", b"\x00\x80", b"\x00\x00")):
    ...     setattr(dataset, name, table)
    >>> colours(numpy.array([[0, 1]]), dataset).tolist()
    [[[0, 0, 0], [255, 128, 0]]]
    """
    _require_palette(dataset)
    count, first, _ = dataset[DESCRIPTOR].value
    try:
        table = _table(dataset, count or 65536, first)
    except (ValueError, IndexError, struct.error) as error:
        raise FrameError(
            "The palette of this image is damaged.",
            expected=f"{count or 65536} entries for each colour",
            came=str(error),
            hint="Ask for the instance again. If it stays so, the server holds a broken object.",
        ) from error
    # An index beyond an end of the table means its first, or its last entry.
    places = numpy.subtract(indices, first, dtype="int64").clip(0, len(table) - 1)
    return table[places]


def _require_palette(dataset):
    has_data = any(all(dataset.get(name) for name in names) for names in (TABLES, SEGMENTED_TABLES))
    if has_data and dataset.get(DESCRIPTOR):
        return
    raise FrameError(
        "The pixels of this image are indices into a palette, and the palette is missing.",
        expected="a data set with Red, Green and Blue Palette Color Lookup Table Data",
        came="one without",
        hint="/metadata has a link in place of long values. Get the whole instance with "
        '"Accept": \'multipart/related; type="application/dicom"\', and call '
        "frame(part, datasets(response)[0]).",
    )


def _table(dataset, count, first):
    """Return the colours of all indices, from the first on: shape (count, 3)."""
    if dataset.get(TABLES[0]):
        tables = [dataset[name].value for name in TABLES]
        # Two bytes an entry, or one; a byte may follow, which makes the length even.
        size = 2 if len(tables[0]) >= 2 * count else 1
        table = numpy.stack([numpy.frombuffer(t, f"<u{size}", count) for t in tables], axis=1)
    else:
        table = apply_color_lut(numpy.arange(first, first + count), _segmented(dataset))
    # Some say 16 bits and use 8 of them.
    return (table >> 8 if table.max() > 255 else table).astype("uint8")


def _segmented(dataset):
    """Return the segments as pydicom wants them: in a data set that knows its byte order."""
    elements = [dataset[name] for name in (DESCRIPTOR, *SEGMENTED_TABLES)]
    palette = Dataset({element.tag: element for element in elements})
    palette.file_meta = FileMetaDataset()
    palette.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return palette
