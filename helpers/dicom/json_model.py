"""The DICOM JSON Model: DICOM attributes as JSON (PS3.18, annex F)."""

import base64
import math

_BULK_BYTES = 768


def json_model(dataset, path="bulkdata"):
    """Write a data set as DICOM JSON.

    Parameters
    ----------
    dataset : pydicom.Dataset
    path : str
        What a BulkDataURI begins with.

    Returns
    -------
    dict
        By tag. A value that its VR does not allow is left out.

    Examples
    --------
    >>> from pydicom import Dataset
    >>> dataset = Dataset()
    >>> dataset.Modality = "CT"
    >>> dataset.EncapsulatedDocument = bytes(1000)
    >>> for tag, attribute in json_model(dataset).items():
    ...     print(tag, attribute)
    00080060 {'vr': 'CS', 'Value': ['CT']}
    00420011 {'vr': 'OB', 'BulkDataURI': 'bulkdata/00420011'}
    """
    attributes = {}
    for tag in sorted(dataset.keys()):
        if tag.element == 0:  # group lengths are not part of the model
            continue
        try:
            element = dataset[tag]
            attributes[f"{tag:08X}"] = _element(element, f"{path}/{tag:08X}")
        except Exception:
            # A value that its VR does not allow: the rest of the data set is worth having.
            continue
    if "00080005" in attributes:
        attributes["00080005"] = {"vr": "CS", "Value": ["ISO_IR 192"]}  # JSON is UTF-8
    return attributes


def _element(element, path):
    vr = element.VR[:2]  # "US or SS" where nothing in the data set decides
    if vr == "SQ":
        items = [json_model(item, f"{path}/{n}") for n, item in enumerate(element.value, 1)]
        return {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
    if isinstance(element.value, bytes):
        if not element.value:
            return {"vr": vr}
        if len(element.value) > _BULK_BYTES:
            return {"vr": vr, "BulkDataURI": path}
        return {"vr": vr, "InlineBinary": base64.b64encode(element.value).decode()}
    model = element.to_json_dict(bulk_data_element_handler=None, bulk_data_threshold=_BULK_BYTES)
    model["vr"] = vr
    if vr in ("FL", "FD", "DS") and "Value" in model:
        model["Value"] = [_number(value, vr) for value in model["Value"]]
    return model


def _number(value, vr):
    if value is None or math.isfinite(value):
        return value
    if vr == "DS":
        raise ValueError(f"{value} is no decimal string, nor a number of JSON")
    return str(value)


def with_bulk_data_uris(attributes, url):
    """Return a copy of an instance's attributes whose BulkDataURIs are absolute.

    Parameters
    ----------
    attributes : dict
        DICOM JSON, from `Instance.attributes`.
    url : str
        Of the instance, without a trailing slash.

    Examples
    --------
    >>> with_bulk_data_uris({"00420011": {"vr": "OB", "BulkDataURI": "bulkdata/00420011"}}, "/x")
    {'00420011': {'vr': 'OB', 'BulkDataURI': '/x/bulkdata/00420011'}}
    """
    absolute = {}
    for tag, attribute in attributes.items():
        if "BulkDataURI" in attribute:
            attribute = {**attribute, "BulkDataURI": f"{url}/{attribute['BulkDataURI']}"}
        elif attribute["vr"] == "SQ" and "Value" in attribute:
            items = [with_bulk_data_uris(item, url) for item in attribute["Value"]]
            attribute = {**attribute, "Value": items}
        absolute[tag] = attribute
    return absolute
