"""What data/fhir says of Joe is what the archive holds."""

import json
from pathlib import Path

import pydicom
import pytest

DATA = Path(__file__).resolve().parents[1] / "data"
ANSWER = json.loads((DATA / "fhir" / "joe.json").read_text(encoding="utf-8"))
RESOURCES = {
    f"{resource['resourceType']}/{resource['id']}": resource
    for resource in (entry["resource"] for entry in ANSWER["entry"])
}


def day(date):
    return f"{date[:4]}-{date[4:6]}-{date[6:]}"


@pytest.mark.parametrize(("study", "folder"), [("chest-ct", "joe"), ("chest-xr", "joe_xr")])
def test_an_imaging_study_agrees_with_the_files(study, folder):
    resource = RESOURCES[f"ImagingStudy/{study}"]
    paths = sorted((DATA / "archive" / folder).glob("*.dcm"))
    datasets = [pydicom.dcmread(path, stop_before_pixels=True) for path in paths]
    first = datasets[0]
    uid, accession = resource["identifier"]
    assert uid == {"system": "urn:dicom:uid", "value": f"urn:oid:{first.StudyInstanceUID}"}
    assert accession["value"] == first.AccessionNumber
    assert resource["started"] == day(first.StudyDate)
    assert resource["description"] == first.StudyDescription
    assert resource["modality"][0]["code"] == first.Modality
    assert resource["numberOfInstances"] == len(datasets)
    [series] = resource["series"]
    assert (series["uid"], series["number"]) == (first.SeriesInstanceUID, first.SeriesNumber)
    assert series["description"] == first.SeriesDescription
    found = {one["uid"]: (one["number"], one["sopClass"]["code"]) for one in series["instance"]}
    assert found == {
        ds.SOPInstanceUID: (ds.InstanceNumber, f"urn:oid:{ds.SOPClassUID}") for ds in datasets
    }


def test_the_patient_is_joe():
    first = pydicom.dcmread(DATA / "archive" / "joe" / "CT001_0001.dcm", stop_before_pixels=True)
    patient = RESOURCES["Patient/joe"]
    assert patient["identifier"][0]["value"] == first.PatientID
    assert patient["birthDate"] == day(first.PatientBirthDate)
    name = patient["name"][0]
    assert f"{name['family']}^{name['given'][0]}" == first.PatientName


def test_every_reference_leads_somewhere():
    for resource in RESOURCES.values():
        wanted = [one["reference"] for one in resource.get("endpoint", [])]
        wanted += [resource["subject"]["reference"]] if "subject" in resource else []
        assert set(wanted) <= set(RESOURCES)


def test_every_resource_says_that_it_is_a_test():
    for resource in RESOURCES.values():
        assert resource["meta"]["security"][0]["code"] == "HTEST"


def test_no_endpoint_has_a_real_address():
    addresses = [one["address"] for name, one in RESOURCES.items() if name.startswith("Endpoint")]
    assert len(addresses) == 3
    assert all(address.startswith("https://pacs.example.org/") for address in addresses)
