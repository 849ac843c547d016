"""What a server says after storing: what became of each instance (PS3.18 appendix I.2)."""

from .datasets import unchecked_records

STORED, FAILED = "stored", "failed"

# The store response: two lists, and what stands in an item of them.
REFERENCED, FAILED_ONES = "00081199", "00081198"
REFERENCED_INSTANCE, WARNING_REASON, FAILURE_REASON = "00081155", "00081196", "00081197"
# PS3.18 tables I.2-2 and I.2-3, and the codes of PS3.4 and PS3.7 that they lead to.
REASONS = {
    0x0110: "the server failed while it stored it",
    0x0111: "it is there already",
    0x0122: "the server stores no objects of this kind",
    0x0124: "storing is not allowed",
    0xA700: "the server has no room left",
    0xA900: "its content does not fit the kind of object that it says to be",
    0xB000: "the server changed attributes",
    0xB006: "the server left attributes out",
    0xB007: "its content does not fit the kind of object that it says to be",
    0xC000: "the server cannot understand it",
    0xC122: "the server does not take its transfer syntax",
}


def outcomes(response):
    """Read a store response.

    Parameters
    ----------
    response : requests.Response
        With the status 200, 202 or 409, in JSON or XML.

    Returns
    -------
    dict
        For each SOP Instance UID a pair: "stored" or "failed", and the reason in words.

    Raises
    ------
    MediaTypeMismatch, AttributeProblem
        It is no store response.

    Examples
    --------
    >>> import io, requests
    >>> answer = requests.Response()
    >>> answer.status_code, answer.headers["Content-Type"] = 409, "application/dicom+json"
    >>> answer.raw = io.BytesIO(b'''{"00081198": {"vr": "SQ", "Value": [{
    ...     "00081155": {"vr": "UI", "Value": ["1.2.3"]},
    ...     "00081197": {"vr": "US", "Value": [290]}}]}}''')
    >>> outcomes(answer)
    {'1.2.3': ('failed', 'the server stores no objects of this kind (code 0122)')}
    """
    found = {}
    for record in unchecked_records(response):
        for sequence, outcome, reason in (
            (REFERENCED, STORED, WARNING_REASON),
            (FAILED_ONES, FAILED, FAILURE_REASON),
        ):
            for item in record.get(sequence, {}).get("Value", []):
                uid = _value(item, REFERENCED_INSTANCE)
                found[uid] = (outcome, _words(_value(item, reason)))
    return found


def _value(item, tag):
    return next(iter(item.get(tag, {}).get("Value") or []), None)


def _words(code):
    """Say in words why an instance was refused or changed."""
    if not code:
        return ""
    # Of some codes, only the first digits are fixed (PS3.4 table B.2-1).
    general = code & 0xFF00 if code & 0xF000 == 0xA000 else code & 0xF000
    words = REASONS.get(code) or REASONS.get(general) or "no reason known"
    return f"{words} (code {code:04X})"
