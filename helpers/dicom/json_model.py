"""The DICOM JSON Model, both ways: data set -> dictionary -> data set (PS3.18 annex F)."""

import base64
import math
from typing import Any, TypeAlias

from pydicom import DataElement, Dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag, Tag
from pydicom.valuerep import PersonName

from helpers.dicom.names import tag_of, vr_of
from helpers.errors import AttributeProblem

Attribute: TypeAlias = dict[str, Any]
Record: TypeAlias = dict[str, Attribute]  # a data set: its attributes by tag

WHOLE_NUMBERS = ("IS", "SL", "SS", "SV", "UL", "US", "UV")
DECIMAL_NUMBERS = ("DS", "FD", "FL")
NAME_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_BULK_BYTES = 768
DEEPEST = 64  # levels of sequences in sequences: a structured report has some ten


def write_model(dataset: Dataset, path: str = "bulkdata") -> Record:
    """Write a data set; a value that its VR does not allow is a text or left out.

    What is nested too deeply is an AttributeProblem: a part of it would pass for the whole.

    >>> dataset = Dataset()
    >>> dataset.EncapsulatedDocument = bytes(1000)
    >>> write_model(dataset)
    {'00420011': {'vr': 'OB', 'BulkDataURI': 'bulkdata/00420011'}}
    """
    if path.count("/") > 2 * DEEPEST:  # a tag and a number for each level
        raise AttributeProblem(f"its sequences are nested in more than {DEEPEST} levels")
    record = {}
    for tag in sorted(dataset.keys()):
        if tag.element == 0:  # group lengths are not part of the model
            continue
        try:
            record[f"{tag:08X}"] = _write_attribute(dataset, tag, f"{path}/{tag:08X}")
        except (AttributeProblem, RecursionError):
            raise
        except Exception:
            # pydicom raises whatever it likes of a broken value. The others are worth having.
            continue
    if "00080005" in record:
        record["00080005"] = element("SpecificCharacterSet", "ISO_IR 192")  # JSON is UTF-8
    return record


def element(keyword: str, *values: Any) -> Attribute:
    """Return an attribute that has values."""
    return {"vr": vr_of(tag_of(keyword)), "Value": list(values)}


def elements(**values: Any) -> Record:
    """Return attributes that have one value each, by keyword."""
    return {tag_of(keyword): element(keyword, value) for keyword, value in values.items()}


def first_value(record: Record, keyword: str, default: Any = None) -> Any:
    """Return the first value of an attribute, or `default` if it is empty or absent."""
    value = next(iter(values_of(record, keyword)), None)
    return default if value is None else value


def values_of(record: Record, keyword: str) -> list[Any]:
    """Return the values of an attribute; none if it is absent, empty or malformed."""
    attribute = record.get(tag_of(keyword))
    values = attribute.get("Value") if isinstance(attribute, dict) else None
    return values if isinstance(values, list) else []


def with_bulk_data_uris(record: Record, url: str) -> Record:
    """Return a copy of an instance's attributes whose BulkDataURIs stand below its URL."""
    absolute = {}
    for tag, attribute in record.items():
        if "BulkDataURI" in attribute:
            attribute = {**attribute, "BulkDataURI": f"{url}/{attribute['BulkDataURI']}"}
        elif attribute["vr"] == "SQ" and "Value" in attribute:
            items = [with_bulk_data_uris(item, url) for item in attribute["Value"]]
            attribute = {**attribute, "Value": items}
        absolute[tag] = attribute
    return absolute


def _write_attribute(dataset: Dataset, tag: BaseTag, path: str) -> Attribute:
    try:
        found = dataset[tag]
        vr, value = found.VR[:2], found.value  # "US or SS" where nothing decides
    except Exception:
        raw = dataset.get_item(tag)
        vr = raw.VR or vr_of(f"{tag:08X}")
        if vr not in ("DS", "IS"):
            raise
        value = raw.value.decode("ascii", "replace").split("\\")
    if vr == "SQ":
        items = [write_model(item, f"{path}/{n}") for n, item in enumerate(value, 1)]
        return {"vr": vr, "Value": items} if items else {"vr": vr}
    if isinstance(value, bytes) and value:
        if len(value) > _BULK_BYTES:
            return {"vr": vr, "BulkDataURI": path}
        return {"vr": vr, "InlineBinary": base64.b64encode(value).decode()}
    values = list(value) if isinstance(value, list | MultiValue) else [value]
    values = [_write_value(vr, one) for one in values]
    return {"vr": vr} if values in ([], [None]) else {"vr": vr, "Value": values}


def _write_value(vr: str, value: Any) -> Any:
    """Return one value; None if it is empty (PS3.18 F.2.5)."""
    if vr == "PN":
        # What is empty at the end of a name says nothing (PS3.5 section 6.2.1), and XML has no
        # place for it.
        groups = [group.rstrip("^") for group in PersonName(value or "").components]
        return {name: text for name, text in zip(NAME_GROUPS, groups, strict=False) if text} or None
    if value is None or value in ("", b""):
        return None
    if vr == "AT":
        return f"{value:08X}"
    try:
        if vr in WHOLE_NUMBERS:
            return int(value)
        if vr in DECIMAL_NUMBERS:
            return float(value) if math.isfinite(float(value)) else str(value)
    except ValueError:
        return value.strip("\0 ") or None  # DS and IS may be texts (PS3.18 F.2.3.1)
    return value


def read_model(record: Record) -> Dataset:
    """Read a data set, without bulk data that has a link in its place; raise AttributeProblem."""
    dataset = Dataset()
    for tag, attribute in record.items():
        try:
            if attribute is not None and "BulkDataURI" not in attribute:
                dataset.add(_read_attribute(tag, attribute))
        except AttributeProblem:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            why = "an attribute without its vr" if isinstance(error, KeyError) else error
            raise AttributeProblem(
                "A data set in this answer is not in the DICOM JSON model.",
                expected='{"00100010": {"vr": "PN", "Value": [...]}, ...}',
                came=f"{tag}: {why}",
                hint="Look at it with show(response).",
            ) from error
    return dataset


def _read_attribute(tag: str, attribute: Attribute) -> DataElement:
    vr = attribute["vr"]
    if "InlineBinary" in attribute:
        inline = attribute["InlineBinary"]
        text = inline[0] if isinstance(inline, list) else inline
        text += "=" * (-len(text) % 4)  # some leave the padding out
        return DataElement.from_json(Dataset, tag, vr, text, "InlineBinary")
    values = attribute.get("Value")
    if not isinstance(values, list):
        # A server that sends one value without its brackets, or null for none.
        values = [] if values is None else [values]
    if vr == "SQ":
        return DataElement(int(tag, 16), vr, [read_model(item or {}) for item in values])
    values = [_read_value(vr, value) for value in values]
    try:
        return DataElement.from_json(Dataset, tag, vr, values, "Value")
    except (TypeError, ValueError):
        if vr not in ("DS", "IS"):
            raise
        # What is no number stays the text that came, among texts.
        texts = MultiValue(str, ["" if value is None else value for value in values])
        kept = texts if len(texts) > 1 else texts[0]
        return DataElement(Tag(tag), vr, kept, already_converted=True)


def _read_value(vr: str, value: Any) -> Any:
    if value == "":
        return None
    if vr == "AT" and isinstance(value, int):
        return f"{value:08X}"
    if vr == "PN" and value is not None:
        # A server of before 2013 sends the name as a plain text.
        groups = value if isinstance(value, dict) else {"Alphabetic": value}
        return {name: str(text) for name, text in groups.items() if text is not None}
    return value
