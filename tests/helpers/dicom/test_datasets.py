import json
import subprocess

import pydicom
import pytest

from helpers.dicom.datasets import datasets, records
from helpers.errors import AttributeProblem, HTTPProblem, MediaTypeMismatch, TruncatedMultipart
from tests.answers import answer, multipart_body
from tests.archive import JOE, ONE_OF_EACH_KIND
from tests.tools import needs_tool

XML = """<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM">{}
</NativeDicomModel>"""
DEEP = '<DicomAttribute tag="00081140" vr="SQ"><Item number="1">'
DEEPEST = "</Item></DicomAttribute>"
# Explicit VR Little Endian
META = b"\x02\0\x10\0UI\x14\x001.2.840.10008.1.2.1\0"


def native(*attributes):
    return answer(XML.format("".join(attributes)).encode(), "application/dicom+xml")


def plain(dataset):
    """Return a data set without its bulk values, for comparison."""
    return pydicom.Dataset(
        {element.tag: element for element in dataset if element.VR not in ("OB", "OW", "UN")}
    )


def rounded(dataset):
    """Return the model of a data set with as many digits as dcmtk writes."""
    return json.loads(plain(dataset).to_json(), parse_float=lambda text: round(float(text), 4))


@pytest.mark.parametrize("path", ONE_OF_EACH_KIND, ids=lambda path: path.name)
def test_json_gives_the_data_set_of_the_file(path):
    original = pydicom.dcmread(path)
    model = original.to_json_dict(bulk_data_element_handler=lambda element: "http://127.0.0.1/b")
    response = answer(json.dumps([model]).encode(), "application/dicom+json")
    assert plain(datasets(response)[0]) == plain(original)


@needs_tool("dcm2xml", "dcmtk")
@pytest.mark.parametrize("path", ONE_OF_EACH_KIND, ids=lambda path: path.name)
def test_xml_written_by_dcmtk_gives_the_data_set_of_the_file(path):
    text = subprocess.run(
        ["dcm2xml", "--native-format", path], check=True, capture_output=True
    ).stdout
    read = datasets(answer(text, "application/dicom+xml"))[0]
    original = pydicom.dcmread(path)
    assert rounded(read) == rounded(original)


def test_multipart_dicom_gives_the_files_pixels_and_all():
    body, content_type = multipart_body([path.read_bytes() for path in JOE], "application/dicom")
    read = datasets(answer(body, content_type))
    assert read == [pydicom.dcmread(path) for path in JOE]


def test_one_dicom_object():
    read = datasets(answer(JOE[0].read_bytes(), "application/dicom"))
    assert read == [pydicom.dcmread(JOE[0])]


def test_multipart_xml():
    texts = [
        XML.format(
            f'<DicomAttribute tag="00100020" vr="LO"><Value number="1">{name}</Value>'
            "</DicomAttribute>"
        ).encode()
        for name in ("A", "B")
    ]
    body, content_type = multipart_body(texts, "application/dicom+xml")
    assert [read.PatientID for read in datasets(answer(body, content_type))] == ["A", "B"]


def test_records_of_binary_dicom_are_those_of_pydicom():
    read = records(answer(JOE[0].read_bytes(), "application/dicom"))[0]
    expected = plain(pydicom.dcmread(JOE[0])).to_json_dict()
    assert {tag: read[tag] for tag in expected} == expected
    assert "InlineBinary" not in read["7FE00010"]


def test_nothing_found():
    assert datasets(answer(status=204)) == []
    assert datasets(answer(b"[]", "application/json")) == []


def test_values_come_in_the_order_of_their_numbers():
    response = native(
        '<DicomAttribute tag="00080008" vr="CS"><Value number="2">PRIMARY</Value>'
        '<Value number="1">ORIGINAL</Value></DicomAttribute>'
    )
    assert list(datasets(response)[0].ImageType) == ["ORIGINAL", "PRIMARY"]


def test_names_keep_empty_components_and_groups():
    response = native(
        '<DicomAttribute tag="00100010" vr="PN"><PersonName number="1">'
        "<Alphabetic><FamilyName>Yamada</FamilyName><NameSuffix>MD</NameSuffix></Alphabetic>"
        "<Ideographic><FamilyName>山田</FamilyName></Ideographic></PersonName></DicomAttribute>"
    )
    assert str(datasets(response)[0].PatientName) == "Yamada^^^^MD=山田"


def test_bulk_data_in_xml_is_a_link_and_inline_binary_a_value():
    response = native(
        '<DicomAttribute tag="7FE00010" vr="OW"><BulkData uri="http://127.0.0.1/1"/>'
        '</DicomAttribute><DicomAttribute tag="00420011" vr="OB"><InlineBinary>AAE=</InlineBinary>'
        "</DicomAttribute>"
    )
    assert records(response)[0]["7FE00010"]["BulkDataURI"] == "http://127.0.0.1/1"
    read = datasets(response)[0]
    assert "PixelData" not in read
    assert read.EncapsulatedDocument == b"\0\1"


def test_an_empty_attribute_is_empty():
    read = datasets(native('<DicomAttribute tag="00080050" vr="SH"/>'))[0]
    assert not read.AccessionNumber


def test_an_error_status_is_an_error_whatever_the_body():
    with pytest.raises(HTTPProblem):
        datasets(answer(b"[]", "application/json", status=404))


@pytest.mark.parametrize("kind", ["text/html", "image/png", None])
def test_another_media_type_is_named(kind):
    with pytest.raises(MediaTypeMismatch) as caught:
        datasets(answer(b"<html>", kind))
    assert caught.value.came == (kind or "an answer without a Content-Type")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/json"),
        (b'[{"00100010"', "application/dicom+json"),
        (b'"a text"', "application/json"),
        (b"[1]", "application/json"),
        (b'[{"00100010": {"Value": 1}}]', "application/json"),
        (b'[{"nonsense": {"vr": "PN"}}]', "application/json"),
        (b'[{"00100010": "Joe"}]', "application/json"),
        (b'[{"00081140": {"vr": "SQ", "Value": ["text"]}}]', "application/json"),
        (b'[{"00200013": {"vr": "IS", "Value": [%s]}}]' % (b"9" * 5000), "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"", "application/dicom+xml"),
        (b"<NativeDicomModel", "application/dicom+xml"),
        (b"not DICOM at all", "application/dicom"),
        (bytes(128) + b"DICM" + b"\x02\x00\x10", "application/dicom"),
        (
            XML.format(
                '<DicomAttribute tag="00280010" vr="US"><Value number="1">one</Value>'
                "</DicomAttribute>"
            ).encode(),
            "text/xml",
        ),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "application/xml"),
        (b"<html><body>Please sign in</body></html>", "application/xml"),
        (b'<?xml version="1.0" encoding="x-none"?><a/>', "application/xml"),
        (XML.format(DEEP * 1000 + DEEPEST * 1000).encode(), "application/dicom+xml"),
        # What pydicom cannot read brings about errors of many kinds.
        (bytes(128) + b"DICM\x02\0\0\0UD\x04\0\1\0\0\0", "application/dicom"),
        (bytes(128) + b"DICM\x02\0\0\0UL\x03\0\1\0\0", "application/dicom"),
    ],
)
def test_what_cannot_be_read_is_explained(body, kind):
    with pytest.raises(AttributeProblem) as caught:
        datasets(answer(body, kind))
    assert caught.value.hint


def test_a_value_that_cannot_be_read_is_explained_too():
    number = b"\x20\0\x13\0IS\x02\0x1"
    broken = answer(bytes(128) + b"DICM" + META + number, "application/dicom")
    with pytest.raises(AttributeProblem, match="cannot be read"):
        records(broken)


def test_a_number_that_is_none_costs_no_other_attribute():
    [read] = datasets(
        native(
            '<DicomAttribute tag="00080060" vr="CS"><Value number="1">CT</Value></DicomAttribute>',
            '<DicomAttribute tag="00200013" vr="IS"><Value number="1">one</Value></DicomAttribute>',
        )
    )
    assert (read.Modality, read.InstanceNumber) == ("CT", "one")


def test_an_attribute_that_is_null_is_not_there():
    assert datasets(answer(b'[{"00100010": null}]', "application/json")) == [pydicom.Dataset()]


def test_a_cut_multipart_body_is_not_a_shorter_answer():
    body, content_type = multipart_body([JOE[0].read_bytes()], "application/dicom")
    with pytest.raises(TruncatedMultipart):
        datasets(answer(body[:-4], content_type))
