"""What a client is told about each instance that it wanted to store (PS3.18, annex I)."""

from dataclasses import dataclass

from helpers.dicom.json_model import element, elements
from helpers.dicom.names import tag_of

# Reasons of a failure (PS3.18, table I.2-2; the third is of PS3.7, annex C), and of a warning
# (table I.2-1).
CANNOT_UNDERSTAND = 0xC000
WRONG_STUDY = 0xA901
DUPLICATE = 0x0111
DOES_NOT_MATCH_SOP_CLASS = 0xB007

_COMMENT_LIMIT = 64  # characters of the VR LO


@dataclass(frozen=True)
class Failure:
    """Why a part was not stored.

    Parameters
    ----------
    reason : int
        The Failure Reason.
    comment : str
        The same in words.
    sop_class, uid : str
        What the part is, if that could be read.
    """

    reason: int
    comment: str
    sop_class: str = ""
    uid: str = ""


def response_module(service, stored, failures):
    """Return the Store Instances Response Module (PS3.18, table I.1-1).

    Parameters
    ----------
    service : Service
    stored : list of tuple
        Each an Instance and its Warning Reason, 0 if there is none.
    failures : list of Failure

    Returns
    -------
    dict
        DICOM JSON.
    """
    studies = {instance.study for instance, _ in stored}
    sequences = {
        "FailedSOPSequence": [_failed_item(f) for f in failures if f.uid],
        "ReferencedSOPSequence": [_stored_item(service, *one) for one in stored],
        "OtherFailuresSequence": [_failed_item(f) for f in failures if not f.uid],
    }
    module = {tag_of("RetrieveURL"): {"vr": "UR"}}
    if len(studies) == 1:
        module |= elements(RetrieveURL=f"{service.url}/studies/{studies.pop()}")
    for keyword, items in sequences.items():
        if items:
            module[tag_of(keyword)] = element(keyword, *items)
    return module


def _stored_item(service, instance, warning):
    item = elements(
        ReferencedSOPClassUID=instance.value("SOPClassUID"),
        ReferencedSOPInstanceUID=instance.uid,
        RetrieveURL=f"{service.url}/{instance.resource}",
    )
    if warning:
        item |= elements(WarningReason=warning)
    return item


def _failed_item(failure):
    # Error Comment says what went wrong with a C-STORE (PS3.4, table B.2-1); so it does here.
    item = elements(ErrorComment=failure.comment[:_COMMENT_LIMIT])
    if failure.uid:
        item |= elements(
            ReferencedSOPClassUID=failure.sop_class, ReferencedSOPInstanceUID=failure.uid
        )
    return item | elements(FailureReason=failure.reason)
