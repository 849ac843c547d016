"""What DICOM calls things, one rule each: UIDs, keywords and tags, and how a file begins."""

import difflib
import os
import re

from pydicom.datadict import dictionary_VR, keyword_dict

from helpers.errors import AttributeProblem

UID_LENGTH = 64
# PS3.5 section 9.1: numbers with dots between. It forbids zeros in front of a number too, but
# devices write them, and whoever compares UIDs compares texts: 1.02 is as good a name as any.
_UID = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_TAG = re.compile("[0-9A-Fa-f]{8}")
_START = 132  # bytes: a preamble and four letters
HEAD = 512  # bytes of a file that tell what it is
# The third element of the File Meta Information of a DICOMDIR (PS3.10 sections 7.1 and 8.6).
_DIRECTORY = b"\x02\x00\x02\x00UI\x14\x001.2.840.10008.1.3.10"


def is_uid(text: str) -> bool:
    """Tell whether a text can be a UID, and so a part of a URL or the name of a file."""
    return len(text) <= UID_LENGTH and _UID.fullmatch(text) is not None


def require_uid(text: str, keyword: str) -> str:
    """Return a UID that is to become a part of a URL; raise AttributeProblem if it is none."""
    if is_uid(text):
        return text
    raise AttributeProblem(
        f"This {keyword} is malformed.",
        expected=f"numbers with dots between, at most {UID_LENGTH} characters",
        came=repr(text[: UID_LENGTH + 10]),
        hint="Compare it with the answer or the file that you took it from.",
    )


def is_dicom(content: bytes) -> bool:
    """Tell whether bytes begin as a DICOM file does (PS3.10 section 7.1)."""
    return content[_START - 4 : _START] == b"DICM"


def head_of(path: str | os.PathLike[str]) -> bytes:
    """Read how a file begins."""
    with open(path, "rb") as file:
        return file.read(HEAD)


def why_no_instance(head: bytes) -> str:
    """Say why a file that begins so holds no instance; an empty text if it may hold one."""
    if not is_dicom(head):
        return "it is not a DICOM file"
    return "it is a DICOMDIR, a list of other files" if is_directory(head) else ""


def is_directory(head: bytes) -> bool:
    """Tell whether bytes begin as a DICOMDIR does, of which each disc has one."""
    return _DIRECTORY in head


def may_be_dicom(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file begins as DICOM does; yes if it cannot be read, for its reader to say."""
    try:
        return is_dicom(head_of(path))
    except OSError:
        return True


def tag_of(name: str) -> str:
    """Return the tag of an attribute, given by its keyword or tag, as DICOM JSON writes it.

    >>> tag_of("PatientName"), tag_of("(7fe0,0010)")
    ('00100010', '7FE00010')
    """
    if name and name in keyword_dict:  # the empty one is that of some retired attributes
        return f"{keyword_dict[name]:08X}"
    # The standard, and pydicom, write (0010,0010).
    digits = re.sub("[(), ]", "", str(name))
    if _TAG.fullmatch(digits):
        return digits.upper()
    raise _no_attribute(name)


def path_of(name: str) -> tuple[str, ...]:
    """Return the tags of an attribute in sequences, as a query has it (PS3.18 section 8.3.4)."""
    return tuple(map(_known_tag, name.split(".")))


def is_path(name: str) -> bool:
    """Tell whether `path_of` knows each attribute; quick, as it looks for no similar name."""
    return all(map(_is_known, name.split(".")))


def _known_tag(name: str) -> str:
    if _is_known(name):
        return tag_of(name)
    raise _no_attribute(name)


def _is_known(name: str) -> bool:
    if _TAG.fullmatch(name):
        return is_private(name) or bool(_dictionary_vr(name))
    return bool(name) and name in keyword_dict


def vr_of(tag: str) -> str:
    """Return the Value Representation that the dictionary has for a tag; LO if it knows none."""
    return _dictionary_vr(tag) or "LO"


def _dictionary_vr(tag: str) -> str:
    try:
        # "US or SS" where something else in the data set decides. Of groups that repeat, such as
        # overlays (60xx), the dictionary knows each.
        return dictionary_VR(int(tag, 16))[:2]
    except KeyError:
        return ""


def is_private(tag: str) -> bool:
    """Tell whether a tag is that of a private attribute: of an odd group (PS3.5 section 7.8)."""
    return int(tag[:4], 16) % 2 == 1


def creator_of(tag: str) -> str | None:
    """Return the tag at which a private attribute says whose it is (PS3.5 section 7.8.1)."""
    if not is_private(tag) or tag[4:6] == "00":
        return None
    return f"{tag[:4]}00{tag[4:6]}"


def _no_attribute(name: object) -> AttributeProblem:
    keywords = {keyword.lower(): keyword for keyword in keyword_dict if keyword}
    close = difflib.get_close_matches(str(name).lower(), keywords, n=1)
    return AttributeProblem(
        "DICOM has no attribute of that name.",
        expected="a keyword (PatientName) or eight hexadecimal digits (00100010)",
        came=str(name),
        hint=f"Did you mean {keywords[close[0]]}?" if close else "PS3.6 lists all keywords.",
    )
