"""A deflated data set is inflated only if it is not too large: one megabyte can hold a thousand."""

import zlib
from typing import IO, BinaryIO, cast

from pydicom.filereader import _read_file_meta_info, read_preamble
from pydicom.uid import DeflatedExplicitVRLittleEndian

from helpers.errors import LimitExceeded
from helpers.web import limits

READ_SIZE = 1 << 16


def check_inflated(file: IO[bytes]) -> None:
    """Raise if the data set of a DICOM file in an answer is deflated and too large."""
    most = limits.PIXEL_BYTES * limits.how_often()
    if inflates_beyond(file, most):
        raise LimitExceeded(
            "A deflated DICOM object in this answer is too large.",
            expected=f"at most {most / limits.MB:g} MB, once it is inflated",
            came="more than that",
            hint="Ask for it in another transfer syntax, or tell the server's owner. "
            + limits.HOW_TO_RAISE,
        )


def inflates_beyond(file: IO[bytes], most: float) -> bool:
    """Tell whether the data set of a DICOM file is deflated, and too large; rewind the file.

    pydicom inflates it in one go, whatever it will read of it (PS3.5 annex A.5).
    """
    binary = cast(BinaryIO, file)
    read_preamble(binary, False)
    size = 0
    if _read_file_meta_info(binary).get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        while not inflater.eof and (data := inflater.unconsumed_tail or file.read(READ_SIZE)):
            size += len(inflater.decompress(data, READ_SIZE))
            if size > most:
                break
    file.seek(0)
    return size > most
