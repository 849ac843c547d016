"""The tree of the archive, opened level by level."""

import base64
import io
import json
import re
from dataclasses import replace

import pydicom
import pytest
from PIL import Image

from helpers import StudyBrowser, browse
from helpers.errors import AttributeProblem, ServerUnreachable, WorkbookError
from helpers.queries.request import GetRequest
from helpers.servers.server import Server
from tests.answers import answer, saying
from tests.archive import FILES, ONE_OF_EACH_STUDY, PATIENTS, RAVI
from tests.helpers.widgets.looking import all_widgets, everything_in, run_code


@pytest.fixture(scope="module")
def headers():
    """Return the attributes of every file in the archive."""
    return [pydicom.dcmread(path, stop_before_pixels=True) for path in FILES]


def open_all(browser):
    """Open patient, study and series of Ravi; return the node of the series."""
    patient = next(node for node in browser.nodes if node.uid == "RAVI-TEACH-01")
    patient.button.click()
    [study] = patient.children
    study.button.click()
    series = study.children[0]
    series.button.click()
    return series


def test_patients_are_those_of_the_files(server, headers):
    browser = StudyBrowser(server)
    assert {node.uid for node in browser.nodes} == {header.PatientID for header in headers}


def test_a_level_is_asked_for_when_it_is_opened_and_only_once(server, monkeypatch):
    asked = []
    send = GetRequest.send
    monkeypatch.setattr(GetRequest, "send", lambda self: asked.append(self.path) or send(self))
    browser = StudyBrowser(server)
    series = open_all(browser)
    study = pydicom.dcmread(RAVI[0], stop_before_pixels=True).StudyInstanceUID
    assert [path for path in asked if "frames" not in path] == [
        "studies",
        "studies",
        f"studies/{study}/series",
        f"studies/{study}/series/{series.uid}/instances",
    ]
    # The picture beside them is asked for once, too: the study and the series have the same.
    assert asked[4].endswith("/frames/1/rendered")
    series.button.click()
    series.button.click()
    assert len(asked) == 5


def test_each_level_shows_its_request(server):
    browser = StudyBrowser(server)
    series = open_all(browser)
    assert f"/series/{series.uid}/instances?limit=" in series.message.value
    assert "200 OK, 32 instances" in series.message.value


def test_closing_a_node_hides_what_is_below(server):
    series = open_all(StudyBrowser(server))
    assert series.below.layout.display == "flex"
    assert series.button.tooltip == "Close this series"
    series.button.click()
    assert series.below.layout.display == "none"
    assert series.button.tooltip == "Open this series"


def test_instances_are_in_the_order_of_their_numbers(server):
    series = open_all(StudyBrowser(server))
    labels = [node.button.description.split(",")[0] for node in series.children]
    assert labels == [f"instance {number}" for number in range(1, 33)]


def test_what_is_opened_is_picked_for_the_next_cell(server, headers):
    browser = StudyBrowser(server)
    series = open_all(browser)
    series.children[4].button.click()
    picked = next(h for h in headers if h.SOPInstanceUID == browser.instance_uid)
    assert picked.InstanceNumber == 5
    assert browser.study_uid == picked.StudyInstanceUID
    assert browser.series_uid == picked.SeriesInstanceUID
    assert browser.patient_id == picked.PatientID
    names = run_code(browser.python.value, server)
    assert names["instance_uid"] == picked.SOPInstanceUID
    assert names["study_uid"] == picked.StudyInstanceUID


def test_opening_another_study_forgets_the_series_that_was_picked(server):
    browser = StudyBrowser(server)
    open_all(browser)
    browser.nodes[1].button.click()
    assert browser.patient_id == browser.nodes[1].uid
    assert (browser.study_uid, browser.series_uid, browser.instance_uid) == ("", "", "")


def test_other_code_can_observe_what_is_picked(server):
    browser, seen = StudyBrowser(server), []
    browser.observe(lambda change: seen.append(change["new"]), "study_uid")
    open_all(browser)
    assert seen == [browser.study_uid]


def test_function_lists_what_the_tree_shows(server, capsys):
    browser = StudyBrowser(server)
    series = open_all(browser)
    patient, study = series.path[0], series.path[1]
    [opened] = browser.nodes[3].children
    levels = [
        (browse(server)["PatientID"], browser.nodes),
        (browse(server, patient)["StudyInstanceUID"], [opened]),
        (
            browse(server, study_uid=study)["SeriesInstanceUID"],
            browser.nodes[3].children[0].children,
        ),
        (browse(server, None, study, series.uid)["SOPInstanceUID"], series.children),
    ]
    for column, nodes in levels:
        assert column.tolist() == [node.uid for node in nodes]
    printed = capsys.readouterr().out.splitlines()
    assert printed[3].startswith(f"GET /dicomweb/studies/{study}/series/{series.uid}/instances?")


def test_patient_without_an_id_has_his_own_studies(server, monkeypatch):
    body = b"""[
        {"00100010": {"vr": "PN", "Value": [{"Alphabetic": "A^B"}]}, "00100020": {"vr": "LO"},
         "0020000D": {"vr": "UI", "Value": ["1.2"]}},
        {"00100010": {"vr": "PN", "Value": [{"Alphabetic": "C^D"}]},
         "00100020": {"vr": "LO", "Value": ["7"]}, "0020000D": {"vr": "UI", "Value": ["1.3"]}}]"""
    said = "helpers.queries.request.GetRequest.send"
    monkeypatch.setattr(said, lambda self: answer(body, "application/dicom+json"))
    browser = StudyBrowser(server)
    browser.nodes[0].button.click()
    assert [node.uid for node in browser.nodes[0].children] == ["1.2"]
    # An empty condition means something else to some servers.
    assert "PatientID" not in browser.nodes[0].message.value
    browser.nodes[1].button.click()
    assert "PatientID=7" in browser.nodes[1].message.value


def test_instances_are_sorted_by_number_and_those_without_one_come_last(server, monkeypatch):
    numbers = [None, *[7, 12] * 20, 1]
    found = [
        {
            "00080018": {"vr": "UI", "Value": [f"1.{place}"]},
            "00200013": {"vr": "IS", "Value": [number]},
        }
        for place, number in enumerate(numbers)
    ]
    body = json.dumps(found).encode()
    said = "helpers.queries.request.GetRequest.send"
    monkeypatch.setattr(said, lambda self: answer(body, "application/dicom+json"))
    table = browse(server, study_uid="1.2", series_uid="1.3")
    # Those of one number stay in the order of the server.
    expected = [41, *range(1, 41, 2), *range(2, 42, 2), 0]
    assert table["SOPInstanceUID"].tolist() == [f"1.{place}" for place in expected]
    assert table.index.tolist() == list(range(42))


@pytest.mark.parametrize(("more", "is_told"), [(0, True), (1, False)])
def test_studies_that_were_not_asked_for_are_told(server, monkeypatch, more, is_told):
    limit = len(ONE_OF_EACH_STUDY) + more
    monkeypatch.setattr("helpers.widgets.study_browser.LIMIT", limit)
    browser = StudyBrowser(server)
    assert f"{len(PATIENTS)} patients" in browser.message.value
    assert (f"asked for {len(ONE_OF_EACH_STUDY)} at most" in browser.message.value) == is_told


def test_server_that_sends_more_than_it_was_asked_for_fills_no_endless_tree(monkeypatch):
    studies = [{"00100020": {"vr": "LO", "Value": [f"PATIENT-{number}"]}} for number in range(9)]
    body = json.dumps(studies).encode()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    monkeypatch.setattr("helpers.widgets.study_browser.LIMIT", 5)
    with saying(head.encode(), body) as url:
        browser = StudyBrowser(Server("generous", f"{url}/dicomweb", None))
    assert [node.uid for node in browser.nodes] == [f"PATIENT-{number}" for number in range(5)]
    assert "9 patients" in browser.message.value
    assert "asked for 5 at most" in browser.message.value


def test_series_without_its_study_is_explained(server):
    with pytest.raises(WorkbookError, match="found below its study"):
        browse(server, series_uid="1.2.3")


@pytest.mark.parametrize("uids", [("..",), ("1.2", "../../.."), ("1.2/..", "1.3")])
def test_what_is_no_uid_becomes_no_part_of_a_url(nobody, uids):
    with pytest.raises(AttributeProblem, match="InstanceUID is malformed"):
        browse(nobody, None, *uids)


def test_server_that_is_gone_is_a_sentence_in_place(nobody):
    browser = StudyBrowser(nobody)
    assert "no server listens on that port" in browser.message.value
    assert browser.nodes == []
    with pytest.raises(ServerUnreachable):
        browse(nobody)


def test_a_level_that_fails_says_so_and_can_be_opened_again(server, monkeypatch):
    browser = StudyBrowser(server)
    patient = browser.nodes[1]
    with monkeypatch.context() as patched:
        gone = answer(b"", "text/plain", 503, "Service Unavailable")
        patched.setattr("helpers.queries.request.GetRequest.send", lambda self: gone)
        patient.button.click()
    assert "503 Service Unavailable" in patient.message.value
    patient.button.click()
    patient.button.click()
    assert len(patient.children) == 2
    assert "200 OK" in patient.message.value


def test_no_secret_reaches_the_tree(locked_out):
    browser = StudyBrowser(locked_out)
    assert "401" in browser.message.value
    assert "my personal secret" not in everything_in(browser)


def test_static_picture_is_the_tree_as_far_as_it_is_open(server):
    browser = StudyBrowser(server)
    open_all(browser)
    picture = browser.static()
    assert "        series 2, CT, Chest 7.5 B31f, instances: 32" in picture["text/plain"]
    assert "Chest 7.5 B31f" in picture["text/html"]


def test_identifier_of_the_patient_comes_before_the_long_uid(server):
    studies = browse(server, patient_id="TCGA-17-Z058")
    assert [studies.columns[0], studies.columns[-1]] == ["PatientID", "StudyInstanceUID"]


def test_static_picture_ends_with_what_is_picked_or_with_the_tree(server):
    browser = StudyBrowser(server)
    last = browser.nodes[-1]
    assert browser.static()["text/plain"].endswith(last.button.description)
    last.button.click()
    assert browser.static()["text/plain"].endswith(f'patient_id = "{last.uid}"')


def test_every_row_of_the_tree_is_a_button_with_words(server):
    browser = StudyBrowser(server)
    series = open_all(browser)
    assert all(node.button in set(all_widgets(browser)) for node in series.children)
    assert all(node.button.description and node.button.tooltip for node in series.children)


def pick_each_level(browser, patient):
    """Open a patient, the first study and the first series; yield what is picked each time."""
    nodes = browser.nodes
    for choose in (lambda node: node.uid == patient, lambda _: True, lambda _: True):
        node = next(filter(choose, nodes))
        node.button.click()
        yield node
        nodes = node.children


def test_small_picture_of_what_is_picked_stands_beside_it(server):
    browser = StudyBrowser(server)
    seen = ["<img" in browser.thumbnail.value for _ in pick_each_level(browser, "ANDY-TEACH-01")]
    assert seen == [False, True, True]
    encoded = re.search("base64,([^']+)'", browser.thumbnail.value)[1]
    picture = Image.open(io.BytesIO(base64.b64decode(encoded)))
    assert max(picture.size) == 160


def test_server_that_draws_nothing_has_its_pictures_drawn_here(server, monkeypatch):
    send = GetRequest.send

    def refuse_rendered(request, session=None):
        path = request.path.replace("/rendered", "/no-such-thing")
        return send(replace(request, path=path), session)

    monkeypatch.setattr(GetRequest, "send", refuse_rendered)
    browser = StudyBrowser(server)
    assert list(pick_each_level(browser, "RAVI-TEACH-01"))
    assert "<img" in browser.thumbnail.value


def test_media_type_of_a_picture_is_no_part_of_the_page(server, monkeypatch):
    send = GetRequest.send

    def relabelled(request, session=None):
        answer = send(request, session)
        if request.path.endswith("/rendered"):
            answer.headers["Content-Type"] = "image/png'onerror='ran()"
        return answer

    monkeypatch.setattr(GetRequest, "send", relabelled)
    browser = StudyBrowser(server)
    assert list(pick_each_level(browser, "RAVI-TEACH-01"))
    assert "<img" in browser.thumbnail.value and "ran()" not in browser.thumbnail.value


def test_instance_without_an_image_has_no_picture(server):
    browser = StudyBrowser(server)
    *_, study, _ = pick_each_level(browser, "RAVI-TEACH-01")
    report = next(one for one in study.children if one.modality == "SR")
    report.button.click()
    report.children[0].button.click()
    assert browser.thumbnail.value == ""
