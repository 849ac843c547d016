import json
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pydicom
import pytest
import requests
from pydicom.uid import DeflatedExplicitVRLittleEndian

from helpers.errors import AttributeProblem, HTTPProblem, ServerUnreachable
from helpers.files.store import store_instances
from helpers.servers.server import Server
from helpers.web.limits import Limits
from tests.archive import FILES, JOE, RAVI
from tests.peers.orthanc import orthanc_for_a_test
from tests.storing import Archive, contents, store_response

UIDS = [pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID for path in RAVI]


def posts(archive):
    return [request for request in archive.requests if request[0] == "POST"]


def test_the_request_is_what_the_standard_asks_for(archive):
    store_instances(JOE, archive.server)
    [(_, path, headers, body)] = posts(archive)
    assert path == "/dicomweb/studies"
    assert headers["Content-Type"].startswith('multipart/related; type="application/dicom"; bound')
    assert headers["Accept"] == "application/dicom+json"
    assert headers["apikey"] == "s3cret"
    # The body was read by this length, and it parses: so the length is right.
    assert [file.getvalue() for file in contents(headers, body)] == [
        path.read_bytes() for path in JOE
    ]


def test_everything_is_stored_once(archive):
    results = store_instances(map(str, RAVI), archive.server)
    assert list(results.columns) == ["SOPInstanceUID", "outcome", "reason", "file"]
    assert results.SOPInstanceUID.tolist() == UIDS
    assert set(results.outcome) == {"stored"}
    assert results.file.tolist() == [str(path) for path in RAVI]
    assert archive.held == UIDS


def test_what_the_server_has_is_not_sent_again(archive):
    archive.held = UIDS[:30]
    results = store_instances(RAVI, archive.server)
    assert results.outcome.tolist() == ["there already"] * 30 + ["stored"] * (len(RAVI) - 30)
    [(_, _, headers, body)] = posts(archive)
    assert len(contents(headers, body)) == len(RAVI) - 30
    assert store_instances(RAVI, archive.server).outcome.unique().tolist() == ["there already"]
    assert len(posts(archive)) == 1


def test_instances_go_out_in_batches(archive, monkeypatch):
    store_instances(RAVI, archive.server, at_once=10)
    assert [len(contents(headers, body)) for _, _, headers, body in posts(archive)] == [
        10,
        10,
        10,
        len(RAVI) - 30,
    ]
    archive.held, archive.requests = [], []
    monkeypatch.setattr("helpers.files.store.BYTES_AT_ONCE", 500_000)
    store_instances(RAVI, archive.server)
    sizes = [
        sum(len(file.getvalue()) for file in contents(headers, body))
        for _, _, headers, body in posts(archive)
    ]
    assert max(sizes) <= 500_000 < sum(sizes[:2])


def test_a_file_larger_than_a_batch_goes_alone(archive, monkeypatch):
    monkeypatch.setattr("helpers.files.store.BYTES_AT_ONCE", 1)
    assert set(store_instances(JOE, archive.server).outcome) == {"stored"}
    assert len(posts(archive)) == 2


def test_a_data_set_is_stored_as_a_file(archive):
    dataset = pydicom.dcmread(JOE[0])
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "2.25.1"
    results = store_instances([dataset], archive.server)
    assert results.loc[0].tolist() == ["2.25.1", "stored", "", ""]
    [(_, _, headers, body)] = posts(archive)
    [file] = contents(headers, body)
    assert pydicom.dcmread(file) == dataset


@pytest.mark.parametrize("status", [202, 409])
def test_a_refused_instance_is_told_with_the_reason(archive, status):
    refused = store_response(stored=UIDS[1:3], refused=[(UIDS[0], 0x0122)])
    archive.answers = [(status, {}, refused)]
    results = store_instances(RAVI[:3], archive.server)
    assert results.outcome.tolist() == ["failed", "stored", "stored"]
    assert "(code 0122)" in results.reason[0]


def test_a_change_that_the_server_made_is_told(archive):
    body = json.loads(store_response(stored=UIDS[:1]))
    body["00081199"]["Value"][0]["00081196"] = {"vr": "US", "Value": [0xB000]}
    archive.answers = [(202, {}, json.dumps(body).encode())]
    results = store_instances(RAVI[:1], archive.server)
    assert results.outcome[0] == "stored"
    assert "changed attributes" in results.reason[0]


def test_a_store_response_in_xml_is_read(archive):
    body = f"""<NativeDicomModel><DicomAttribute tag="00081199" vr="SQ"><Item number="1">
        <DicomAttribute tag="00081155" vr="UI"><Value number="1">{UIDS[0]}</Value>
        </DicomAttribute></Item></DicomAttribute></NativeDicomModel>"""
    archive.answers = [(200, {"Content-Type": "application/dicom+xml"}, body.encode())]
    assert store_instances(RAVI[:1], archive.server).outcome[0] == "stored"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, {}, b"{}"), "does not say"),
        ((200, {"Content-Type": "text/html"}, b"<html>"), "text/html"),
        ((409, {}, b""), "cannot be read"),
        ((401, {}, b""), "401"),
        ((503, {"Content-Type": "text/html"}, b"<html>"), "web page"),
        ((503, {}, b'{"Message": "disk full"}'), "disk full"),
    ],
)
def test_an_answer_that_tells_nothing_is_a_failure_of_its_batch_only(archive, answer, words):
    archive.answers = [answer]
    results = store_instances(RAVI[:4], archive.server, at_once=2)
    assert results.outcome.tolist() == ["failed", "failed", "stored", "stored"]
    assert words in results.reason[0]


@pytest.mark.parametrize("status", [400, 413, 415, 500])
def test_one_bad_instance_does_not_keep_the_others_out(archive, status):
    def refuse(headers, body):
        if RAVI[5].read_bytes() in body:
            return status, {}, b""
        return Archive.stored(archive, headers, body)

    archive.stored = refuse
    results = store_instances(RAVI, archive.server)
    assert results.SOPInstanceUID[results.outcome == "failed"].tolist() == [UIDS[5]]
    assert sorted(archive.held) == sorted(set(UIDS) - {UIDS[5]})


def test_a_redirect_is_not_followed_and_the_key_stays_here(archive):
    archive.answers = [(307, {"Location": f"{archive.server.dicomweb}/elsewhere"}, b"")]
    results = store_instances(RAVI[:1], archive.server)
    assert results.outcome[0] == "failed" and "elsewhere" in results.reason[0]
    assert [path for _, path, _, _ in posts(archive)] == ["/dicomweb/studies"]


def test_when_the_server_is_gone_the_rest_is_not_sent_and_goes_out_the_next_time(archive):
    def hang_up(headers, body):
        archive.stored = lambda headers, body: Archive.stored(archive, headers, body)
        raise ConnectionAbortedError

    archive.stored = hang_up
    results = store_instances(RAVI[:4], archive.server, at_once=2)
    assert results.outcome.tolist() == ["failed", "failed", "not sent", "not sent"]
    assert results.reason[0] == (
        f"No connection to {urlsplit(archive.server.dicomweb).netloc}: the server took the "
        "request, and hung up or said what is not HTTP"
    )
    assert len(posts(archive)) == 1
    assert set(store_instances(RAVI[:4], archive.server).outcome) == {"stored"}


def test_what_was_stored_before_the_server_was_gone_stays_stored(archive):
    """The whole is refused, its first half is stored, and the second finds nobody."""

    def refuse_then_hang_up(headers, body):
        if len(posts(archive)) == 3:
            raise ConnectionAbortedError
        return Archive.stored(archive, headers, body)

    archive.stored = refuse_then_hang_up
    archive.answers = [(413, {}, b"")]
    results = store_instances(RAVI[:4], archive.server)
    assert results.outcome.tolist() == ["stored", "stored", "failed", "failed"]
    assert results.reason.tolist()[:2] == ["", ""]


def test_a_bad_instance_is_found_in_few_requests(archive):
    def refuse(headers, body):
        if RAVI[-1].read_bytes() in body:
            return 400, {}, b""
        return Archive.stored(archive, headers, body)

    archive.stored = refuse
    results = store_instances(RAVI, archive.server)
    assert results.outcome.tolist() == ["stored"] * (len(RAVI) - 1) + ["failed"]
    # Halves of 36: 18, 9, 4, 2, 1.
    assert len(posts(archive)) <= 1 + 2 * 6


def test_the_bar_ends_where_it_should_though_some_is_sent_twice(archive, monkeypatch):
    told = []

    class Bar:
        def __init__(self, total, **options):
            told.append(total)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def update(self, size):
            told.append(size)

    monkeypatch.setattr("helpers.files.store.tqdm", Bar)
    archive.answers = [(413, {}, b"")]
    assert set(store_instances(RAVI[:4], archive.server).outcome) == {"stored"}
    total, *sent = told
    assert sum(sent) == total == sum(path.stat().st_size for path in RAVI[:4])


def test_each_study_is_asked_for_once(archive):
    store_instances(RAVI, archive.server)
    assert len(archive.requests) - len(posts(archive)) == 1


def test_a_silent_server_is_not_waited_for_for_ever(archive, monkeypatch):
    woken = threading.Event()

    def found(query):
        # Not before: a busy computer may need longer for this answer.
        monkeypatch.setattr("helpers.web.limits.STORING", Limits(silence=0.1, in_all=5))
        return Archive.found(archive, query)

    def sleep(*arguments):
        woken.wait(20)
        return 200, {}, b"[]"

    archive.found, archive.stored = found, sleep
    results = store_instances(RAVI[:2], archive.server, at_once=1)
    assert results.outcome.tolist() == ["failed", "not sent"]
    assert results.reason[0].startswith("No answer from") and "silence" in results.reason[0]
    woken.set()


def test_a_search_does_not_follow_a_redirect_either(archive):
    archive.found = lambda query: (307, {"Location": f"{archive.server.dicomweb}/elsewhere"}, b"")
    with pytest.raises(HTTPProblem, match="elsewhere"):
        store_instances(JOE, archive.server)
    assert len(archive.requests) == 1


def without(*keywords):
    dataset = pydicom.dcmread(JOE[0])
    for keyword in keywords:
        del dataset[keyword]
    return dataset


def test_what_lacks_an_attribute_that_storing_needs_does_not_stop_the_others(archive, tmp_path):
    without("StudyInstanceUID").save_as(tmp_path / "no-study.dcm")
    no_syntax = without("Rows")
    del no_syntax.file_meta
    items = [tmp_path / "no-study.dcm", without("SOPInstanceUID"), no_syntax, JOE[1]]
    results = store_instances(items, archive.server)
    assert results.outcome.tolist() == ["failed"] * 3 + ["stored"]
    assert results.reason[0] == "it cannot be read: it has no StudyInstanceUID"
    assert results.reason[1] == "it cannot be read: it has no SOPInstanceUID"
    assert results.reason[2].startswith("it cannot be read: ")


@pytest.mark.parametrize(
    "uid", ["..", ".", "1..2", "1.2.", "../../x", "1.2\\1.3", "1.2/3", "1" * 65, "Joe"]
)
def test_a_malformed_uid_goes_into_no_url(archive, tmp_path, uid):
    dataset = pydicom.dcmread(JOE[0])
    dataset["StudyInstanceUID"]._value = uid
    dataset.save_as(tmp_path / "odd.dcm")
    results = store_instances([tmp_path / "odd.dcm", JOE[1]], archive.server)
    assert results.outcome.tolist() == ["failed", "stored"]
    assert results.reason[0] == "it cannot be read: its StudyInstanceUID is malformed"


def test_no_broken_file_stops_the_others(archive, tmp_path):
    """Each of these made pydicom raise another error."""
    deflated = pydicom.dcmread(JOE[0])
    deflated.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    pydicom.dcmwrite(whole := pydicom.filebase.DicomBytesIO(), deflated)
    content = JOE[0].read_bytes()
    broken = [
        whole.getvalue()[:1000],
        content.replace(b"\x20\x00\x0d\x00UI", b"\x20\x00\x0d\x00U1"),
        content[:134],
        content[:132] + b"\xff" * 300,
    ]
    for number, wrong in enumerate(broken):
        (tmp_path / f"{number}.dcm").write_bytes(wrong)
    results = store_instances([*sorted(tmp_path.iterdir()), JOE[1]], archive.server)
    assert results.outcome.tolist() == ["failed"] * len(broken) + ["stored"]


def test_an_empty_uid_is_none(archive, tmp_path):
    """It would make a URL of another resource."""
    dataset = pydicom.dcmread(JOE[0])
    dataset.StudyInstanceUID = ""
    dataset.save_as(tmp_path / "empty.dcm")
    results = store_instances([tmp_path / "empty.dcm", dataset], archive.server)
    assert set(results.reason) == {"it cannot be read: it has no StudyInstanceUID"}
    assert archive.requests == []


def test_a_data_set_that_was_no_file_becomes_one(archive):
    dataset = without("PixelData")
    dataset.preamble = None
    del dataset.file_meta.MediaStorageSOPInstanceUID
    store_instances([dataset], archive.server)
    [(_, _, headers, body)] = posts(archive)
    [file] = contents(headers, body)
    # PS3.10 section 7.1: 128 bytes, DICM, and who the object is.
    assert file.getvalue()[128:132] == b"DICM"
    assert pydicom.dcmread(file).file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((503, {}, b""), "The server answered 503 Service Unavailable to POST /dicomweb/studies."),
        (
            (401, {}, b'{"message": "No API key"}'),
            "The server answered 401 Unauthorized to POST /dicomweb/studies: "
            "the server says: No API key",
        ),
    ],
)
def test_a_reason_says_nothing_twice(archive, answer, said):
    archive.answers = [answer]
    assert store_instances(JOE[:1], archive.server).reason[0] == said


@pytest.mark.parametrize("status", [401, 503])
@pytest.mark.slow
def test_nothing_is_sent_to_a_server_that_does_not_say_what_it_has(archive, status):
    archive.found = lambda query: (status, {}, b"")
    with pytest.raises(HTTPProblem):
        store_instances(JOE, archive.server)
    assert posts(archive) == []


@pytest.mark.parametrize(
    "body", [b'{"error": "no"}', b'[{"00080018": null}]', b'[{"00080018": {"Value": []}}]']
)
def test_nothing_is_sent_to_a_server_that_does_not_name_what_it_has(archive, body):
    archive.found = lambda query: (200, {}, body)
    with pytest.raises(AttributeProblem, match="does not say which instances") as caught:
        store_instances(JOE, archive.server)
    assert caught.value.came == body.decode()
    assert posts(archive) == []


def test_nothing_is_sent_where_nobody_is(free_port):
    with pytest.raises(ServerUnreachable):
        store_instances(JOE, Server("gone", f"http://127.0.0.1:{free_port}", None))


def test_what_is_no_dicom_file_does_not_stop_the_others(archive, tmp_path):
    (tmp_path / "notes.txt").write_text("no DICOM")
    results = store_instances(
        [tmp_path / "notes.txt", JOE[0], tmp_path / "missing.dcm"], archive.server
    )
    assert results.outcome.tolist() == ["failed", "stored", "failed"]
    assert results.reason[0].startswith("it is not a DICOM file")
    assert (
        results.reason[2].startswith("it cannot be read: ") and "missing.dcm" in results.reason[2]
    )


def grow(path):
    with path.open("ab") as file:
        file.write(b"more")


@pytest.mark.parametrize(
    ("change", "outcome", "reason"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "failed", "became shorter"),
        (Path.unlink, "failed", "No such file"),
        # As much goes out as was announced.
        (grow, "stored", ""),
    ],
    ids=["shorter", "gone", "longer"],
)
def test_a_file_that_changes_before_it_is_sent(archive, tmp_path, change, outcome, reason):
    path = tmp_path / "joe.dcm"
    path.write_bytes(JOE[0].read_bytes())

    def found(query):
        change(path)
        return Archive.found(archive, query)

    archive.found = found
    [result] = store_instances([path], archive.server).itertuples()
    assert result.outcome == outcome
    assert reason in result.reason
    if outcome == "stored":
        [(_, _, headers, body)] = posts(archive)
        assert [file.getvalue() for file in contents(headers, body)] == [JOE[0].read_bytes()]


def test_orthanc_takes_every_kind_of_file_and_gives_it_back():
    with orthanc_for_a_test() as server:
        assert set(store_instances(FILES, server).outcome) == {"stored"}
        assert set(store_instances(FILES, server).outcome) == {"there already"}
        for path in (JOE[0], RAVI[-1]):
            dataset = pydicom.dcmread(path, stop_before_pixels=True)
            url = (
                f"{server.dicomweb}/studies/{dataset.StudyInstanceUID}"
                f"/series/{dataset.SeriesInstanceUID}/instances/{dataset.SOPInstanceUID}"
            )
            response = requests.get(url, headers=server.headers, timeout=10)
            assert path.read_bytes() in response.content


def test_orthanc_takes_the_rest_when_one_file_is_cut(tmp_path):
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(JOE[0].read_bytes()[:1500])
    with orthanc_for_a_test() as server:
        results = store_instances([*RAVI[:3], cut, JOE[1]], server)
    assert results.outcome.tolist() == ["stored", "stored", "stored", "failed", "stored"]
    assert "400" in results.reason[3]
