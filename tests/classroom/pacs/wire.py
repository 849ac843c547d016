"""What the tests read answers with: the standard library's parsers, not ours."""

import email
import email.policy
from dataclasses import dataclass
from xml.etree import ElementTree

import pydicom

NATIVE = "{http://dicom.nema.org/PS3.19/models/NativeDICOM}"


@dataclass
class Names:
    """Where an instance of the archive is on the wire."""

    dataset: pydicom.Dataset
    path: object

    @property
    def study(self):
        return f"/dicomweb/studies/{self.dataset.StudyInstanceUID}"

    @property
    def series(self):
        return f"{self.study}/series/{self.dataset.SeriesInstanceUID}"

    @property
    def instance(self):
        return f"{self.series}/instances/{self.dataset.SOPInstanceUID}"

    @property
    def wadouri(self):
        return (
            f"/wadouri?requestType=WADO&studyUID={self.dataset.StudyInstanceUID}"
            f"&seriesUID={self.dataset.SeriesInstanceUID}&objectUID={self.dataset.SOPInstanceUID}"
        )


def names(path):
    """Read where the file `path` is on the wire."""
    return Names(pydicom.dcmread(path), path)


def parts(response):
    """Split a multipart answer with the standard library; return its messages."""
    assert response.status_code == 200, response.text
    head = f"Content-Type: {response.headers['Content-Type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + response.content, policy=email.policy.HTTP)
    assert message.is_multipart() and not message.defects
    found = list(message.iter_parts())
    for part in found:
        assert int(part["Content-Length"]) == len(part.get_payload(decode=True))
    return found


def contents(response):
    """Return the bytes of each part of a multipart answer."""
    return [part.get_payload(decode=True) for part in parts(response)]


def documents(response):
    """Return the root element of each Native DICOM Model of a multipart answer."""
    return [ElementTree.fromstring(body) for body in contents(response)]


def values(element, keyword):
    """Return the texts of the values of an attribute of a Native DICOM Model."""
    found = element.findall(f"{NATIVE}DicomAttribute[@keyword='{keyword}']/{NATIVE}Value")
    return [value.text for value in found]
