"""The Native DICOM Model: DICOM attributes as XML (PS3.19, annex A.1)."""

import re
from xml.sax.saxutils import escape, quoteattr

from pydicom.datadict import keyword_for_tag

NAMESPACE = "http://dicom.nema.org/PS3.19/models/NativeDICOM"

_NAME_PARTS = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
# Allowed in DICOM text (form feed, escape), not in XML 1.0.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def native_xml(attributes):
    """Write DICOM JSON as a Native DICOM Model.

    Parameters
    ----------
    attributes : dict
        DICOM JSON Model of one data set.

    Returns
    -------
    bytes
        An XML document in UTF-8.

    Examples
    --------
    >>> xml = native_xml({"00080060": {"vr": "CS", "Value": ["CT"]}}).decode()
    >>> xml[xml.index("<DicomAttribute") : xml.index("<Value")]
    '<DicomAttribute tag="00080060" vr="CS" keyword="Modality">'
    """
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<NativeDicomModel xmlns="{NAMESPACE}" xml:space="preserve">'
        f"{_dataset(attributes)}</NativeDicomModel>"
    ).encode()


def _dataset(attributes):
    return "".join(_attribute(tag, content, attributes) for tag, content in attributes.items())


def _attribute(tag, content, dataset):
    names = {"tag": tag, "vr": content["vr"], "keyword": keyword_for_tag(int(tag, 16))}
    names["privateCreator"] = _private_creator(tag, dataset)
    xml_attributes = "".join(f" {key}={quoteattr(text)}" for key, text in names.items() if text)
    return f"<DicomAttribute{xml_attributes}>{_content(content)}</DicomAttribute>"


def _private_creator(tag, dataset):
    """Return who reserved the block of a private attribute (PS3.5, section 7.8.1)."""
    if int(tag[:4], 16) % 2 == 0 or tag[4:6] == "00":
        return None
    return (dataset.get(f"{tag[:4]}00{tag[4:6]}", {}).get("Value") or [None])[0]


def _content(content):
    if "BulkDataURI" in content:
        return f"<BulkData uri={quoteattr(content['BulkDataURI'])}/>"
    if "InlineBinary" in content:
        return f"<InlineBinary>{content['InlineBinary']}</InlineBinary>"
    write = {"SQ": _item, "PN": _person_name}.get(content["vr"], _value)
    return "".join(write(number, value) for number, value in enumerate(content.get("Value", ()), 1))


def _item(number, item):
    return f'<Item number="{number}">{_dataset(item or {})}</Item>'


def _value(number, value):
    text = "" if value is None else _text(value)
    return f'<Value number="{number}">{text}</Value>'


def _person_name(number, name):
    groups = "".join(
        f"<{group}>{_name_parts(text)}</{group}>" for group, text in (name or {}).items()
    )
    return f'<PersonName number="{number}">{groups}</PersonName>'


def _name_parts(text):
    pairs = zip(_NAME_PARTS, text.split("^"), strict=False)
    return "".join(f"<{part}>{_text(word)}</{part}>" for part, word in pairs if word)


def _text(value):
    # A parser turns a carriage return that is not escaped into a line feed.
    return escape(_NOT_XML.sub("", str(value)), {"\r": "&#13;"})
