"""Frames of an image, in the transfer syntax that suits what was asked for.

What an `Accept` header asks for is a media type and a transfer syntax. `choose` settles which
transfer syntax the answer has (PS3.18 8.7.3), `read_frame` makes it.

One rule of honesty: a frame that lost something when it was compressed is passed on as it is, or
decoded to samples. It is never compressed again: a lossless copy would be larger and pass for more
than it is, and a second loss would add to the first.
"""

from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MPEGTransferSyntaxes,
)

from classroom.pacs.frame_types import (
    DEFAULTS,
    LOSSY,
    MEDIA_TYPE_OF,
    MEDIA_TYPES,
    OLD_NAMES,
    covers,
    media_type_of,
)
from helpers.pixels.decode import DECODABLE, UNCOMPRESSED, samples
from helpers.pixels.encode import WRITABLE, encode, refuse_bits
from helpers.pixels.stored import NoSuchFrame, NotAvailable, open_image

__all__ = ["NoSuchFrame", "NotAvailable", "available", "choose", "media_type_of", "read_frame"]


def choose(stored, media_type, transfer_syntax, *, bits_stored, samples_per_pixel):
    """Settle in which transfer syntax to answer a request for frames.

    Parameters
    ----------
    stored : str
        UID of the transfer syntax of the file.
    media_type : str
        What a part is to be: ``image/jpeg``, ``application/octet-stream``, ``*/*`` ...
    transfer_syntax : str or None
        The parameter of the media type: a UID, ``*`` for "as stored", or None for the default.
    bits_stored, samples_per_pixel : int
        Attributes of the image.

    Returns
    -------
    str
        UID of a transfer syntax, for `read_frame`.

    Raises
    ------
    NotAvailable
        There is no honest way to make it.

    Examples
    --------
    Uncompressed data as JPEG is JPEG Lossless, not the JPEG of photographs:

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
        _refuse_conversion(as_stored, wanted, media_type)
        refuse_bits(wanted, bits_stored, samples_per_pixel)
    return str(wanted)


def _as_stored(stored):
    """Return the transfer syntax of frames passed on from a file of transfer syntax `stored`."""
    # Implicit, big endian, deflated: frames leave this server as samples in little endian.
    return ExplicitVRLittleEndian if stored in UNCOMPRESSED else UID(stored)


def _refuse_contradiction(media_type, wanted):
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


def _refuse_conversion(as_stored, wanted, media_type):
    if wanted not in WRITABLE:
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


def available(stored, *, bits_stored, samples_per_pixel):
    """List what frames can be had as: the body of a 406.

    Parameters are those of `choose`. What is stored comes first, and is never converted.

    Returns
    -------
    list of str

    Examples
    --------
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


def read_frame(path, number, transfer_syntax):
    """Read one frame of a file, in the transfer syntax that `choose` named.

    Parameters
    ----------
    path : path-like
        A DICOM file.
    number : int
        Which frame, counted from 1.
    transfer_syntax : str
        UID. Equal to the file's own: the frame is passed on untouched.

    Returns
    -------
    bytes
        Raw samples are little endian, and laid out as the image's metadata says: by pixel or by
        plane (Planar Configuration), two pixels sharing a colour for YBR_FULL_422.

    Raises
    ------
    NotAvailable
        No Pixel Data, a broken file, or samples that do not fit into the transfer syntax.
    NoSuchFrame
        No frame has that number.

    Examples
    --------
    >>> len(read_frame("data/archive/joe/CT001_0001.dcm", 1, "1.2.840.10008.1.2.1"))
    614400
    """
    image = open_image(path)
    if transfer_syntax == _as_stored(image.transfer_syntax):
        return image.frame(number)
    return encode(samples(image, number), image.header, transfer_syntax)
