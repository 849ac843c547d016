"""Pictures in the making have room together, however many are asked for at one time."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy
import pytest

from classroom.pacs import room
from classroom.pacs.http.problems import Problem
from classroom.pacs.image_file import open_image
from classroom.pacs.recent import Recent
from classroom.pacs.rendered import render
from classroom.pacs.room import Room, room_for
from helpers.web.limits import PIXEL_BYTES, WORKING_BYTES
from tests.helpers.synthetic import write_image


def test_no_more_is_made_at_one_time_than_there_is_room_for():
    taken, most, lock = 0, 0, threading.Lock()
    shared = Room(100)
    met = threading.Barrier(2, timeout=10)

    def make(size):
        nonlocal taken, most
        with shared.take(size):
            with lock:
                taken += min(size, 100)
                most = max(most, taken)
            if size == 50:
                met.wait()  # two of these are made at one time
            with lock:
                taken -= min(size, 100)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(make, [50, 50, 80, 1000, 30, 50, 50, 100, 70, 20, 90, 10]))
    assert most == 100


def test_who_finds_no_room_is_told_when_to_ask_again(monkeypatch):
    monkeypatch.setattr(room, "_SECONDS", 0.01)
    shared = Room(100)
    with shared.take(60):
        with pytest.raises(Problem) as caught, shared.take(50):
            pass
        assert caught.value.status == 503 and int(caught.value.headers["Retry-After"]) > 0
    with shared.take(100):  # what was taken is free again
        pass


def test_a_picture_takes_room_for_its_pixels_and_its_viewport(tmp_path, monkeypatch):
    write_image(tmp_path / "made.dcm", numpy.zeros((16, 16), "u2"))
    taken = []

    class Watched(Room):
        def take(self, size):
            taken.append(size)
            return super().take(size)

    monkeypatch.setattr("classroom.pacs.rendered.ROOM", Watched(WORKING_BYTES))
    render(tmp_path / "made.dcm", 1, "image/png")
    render(tmp_path / "made.dcm", 1, "image/png", viewport=(1000, 500))
    assert taken[0] >= 512 and taken[1] >= taken[0] + 500_000
    pixel = open_image(tmp_path / "made.dcm").pixel
    assert room_for(pixel._replace(rows=PIXEL_BYTES // 2, columns=1)) > PIXEL_BYTES


def test_what_is_remembered_of_files_has_a_limit_in_bytes():
    read = []
    recent = Recent(lambda path: read.append(path) or path, len, 35)
    names = [f"file {number}..." for number in range(8)]  # ten letters each
    for name in (*names, *reversed(names)):
        recent.get(name, (0, 0))
    assert read == [*names, *names[4::-1]]
    recent.get("large" * 10, (0, 0))
    assert len(recent) == 0
    recent.get(names[0], (0, 0))
    recent.get(names[0], (0, 1))  # it has changed
    assert read[-2:] == [names[0]] * 2
