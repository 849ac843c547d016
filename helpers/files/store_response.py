"""What a server says after storing: what became of each instance (PS3.18 annex I)."""

import copy
from typing import Any

import requests
from requests.structures import CaseInsensitiveDict

from helpers.dicom.datasets import unchecked_records
from helpers.dicom.json_model import Record, first_value, values_of
from helpers.web.answer import in_one_line, media_type

STORED, FAILED = "stored", "failed"

# Kinds of codes: of these, the last two or three digits are the server's own.
KINDS = {
    0xA700: (0xFF00, "the server has no room left"),
    0xA900: (0xFF00, "its content does not fit the kind of object (SOP Class) that it says to be"),
    0xC000: (0xF000, "the server cannot understand some of its data elements"),
}
# PS3.18 tables I.2-1 and I.2-2; and what these tables allow besides: PS3.7 annex C.
REASONS = {
    0x0105: "it has an attribute that the server does not take",
    0x0106: "an attribute has a value that is not allowed",
    0x0107: "the server did not take all of its attributes",
    0x0110: "the server failed while it stored it",
    0x0111: "an instance of that UID is there already",
    0x0112: "the server does not know an instance that belongs to it",
    0x0116: "the value of an attribute is out of range",
    0x0117: "its SOP Instance UID is not well-formed",
    0x0118: "the server does not know this kind of object (SOP Class)",
    0x0119: "the server knows its UID as that of another kind of object (SOP Class)",
    0x0120: "an attribute is missing",
    0x0121: "the value of an attribute is missing",
    0x0122: "the server does not store this kind of object (SOP Class)",
    0x0124: "storing is not allowed to you",
    0x0131: "the server has had this request already",
    0x0210: "the server has had this request already",
    0x0211: "the server does not know this operation",
    0x0212: "the server did not expect what it got",
    0x0213: "the server has no room left",
    0xB000: "the server changed attributes",
    0xB006: "the server left attributes out",
    0xB007: "its content does not fit the kind of object (SOP Class) that it says to be",
    0xC122: "the server does not take its transfer syntax",
}


def read_outcomes(response: requests.Response, uids: list[str]) -> dict[str, tuple[str, str]]:
    """Return what became of each SOP Instance UID sent: "stored" or "failed", and why, in words."""
    named: dict[str, tuple[str, str]] = {}
    others: list[str] = []
    for record in unchecked_records(_label(response)):
        # The three lists of PS3.18 table I.1-1.
        for item in _items(record, "ReferencedSOPSequence"):
            warning = _reason(item, "WarningReason")
            named[first_value(item, "ReferencedSOPInstanceUID")] = (STORED, warning)
        for item in _items(record, "FailedSOPSequence"):
            named[first_value(item, "ReferencedSOPInstanceUID")] = (FAILED, _why(item))
        # Of parts that the server could not put a UID to: they are among those that no list names.
        others += [_why(item) for item in _items(record, "OtherFailuresSequence")]
    silence = (FAILED, _explain_unnamed(others, sum(uid not in named for uid in uids)))
    return {uid: named.get(uid, silence) for uid in uids}


def _label(response: requests.Response) -> requests.Response:
    """Return an answer with a Content-Type: that of JSON if the server, as Orthanc, sent none."""
    if media_type(response):
        return response
    labelled = copy.copy(response)
    labelled.headers = CaseInsensitiveDict({"Content-Type": "application/dicom+json"})
    return labelled


def _explain_unnamed(others: list[str], count: int) -> str:
    """Say why `count` instances failed that no list names."""
    if not others:
        return "the server does not say what became of it"
    if len(set(others)) == 1 and len(others) >= count:
        return others[0]
    return "the server does not name it, but says of such: " + "; ".join(dict.fromkeys(others))


def _items(record: Record, keyword: str) -> list[Record]:
    return [item for item in values_of(record, keyword) if isinstance(item, dict)]


def _why(item: Record) -> str:
    return _reason(item, "FailureReason") or "the server does not say why"


def _reason(item: Record, keyword: str) -> str:
    """Say in words why an instance was refused or changed, with the server's own words."""
    words = _words(first_value(item, keyword))
    # No part of the standard's store response; but several servers send it along.
    comment = first_value(item, "ErrorComment")
    if not isinstance(comment, str):
        return words
    said = f'the server says: "{in_one_line(comment)}"'
    return f"{words}; {said}" if words else said


def _words(code: Any) -> str:
    try:
        # Some servers send the number as a text.
        code = int(code or 0)
    except (TypeError, ValueError):
        return ""
    if not code:
        return ""
    kinds = (words for kind, (mask, words) in KINDS.items() if code & mask == kind)
    of_its_own = "a reason of the server's own: its conformance statement explains it"
    return f"{REASONS.get(code) or next(kinds, of_its_own)} (code {code:04X})"
