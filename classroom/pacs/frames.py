"""Frames of an image, in the transfer syntax that suits what was asked for.

What an `Accept` header asks for is a media type and a transfer syntax. `choose` settles which
transfer syntax the answer has (PS3.18 section 8.7.3), `read_frame` makes it.

One rule of honesty: a frame that lost something when it was compressed is passed on as it is, or
decoded to samples. It is never compressed again: a lossless copy would be larger and pass for more
than it is, and a second loss would add to the first.
"""

import os

from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    MPEGTransferSyntaxes,
    RLELossless,
)

from classroom.pacs.image_file import NoSuchFrame, NotAvailable, open_image, refusing
from classroom.pacs.part10 import TransferSyntax
from classroom.pacs.room import ROOM, room_for
from helpers.pixels.codecs import DECODABLE, UNCOMPRESSED
from helpers.pixels.encode import WRITABLE, encode, refuse_bits

__all__ = ["NoSuchFrame", "NotAvailable", "available", "choose", "media_type_of", "read_frame"]

# Media type -> its transfer syntaxes (PS3.18 table 8.7.3-2 and following), by their last numbers.
MEDIA_TYPES = {
    "application/octet-stream": ["1"],
    "image/jpeg": ["4.50", "4.51", "4.57", "4.70"],
    "image/jls": ["4.80", "4.81"],
    "image/jp2": ["4.90", "4.91"],
    "image/jpx": ["4.92", "4.93"],
    "image/jphc": ["4.201", "4.202", "4.203"],
    "image/jxl": ["4.110", "4.111", "4.112"],
    "image/dicom-rle": ["5"],
}
MEDIA_TYPE_OF = {
    f"1.2.840.10008.1.2.{last}": media_type
    for media_type, numbers in MEDIA_TYPES.items()
    for last in numbers
}

# What a media type means when no transfer syntax is named with it.
DEFAULTS = {
    "application/octet-stream": ExplicitVRLittleEndian,
    "image/jpeg": JPEGLosslessSV1,
    "image/jls": JPEGLSLossless,
    "image/jp2": JPEG2000Lossless,
    "image/dicom-rle": RLELossless,
    "image/*": JPEGLosslessSV1,
    "*/*": ExplicitVRLittleEndian,
}

# The names of 2014 (Supplement 161), which clients and handouts still use.
OLD_NAMES = {
    "image/dicom+jpeg": "image/jpeg",
    "image/dicom+jpeg-ls": "image/jls",
    "image/dicom+jp2": "image/jp2",
    "image/dicom+jpx": "image/jpx",
    "image/dicom+rle": "image/dicom-rle",
    "image/x-dicom-rle": "image/dicom-rle",
    "image/x-jls": "image/jls",
}

LOSSY = {
    *(UID(f"1.2.840.10008.1.2.4.{last}") for last in (50, 51, 81, 91, 93, 111, 112, 203)),
    *MPEGTransferSyntaxes,
}


def choose(
    stored: str,
    media_type: str,
    transfer_syntax: str | None,
    *,
    bits_stored: int | None,
    samples_per_pixel: int,
) -> str:
    """Settle in which transfer syntax to answer a request for frames; raise NotAvailable.

    `media_type` is what a part is to be, ``image/jpeg`` or ``*/*``; `transfer_syntax` its
    parameter, ``*`` for "as stored" or None for the default. Uncompressed data as JPEG is JPEG
    Lossless, not the JPEG of photographs:

    >>> choose("1.2.840.10008.1.2.1", "image/jpeg", None, bits_stored=12, samples_per_pixel=1)
    '1.2.840.10008.1.2.4.70'
    """
    as_stored = _as_stored(stored)
    media_type = OLD_NAMES.get(media_type.lower(), media_type.lower())
    if media_type not in DEFAULTS and media_type not in MEDIA_TYPES:
        raise NotAvailable(
            f"Frames are not sent as {media_type}.", "A picture to look at is under /rendered."
        )
    if as_stored in MPEGTransferSyntaxes:
        raise NotAvailable("A video has no separate frames.", "Retrieve the instance.")

    if transfer_syntax == "*":
        # Viewers ask for octet-stream with "*" and mean the stored frame, whatever it is.
        pass_on = media_type == "application/octet-stream" or covers(media_type, as_stored)
        transfer_syntax = None
    else:
        # To "*/*" the standard's default is the answer, unless decoding would hide a loss.
        pass_on = covers(media_type, as_stored) and (media_type != "*/*" or as_stored in LOSSY)
    if transfer_syntax is None:
        wanted = as_stored if pass_on else DEFAULTS.get(media_type)
    else:
        wanted = UID(transfer_syntax)
        _refuse_contradiction(media_type, wanted)
    if wanted != as_stored:
        wanted = _refuse_conversion(as_stored, wanted, media_type)
        with refusing():
            refuse_bits(wanted, bits_stored, samples_per_pixel)
    return str(wanted)


def _as_stored(stored: str) -> UID:
    """Return the transfer syntax of frames passed on from a file of transfer syntax `stored`."""
    # Implicit, big endian, deflated: frames leave this server as samples in little endian.
    return ExplicitVRLittleEndian if stored in UNCOMPRESSED else TransferSyntax(stored)


def _refuse_contradiction(media_type: str, wanted: UID) -> None:
    if wanted in (ImplicitVRLittleEndian, ExplicitVRBigEndian):
        raise NotAvailable(
            f"{wanted.name} is not used in DICOMweb.",
            f"Ask for transfer-syntax={ExplicitVRLittleEndian}.",
        )
    if not covers(media_type, wanted):
        raise NotAvailable(
            f"The transfer syntax {wanted} does not belong to {media_type}.",
            f"Its media type is {media_type_of(wanted)}."
            if wanted in MEDIA_TYPE_OF
            else "Leave the transfer-syntax parameter out to get the default.",
        )


def _refuse_conversion(as_stored: UID, wanted: UID | None, media_type: str) -> UID:
    if wanted is None or wanted not in WRITABLE:
        name = wanted.name if wanted else media_type
        raise NotAvailable(
            f"The server cannot write {name}.", "Ask for transfer-syntax=*, the frame as stored."
        )
    if as_stored not in DECODABLE:
        raise NotAvailable(
            f"The server cannot decode {as_stored.name}.",
            "Ask for transfer-syntax=*, the frame as stored.",
        )
    if as_stored in LOSSY and wanted != ExplicitVRLittleEndian:
        raise NotAvailable(
            f"The frame is stored as {as_stored.name}, which has lost something; compressed "
            "again, it would pass for more than it is.",
            f"Ask for {media_type_of(as_stored)}; transfer-syntax=*, the frame as stored.",
        )
    return wanted


def available(stored: str, *, bits_stored: int | None, samples_per_pixel: int) -> list[str]:
    """List what frames can be had as, the stored form first: the body of a 406.

    >>> for line in available("1.2.840.10008.1.2.1", bits_stored=12, samples_per_pixel=1):
    ...     print(line)
    application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1
    image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.70
    image/jls; transfer-syntax=1.2.840.10008.1.2.4.80
    image/jp2; transfer-syntax=1.2.840.10008.1.2.4.90
    image/dicom-rle; transfer-syntax=1.2.840.10008.1.2.5
    """
    found = []
    for wanted in dict.fromkeys([_as_stored(stored), *WRITABLE]):
        media_type = media_type_of(wanted)
        try:
            choose(
                stored,
                media_type,
                wanted,
                bits_stored=bits_stored,
                samples_per_pixel=samples_per_pixel,
            )
        except NotAvailable:
            continue
        found.append(f"{media_type}; transfer-syntax={wanted}")
    return found


def read_frame(path: str | os.PathLike[str], number: int, transfer_syntax: str) -> bytes:
    """Read one frame of a file, from 1, in the transfer syntax that `choose` named.

    Equal to the file's own, it is passed on untouched. Raw samples are little endian, and laid out
    as the image's metadata says.

    >>> len(read_frame("data/archive/joe/CT001_0001.dcm", 1, "1.2.840.10008.1.2.1"))
    614400
    """
    with refusing():
        image = open_image(path)
        if transfer_syntax == _as_stored(image.transfer_syntax):
            return image.frame(number)
        with ROOM.take(room_for(image.pixel)):
            return encode(image.decode(number, rgb=False), image.pixel, transfer_syntax)


def media_type_of(transfer_syntax: str) -> str:
    """Return the media type of frames in this transfer syntax.

    >>> media_type_of("1.2.840.10008.1.2.4.70"), media_type_of("1.2.840.10008.1.2.1")
    ('image/jpeg', 'application/octet-stream')
    """
    return MEDIA_TYPE_OF.get(str(transfer_syntax), "application/octet-stream")


def covers(media_type: str, transfer_syntax: str) -> bool:
    """Tell whether a media type, or a range of them such as ``image/*``, takes in a frame."""
    own = MEDIA_TYPE_OF.get(transfer_syntax, "")
    return media_type in (own, "*/*") or (media_type == "image/*" and own.startswith("image/"))
