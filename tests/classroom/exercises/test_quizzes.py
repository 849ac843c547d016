"""Quizzes: every choice has a reply, as radio buttons and as a function."""

import pytest

from classroom.exercises import ____, quiz
from classroom.exercises.notes import rich
from classroom.exercises.quizzes import quizzes
from classroom.exercises.record import done
from helpers.errors import WorkbookError
from tests.classroom.exercises.lessons import NOTEBOOKS, name_of
from tests.helpers.widgets.looking import displayed

QUIZZES = list(quizzes().values())


@pytest.mark.parametrize("one", QUIZZES, ids=name_of)
def test_every_choice_has_a_reply_and_one_is_right(one):
    letters = list(one.choices)
    assert letters == list("abcdef")[: len(letters)] and len(letters) >= 3
    assert set(one.replies) == set(one.choices)
    assert len(set(one.replies.values())) == len(letters)
    assert all(reply.endswith((".", "?")) for reply in one.replies.values())
    assert one.notebook in NOTEBOOKS
    outcomes = {letter: one.judge(letter).title for letter in letters}
    assert outcomes.pop(one.right) == "Right"
    assert set(outcomes.values()) == {"Not yet"}


@pytest.mark.parametrize("one", QUIZZES, ids=name_of)
def test_a_reply_to_a_wrong_choice_does_not_give_the_right_one_away(one):
    wrong = [reply for letter, reply in one.replies.items() if letter != one.right]
    assert all(one.choices[one.right].rstrip(".") not in reply for reply in wrong)


def test_the_right_choices_are_spread_over_the_letters():
    assert {one.right for one in QUIZZES} >= {"a", "b", "c"}


def test_an_answer_is_recorded_when_it_is_right(capsys):
    quiz("uids").answer("a")
    assert done() == {}
    quiz("uids").answer(" B ")
    assert list(done()) == ["uids"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Not yet. Some machines put a date")
    assert lines[1].startswith("Right. A UID is a name")


@pytest.mark.parametrize("letter", ["e", "", 1, ["a"], {"a": 1}, "a b"])
def test_a_letter_that_is_no_choice_is_explained(letter):
    note = quiz("uids").judge(letter)
    assert note.title == "Not yet"
    assert note.text.startswith("Choose one of a, b, c, d. Yours is ")


@pytest.mark.parametrize("letter", [____, None])
def test_no_letter_is_not_attempted(letter):
    assert quiz("uids").judge(letter).title == "Not attempted"


def test_a_name_that_is_no_quiz_names_those_that_are():
    with pytest.raises(WorkbookError, match="no quiz of that name") as error:
        quiz("uid")
    assert "uids" in str(error.value)
    for name in (None, ["levels"]):
        with pytest.raises(WorkbookError):
            quiz(name)


def test_radio_buttons_reply_as_the_function_does():
    one = quiz("levels")
    choice = one.widget()
    assert choice.question == rich(one.question)
    assert list(choice.choices) == list(one.choices)
    assert choice.value == choice.reply == ""
    for letter in one.choices:
        choice.value = letter
        assert choice.reply == one.judge(letter)._repr_html_()
    assert list(done()) == ["levels"]


def test_it_can_be_read_where_no_widget_is():
    kept, live = displayed(quiz("levels"))
    assert kept["text/plain"] == repr(quiz("levels"))
    assert "<b>a</b> There are 24 DICOM files" in kept["text/html"]
    assert list(live) == ["application/vnd.jupyter.widget-view+json"]
