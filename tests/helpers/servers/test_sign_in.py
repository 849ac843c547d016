"""The key stays with its server: two hosts on loopback, each of which tells what it got."""

import copy
import json
import pickle
import pprint
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import pandas
import pytest
import requests

from helpers import equivalents
from helpers.errors import HTTPProblem
from helpers.queries.as_python import write_cell
from helpers.queries.request import GetRequest
from helpers.servers.server import Server
from helpers.servers.sign_in import OriginAuth, sign_in
from helpers.web.answer import check
from helpers.web.secrets import WORKSHOP_KEY, Headers
from helpers.wire.show import Exchange
from tests.answers import serving

KEY = "s3cret-of-mine"


class Host(BaseHTTPRequestHandler):
    """Redirects to what stands behind ``/to/`` in the path, and keeps what it was sent."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.seen.append(dict(self.headers))
        status, _, target = unquote(self.path[1:]).partition("/to/")
        self.send_response(int(status) if status.isdecimal() else 200)
        if target:
            self.send_header("Location", target)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"[]")

    do_POST = do_GET

    def log_message(self, *words):
        pass


@pytest.fixture
def hosts():
    """Run the server that the key is for, and another one; each knows its URL."""
    with ExitStack() as running:
        made = [ThreadingHTTPServer(("127.0.0.1", 0), Host) for _ in range(2)]
        for host, name in zip(made, ("127.0.0.1", "localhost"), strict=True):
            host.seen, host.daemon_threads = [], True
            running.enter_context(serving(host))
            host.url = f"http://{name}:{host.server_port}"
        yield made


def to(*urls, status=302):
    """Return the path that redirects from each URL to the next one."""
    path = ""
    for url in reversed(urls):
        path = f"/{status}/to/" + requests.utils.quote(url + path, safe="")
    return path


def server_at(host, **headers):
    return Server("mine", f"{host.url}/dicomweb", None, Headers(headers or {"apikey": KEY}))


def test_a_header_of_ones_own_follows_a_redirect_and_auth_does_not(hosts):
    ours, other = hosts
    server = server_at(ours)
    requests.get(f"{ours.url}{to(other.url)}", headers=server.headers, timeout=5)
    requests.get(f"{ours.url}{to(other.url)}", auth=server.auth, timeout=5)
    assert [KEY in str(sent) for sent in ours.seen] == [True, True]
    assert [KEY in str(sent) for sent in other.seen] == [True, False]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("auth", ["header", "bearer", "basic"])
def test_the_key_goes_with_a_chain_of_redirects_until_it_leaves_the_server(
    hosts, status, method, auth
):
    ours, other = hosts
    headers = sign_in(f"ann:{KEY}", auth)
    server = Server("mine", ours.url, None, headers)
    [(name, value)] = headers.items()
    path = to(f"{ours.url}", f"{other.url}", f"{other.url}", f"{ours.url}", status=status)
    answer = requests.request(method, f"{ours.url}{path}", auth=server.auth, timeout=5)
    assert answer.status_code == 200 and len(answer.history) == 4
    assert [sent.get(name) == value for sent in ours.seen] == [True, True, False]
    assert [sent.get(name) for sent in other.seen] == [None, None]
    # What was sent is told, for each of them.
    told = [one.request.headers.get(name) == value for one in [*answer.history, answer]]
    assert told == [True, True, False, False, False]
    assert [name in Exchange(one).sections["Request"] for one in answer.history] == told[:4]


def test_a_relative_redirect_stays_with_the_server(hosts):
    ours, other = hosts
    requests.get(f"{ours.url}{to('/dicomweb')}", auth=server_at(ours).auth, timeout=5)
    requests.get(f"{ours.url}{to(other.url[5:])}", auth=server_at(ours).auth, timeout=5)
    assert [KEY in str(sent) for sent in ours.seen] == [True] * 3
    assert [KEY in str(sent) for sent in other.seen] == [False]


def test_a_session_that_keeps_its_connections_sends_the_key_each_time(hosts):
    ours, other = hosts
    with requests.Session() as session:
        session.auth = server_at(ours).auth
        for path in (to(other.url), "", to(other.url), ""):
            session.get(ours.url + path, timeout=5)
        session.get(other.url, timeout=5)
    assert [KEY in str(sent) for sent in ours.seen] == [True] * 4
    assert [KEY in str(sent) for sent in other.seen] == [False] * 3


def test_a_redirect_that_is_not_followed_is_prepared_without_the_key(hosts):
    ours, other = hosts
    answer = requests.get(
        ours.url + to(other.url), auth=server_at(ours).auth, allow_redirects=False, timeout=5
    )
    assert answer.request.headers["apikey"] == KEY
    requests.Session().send(answer.next, timeout=5)
    assert KEY not in str(other.seen)


def test_a_key_for_another_server_is_not_sent_there_at_all(hosts):
    ours, other = hosts
    requests.get(other.url, auth=server_at(ours).auth, timeout=5)
    assert KEY not in str(other.seen)


def test_a_refusal_behind_a_redirect_says_that_the_key_stayed_behind(hosts):
    ours, other = hosts
    for last in (other.url, ours.url):
        path = to(f"{other.url}/", f"{last}/401")
        answer = requests.get(ours.url + path, auth=server_at(ours).auth, timeout=5)
        with pytest.raises(HTTPProblem, match=f"sent on to {last}/401, and a key does not go"):
            check(answer)
    answer = requests.get(ours.url + to(f"{ours.url}/401"), auth=server_at(ours).auth, timeout=5)
    with pytest.raises(HTTPProblem, match="or a wrong one"):
        check(answer)


@pytest.mark.parametrize(
    ("url", "is_ours"),
    [
        ("https://pacs.example/rs/studies", True),
        ("https://PACS.example:443/other", True),
        ("https://ann:x@pacs.example/rs", True),
        ("http://wado.example:8080/wado?requestType=WADO", True),
        ("http://pacs.example/rs/studies", False),
        ("https://pacs.example:8443/rs/studies", False),
        ("https://pacs.example.evil.example/rs", False),
        ("https://pacs.example@evil.example/rs", False),
        ("https://wado.example:8080/wado", False),
        ("http://wado.example/wado", False),
        ("https://evil.example/?https://pacs.example/rs", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(url, is_ours):
    roots = ["https://pacs.example/rs", "http://wado.example:8080/wado"]
    server = Server("mine", *roots, Headers(apikey=KEY))
    sent = requests.Request("GET", url, auth=server.auth).prepare().headers
    assert sent.get("apikey") == (KEY if is_ours else None)


@pytest.mark.parametrize(
    "location",
    [
        "https://pacs.example/rs",
        "/rs",
        "?offset=1",
        "//pacs.example/rs",
        "///evil.example/rs",
        "/\\evil.example",
        "\\\\evil.example",
        "https:\\\\evil.example",
        "https:/evil.example/rs",
        "https:evil.example",
        "//evil.example/rs",
        "http://pacs.example/rs",
        "https://pacs.example\\@evil.example/",
        "https://pacs.example#@evil.example/",
        "https://pacs.example:443@evil.example/",
        "https://evil.example\t/rs",
        "https://[pacs.example/",
        "https://pacs.example:x/",
        "https://pacs.ex\u00e4mple/",
        "",
    ],
)
def test_what_requests_asks_next_has_the_key_only_if_it_goes_to_the_server(location):
    """The next request is made by requests itself, and read by urllib3, which connects."""
    server = Server("mine", "https://pacs.example/rs", None, Headers(apikey=KEY))
    asked = requests.Request("GET", "https://pacs.example/rs/studies", auth=server.auth).prepare()
    answer = requests.Response()
    answer.status_code, answer.url, answer.request = 302, asked.url, asked
    answer.headers["Location"], answer._content, answer._content_consumed = location, b"", True
    for hook in asked.hooks["response"]:
        hook(answer)
    assert answer.request.headers["apikey"] == KEY
    try:
        [following] = requests.Session().resolve_redirects(answer, asked, yield_requests=True)
    except (ValueError, requests.RequestException):
        # There is no next request.
        return
    scheme, _, host, port, *_ = requests.adapters.parse_url(following.url)
    is_ours = (scheme, host, port or 443) == ("https", "pacs.example", 443)
    assert ("apikey" in following.headers) <= is_ours
    # Everything that is plain keeps the key.
    assert is_ours <= ("apikey" in following.headers)


@pytest.mark.parametrize("auth", ["header", "bearer", "basic"])
def test_programs_that_are_printed_take_no_key_along(hosts, monkeypatch, auth):
    ours, other = hosts
    monkeypatch.setenv("DICOMWEB_APIKEY", f"ann:{KEY}")
    server = Server("mine", ours.url, None, sign_in(f"ann:{KEY}", auth))
    path = to(other.url)[1:]
    for key in (None, f"ann:{KEY}"):
        request = GetRequest(server, path, key=key)
        programs = [write_cell(request), equivalents(request.send()).python]
        for program in programs:
            exec(program, {"server": server})
    assert len(ours.seen) == 6
    assert all(
        sent.get(name) == value for sent in ours.seen for name, value in server.headers.items()
    )
    assert not any(name in sent for sent in other.seen for name in server.headers)


def test_without_a_key_the_user_in_a_url_is_sent_as_ever(hosts):
    ours, _ = hosts
    url = ours.url.replace("//", "//ann:pw@")
    requests.get(url, auth=Server("mine", url, None).auth, timeout=5)
    assert ours.seen[0]["Authorization"] == "Basic YW5uOnB3"


def test_what_auth_shows_is_what_it_sends_and_where():
    two = ["http://ann:pw@127.0.0.1:8080/dicomweb", "https://wado.example/"]
    shown = repr(OriginAuth(Headers(apikey=KEY), two))
    assert shown == "apikey: ******** to http://127.0.0.1:8080 and https://wado.example only"
    assert WORKSHOP_KEY in repr(OriginAuth(Headers(apikey=WORKSHOP_KEY), two))
    assert repr(OriginAuth(sign_in(KEY, "bearer"), two[1:])) == (
        "Authorization: Bearer ******** to https://wado.example only"
    )
    assert repr(OriginAuth({}, two)) == "(no key is sent)"


VIEWS = [
    repr,
    str,
    "{}".format,
    pprint.pformat,
    json.dumps,
    pandas.Series,
    lambda headers: pandas.Series(headers).to_json(),
    lambda headers: pandas.Series(headers).str.lower(),
    lambda headers: pandas.DataFrame([headers]),
    lambda headers: pandas.DataFrame([headers]).to_html(),
    lambda headers: pandas.DataFrame([headers]).to_csv(),
    lambda headers: pandas.DataFrame(headers.items()).to_string(),
    lambda headers: {**headers, "Accept": "*/*"},
    lambda headers: [*headers.values()],
    lambda headers: " ".join(headers.values()),
    lambda headers: "\n".join(f"{name}: {value:>30}" for name, value in headers.items()),
    lambda headers: requests.Request("GET", "http://a/", headers=headers).prepare().headers,
    copy.deepcopy,
    lambda headers: pickle.loads(pickle.dumps(headers)),
    lambda headers: Server("mine", "http://a/", None, dict(headers)),
    lambda headers: Server("mine", "http://a/", None, dict(headers)).auth,
    lambda headers: vars(Server("mine", "http://a/", None, dict(headers)).auth),
]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("auth", ["header", "bearer"])
def test_no_view_of_the_headers_shows_the_key(view, auth):
    for headers in (sign_in(KEY, auth), Headers({"Authorization": KEY}), Headers(apikey=KEY)):
        seen = view(headers)
        assert KEY not in f"{seen} {seen!r}" and "****" in f"{seen} {seen!r}"


@pytest.mark.parametrize("key", [f" {KEY}", f"{KEY}\n", f"{KEY}\r\nX-Other: 1", f"{KEY}\u20ac"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_shown(hosts, key):
    ours, _ = hosts
    headers = Headers(apikey=key)
    for options in ({"headers": headers}, {"auth": OriginAuth(headers, [ours.url])}):
        with pytest.raises((requests.exceptions.InvalidHeader, UnicodeEncodeError)) as caught:
            requests.get(ours.url, timeout=5, **options)
        assert KEY not in str(caught.value)
    assert ours.seen == []


def test_a_copy_of_the_headers_still_sends_the_key(hosts):
    ours, _ = hosts
    headers = pickle.loads(pickle.dumps(copy.deepcopy(sign_in(KEY, "bearer"))))
    assert requests.get(ours.url, headers=headers, timeout=5).ok
    assert ours.seen[0]["Authorization"] == f"Bearer {KEY}"
