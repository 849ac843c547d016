"""WADO-URI over HTTP."""

from io import BytesIO

import pydicom
import pytest
from PIL import Image

from tests.archive import FILES, JOE
from tests.classroom.pacs.wire import names

JOE_1 = names(JOE[0])
ANDY, REPORT = (names(p) for p in FILES if p.name in ("US001_0001.dcm", "SR091_0001.dcm"))


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        ("", "JPEG"),
        ("&contentType=image/jpeg", "JPEG"),
        ("&contentType=image%2Fpng", "PNG"),
        ("&contentType=image/gif,image/png;q=0.5,image/jpeg;q=0.1", "PNG"),
        ("&contentType=image/*", "JPEG"),
    ],
)
@pytest.mark.parametrize("slash", ["", "/"])
def test_picture_is_of_the_content_type(get, content_type, kind, slash):
    response = get(JOE_1.wadouri.replace("wadouri", "wadouri" + slash) + content_type)
    found = Image.open(BytesIO(response.content))
    assert found.format == kind
    assert response.headers["Content-Type"] == f"image/{kind.lower()}"
    assert found.size == (JOE_1.dataset.Columns, JOE_1.dataset.Rows)


def test_picture_is_that_of_rendered(get):
    window = "&windowCenter=40&windowWidth=400"
    for wadouri, rendered in (("", ""), (window, "?window=40,400,linear")):
        content = get(f"{JOE_1.wadouri}&contentType=image/png{wadouri}").content
        assert content == get(f"{JOE_1.instance}/rendered{rendered}", "image/png").content
    frame = get(f"{ANDY.wadouri}&frameNumber=7&contentType=image/png").content
    assert frame == get(f"{ANDY.instance}/frames/7/rendered", "image/png").content


def test_application_dicom_is_the_file(get):
    response = get(JOE_1.wadouri + "&contentType=application/dicom")
    assert response.content == JOE_1.path.read_bytes()
    assert response.headers["Content-Type"].split(";")[0] == "application/dicom"
    for asked in ("&transferSyntax=1.2.840.10008.1.2.5", ";transfer-syntax=1.2.840.10008.1.2.5"):
        content = get(f"{JOE_1.wadouri}&contentType=application/dicom{asked}").content
        dataset = pydicom.dcmread(BytesIO(content))
        assert dataset.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.5"


def test_what_is_no_image_is_sent_as_dicom(get, problem):
    assert get(REPORT.wadouri).content == REPORT.path.read_bytes()
    body = problem(406, REPORT.wadouri + "&contentType=image/jpeg")
    assert body["acceptable"] == ["application/dicom"]


@pytest.mark.parametrize(
    ("query", "size"),
    [
        ("&rows=100", (85, 100)),
        ("&columns=128", (128, 150)),
        ("&rows=100&columns=50", (50, 59)),
    ],
)
def test_rows_and_columns_bound_the_picture(get, query, size):
    assert (JOE_1.dataset.Columns, JOE_1.dataset.Rows) == (512, 600)
    assert Image.open(BytesIO(get(JOE_1.wadouri + query).content)).size == size


@pytest.mark.parametrize("name", ["requestType", "studyUID", "seriesUID", "objectUID"])
def test_missing_parameter_is_a_400_that_names_it(problem, name):
    path, query = JOE_1.wadouri.split("?")
    rest = "&".join(pair for pair in query.split("&") if not pair.startswith(name))
    assert name in problem(400, f"{path}?{rest}")["detail"]
    assert name in problem(400, f"{path}?{rest}&{name}=")["detail"]


@pytest.mark.parametrize("name", ["studyUID", "seriesUID", "objectUID"])
@pytest.mark.parametrize(("uid", "status"), [("1.2.3", 404), ("abc", 400), ("1..2", 400)])
def test_unknown_uid_is_a_404_and_a_malformed_one_a_400(problem, name, uid, status):
    tag = {"studyUID": "StudyInstanceUID", "seriesUID": "SeriesInstanceUID"}.get(name)
    own = JOE_1.dataset[tag or "SOPInstanceUID"].value
    body = problem(status, JOE_1.wadouri.replace(f"{name}={own}", f"{name}={uid}"))
    assert uid in body["detail"]


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("frameNumber=0", "frameNumber"),
        ("frameNumber=x", "frameNumber"),
        ("frameNumber=2", "frame 2"),
        ("rows=0", "rows"),
        ("rows=99999", "viewport"),
        ("windowCenter=40", "windowWidth"),
        ("windowCenter=x&windowWidth=1", "windowCenter"),
        ("imageQuality=101", "quality"),
        ("objectUID=1.2.3", "objectUID is there 2 times"),
    ],
)
def test_parameter_that_makes_no_sense_is_a_400_that_names_it(problem, query, word):
    assert word in problem(400, f"{JOE_1.wadouri}&{query}")["detail"]


@pytest.mark.parametrize("contentType", ["image/jpeg", "application/dicom"])
def test_parameter_that_is_not_supported_is_ignored_with_a_warning(get, contentType):
    path = f"{JOE_1.wadouri}&contentType={contentType}"
    response = get(f"{path}&windowCentre=40&annotation=patient")
    assert response.content == get(path).content
    ignored = "windowCentre (did you mean windowCenter?), annotation"
    assert ignored in response.headers["Warning"]


def test_what_was_to_be_anonymized_is_never_sent_as_it_is(get, problem):
    for wish in ("yes", "true", ""):
        assert "anonymize" in problem(406, f"{JOE_1.wadouri}&anonymize={wish}")["detail"]
    assert "2 times" in problem(400, f"{JOE_1.wadouri}&anonymize=no&anonymize=yes")["detail"]
    as_it_is = get(f"{JOE_1.wadouri}&anonymize=no")
    assert as_it_is.content == get(JOE_1.wadouri).content
    assert "Warning" not in as_it_is.headers


def test_numbers_that_are_asked_for_are_counted(problem):
    assert problem(400, f"{JOE_1.wadouri}&windowCenter=x")["hint"] == "Send a number."
    path = f"{JOE_1.instance}/rendered?window=40,linear"
    assert problem(400, path)["hint"] == "Send 2 numbers with commas between."


def test_other_request_type_is_a_400(problem):
    body = problem(400, JOE_1.wadouri.replace("=WADO&", "=QIDO&"))
    assert "requestType" in body["detail"]


def test_content_type_that_cannot_be_had_is_a_406(problem):
    body = problem(406, JOE_1.wadouri + "&contentType=video/mpeg")
    assert body["acceptable"] == ["image/jpeg", "image/png", "application/dicom"]
    # A WADO-URI client is not asked for Accept.
    assert "contentType" in body["hint"] and "Accept" not in body["hint"]
    body = problem(406, JOE_1.wadouri + "&contentType=application/dicom&transferSyntax=1.2.3")
    assert "1.2.3" in body["detail"] and "Accept" not in body["hint"]
