"""The Native DICOM Model, XML, both ways: from and to the DICOM JSON Model (PS3.19 A.1)."""

import re
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape, quoteattr

from defusedxml import ElementTree
from pydicom.datadict import keyword_for_tag

from helpers.dicom.json_model import DECIMAL_NUMBERS, WHOLE_NUMBERS, Attribute, Record
from helpers.dicom.names import creator_of
from helpers.errors import AttributeProblem

NAMESPACE = "http://dicom.nema.org/PS3.19/models/NativeDICOM"

_NAME_COMPONENTS = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
# Allowed in DICOM text (form feed, escape), not in XML 1.0.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read_native(text: bytes) -> Record:
    """Read one data set in XML; a number that is none stays the text that came.

    >>> rows = b'<DicomAttribute tag="00280010" vr="US"><Value number="1">512</Value>'
    >>> read_native(b"<NativeDicomModel>" + rows + b"</DicomAttribute></NativeDicomModel>")
    {'00280010': {'vr': 'US', 'Value': [512]}}
    """
    try:
        root = ElementTree.fromstring(text)
        if root.tag.rpartition("}")[2] != "NativeDicomModel":
            raise ValueError(f"its outermost element is {root.tag}")
        return _read_dataset(root)
    except (ParseError, ValueError, LookupError, RecursionError) as error:
        raise AttributeProblem(
            "The answer says that it is XML, but it cannot be read.",
            expected="a NativeDicomModel",
            came=f"{len(text)} bytes ({error})",
            hint="Look at it with show(response). Was the transfer cut? Ask again.",
        ) from error


def write_native(record: Record) -> bytes:
    """Write one data set as an XML document in UTF-8."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<NativeDicomModel xmlns="{NAMESPACE}" xml:space="preserve">'
        f"{_write_dataset(record)}</NativeDicomModel>"
    ).encode()


def _read_dataset(node: Element) -> Record:
    attributes = node.findall("{*}DicomAttribute")
    return {attribute.get("tag", ""): _read_attribute(attribute) for attribute in attributes}


def _read_attribute(node: Element) -> Attribute:
    vr = node.get("vr", "")
    model: Attribute = {"vr": vr}
    bulk, inline = node.find("{*}BulkData"), node.find("{*}InlineBinary")
    numbered = [child for child in node if child.get("number")]
    numbered.sort(key=lambda child: int(child.get("number", "")))
    if bulk is not None:
        model["BulkDataURI"] = bulk.get("uri") or bulk.get("uuid") or ""
    elif inline is not None:
        model["InlineBinary"] = inline.text or ""
    elif numbered:
        model["Value"] = [_read_value(child, vr) for child in numbered]
    return model


def _read_value(node: Element, vr: str) -> Any:
    if vr == "SQ":
        return _read_dataset(node)
    if vr == "PN":
        return {group.tag.rpartition("}")[2]: _read_name(group) for group in node} or None
    if node.text is None:
        return None
    try:
        if vr in WHOLE_NUMBERS:
            return int(node.text)
        return float(node.text) if vr in DECIMAL_NUMBERS else node.text
    except ValueError:
        return node.text  # No number: a table shows it as it came.


def _read_name(group: Element) -> str:
    components = [group.findtext("{*}" + component) or "" for component in _NAME_COMPONENTS]
    return "^".join(components).rstrip("^")


def _write_dataset(record: Record) -> str:
    return "".join(_write_attribute(tag, content, record) for tag, content in record.items())


def _write_attribute(tag: str, content: Attribute, record: Record) -> str:
    creators = record.get(creator_of(tag) or "", {}).get("Value") or [None]
    names = {
        "tag": tag,
        "vr": content["vr"],
        "keyword": keyword_for_tag(int(tag, 16)),
        "privateCreator": creators[0],
    }
    xml_attributes = "".join(f" {key}={quoteattr(text)}" for key, text in names.items() if text)
    return f"<DicomAttribute{xml_attributes}>{_write_content(content)}</DicomAttribute>"


def _write_content(content: Attribute) -> str:
    if "BulkDataURI" in content:
        return f"<BulkData uri={quoteattr(content['BulkDataURI'])}/>"
    if "InlineBinary" in content:
        return f"<InlineBinary>{content['InlineBinary']}</InlineBinary>"
    name, write = _WRITERS.get(content["vr"], ("Value", _write_text))
    return "".join(
        f'<{name} number="{number}">{"" if value is None else write(value)}</{name}>'
        for number, value in enumerate(content.get("Value", ()), 1)
    )


def _write_person(groups: dict[str, str]) -> str:
    return "".join(f"<{group}>{_write_name(text)}</{group}>" for group, text in groups.items())


def _write_name(text: str) -> str:
    pairs = zip(_NAME_COMPONENTS, text.split("^"), strict=False)
    return "".join(f"<{part}>{_write_text(word)}</{part}>" for part, word in pairs if word)


def _write_text(value: Any) -> str:
    # A parser turns a carriage return that is not escaped into a line feed.
    return escape(_NOT_XML.sub("", str(value)), {"\r": "&#13;"})


_WRITERS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "SQ": ("Item", _write_dataset),
    "PN": ("PersonName", _write_person),
}
