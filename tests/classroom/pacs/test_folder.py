"""A large folder: what a glance at its files tells, and that it is served while it is read."""

import os
import shutil
import threading
from pathlib import Path

import pydicom
import pydicom.data
import pytest
import requests
from pydicom.uid import generate_uid

from classroom.pacs import __main__ as program
from classroom.pacs import folder, instance, server
from classroom.pacs.archive import Archive
from classroom.pacs.folder import Reading
from classroom.pacs.instance import SOPInstance, read_instance, read_place
from classroom.pacs.part10 import NotServed
from helpers.dicom.names import tag_of
from helpers.web.secrets import WORKSHOP_KEY
from tests.archive import FILES, FOLDER, JOE, RAVI

JSON = {"apikey": WORKSHOP_KEY, "Accept": "application/dicom+json"}
OTHERS = [path for path in Path(pydicom.data.__file__).parent.rglob("*.dcm") if path.is_file()]


def outcome(read, path):
    """Return what reading a file gives: the instance, or why it is not served."""
    try:
        return read(path)
    except NotServed as reason:
        return str(reason)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", [*FILES, *OTHERS], ids=lambda path: path.name)
def test_a_glance_tells_the_same_as_the_whole_file(path):
    seen, whole = outcome(read_place, path), outcome(read_instance, path)
    assert seen == whole
    if isinstance(seen, SOPInstance):
        for keyword in ("Modality", "InstanceNumber", "SOPClassUID"):
            assert seen.value(keyword) == whole.value(keyword)
        assert seen.attributes == whole.attributes


@pytest.mark.filterwarnings("ignore")
def test_most_images_take_no_more_than_a_glance():
    seen = [read_place(path) for path in FILES]
    assert sum(not one.is_whole for one in seen) > len(FILES) / 2


@pytest.fixture
def many(tmp_path, monkeypatch):
    """Return a folder of so many files that a glance at each has to do."""
    for number, path in enumerate(FILES):
        shutil.copy(path, tmp_path / f"{number}.dcm")
    monkeypatch.setattr(folder, "_MANY", 10)
    return tmp_path


def searches(url):
    ends = ("studies", "series", "instances?includefield=all", "instances?Rows=512&Modality=CT")
    answers = [requests.get(f"{url}/dicomweb/{end}", headers=JSON, timeout=30) for end in ends]
    return [str(answer.json()).replace(url, "") for answer in answers]


def test_a_large_folder_is_searched_as_a_small_one(many):
    large = server.start(many, port=0)
    small = server.start(FOLDER, port=0)
    try:
        assert searches(large.url) == searches(small.url)
        assert large.skipped == small.skipped == []
    finally:
        large.stop()
        small.stop()


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"])
def test_a_search_by_uid_opens_no_file_of_another(many, monkeypatch, keyword):
    """So that it takes as long among ten thousand as among a hundred."""
    monkeypatch.setattr(Archive, "find_all", lambda self: [])  # nothing is read ahead
    running = server.start(many, port=0)
    try:
        read = []

        def note(path):
            read.append(path)
            return read_instance(path)

        monkeypatch.setattr(instance, "read_instance", note)
        uids = {getattr(pydicom.dcmread(path), keyword) for path in (RAVI[0], JOE[0])}
        params = {keyword: ",".join([*uids, "2.25.404"])}
        url = f"{running.url}/dicomweb/instances"
        found = requests.get(url, params, headers=JSON, timeout=30).json()
        assert {one[tag_of(keyword)]["Value"][0] for one in found} == uids
        assert {getattr(pydicom.dcmread(path), keyword) for path in read} <= uids
    finally:
        running.stop()


def test_it_is_served_while_it_is_read_and_says_so(many, monkeypatch):
    going_on, half = threading.Event(), threading.Event()
    read = []

    def read_slowly(path):
        read.append(path)
        if len(read) == 30:
            half.set()
            assert going_on.wait(30)
        return read_place(path)

    monkeypatch.setattr(folder, "read_place", read_slowly)
    monkeypatch.setattr(folder, "_SECONDS_BETWEEN", 0)
    monkeypatch.setattr(server, "_SECONDS_TO_READ", 0.1)
    running = server.start(many, port=0)
    try:
        assert half.wait(30)
        url = f"{running.url}/dicomweb/instances"
        answer = requests.get(url, headers=JSON, timeout=9)
        assert "still reads its folder" in answer.headers["Warning"]
        assert 0 < len(answer.json()) < 30
        unknown = requests.get(f"{running.url}/dicomweb/studies/2.25.404", headers=JSON, timeout=9)
        assert unknown.status_code == 404
        assert "still reads its folder" in unknown.json()["hint"]
        going_on.set()
        running.wait_until_read()
        answer = requests.get(url, headers=JSON, timeout=9)
        assert "Warning" not in answer.headers
        assert len(answer.json()) == len(FILES)
    finally:
        going_on.set()
        running.stop()


def test_reading_ends_when_the_server_does(many, monkeypatch):
    read, stopped = [], threading.Event()

    def read_slowly(path):
        read.append(path)
        assert stopped.wait(30)
        return read_place(path)

    monkeypatch.setattr(folder, "read_place", read_slowly)
    reading = Reading(many)
    reading.wait(0.01)
    ending = threading.Thread(target=reading.stop)
    ending.start()
    stopped.set()
    ending.join(30)
    assert not ending.is_alive() and len(read) <= 2


def test_attributes_of_a_file_that_is_gone_are_those_that_are_known(tmp_path):
    path = tmp_path / "one.dcm"
    shutil.copy(JOE[0], path)
    seen = read_place(path)
    assert not seen.is_whole
    path.unlink()
    assert seen.attributes == seen.known


def test_attributes_of_a_file_that_was_only_copied_anew_are_its_own(tmp_path):
    path = tmp_path / "one.dcm"
    shutil.copy(JOE[0], path)
    seen = read_place(path)
    os.utime(path, (1, 1))
    assert seen.attributes == read_instance(path).attributes
    assert seen.file == path


def test_attributes_of_another_instance_are_not_taken_for_its_own(tmp_path):
    path = tmp_path / "one.dcm"
    shutil.copy(JOE[0], path)
    seen = read_place(path)
    dataset = pydicom.dcmread(path)
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.save_as(path)
    assert seen.attributes == seen.known


def test_who_starts_it_is_told_what_is_left_out_when_all_is_read(many, monkeypatch, capsys):
    going_on = threading.Event()

    def read_slowly(path):
        assert going_on.wait(30)
        return read_place(path)

    def introduce(*_):
        going_on.set()
        return "The server has started."

    (many / "zz.dcm").write_text("no DICOM")
    monkeypatch.setattr(folder, "read_place", read_slowly)
    monkeypatch.setattr(server, "_SECONDS_TO_READ", 0)
    monkeypatch.setattr(program, "_introduce", introduce)
    monkeypatch.setattr(server.Pacs, "wait", lambda self: None)
    assert program.main(["--data", str(many), "--port", "0"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[-4:] == [
        "The server has started.",
        "More files are being read. What is there already is served.",
        f"skipped {many / 'zz.dcm'}: it is not a DICOM file",
        f"All {len(FILES)} instances are served now.",
    ]
