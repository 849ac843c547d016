"""Which web pages may use the classroom PACS, and under which names it answers."""

import http.client
from contextlib import closing

import pytest
import requests
from werkzeug.test import Client

from classroom.pacs import server
from classroom.pacs.http.access import Access
from helpers.web.secrets import WORKSHOP_KEY
from tests.archive import FOLDER, JOE
from tests.classroom.pacs.wire import names

KEY = {"apikey": WORKSHOP_KEY}
JOE_1 = names(JOE[0])
STUDIES = "/dicomweb/studies"
BINDER = "https://hub.mybinder.org"
OURS = [
    "http://localhost:8888",
    "http://localhost",
    "https://127.0.0.1:3000",
    "http://[::1]:5173",
    BINDER,
]
OTHERS = [
    "https://evil.example",
    "http://localhost.evil.example",
    "http://evil.example:8042",
    "http://localhost:8888.evil.example",
    "http://127.0.0.1.nip.io",
    "http://user@localhost",
    "https://hub.mybinder.org.evil.example",
    "file://",
    "null",
    "",
]


@pytest.fixture(scope="module")
def pacs():
    running = server.start(
        FOLDER / "joe", port=0, origins=[BINDER], allow_hosts=["Classroom.example"]
    )
    yield running
    running.stop()


@pytest.fixture(scope="module")
def open_pacs():
    running = server.start(FOLDER / "joe", port=0, apikey=None)
    yield running
    running.stop()


def ask(pacs, path, method="GET", **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.request(method, pacs.url + path, headers=headers, timeout=9)


def cors(response):
    """Return the headers that only web pages need, by their short names."""
    prefix = "access-control-"
    return {
        name.lower().removeprefix(prefix): value
        for name, value in response.headers.items()
        if name.lower().startswith(prefix)
    }


@pytest.mark.parametrize("origin", OURS)
@pytest.mark.parametrize(
    ("path", "status"), [(STUDIES, 200), ("/", 200), ("/nowhere", 404), (JOE_1.instance, 200)]
)
def test_page_of_this_machine_may_read_every_answer(pacs, origin, path, status):
    response = ask(pacs, path, Origin=origin, **KEY)
    assert response.status_code == status
    assert cors(response)["allow-origin"] == origin
    exposed = cors(response)["expose-headers"].split(", ")
    assert {"Content-Length", "Content-Location", "Warning"} <= set(exposed)
    assert "allow-credentials" not in cors(response)
    assert response.headers["Vary"] == "Origin"


def test_page_of_this_machine_may_read_that_the_key_is_missing(pacs):
    response = ask(pacs, STUDIES, Origin=OURS[0])
    assert (response.status_code, cors(response)["allow-origin"]) == (401, OURS[0])


@pytest.mark.parametrize("origin", OTHERS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_page_of_the_web_may_nothing_even_with_the_key(pacs, origin, method):
    response = ask(pacs, STUDIES, method, Origin=origin, **KEY)
    assert response.status_code == 403
    assert cors(response) == {}
    assert response.headers["Vary"] == "Origin"
    if method != "HEAD":
        assert response.json()["status"] == 403
        assert "--origin" in response.json()["hint"]
        assert "SIIM" not in response.text


@pytest.mark.parametrize("path", ["/", STUDIES, JOE_1.instance + "/rendered"])
def test_page_of_the_web_may_nothing_where_no_key_is_needed(open_pacs, path):
    assert ask(open_pacs, path).status_code == 200
    response = ask(open_pacs, path, Origin="https://evil.example")
    assert (response.status_code, cors(response)) == (403, {})


def test_page_of_the_web_cannot_store_where_no_key_is_needed(open_pacs):
    """A form can send multipart to any server, without a preflight; the browser adds Origin."""
    before = len(open_pacs.archive)
    response = ask(open_pacs, STUDIES, "POST", Origin="https://evil.example")
    assert response.status_code == 403
    assert len(open_pacs.archive) == before


@pytest.mark.parametrize("key", [{}, KEY])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "DELETE"])
def test_no_browser_guesses_what_an_answer_is(pacs, method, key):
    for path in ("/", STUDIES, "/nowhere", JOE_1.instance + "/rendered"):
        for origin in ({}, {"Origin": OURS[0]}, {"Origin": OTHERS[0]}):
            response = ask(pacs, path, method, **key, **origin)
            assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_without_an_origin_there_is_no_cors(pacs):
    response = ask(pacs, STUDIES, **KEY)
    assert (response.status_code, cors(response)) == (200, {})
    assert response.headers["Vary"] == "Origin"


def test_origin_is_added_for_one_server_only(open_pacs):
    assert ask(open_pacs, STUDIES, Origin=BINDER).status_code == 403


@pytest.mark.parametrize("origin", OURS)
@pytest.mark.parametrize(
    ("path", "method", "methods"),
    [
        (STUDIES, "GET", "GET, HEAD, OPTIONS, POST"),
        (JOE_1.study, "POST", "GET, HEAD, OPTIONS, POST"),
        (JOE_1.instance + "/frames/1", "GET", "GET, HEAD, OPTIONS"),
        ("/nowhere", "GET", "GET, HEAD, OPTIONS"),
    ],
)
def test_preflight_is_answered_before_the_key_is_checked(pacs, origin, path, method, methods):
    response = ask(
        pacs,
        path,
        "OPTIONS",
        Origin=origin,
        Access_Control_Request_Method=method,
        Access_Control_Request_Headers="accept,apikey,content-type",
    )
    assert (response.status_code, response.content) == (204, b"")
    assert cors(response)["allow-origin"] == origin
    assert cors(response)["allow-methods"] == response.headers["Allow"] == methods
    assert cors(response)["allow-headers"] == "accept,apikey,content-type"
    assert int(cors(response)["max-age"]) > 0


def test_options_without_a_page_says_what_is_allowed(pacs):
    response = ask(pacs, STUDIES, "OPTIONS")
    assert (response.status_code, cors(response)) == (204, {})
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1:{port}", "127.0.0.1", "localhost:{port}", "localhost", "LOCALHOST:{port}"),
        *("[::1]:{port}", "[::1]", "127.0.0.2", "localhost.", "classroom.example"),
        "CLASSROOM.example:8042",
    ],
)
def test_host_may_be_this_machine_with_or_without_the_port(pacs, host):
    response = ask(pacs, STUDIES, Host=host.format(port=pacs.port), **KEY)
    assert response.status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:{port}", "localhost.evil.example", "127.0.0.1.nip.io"),
        *("192.168.1.5:{port}", "localhost@evil.example", "[::1", "[evil]", "x y", ":{port}"),
    ],
)
@pytest.mark.parametrize("path", ["/", STUDIES])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_name_that_leads_here_by_a_trick_is_a_421(open_pacs, host, path, method):
    host = host.format(port=open_pacs.port)
    for origin in ({}, {"Origin": f"http://{host}"}, {"Origin": OURS[0]}):
        response = ask(open_pacs, path, method, Host=host, **origin)
        assert response.status_code == response.json()["status"] == 421
        assert "--allow-host" in response.json()["hint"]
        assert "SIIM" not in response.text


def test_request_without_a_host_is_that_of_no_browser(pacs):
    with closing(http.client.HTTPConnection("127.0.0.1", pacs.port, timeout=9)) as connection:
        connection._http_vsn, connection._http_vsn_str = 10, "HTTP/1.0"
        connection.putrequest("GET", STUDIES, skip_host=True)
        connection.putheader("apikey", WORKSHOP_KEY)
        connection.endheaders()
        assert connection.getresponse().status == 200


def test_page_of_the_server_itself_may_use_it_under_every_name_that_it_has(pacs):
    host = f"classroom.example:{pacs.port}"
    response = ask(pacs, STUDIES, Host=host, Origin=f"http://{host}", **KEY)
    assert (response.status_code, cors(response)["allow-origin"]) == (200, f"http://{host}")
    other = ask(pacs, STUDIES, Host=host, Origin="http://classroom.example:1", **KEY)
    assert other.status_code == 403


def test_server_on_all_addresses_answers_under_each_and_under_its_name_only():
    running = server.start(FOLDER / "joe", host="0.0.0.0", port=0)
    try:
        url = f"http://127.0.0.1:{running.port}/"
        name = running.url.removeprefix("http://")
        for host in ("192.168.1.5", "[fe80::1]:8042", "localhost", name):
            assert requests.get(url, headers={"Host": host}, timeout=9).status_code == 200
        for host in ("evil.example", "192.168.1.5.nip.io"):
            assert requests.get(url, headers={"Host": host}, timeout=9).status_code == 421
    finally:
        running.stop()


@pytest.fixture
def wrapped():
    """Return a client of an application that knows no key and no origin, and what it was asked."""
    asked = []

    def application(environ, start_response):
        asked.append(environ["REQUEST_METHOD"])
        start_response("200 OK", [("Allow", "GET, BREW")])
        return [b"answer"]

    return Client(Access(application, "secret", origins=[BINDER])), asked


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (421, {"Host": "evil.example", "apikey": "secret"}),
        (403, {"Origin": "https://evil.example", "apikey": "secret"}),
        (401, {}),
        (401, {"apikey": "Secret"}),
    ],
)
def test_application_never_hears_of_those_who_may_not_ask(wrapped, status, headers):
    client, asked = wrapped
    response = client.post("/dicomweb/studies", headers=headers, data=b"a body")
    assert response.status_code == response.json["status"] == status
    assert asked == []


def test_any_application_can_be_wrapped(wrapped):
    client, asked = wrapped
    response = client.get("/", headers={"Origin": BINDER})
    assert response.data == b"answer" and response.headers["Allow"] == "GET, BREW"
    assert response.headers["Access-Control-Allow-Origin"] == BINDER
    assert "Access-Control-Allow-Methods" not in response.headers
    preflight = client.options("/nowhere", headers={"Origin": BINDER})
    assert preflight.headers["Access-Control-Allow-Methods"] == "GET, BREW"
    assert asked == ["GET", "OPTIONS"]


def test_whom_the_server_knows_and_who_may_not_store_is_told_so_with_403():
    application = Access(lambda environ, start: start("200 OK", []) and [], "a", read_only_key="b")
    client = Client(application)
    asked = {
        (key, way): client.open("/dicomweb", method=way, headers={"apikey": key})
        for key in "abc"
        for way in ("GET", "HEAD", "POST")
    }
    assert {(key, way) for (key, way), answer in asked.items() if answer.status_code == 401} == {
        ("c", "GET"),
        ("c", "HEAD"),
        ("c", "POST"),
    }
    [(refused, answer)] = [one for one in asked.items() if one[1].status_code == 403]
    assert refused == ("b", "POST") and "WWW-Authenticate" not in answer.headers
    assert "knows your key" in answer.json["detail"]
