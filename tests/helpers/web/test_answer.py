import pytest

from helpers.errors import HTTPProblem, WorkbookError
from helpers.web.answer import NEXT_STEPS, check, media_type, print_warnings, warnings_of
from tests.answers import answer


def problem_of(**parts):
    with pytest.raises(HTTPProblem) as caught:
        check(answer(**parts))
    return caught.value


@pytest.mark.parametrize("status", [200, 202, 204, 304])
def test_a_good_status_is_handed_back(status):
    response = answer(status=status)
    assert check(response) is response


@pytest.mark.parametrize("status", sorted(NEXT_STEPS))
def test_every_status_that_we_know_has_its_own_next_step(status):
    problem = problem_of(status=status, reason="Reason")
    assert f"{status} Reason" in problem.problem
    assert problem.hint == NEXT_STEPS[status]


@pytest.mark.parametrize(("status", "like"), [(418, 400), (599, 500)])
def test_a_status_that_nobody_knows_is_explained_by_its_class(status, like):
    assert problem_of(status=status).hint == NEXT_STEPS[like]


def test_the_servers_own_words_come_first():
    body = b'{"detail": "PatientNam is no attribute", "hint": "PatientName?"}'
    problem = problem_of(status=400, body=body, content_type="application/json")
    assert "PatientNam is no attribute" in problem.came
    assert problem.hint == "PatientName?"


def test_the_servers_words_are_a_line_without_commands_for_the_terminal():
    body = b'{"detail": "no\\u001b[31m\\n such  study", "hint": "%b"}' % (b"word " * 9999)
    problem = problem_of(status=404, body=body, content_type="application/json")
    assert problem.came == "404, and the server says: no [31m such study"
    assert len(problem.hint) < 1100


def test_orthancs_words_are_found_though_it_does_not_say_that_they_are_json():
    problem = problem_of(status=404, body=b'{"Message": "Unknown resource", "HttpStatus": 404}')
    assert "Unknown resource" in problem.came


@pytest.mark.parametrize("body", [b"", b"[]", b'"text"', b"{", b"\xff\xfe", b"[" * 100_000])
def test_an_error_without_readable_words_is_still_explained(body):
    problem = problem_of(status=503, body=body, content_type="application/json")
    assert problem.came == "503"
    assert problem.hint == NEXT_STEPS[503]


def test_a_page_of_a_proxy_is_called_that():
    problem = problem_of(status=502, body=b"<html>Bad gateway", content_type="text/html")
    assert "proxy" in problem.came


def test_the_response_stays_with_the_problem():
    assert problem_of(status=406).response.status_code == 406


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, ""),
        ("", ""),
        ("nonsense", ""),
        ("Application/DICOM+json; charset=utf-8", "application/dicom+json"),
        ("multipart/related; type=application/dicom; boundary=b", "multipart/related"),
    ],
)
def test_media_type(header, expected):
    assert media_type(answer(content_type=header)) == expected


def test_a_key_in_the_address_of_a_redirect_is_not_shown():
    response = answer(status=302, reason="Found")
    response.headers["Location"] = "https://ann:s3cret@host/studies?apikey=s3cret"
    with pytest.raises(HTTPProblem, match="sends us elsewhere") as caught:
        check(response)
    assert caught.value.came == "https://ann:********@host/studies?apikey=********"


@pytest.mark.parametrize("value", ["[]", [], None, b"DICM"])
def test_what_is_no_answer(value):
    with pytest.raises(WorkbookError, match="not the answer of a server") as caught:
        check(value)
    assert caught.value.came == type(value).__name__


def warning(header):
    response = answer()
    response.headers["Warning"] = header
    return response


@pytest.mark.parametrize(
    ("header", "texts"),
    [
        ("", []),
        ("no warning at all", []),
        ('299 http://h/d "one, 2 and \\"three\\""', ['one, 2 and "three"']),
        ('299 http://h/d "x, 299 y", 299 http://h/d "z"', ["x, 299 y", "z"]),
        ('299 h "", 214 - "moved" "Wed, 21 Oct 2015 07:28:00 GMT"', ["moved"]),
        # As PS3.18 section 8.3.4.4.1 writes it.
        ("299 http://h/d: There are 7 more, as said", ["There are 7 more, as said"]),
        ("299 http://h/d: one, 299 http://h/d: two", ["one", "two"]),
        ('299 h "\x1b[31mred"', ["[31mred"]),
    ],
)
def test_warnings_are_read_in_every_form_that_servers_send(header, texts):
    assert warnings_of(warning(header)) == texts


def test_answer_without_a_warning_has_none():
    assert warnings_of(answer()) == []


@pytest.mark.parametrize("header", ['299 h "' + "x" * 9999, "299 h " * 9999, "299 h , " * 9999])
def test_long_warnings_are_cut(header):
    assert all(len(text) <= 1000 for text in warnings_of(warning(header)))


def test_warnings_are_printed_a_line_each(capsys):
    print_warnings(warning('299 h "one", 299 h "two"'))
    assert capsys.readouterr().out == "The server warns: one\nThe server warns: two\n"
