"""The notebooks and their exercises say the same."""

import ast
import re
from email import message_from_bytes
from email.policy import HTTP

import pytest

from classroom.exercises.bodies import hard_bodies, whole_parts
from classroom.exercises.progress import place, tasks
from classroom.exercises.quizzes import quizzes
from tests.classroom.exercises.lessons import (
    EXERCISES,
    NOTEBOOKS,
    code,
    name_of,
    starters,
)

# A check of these reads what a widget shows: there is nothing to fill in.
WIDGETS = ("form", "browser", "viewer")
NAMES = {exercise.name for exercise in EXERCISES}
QUIZZES = list(quizzes().values())


def all_text(notebook):
    return "\n\n".join(cell.source for cell in NOTEBOOKS[notebook])


@pytest.mark.parametrize("exercise", EXERCISES, ids=name_of)
def test_an_exercise_is_in_one_notebook_with_a_task_and_a_starter(exercise):
    homes = [notebook for notebook in NOTEBOOKS if starters(exercise, notebook)]
    assert homes == [exercise.notebook]
    [starter] = starters(exercise)
    reads_a_widget = re.search(rf"\.check\(({'|'.join(WIDGETS)})\)", starter.source)
    assert "____" in starter.source or reads_a_widget
    cells = NOTEBOOKS[exercise.notebook]
    before = [cell for cell in cells[: cells.index(starter)] if cell.cell_type == "markdown"]
    assert "**Task:**" in before[-1].source
    imports = [
        cell for cell in code(exercise.notebook) if "classroom.exercises import" in cell.source
    ]
    # The line of progress may be imported before.
    assert any(re.search(rf"\b{exercise.name}\b", cell.source) for cell in imports)


@pytest.mark.parametrize("exercise", EXERCISES, ids=name_of)
def test_the_committed_output_of_a_starter_says_not_attempted(exercise):
    [starter] = starters(exercise)
    # What it prints before stands in an output of its own.
    shown = starter.outputs[-1]["data"]
    assert shown["text/plain"].startswith("Not attempted.")
    assert "Not attempted." in shown["text/html"]


@pytest.mark.parametrize("quiz", QUIZZES, ids=name_of)
def test_a_quiz_is_in_one_notebook_and_can_be_read_there_without_running(quiz):
    cells = [
        (notebook, cell)
        for notebook in NOTEBOOKS
        for cell in code(notebook)
        if cell.source.endswith(f'quiz("{quiz.name}")')
    ]
    [(home, cell)] = cells
    assert home == quiz.notebook
    assert cell.metadata["tags"] == ["nbval-ignore-output"]
    [output] = cell.outputs
    assert quiz._repr_html_() in output["data"]["text/html"]


@pytest.mark.parametrize("notebook", sorted(NOTEBOOKS))
def test_what_a_notebook_names_exists(notebook):
    text = all_text(notebook)
    assert set(re.findall(r"(\w+)\.(?:check|hint|solution)\(", text)) <= NAMES
    assert set(re.findall(r'quiz\("(\w+)"\)', text)) <= set(quizzes())


def test_every_task_belongs_to_a_notebook():
    assert set(tasks()) <= set(NOTEBOOKS)


@pytest.mark.parametrize("exercise", EXERCISES, ids=name_of)
def test_a_solution_fits_a_screen_of_1024_pixels(exercise):
    assert max(map(len, exercise.code.splitlines())) <= 70


@pytest.mark.parametrize("exercise", EXERCISES, ids=name_of)
def test_there_are_three_hints_or_more_and_none_holds_the_answer(exercise):
    hints = "\n".join(exercise.hints)
    assert len(exercise.hints) >= 3
    assert all(hint.strip().endswith((".", "?")) for hint in exercise.hints)
    # The texts of the solution that no notebook up to this one shows.
    order = sorted(NOTEBOOKS, key=place)
    shown = "".join(all_text(name) for name in order if place(name) <= place(exercise.notebook))
    texts = {
        node.value if isinstance(node.value, str) else node.value.decode("latin-1")
        for node in ast.walk(ast.parse(exercise.code))
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    }
    assert [text for text in texts if len(text) > 2 and text not in shown and text in hints] == []
    lines = [line.strip() for line in exercise.code.splitlines() if len(line.strip()) > 30]
    assert [line for line in lines if line in hints] == []


@pytest.mark.parametrize("exercise", EXERCISES, ids=name_of)
def test_hints_have_no_marks_but_backticks(exercise):
    """A note shows what stands in backticks as code, and all other marks as they are."""
    words = re.sub(r"`[^`]*`", "", "\n".join(exercise.hints))
    assert not set("*_#`") & set(words)


def test_hard_bodies_are_what_pythons_email_reads():
    """Whole ones: parts, headers and data. Cut ones: the parser that checks refuses them."""
    whole = {words for words, *_ in hard_bodies() if " cut " not in words and words[-5:] != "empty"}
    assert len(whole) >= 10
    for words, body, content_type in hard_bodies():
        message = message_from_bytes(
            f"Content-Type: {content_type}\r\n\r\n".encode() + body, policy=HTTP
        )
        found = whole_parts(body, content_type)
        if words not in whole:
            assert found is None, words
            continue
        payloads = [part.get_payload(decode=True) for part in message.iter_parts()]
        assert [data for _, data in found] == payloads, words
