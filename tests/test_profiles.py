import base64
import getpass

import pytest

from helpers import profiles
from helpers.errors import WorkbookError
from helpers.profiles import Profile, credentials, profile_of

MINE = "https://pacs.example/dicomweb"


@pytest.fixture(autouse=True)
def own(monkeypatch, tmp_path):
    """Let the user's own file be a new one, and return its path."""
    monkeypatch.delenv("DICOMWEB_APIKEY", raising=False)
    monkeypatch.delenv("DICOMWEB_SERVERS", raising=False)
    monkeypatch.setattr(profiles, "OWN", tmp_path / "servers.toml")
    return tmp_path / "servers.toml"


def profile(**fields):
    return Profile(title="mine", dicomweb=MINE, **fields)


def test_without_a_file_of_the_users_own_the_shipped_profiles_are_known():
    assert set(profiles.profiles()) == {"siim", "orthanc"}


def test_the_users_own_profiles_come_after_the_shipped_ones_and_hide_them(own):
    own.write_text(f'[siim]\ndicomweb = "{MINE}"\n[mine]\ndicomweb = "{MINE}"\nauth = "bearer"\n')
    assert set(profiles.profiles()) == {"siim", "orthanc", "mine"}
    assert profile_of("siim") == Profile(title="siim", dicomweb=MINE)
    assert profile_of("mine").auth == "bearer"


def test_the_environment_names_another_file(monkeypatch, tmp_path):
    (tmp_path / "other.toml").write_text(f'[other]\ndicomweb = "{MINE}"\n')
    monkeypatch.setenv("DICOMWEB_SERVERS", str(tmp_path / "other.toml"))
    assert profile_of("other").title == "other"


def test_a_file_that_the_environment_names_must_be_there(monkeypatch, tmp_path):
    monkeypatch.setenv("DICOMWEB_SERVERS", str(tmp_path / "missing.toml"))
    with pytest.raises(WorkbookError, match=r"missing\.toml"):
        profile_of("siim")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[mine", "cannot be read"),
        ("mine = 1", "no table"),
        ("[mine]", "dicomweb is missing"),
        ('[mine]\ndicomweb = "host/dicomweb"', "no URL"),
        ('[mine]\ndicomweb = "http://x"\npassword = "s3cret"', "not known"),
        ('[mine]\ndicomweb = "http://x"\nauth = "digest"', "auth is not known"),
        ('[mine]\ndicomweb = "http://x"\ntitle = 5', "no text"),
        ('[mine]\ndicomweb = "http://x"\nquirks = ["slow"]', "quirk"),
        ('[mine]\ndicomweb = "http://x"\nquirks = 1', "quirk"),
    ],
)
def test_a_file_that_is_not_right_is_explained(own, text, problem):
    own.write_text(text)
    with pytest.raises(WorkbookError) as caught:
        profile_of("mine")
    assert problem in caught.value.problem
    assert str(own) in caught.value.came
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {"apikey": "ann:s3cret"}),
        ({"header": "X-Door"}, {"X-Door": "ann:s3cret"}),
        ({"auth": "bearer"}, {"Authorization": "Bearer ann:s3cret"}),
        (
            {"auth": "basic"},
            {"Authorization": "Basic " + base64.b64encode(b"ann:s3cret").decode()},
        ),
        ({"auth": "none"}, {}),
    ],
)
def test_each_way_to_sign_in(monkeypatch, fields, expected):
    monkeypatch.setenv("DICOMWEB_APIKEY", "ann:s3cret")
    headers = credentials(profile(**fields))
    assert headers == expected
    # Not even as an ordinary dict, or under a name that does not tell that it is a secret.
    secret = [*expected.values(), "nothing"][0]
    assert secret not in f"{headers} {headers!r} { {**headers, 'Accept': 'image/png'} }"


def test_somebody_before_the_screen_is_asked_and_nobody_sees_the_answer(monkeypatch, capsys):
    questions = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(getpass, "getpass", lambda words: questions.append(words) or "s3cret")
    assert credentials(profile()) == {"apikey": "s3cret"}
    assert MINE in questions[0]
    assert "s3cret" not in capsys.readouterr().out


@pytest.mark.parametrize("fields", [{"ask": False}, {"auth": "none"}])
def test_nobody_is_asked_for_a_key_that_may_not_be_needed(monkeypatch, fields):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(getpass, "getpass", lambda words: "s3cret")
    assert credentials(profile(**fields)) == {}


def test_where_nobody_can_answer_there_is_no_key(monkeypatch):
    def nobody(words):
        raise NotImplementedError

    assert credentials(profile()) == {}
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(getpass, "getpass", nobody)
    assert credentials(profile()) == {}
