import base64
import getpass

import pytest
import requests

from helpers.errors import WorkbookError
from helpers.servers import profiles
from helpers.servers.profiles import Profile, find_profile
from helpers.servers.sign_in import advise, answer_challenge, find_credentials

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
    assert set(profiles.list_profiles()) == {"siim", "orthanc"}


def test_the_users_own_profiles_come_after_the_shipped_ones_and_hide_them(own):
    own.write_text(f'[siim]\ndicomweb = "{MINE}"\n[mine]\ndicomweb = "{MINE}"\nauth = "bearer"\n')
    assert set(profiles.list_profiles()) == {"siim", "orthanc", "mine"}
    assert find_profile("siim") == Profile(title="siim", dicomweb=MINE)
    assert find_profile("mine").auth == "bearer"


def test_the_environment_names_another_file(monkeypatch, tmp_path):
    (tmp_path / "other.toml").write_text(f'[other]\ndicomweb = "{MINE}"\n')
    monkeypatch.setenv("DICOMWEB_SERVERS", str(tmp_path / "other.toml"))
    assert find_profile("other").title == "other"


def test_a_file_of_windows_may_begin_with_a_mark(own):
    own.write_text(f'[mine]\ndicomweb = "{MINE}"\nwadouri = ""\n', encoding="utf-8-sig")
    assert find_profile("mine").dicomweb == MINE


def test_a_url_without_its_beginning_may_hold_a_password():
    with pytest.raises(WorkbookError, match="No server of that name") as caught:
        find_profile("ann:s3cret@pacs.example/d")
    assert "pacs.example/d" in caught.value.came and "s3cret" not in str(caught.value)


def test_a_variable_that_is_empty_is_none(monkeypatch):
    monkeypatch.setenv("DICOMWEB_SERVERS", "")
    assert find_profile("siim").title


@pytest.mark.parametrize("name", ["HTTP://PACS.example/d", " http://pacs.example/d\n"])
def test_a_url_is_one_whatever_its_capitals_and_blanks(name):
    assert find_profile(name).title == "pacs.example"
    assert find_profile(name).dicomweb == name.strip()


def test_a_file_that_the_environment_names_must_be_there(monkeypatch, tmp_path):
    monkeypatch.setenv("DICOMWEB_SERVERS", str(tmp_path / "missing.toml"))
    with pytest.raises(WorkbookError, match=r"missing\.toml"):
        find_profile("siim")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[mine", "cannot be read"),
        ("mine = 1", "no table"),
        ("[mine]", "dicomweb is missing"),
        ('[mine]\ndicomweb = "host/dicomweb"', "no URL"),
        ('[mine]\ndicomweb = "http://x"\nwadouri = "/wado"', "wadouri is no URL"),
        ('[mine]\ndicomweb = "http://x"\npassword = "s3cret"', "password is not known"),
        ('[mine]\ndicomweb = "http://x"\nAuth = "basic"\nask = true', "Auth, ask is not known"),
        ('[classroom]\ndicomweb = "http://x"', "[classroom] is not right: that name is taken"),
        ('[mine]\ndicomweb = "http://x"\nauth = "digest"', "auth is not known"),
        ('[mine]\ndicomweb = "http://x"\ntitle = 5', "no text"),
        ('[mine]\ndicomweb = "http://x"\nquirks = ["slow"]', "quirk"),
        ('[mine]\ndicomweb = "http://x"\nquirks = 1', "quirk"),
        ('[mine]\ndicomweb = "http://x"\nheader = "my key"', "no name of a header"),
        ('[mine]\ndicomweb = "http://x"\nheader = ""', "no name of a header"),
    ],
)
def test_a_file_that_is_not_right_is_explained(own, text, problem):
    own.write_text(text)
    with pytest.raises(WorkbookError) as caught:
        find_profile("mine")
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
    headers = find_credentials(profile(**fields))
    assert headers == expected
    # Not even as an ordinary dict, or under a name that does not tell that it is a secret.
    secret = [*expected.values(), "nothing"][0]
    assert secret not in f"{headers} {headers!r} { {**headers, 'Accept': 'image/png'} }"


def test_somebody_before_the_screen_is_asked_and_nobody_sees_the_answer(monkeypatch, capsys):
    questions = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(getpass, "getpass", lambda words: questions.append(words) or "s3cret")
    assert find_credentials(profile()) == {"apikey": "s3cret"}
    assert MINE in questions[0]
    assert "s3cret" not in capsys.readouterr().out


def test_the_question_shows_no_password_either(monkeypatch):
    questions = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(getpass, "getpass", lambda words: questions.append(words) or "")
    assert find_credentials(Profile("mine", "https://ann:s3cret@pacs.example/dicomweb")) == {}
    assert "pacs.example" in questions[0] and "s3cret" not in questions[0]


def test_in_a_notebook_somebody_sits_before_the_screen(monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    monkeypatch.setattr("IPython.get_ipython", object)
    # What was copied often has a line end behind it.
    monkeypatch.setattr(getpass, "getpass", lambda words: "s3cret \n")
    assert find_credentials(profile()) == {"apikey": "s3cret"}


@pytest.mark.parametrize("auth", ["header", "bearer", "basic"])
@pytest.mark.parametrize(
    "key", ["ann:s3cret\n", " ann:s3cret", "ann:s3\r\nX-Injected: 1", "ann:s3\x01cret"]
)
def test_a_key_that_cannot_be_sent_is_explained_and_not_shown(monkeypatch, auth, key):
    monkeypatch.setenv("DICOMWEB_APIKEY", key)
    with pytest.raises(WorkbookError, match="blank, or the end of a line") as caught:
        find_credentials(profile(auth=auth))
    assert "s3" not in str(caught.value) and "DICOMWEB_APIKEY" in caught.value.hint


def test_only_a_password_may_have_letters_that_no_header_can_carry(monkeypatch):
    monkeypatch.setenv("DICOMWEB_APIKEY", "ann:s\u00e9cret")
    assert find_credentials(profile(auth="basic"))
    for auth in ("header", "bearer"):
        with pytest.raises(WorkbookError, match="no header can carry"):
            find_credentials(profile(auth=auth))
    monkeypatch.setenv("DICOMWEB_APIKEY", "s3cret")
    with pytest.raises(WorkbookError, match="no colon") as caught:
        find_credentials(profile(auth="basic"))
    assert caught.value.expected == "user:password"


def test_of_a_bare_url_nobody_knows_whether_it_needs_a_key(own):
    own.write_text(f'[mine]\ndicomweb = "{MINE}"\n')
    assert find_profile("mine").ask
    assert not find_profile(MINE).ask


@pytest.mark.parametrize(
    "url", ["http://[::1", "https://ann:s3cret@[x/", "http://a:s3cret@\u2100/"]
)
def test_what_is_no_url_is_explained(url):
    with pytest.raises(WorkbookError, match="not the URL of a server") as caught:
        find_profile(url)
    assert "brackets" in caught.value.hint and "s3cret" not in str(caught.value)


def refusal(status, **headers):
    response = requests.Response()
    response.status_code = status
    response.headers.update({name.replace("_", "-"): text for name, text in headers.items()})
    return response


@pytest.mark.parametrize(
    ("response", "sent", "words"),
    [
        (refusal(401), {}, "Put the key into the environment variable DICOMWEB_APIKEY"),
        (refusal(403), {"apikey": "wrong"}, "letter by letter"),
        (refusal(401, WWW_Authenticate='Basic realm="x"'), {}, 'auth = "basic"'),
        (refusal(401, WWW_Authenticate="bearer"), {"apikey": "k"}, 'auth = "bearer"'),
        (refusal(401, WWW_Authenticate="Bearer"), {"Authorization": "Basic x"}, 'auth = "bearer"'),
        (refusal(401, WWW_Authenticate="Basic"), {"Authorization": "Basic x"}, "letter by letter"),
        (refusal(401, WWW_Authenticate="ApiKey"), {"apikey": "wrong"}, "letter by letter"),
        # Several servers offer more than one way.
        (refusal(401, WWW_Authenticate='Negotiate, Basic realm="x"'), {}, 'auth = "basic"'),
        (
            refusal(401, WWW_Authenticate='Bearer realm="x", error="basic", Basic'),
            {"Authorization": "Basic x"},
            "letter by letter",
        ),
    ],
)
def test_who_is_not_let_in_is_told_what_to_do(own, response, sent, words):
    hint = advise(response, sent)
    assert words in hint
    assert ("auth = " in words) == (str(own) in hint)


def test_the_variable_is_named_only_if_the_key_is_in_it(monkeypatch):
    assert advise(refusal(403), {"apikey": "typed"}) == "Look at the key, letter by letter."
    monkeypatch.setenv("DICOMWEB_APIKEY", "wrong")
    assert "the key in DICOMWEB_APIKEY" in advise(refusal(403), {"apikey": "wrong"})


@pytest.mark.parametrize(
    ("response", "sent", "headers"),
    [
        (refusal(401, WWW_Authenticate='Basic realm="x"'), {}, ["Authorization"]),
        (refusal(401, WWW_Authenticate="BASIC"), {"apikey": "ann:s3cret"}, ["Authorization"]),
        (refusal(401, WWW_Authenticate="Bearer"), {"apikey": "ann:s3cret"}, ["Authorization"]),
        (refusal(403), {}, ["apikey"]),
        (refusal(401, WWW_Authenticate="Negotiate"), {}, ["apikey"]),
        (
            refusal(401, WWW_Authenticate="Digest qop=auth, Basic"),
            {"apikey": "k"},
            ["Authorization"],
        ),
        (refusal(401, WWW_Authenticate="ApiKey"), {"apikey": "ann:s3cret"}, []),
        (refusal(404, WWW_Authenticate="Basic"), {}, []),
    ],
)
def test_a_bare_url_is_signed_in_to_the_way_that_it_asks_for(monkeypatch, response, sent, headers):
    monkeypatch.setenv("DICOMWEB_APIKEY", "ann:s3cret")
    assert list(answer_challenge(response, find_profile(MINE), sent)) == headers
    # Where somebody wrote down which way it is, that is believed.
    assert answer_challenge(response, profile(), sent) == {}


def test_a_password_that_no_header_can_carry_waits_until_it_is_asked_for(monkeypatch):
    monkeypatch.setenv("DICOMWEB_APIKEY", "ann:s\u00e9cret")
    bare = find_profile(MINE)
    assert find_credentials(bare) == {}
    assert list(answer_challenge(refusal(401, WWW_Authenticate="Basic"), bare, {})) == [
        "Authorization"
    ]
    with pytest.raises(WorkbookError, match="no header can carry"):
        answer_challenge(refusal(401), bare, {})


def test_another_way_than_that_of_the_profile_is_not_tried(monkeypatch):
    monkeypatch.setenv("DICOMWEB_APIKEY", "ann:s3cret")
    response, sent = refusal(401, WWW_Authenticate="Basic"), {"apikey": "ann:s3cret"}
    assert answer_challenge(response, profile(), sent) == {}


def test_only_a_bare_url_that_refused_us_makes_us_ask(monkeypatch):
    questions = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(getpass, "getpass", lambda words: questions.append(words) or "ann:s3cret")
    refused = refusal(401, WWW_Authenticate="Basic")
    assert list(answer_challenge(refused, find_profile(MINE), {})) == ["Authorization"]
    assert "user:password" in questions[0] and len(questions) == 1
    monkeypatch.setattr(getpass, "getpass", lambda words: "nocolon")
    with pytest.raises(WorkbookError, match="no colon") as caught:
        answer_challenge(refused, find_profile(MINE), {})
    assert "Do it again" in caught.value.hint


@pytest.mark.parametrize("status", [400, 404, 500])
def test_other_trouble_has_nothing_to_do_with_the_key(status):
    assert advise(refusal(status), {}) == ""


@pytest.mark.parametrize("fields", [{"ask": False}, {"auth": "none"}])
def test_nobody_is_asked_for_a_key_that_may_not_be_needed(monkeypatch, fields):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(getpass, "getpass", lambda words: "s3cret")
    assert find_credentials(profile(**fields)) == {}


@pytest.mark.parametrize("error", [NotImplementedError, EOFError])
def test_where_nobody_can_answer_there_is_no_key(monkeypatch, error):
    def nobody(words):
        raise error

    assert find_credentials(profile()) == {}
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(getpass, "getpass", nobody)
    assert find_credentials(profile()) == {}
