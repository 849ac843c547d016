"""The Native DICOM model, XML -> the DICOM JSON model (PS3.19 appendix A.1, PS3.18 appendix F)."""

from defusedxml import ElementTree

from helpers.errors import AttributeProblem

WHOLE_NUMBERS = ("IS", "SL", "SS", "SV", "UL", "US", "UV")
DECIMAL_NUMBERS = ("DS", "FD", "FL")
NAME_COMPONENTS = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")


def record_of(text):
    """Read one data set in XML into the DICOM JSON model.

    Parameters
    ----------
    text : bytes
        A ``NativeDicomModel``.

    Returns
    -------
    dict
        For example ``{"00100010": {"vr": "PN", "Value": [{"Alphabetic": "SIIM^Joe"}]}}``. A number
        that is none stays the text that came.

    Raises
    ------
    AttributeProblem
        It is no XML, or another kind of it.

    Examples
    --------
    >>> rows = b'<DicomAttribute tag="00280010" vr="US"><Value number="1">512</Value>'
    >>> record_of(b"<NativeDicomModel>" + rows + b"</DicomAttribute></NativeDicomModel>")
    {'00280010': {'vr': 'US', 'Value': [512]}}
    """
    try:
        root = ElementTree.fromstring(text)
        if root.tag.rpartition("}")[2] != "NativeDicomModel":
            raise ValueError(f"its outermost element is {root.tag}")
        return _model_of(root)
    except (ElementTree.ParseError, ValueError, LookupError, RecursionError) as error:
        raise AttributeProblem(
            "The answer says that it is XML, but it cannot be read.",
            expected="a NativeDicomModel",
            came=f"{len(text)} bytes ({error})",
            hint="Look at it with show(response). Was the transfer cut? Ask again.",
        ) from error


def _model_of(node):
    """Return the attributes below a NativeDicomModel or an Item in the DICOM JSON model."""
    return {
        element.get("tag", ""): _element(element) for element in node.findall("{*}DicomAttribute")
    }


def _element(element):
    model = {"vr": element.get("vr")}
    bulk, inline = element.find("{*}BulkData"), element.find("{*}InlineBinary")
    values = [_value(child, model["vr"]) for child in _numbered(element)]
    if bulk is not None:
        model["BulkDataURI"] = bulk.get("uri") or bulk.get("uuid") or ""
    elif inline is not None:
        model["InlineBinary"] = inline.text or ""
    elif values:
        model["Value"] = values
    return model


def _numbered(element):
    children = [child for child in element if child.get("number")]
    return sorted(children, key=lambda child: int(child.get("number")))


def _value(child, vr):
    if vr == "SQ":
        return _model_of(child)
    if vr == "PN":
        return {group.tag.rpartition("}")[2]: _name(group) for group in child}
    if child.text is None:
        return None
    try:
        if vr in WHOLE_NUMBERS:
            return int(child.text)
        return float(child.text) if vr in DECIMAL_NUMBERS else child.text
    except ValueError:
        return child.text  # No number: a table shows it as it came.


def _name(group):
    components = [group.findtext("{*}" + component) or "" for component in NAME_COMPONENTS]
    return "^".join(components).rstrip("^")
