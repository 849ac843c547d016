"""Names of attributes as they stand in a query: keywords and tags."""

import difflib
import functools
import re

from pydicom.datadict import DicomDictionary, dictionary_VR, tag_for_keyword

from classroom.pacs.http.problems import Problem
from classroom.pacs.instance import tag_of

_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_DEEPEST = 20


def path_of(name):
    """Return the tags of an attribute given by keywords or tags, with dots between levels.

    Examples
    --------
    >>> path_of("PatientName"), path_of("00400275.ScheduledProcedureStepID")
    (('00100010',), ('00400275', '00400009'))
    """
    tags = []
    parts = name.split(".")
    if len(parts) > _DEEPEST:
        raise Problem(
            400, f"A path of {len(parts)} attributes is not searched.", f"{_DEEPEST} will do."
        )
    for part in parts:
        if _TAG.fullmatch(part) and _is_known(int(part, 16)):
            tags.append(part.upper())
        elif part and tag_for_keyword(part) is not None:
            tags.append(tag_of(part))
        else:
            raise Problem(400, f"There is no DICOM attribute {part!r}.", _suggestion(part))
    return tuple(tags)


def _is_known(tag):
    return tag in DicomDictionary or _is_private(f"{tag:08X}")


def _is_private(tag):
    return int(tag[:4], 16) % 2 == 1


def creators_of(tags):
    """Return the tags at which the private ones among `tags` say whose they are.

    Examples
    --------
    >>> creators_of({"00100010", "00091001"})
    {'00090010'}
    """
    return {f"{tag[:4]}00{tag[4:6]}" for tag in tags if _is_private(tag)}


def vr_of(tag):
    """Return the Value Representation that the dictionary has for a tag."""
    try:
        return dictionary_VR(int(tag, 16))[:2]
    except KeyError:  # a private attribute
        return "LO"


def _suggestion(name):
    lower = {keyword.lower(): keyword for keyword in _keywords()}
    close = difflib.get_close_matches(name.lower(), lower, n=1)
    if close:
        return f"Did you mean {lower[close[0]]}?"
    return "Use the keyword of PS3.6, such as PatientName, or the tag, such as 00100010."


@functools.cache
def _keywords():
    return [entry[4] for entry in DicomDictionary.values() if entry[4]]
