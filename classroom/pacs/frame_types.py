"""Media types of frames, and the transfer syntaxes that belong to each (PS3.18 8.7.3)."""

from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    MPEGTransferSyntaxes,
    RLELossless,
)

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


def media_type_of(transfer_syntax):
    """Return the media type of frames in this transfer syntax.

    Examples
    --------
    >>> media_type_of("1.2.840.10008.1.2.4.70")
    'image/jpeg'
    >>> media_type_of("1.2.840.10008.1.2.1")
    'application/octet-stream'
    """
    return MEDIA_TYPE_OF.get(str(transfer_syntax), "application/octet-stream")


def covers(media_type, transfer_syntax):
    """Tell whether a media type, or a range of them such as ``image/*``, takes in a frame."""
    own = MEDIA_TYPE_OF.get(transfer_syntax, "")
    return media_type in (own, "*/*") or (media_type == "image/*" and own.startswith("image/"))
