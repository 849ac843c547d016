import gzip
import threading

import pytest
import requests

from helpers.errors import (
    ConnectionCut,
    HTTPProblem,
    MediaTypeMismatch,
    ServerUnreachable,
    WorkbookError,
)
from helpers.explanations import explain
from helpers.responses import NEXT_STEPS, READ_SIZE, body, check, media_type, stream
from tests.answers import answer, saying


def problem_of(**parts):
    with pytest.raises(HTTPProblem) as caught:
        check(answer(**parts))
    return caught.value


def explained(url, **options):
    with pytest.raises(requests.RequestException) as caught:
        requests.get(url, **{"timeout": 5, **options})
    return explain(caught.value)


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


def test_a_host_that_is_not_there():
    error = explained("http://hackathon.siiim.invalid/dicomweb/studies")
    assert isinstance(error, ServerUnreachable)
    assert "hackathon.siiim.invalid" in error.problem
    assert error.came == "no computer of that name"
    assert "letter by letter" in error.hint


def test_a_port_where_nobody_listens(free_port):
    error = explained(f"http://127.0.0.1:{free_port}/dicomweb")
    assert isinstance(error, ServerUnreachable)
    assert "no server listens" in error.came


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 none\r\n\r\n"])
def test_a_port_where_no_web_server_listens(said):
    with saying(said) as url:
        error = explained(url)
    assert isinstance(error, ServerUnreachable)
    assert "hung up or said what is not HTTP" in error.came and "https://" in error.hint


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_not_there(free_port, scheme):
    proxy = f"http://ann:s3cret@127.0.0.1:{free_port}"
    error = explained(f"{scheme}://pacs.example/?token=s3cret", proxies={scheme: proxy})
    assert isinstance(error, ServerUnreachable)
    assert error.problem == "The proxy gives no connection to pacs.example."
    assert "no server listens" in error.came and "NO_PROXY" in error.hint
    assert "s3cret" not in str(error)


def test_a_proxy_that_wants_to_know_who_asks():
    with saying(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n") as proxy:
        error = explained("https://pacs.example/", proxies={"https": proxy})
    assert error.came == "it wants a user and a password (407)"


def test_a_server_that_sends_us_round():
    round_again = b"HTTP/1.1 302 Found\r\nLocation: /\r\nConnection: close\r\n\r\n"
    with saying(round_again) as url:
        error = explained(url)
    assert "round in a circle" in error.problem and "allow_redirects=False" in error.hint


def test_a_server_that_says_nothing():
    with saying(silence := threading.Event()) as url:
        error = explained(url, timeout=0.2)
        silence.set()
    assert isinstance(error, ServerUnreachable)
    assert error.came == "silence"


def test_a_server_that_speaks_no_https():
    with saying(b"HTTP/1.1 200 OK\r\n\r\n") as url:
        error = explained(url.replace("http:", "https:"))
    assert isinstance(error, ServerUnreachable)
    assert "does not speak https" in error.problem
    assert "http:// is enough" in error.hint


def test_a_body_that_ends_too_early():
    with saying(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf") as url:
        error = explained(url)
    assert isinstance(error, ConnectionCut)
    assert "Ask again" in error.hint


def test_a_stall_in_the_middle_of_a_body():
    start = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
    with saying(start, silence := threading.Event()) as url:
        # Time enough for a busy computer to send the start.
        error = explained(url, timeout=1)
        silence.set()
    assert isinstance(error, ConnectionCut)


@pytest.mark.parametrize("url", ["htp://127.0.0.1/", "127.0.0.1/dicomweb", "http://"])
def test_what_is_no_url(url):
    error = explained(url)
    assert isinstance(error, ServerUnreachable)
    assert "http://host/path" in error.expected


@pytest.mark.parametrize(
    "url", ["htp://ann:s3cret@127.0.0.1/", "127.0.0.1/dicomweb?limit=1&apikey=s3cret"]
)
def test_what_is_no_url_may_hold_a_secret(url):
    assert "s3cret" not in str(explained(url))


@pytest.mark.parametrize("sign", "/#?\\")
def test_half_a_password_in_a_url_is_not_shown_either(sign):
    error = explained(f"http://ann:s3cret{sign}more@127.0.0.1/")
    assert "s3cret" not in str(error) and "%2F" in error.hint


@pytest.mark.parametrize("value", ["s3cret\n", " s3cret", b" s3cret", 53], ids=repr)
def test_a_header_that_cannot_be_sent_is_called_that_and_not_shown(value):
    error = explained("http://127.0.0.1/", headers={"apikey": value})
    assert "A header of this request cannot be sent." in str(error) and "URL" not in str(error)
    assert str(value).strip() not in str(error) and "s3cret" not in str(error)


def test_a_url_whose_braces_were_not_filled_in():
    assert "Put an f before the quotes" in str(explained("{server.dicomweb}/studies"))
    assert "Put an f" not in str(explained("127.0.0.1/dicomweb"))


@pytest.mark.parametrize(("body", "came"), [(b"<xml/>", "'<xml/>'"), (b"", "no body at all")])
def test_what_is_no_json(body, came):
    with pytest.raises(requests.RequestException) as caught:
        answer(body).json()
    error = explain(caught.value)
    assert isinstance(error, MediaTypeMismatch)
    assert came in error.came and "Accept: application/json" in error.hint


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


def test_any_other_exception_of_requests_keeps_its_words():
    assert "thirty times" in str(explain(requests.TooManyRedirects("thirty times")))


CHUNKED = b"".join(b"1\r\n%c\r\n" % byte for byte in b"whole") + b"0\r\n\r\n"
ZIPPED = gzip.compress(b"whole")
BODIES = {
    "length": (b"Content-Length: 5\r\n\r\n", b"whole"),
    "until it closes": (b"Connection: close\r\n\r\n", b"whole"),
    "chunked": (b"Transfer-Encoding: chunked\r\n\r\n", CHUNKED),
    "gzip": (b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(ZIPPED), ZIPPED),
}


@pytest.mark.parametrize(("head", "body"), BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("read_before", [False, True])
def test_a_body_is_streamed_however_it_is_sent(head, body, read_before):
    with saying(b"HTTP/1.1 200 OK\r\n" + head, body) as url:
        response = requests.get(url, stream=True, timeout=5)
        if read_before:
            assert response.content == b"whole"
        assert b"".join(stream(response)) == b"whole"
        if read_before:
            assert b"".join(stream(response)) == b"whole"
        else:
            with pytest.raises(WorkbookError, match="has been read already"):
                list(stream(response))


def test_a_stream_of_nothing_can_be_read():
    with saying(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as url:
        response = requests.get(url, stream=True, timeout=5)
        assert list(stream(response)) == list(stream(response)) == []


def test_a_stream_that_is_left_early_gives_its_connection_back():
    response = answer(b"DICM" * READ_SIZE)
    chunks = stream(response)
    next(chunks)
    assert not response.raw.closed
    chunks.close()
    assert response.raw.closed


@pytest.mark.parametrize(
    ("kind", "missing", "came"),
    [
        ("length", 1, b"whol"),
        ("length", 4, b"w"),
        ("chunked", 5, b"whole"),
        ("chunked", 8, b"whol"),
    ],
)
def test_what_came_before_a_cut_is_handed_over(kind, missing, came):
    head, body = BODIES[kind]
    with saying(b"HTTP/1.1 200 OK\r\n" + head, body[:-missing]) as url:
        response = requests.get(url, stream=True, timeout=5)
        handed_over = b""
        with pytest.raises(ConnectionCut):
            for chunk in stream(response):
                handed_over += chunk
    assert handed_over == came


def test_a_stall_while_streaming_is_a_cut():
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    with saying(head, b"who", silence := threading.Event()) as url:
        # Time enough for a busy computer to send the head.
        response = requests.get(url, stream=True, timeout=1)
        with pytest.raises(ConnectionCut):
            list(stream(response))
        silence.set()


def test_a_body_that_is_not_gzip_though_it_says_so():
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n"
    with saying(head, b"whole") as url:
        response = requests.get(url, stream=True, timeout=5)
        with pytest.raises(WorkbookError, match="cannot be unpacked") as caught:
            list(stream(response))
    assert "identity" in caught.value.hint


def test_a_body_is_read_once_as_a_stream_and_never_after():
    with saying(b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nwhole") as url:
        response = requests.get(url, stream=True, timeout=5)
        assert list(response.iter_content(8)) == [b"whole"]
    with pytest.raises(WorkbookError, match="read already"):
        body(response)
    with pytest.raises(HTTPProblem, match="404"):
        check(response)
