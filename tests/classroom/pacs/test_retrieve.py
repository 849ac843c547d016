"""WADO-RS: DICOM files, metadata, frames and bulk data over HTTP."""

import threading
import warnings
from contextlib import contextmanager

import numpy
import pydicom
import pytest
import requests
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels import pixel_array
from pydicom.uid import (
    MPEG4HP41,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    RLELossless,
)

from classroom.pacs import server
from tests.archive import FILES, JOE, ONE_OF_EACH_KIND, RAVI
from tests.classroom.pacs.variants import COMMANDS, dcmtk, needs_dcmtk, variant
from tests.classroom.pacs.wire import NATIVE, contents, documents, names, parts, values

DICOM = 'multipart/related; type="application/dicom"'
AS_STORED = DICOM + "; transfer-syntax=*"
JOE_1, JOE_2 = (names(path) for path in JOE)
DOCUMENT, REPORT = (names(path) for path in RAVI if path.name[:2] in ("DO", "SR"))
ANDY, SLICE = (names(path) for path in FILES if path.name in ("US001_0001.dcm", "CT002_0010.dcm"))


@pytest.mark.parametrize(
    "accept",
    [None, "*/*", DICOM, AS_STORED, "multipart/related", "multipart/*"],
)
def test_study_that_is_stored_in_the_default_is_the_files_byte_for_byte(get, accept):
    assert contents(get(JOE_1.study, accept)) == [path.read_bytes() for path in JOE]


@pytest.mark.parametrize("path", ONE_OF_EACH_KIND, ids=lambda path: path.name)
def test_instance_as_it_is_stored_is_the_file_byte_for_byte(get, path):
    found, as_file = names(path), "application/dicom; transfer-syntax=*"
    assert contents(get(found.instance, AS_STORED)) == [path.read_bytes()]
    assert get(found.instance, as_file).content == path.read_bytes()


# PS3.18 section 8.7.3: what lost something when it was compressed may come as it is stored.
@pytest.mark.parametrize("path", ONE_OF_EACH_KIND, ids=lambda path: path.name)
@pytest.mark.parametrize("accept", [None, "*/*", DICOM, "application/dicom"])
def test_instance_comes_in_explicit_little_endian_unless_it_is_lossy(get, path, accept):
    response, stored = get(names(path).instance, accept), pydicom.dcmread(path)
    content = response.content if accept == "application/dicom" else contents(response)[0]
    dataset = pydicom.dcmread(pydicom.filebase.DicomBytesIO(content))
    syntax = dataset.file_meta.TransferSyntaxUID
    assert syntax in (ExplicitVRLittleEndian, JPEGBaseline8Bit)
    assert int(response.headers["Content-Length"]) == len(response.content)
    if syntax == JPEGBaseline8Bit or "PixelData" not in stored:
        assert content == path.read_bytes()
        return
    assert (dataset["PixelData"].VR, len(dataset.PixelData)) == ("OW", stored.pixel_array.nbytes)
    assert numpy.array_equal(dataset.pixel_array, stored.pixel_array)
    for each in (dataset, stored):
        del each.PixelData
    assert dataset == stored


@needs_dcmtk
def test_series_by_default_is_what_dcmtk_makes_of_each_file(get, tmp_path):
    response = get(SLICE.series)
    assert "Content-Length" not in response.headers  # made while it is sent
    slices = [path for path in RAVI if path.name.startswith("CT")]
    for part, path in zip(parts(response), slices, strict=True):
        dcmtk("dcmdrle", path, tmp_path / "decoded.dcm")
        content = part.get_payload(decode=True)
        assert part["Content-Type"].params["transfer-syntax"] == ExplicitVRLittleEndian
        assert int(part["Content-Length"]) == len(content)
        sent = pydicom.dcmread(pydicom.filebase.DicomBytesIO(content))
        assert sent == pydicom.dcmread(tmp_path / "decoded.dcm")


@needs_dcmtk
@pytest.mark.parametrize("way", COMMANDS)
def test_however_it_is_stored_it_comes_in_explicit_little_endian(tmp_path, way):
    variant(JOE[0], way, tmp_path)
    with serving(tmp_path) as url:
        [part] = parts(requests.get(f"{url}{JOE_1.instance}", timeout=9))
    assert part["Content-Type"].params["transfer-syntax"] == ExplicitVRLittleEndian
    sent = pydicom.dcmread(pydicom.filebase.DicomBytesIO(part.get_payload(decode=True)))
    assert numpy.array_equal(sent.pixel_array, JOE_1.dataset.pixel_array)


def test_what_cannot_be_converted_comes_as_it_is_stored_and_says_so(tmp_path):
    """Refused, a whole study would be out of reach for one frame that is broken."""
    whole, broken = tmp_path / "1.dcm", tmp_path / "2.dcm"
    dataset = pydicom.dcmread(SLICE.path)
    dataset.save_as(whole)
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset.PixelData = encapsulate([b"no RLE at all, and never was " * 9])
    dataset["PixelData"].VR = "OB"
    dataset.save_as(broken)
    with serving(tmp_path) as url:
        sent = parts(requests.get(url + SLICE.study, timeout=9))
        alone = requests.get(f"{url}{SLICE.series}/instances/1.2.3", timeout=9)
        refused = requests.get(
            f"{url}{SLICE.series}/instances/1.2.3",
            headers={"Accept": f"{DICOM}; transfer-syntax={ExplicitVRLittleEndian}"},
            timeout=9,
        )
    syntaxes = [part["Content-Type"].params["transfer-syntax"] for part in sent]
    assert sorted(syntaxes) == [ExplicitVRLittleEndian, RLELossless]
    assert contents(alone) == [broken.read_bytes()]
    assert refused.status_code == 406 and "transfer-syntax=*" in refused.json()["detail"]


def test_file_that_changes_under_the_server_is_never_cut_to_pieces(tmp_path):
    path = tmp_path / "1.dcm"
    path.write_bytes(SLICE.path.read_bytes())
    with serving(tmp_path) as url:
        dataset = pydicom.dcmread(path)
        dataset.PatientComments = "longer by some bytes"
        dataset.save_as(path)
        answer = requests.get(url + SLICE.instance, timeout=9)
    assert answer.status_code == 410
    assert "1.dcm" in answer.json()["detail"]


@contextmanager
def serving(folder):
    running = server.start(folder, port=0, apikey=None)
    try:
        yield running.url
    finally:
        running.stop()


@contextmanager
def document_of(named, folder):
    """Serve a stored document that says of itself that it is of some type; yield where, and it."""
    dataset = pydicom.dcmread(DOCUMENT.path)
    dataset.MIMETypeOfEncapsulatedDocument = named
    dataset.save_as(folder / "document.dcm")
    with serving(folder) as url:
        yield f"{url}{DOCUMENT.instance}/bulkdata/00420011", dataset


def test_series_holds_its_own_instances_in_order(get):
    response = get(SLICE.series, AS_STORED)
    received = [part.get_payload(decode=True) for part in parts(response)]
    assert received == [path.read_bytes() for path in RAVI if path.name.startswith("CT")]


def test_part_names_its_transfer_syntax_and_its_url(pacs, get):
    [part] = parts(get(SLICE.instance, AS_STORED))
    syntax = SLICE.dataset.file_meta.TransferSyntaxUID
    assert part["Content-Type"].params["transfer-syntax"] == syntax
    assert part["Content-Location"] == pacs.url + SLICE.instance


def test_content_length_is_known_before_a_study_is_read(send):
    head = send("HEAD", JOE_1.study)
    whole = send("GET", JOE_1.study)
    assert int(head.headers["Content-Length"]) == len(whole.content)
    assert head.content == b""


def test_named_transfer_syntax_is_honoured(get):
    accept = f"{DICOM}; transfer-syntax={RLELossless}"
    response = get(JOE_1.study, accept)
    for body, path in zip(contents(response), JOE, strict=True):
        dataset = pydicom.dcmread(pydicom.filebase.DicomBytesIO(body))
        assert dataset.file_meta.TransferSyntaxUID == RLELossless
        assert numpy.array_equal(dataset.pixel_array, pydicom.dcmread(path).pixel_array)
    assert int(response.headers["Content-Length"]) == len(response.content)


def test_the_files_own_transfer_syntax_by_name_is_the_file(get):
    accept = f"application/dicom; transfer-syntax={ExplicitVRLittleEndian}"
    assert get(JOE_1.instance, accept).content == JOE_1.path.read_bytes()


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.50", "1.2.3", "nonsense"])
def test_transfer_syntax_that_cannot_be_made_is_refused(problem, syntax):
    body = problem(406, JOE_1.study, f"{DICOM}; transfer-syntax={syntax}")
    assert DICOM in body["acceptable"]


def test_second_choice_is_taken_when_the_first_cannot_be_made(get):
    accept = f"{DICOM}; transfer-syntax=1.2.3, {DICOM}; q=0.5"
    assert contents(get(JOE_1.study, accept)) == [path.read_bytes() for path in JOE]


def test_multipart_that_a_client_refuses_is_not_sent(get, problem):
    accept = f"{DICOM}; q=0, */*"
    assert get(JOE_1.instance, accept).content == JOE_1.path.read_bytes()
    problem(406, JOE_1.study, accept)
    problem(406, JOE_1.instance, f"{accept}, application/dicom; q=0")


def test_several_instances_do_not_fit_into_one_part(problem):
    assert problem(406, JOE_1.study, "application/dicom")["acceptable"] == [DICOM]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_metadata_says_what_the_file_says(get, path):
    found = names(path)
    [model] = get(found.instance + "/metadata", "application/dicom+json").json()
    left_out = {tag for tag, attribute in model.items() if "BulkDataURI" in attribute}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns of each BulkDataURI
        sent = pydicom.Dataset.from_json({t: a for t, a in model.items() if t not in left_out})
    expected = pydicom.dcmread(path)
    assert left_out == {
        f"{e.tag:08X}" for e in expected if e.keyword in ("PixelData", "EncapsulatedDocument")
    }
    for tag in left_out:
        del expected[int(tag, 16)]
    assert sent == expected


@pytest.mark.parametrize("path", ONE_OF_EACH_KIND, ids=lambda path: path.name)
def test_metadata_in_xml_has_the_same_attributes_as_in_json(get, path):
    found = names(path)
    [model] = get(found.instance + "/metadata", "application/json").json()
    accept = 'multipart/related; type="application/dicom+xml"'
    [document] = documents(get(found.instance + "/metadata", accept))
    attributes = document.findall(f"{NATIVE}DicomAttribute")
    assert {a.get("tag"): a.get("vr") for a in attributes} == {
        tag: attribute["vr"] for tag, attribute in model.items()
    }
    assert values(document, "SOPInstanceUID") == [found.dataset.SOPInstanceUID]


@pytest.mark.parametrize(("level", "count"), [("study", 36), ("series", 32), ("instance", 1)])
def test_metadata_of_each_level(get, level, count):
    path = getattr(SLICE, level) + "/metadata/"
    assert len(get(path, "application/dicom+json").json()) == count
    if count > 1:
        assert len(documents(get(path))) == count


def test_bulk_data_uri_leads_to_the_document(get, pacs):
    [model] = get(DOCUMENT.instance + "/metadata", "application/dicom+json").json()
    uri = model["00420011"]["BulkDataURI"]
    assert uri == f"{pacs.url}{DOCUMENT.instance}/bulkdata/00420011"
    pdf = DOCUMENT.dataset.EncapsulatedDocument
    path = uri.removeprefix(pacs.url)
    assert contents(get(path)) == [pdf]
    for accept in ("application/octet-stream", "application/pdf", "application/pdf, */*;q=0.1"):
        response = get(path, accept)
        assert response.content == pdf
        assert response.headers["Content-Type"] == accept.split(",")[0]
    [part] = parts(get(path, 'multipart/related; type="application/pdf"'))
    assert part.get_content_type() == "application/pdf"


def test_bulk_data_uri_of_pixels_leads_to_the_frames(get, pacs):
    [model] = get(JOE_1.instance + "/metadata", "application/dicom+json").json()
    path = model["7FE00010"]["BulkDataURI"].removeprefix(pacs.url)
    assert contents(get(path)) == [JOE_1.dataset.PixelData]


def test_bulk_value_inside_a_sequence_is_found(tmp_path):
    dataset = pydicom.dcmread(JOE[0])
    item = pydicom.Dataset()
    item.add_new("RedPaletteColorLookupTableData", "OW", bytes(range(256)) * 8)
    dataset.IconImageSequence = [pydicom.Dataset(), item]
    dataset.save_as(tmp_path / "one.dcm")
    nested = server.start(tmp_path, port=0, apikey=None)
    try:
        url = nested.url + JOE_1.instance
        [model] = requests.get(f"{url}/metadata?accept=application/json", timeout=9).json()
        uri = model["00880200"]["Value"][1]["00281201"]["BulkDataURI"]
        assert uri == f"{url}/bulkdata/00880200/2/00281201"
        headers = {"Accept": "application/octet-stream"}
        assert requests.get(uri, headers=headers, timeout=9).content == bytes(range(256)) * 8
    finally:
        nested.stop()


@pytest.mark.parametrize(
    "named",
    ["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "application/pdf", "a/b"],
)
def test_stored_document_is_never_a_page_of_the_server(tmp_path, named):
    with document_of(named, tmp_path) as (url, dataset):
        for accept in (named, f"{named}, */*; q=0.1", "application/octet-stream"):
            response = requests.get(url, headers={"Accept": accept}, timeout=9)
            assert response.content == dataset.EncapsulatedDocument
            assert response.headers["Content-Disposition"] == "attachment"
            assert response.headers["Content-Security-Policy"] == "sandbox"
            assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("accept", ["text/xml", "application/dicom+xml", "application/xml"])
def test_attributes_as_xml_are_no_page_that_does_anything(get, accept):
    response = get(JOE_1.instance + "/metadata", accept)
    assert response.headers["Content-Type"] == accept
    assert response.headers["Content-Security-Policy"] == "sandbox"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "named", ["application/pdf\nX-Evil: 1", "nonsense", "ä/ö", "te\u017ft/plain", ""]
)
def test_document_whose_type_makes_no_sense_is_bytes(tmp_path, named):
    with document_of(named, tmp_path) as (url, dataset):
        accept = "*/*, multipart/*; q=0"
        response = requests.get(url, headers={"Accept": accept}, timeout=9)
        accept += ", application/octet-stream; q=0"
        refused = requests.get(url, headers={"Accept": accept}, timeout=9)
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.content == dataset.EncapsulatedDocument
    assert refused.status_code == 406


@pytest.mark.parametrize(
    "path", ["00100010", "00420011/1", "7FE00010", "../00420011", "zzz", "00081115/1/9/00420011"]
)
def test_bulk_value_that_is_not_there_is_a_404(problem, path):
    problem(404, f"{REPORT.instance}/bulkdata/{path}")


def test_raw_frame_is_the_pixels(get):
    accept = 'multipart/related; type="application/octet-stream"'
    [part] = parts(get(JOE_1.instance + "/frames/1", accept))
    assert part["Content-Type"].replace('"', "") == (
        f"application/octet-stream; transfer-syntax={ExplicitVRLittleEndian}"
    )
    assert part.get_payload(decode=True) == JOE_1.dataset.PixelData


@pytest.mark.parametrize("asked", ["image/dicom+jpeg", '"image/jpeg"', "image/jpeg"])
def test_jpeg_of_raw_pixels_is_jpeg_lossless(get, asked):
    response = get(JOE_1.instance + "/frames/1", f"multipart/related; type={asked}")
    assert response.headers["Content-Type"].startswith('multipart/related; type="image/jpeg"')
    [part] = parts(response)
    assert part.get_content_type() == "image/jpeg"
    assert str(JPEGLosslessSV1) in part["Content-Type"]
    body = part.get_payload(decode=True)
    assert body[:2] == b"\xff\xd8" and b"\xff\xc3" in body[:300]


@pytest.mark.parametrize(
    ("asked", "syntax"),
    [
        ('type="image/jls"', "1.2.840.10008.1.2.4.80"),
        ('type="image/jp2"', "1.2.840.10008.1.2.4.90"),
        ('type="image/jpeg"; transfer-syntax=1.2.840.10008.1.2.4.70', "1.2.840.10008.1.2.4.70"),
        ('type="image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.70"', "1.2.840.10008.1.2.4.70"),
        ("type=application/octet-stream; transfer-syntax=*", "1.2.840.10008.1.2.5"),
        ('type="*/*"; transfer-syntax=*', "1.2.840.10008.1.2.5"),
        ('type="*/*"', "1.2.840.10008.1.2.1"),
    ],
)
def test_frame_comes_in_the_transfer_syntax_asked_for(get, asked, syntax):
    [part] = parts(get(SLICE.instance + "/frames/1", f"multipart/related; {asked}"))
    assert part["Content-Type"].replace('"', "").endswith(f"transfer-syntax={syntax}")


def test_without_accept_a_frame_comes_raw(get):
    [body] = contents(get(SLICE.instance + "/frames/1"))
    expected = pixel_array(SLICE.path)
    assert numpy.array_equal(numpy.frombuffer(body, "<i2").reshape(expected.shape), expected)


def test_list_of_frames_comes_in_the_order_asked_for(get, pacs):
    accept = 'multipart/related; type="image/jpeg"'
    stored = list(pydicom.encaps.generate_frames(ANDY.dataset.PixelData, number_of_frames=24))
    received = parts(get(ANDY.instance + "/frames/3,1", accept))
    assert [part.get_payload(decode=True) for part in received] == [stored[2], stored[0]]
    assert [part["Content-Location"] for part in received] == [
        f"{pacs.url}{ANDY.instance}/frames/{number}" for number in (3, 1)
    ]
    assert all(str(JPEGBaseline8Bit) in part["Content-Type"] for part in received)


@pytest.mark.parametrize("frames", ["0", "-1", "a", "1,", "1,,2", "1-3", "1,0"])
def test_what_is_no_list_of_frames_is_a_400(problem, frames):
    problem(400, f"{ANDY.instance}/frames/{frames}")


def test_frame_beyond_the_last_is_a_404_that_says_how_many_there_are(problem):
    assert "1 to 24" in problem(404, ANDY.instance + "/frames/1,25")["hint"]


def test_report_has_no_frames(problem):
    assert "no image" in problem(404, REPORT.instance + "/frames/1")["detail"]


def test_baseline_jpeg_of_12_bits_is_refused_with_what_would_do(problem):
    accept = 'multipart/related; type="image/jpeg"; transfer-syntax=1.2.840.10008.1.2.4.50'
    body = problem(406, JOE_1.instance + "/frames/1", accept)
    assert "/rendered" in body["detail"]
    assert any("1.2.840.10008.1.2.4.70" in offer for offer in body["acceptable"])


@pytest.mark.parametrize("accept", ["image/png", "image/jpeg", "application/dicom+json"])
def test_each_type_that_a_406_offers_for_frames_works(problem, get, accept):
    path = SLICE.instance + "/frames/1"
    offers = problem(406, path, accept)["acceptable"]
    assert len(offers) > 3
    for offer in offers:
        [part] = parts(get(path, offer))
        assert part.get_content_type() in offer


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ('multipart/related; type="application/octet-stream"; q=0, */*', None),
        ('multipart/related; type="image/jpeg"; q=0, multipart/related; type="image/*"', None),
        ('*/*; q=0, multipart/related; type="image/jls"', "image/jls"),
        ('*/*; q=0, multipart/related; type="image/dicom+jpeg"', "image/jpeg"),
        ('multipart/related; type="image/jls"; q=0.1, */*; q=0.2', "application/octet-stream"),
    ],
)
def test_frame_that_a_client_refuses_is_not_sent(send, accept, kind):
    response = send("GET", JOE_1.instance + "/frames/1", accept)
    assert response.status_code == (200 if kind else 406)
    if kind:
        assert parts(response)[0].get_content_type() == kind


def test_frames_of_a_video_are_refused_without_offers(tmp_path):
    dataset = pydicom.dcmread(ANDY.path)
    dataset.file_meta.TransferSyntaxUID = MPEG4HP41
    dataset.save_as(tmp_path / "video.dcm")
    running = server.start(tmp_path, port=0, apikey=None)
    try:
        body = requests.get(f"{running.url}{ANDY.instance}/frames/1", timeout=9).json()
    finally:
        running.stop()
    assert (body["status"], body["acceptable"]) == (406, [])
    assert "video" in body["detail"] and body["hint"] == "No Accept would do."


def test_frame_that_is_broken_cuts_the_answer_without_a_traceback(tmp_path, capfd):
    dataset = pydicom.dcmread(ANDY.path)
    first, second, *_ = generate_frames(dataset.PixelData, number_of_frames=24)
    dataset.NumberOfFrames = 3
    dataset.PixelData = encapsulate([first, second[:200], second])
    dataset.save_as(tmp_path / "broken.dcm")
    running = server.start(tmp_path, port=0, apikey=None)
    try:
        url = f"{running.url}{ANDY.instance}/frames"
        raw = {"Accept": 'multipart/related; type="application/octet-stream"'}
        assert requests.get(f"{url}/2", headers=raw, timeout=9).status_code == 406
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            requests.get(f"{url}/1,2", headers=raw, timeout=9)
        assert requests.get(f"{url}/1,3", headers=raw, timeout=9).status_code == 200
    finally:
        running.stop()
    [line] = capfd.readouterr().err.splitlines()
    assert "broken.dcm, frame 2: " in line and "cannot be decoded" in line


def test_many_clients_at_once_all_get_whole_studies(get):
    expected = [path.read_bytes() for path in JOE]
    outcomes = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(contents(get(JOE_1.study)) == expected))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [True] * 8
