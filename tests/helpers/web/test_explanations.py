import threading

import pytest
import requests

from helpers.errors import ConnectionCut, MediaTypeMismatch, ServerUnreachable
from helpers.web.explanations import explain
from tests.answers import answer, saying


def explained(url, **options):
    with pytest.raises(requests.RequestException) as caught:
        requests.get(url, **{"timeout": 5, **options})
    return explain(caught.value)


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


@pytest.mark.slow
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


def test_any_other_exception_of_requests_keeps_its_words():
    assert "thirty times" in str(explain(requests.TooManyRedirects("thirty times")))
