"""The exercises of deeper/multipart: what is right, and what is wrong with the rest."""

from email import message_from_bytes

import pytest
import requests

from classroom.exercises import ____
from classroom.exercises.bodies import hard_bodies
from classroom.exercises.deeper import multipart
from helpers.servers.server import in_use

EXERCISES = [
    multipart.count_instances,
    multipart.read_attribute,
    multipart.split_body,
    multipart.parse_multipart,
]


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_untouched_is_not_attempted_and_the_solution_is_right(exercise, server, capsys):
    assert exercise.judge(____).title == "Not attempted"
    assert exercise.judge(lambda *values: ____).title == "Not attempted"
    names = {exercise.name: exercise, "server": server}
    exec(f"import requests\nfrom xml.etree import ElementTree\n{exercise.code}", names)
    assert capsys.readouterr().out.startswith("Right.")


def test_a_constant_counts_nothing():
    note = multipart.count_instances.judge(lambda study_uid: 2)
    assert "2 is too many" in note.text and "Your function says 2 for every study" in note.text


def test_counting_is_looked_at_where_nobody_is_called_siim(monkeypatch):
    everything = multipart.table

    def strangers(server, resource, names, params=None):
        found = everything(server, resource, names, params)
        return found.assign(PatientName="Doe Jane") if resource == "/studies" else found

    monkeypatch.setattr(multipart, "table", strangers)

    def count(study_uid):
        server = in_use()
        headers = {**server.headers, "Accept": "application/dicom+json"}
        url = f"{server.dicomweb}/studies/{study_uid}/instances"
        return len(requests.get(url, headers=headers, timeout=10).json())

    assert multipart.count_instances.judge(lambda study_uid: 0).title == "Not yet"
    assert multipart.count_instances.judge(count).title == "Right"


def test_a_split_that_strips_takes_data_away():
    def split(body, boundary):
        return [piece.strip() for piece in body.split(b"--" + boundary.encode())[1:-1]]

    assert "whose data end in a line end" in multipart.split_body.judge(split).text


def test_the_hard_bodies_are_read_as_the_standard_library_reads_them():
    """`email` is an authority of its own; it forgives a body that was cut."""
    whole = [case for case in hard_bodies() if "cut" not in case[0] and "empty" not in case[0]]
    assert len(whole) > 8
    for words, body, content_type in whole:
        letter = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
        theirs = [part.get_payload(decode=True) for part in letter.get_payload()]
        wanted = multipart.whole_parts(body, content_type)
        assert theirs == [data for _, data in wanted], words


def test_a_parser_that_wants_a_line_end_at_the_end_is_found_out():
    code = multipart.parse_multipart.code.replace(r"(?=\r\n|\Z)", r"(?=\r\n)")
    names = {}
    exec(code.partition("parse_multipart.check")[0], names)
    note = multipart.parse_multipart.judge(names["parse"])
    assert note.title == "Not yet"
    assert "that ends right behind the closing delimiter" in note.text
