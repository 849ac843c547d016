"""Every exercise can be solved, on the classroom PACS and on Orthanc, and begins unattempted."""

import pytest

from classroom.exercises.record import done
from tests.classroom.exercises.lessons import EXERCISES, FOLDER, name_of, names_before, starters


@pytest.mark.parametrize("exercise", EXERCISES, ids=name_of)
def test_the_starter_is_not_attempted_and_the_solution_is_right(
    exercise, server, monkeypatch, tmp_path, capsys
):
    # A folder as that of the notebook: with the data above it, and none of its own.
    (tmp_path / "data").symlink_to(FOLDER.with_name("data"))
    folder = (tmp_path / "notebooks" / exercise.notebook).parent
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    names = names_before(exercise, server)
    capsys.readouterr()
    for starter in starters(exercise):
        exec(starter.source, names)
        assert "\nNot attempted." in f"\n{capsys.readouterr().out}"
        assert exercise.name not in done()
    exec(exercise.code, names)
    assert "Right." in capsys.readouterr().out
    assert exercise.name in done()
