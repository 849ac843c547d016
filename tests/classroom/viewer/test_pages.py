"""The pages of the viewer and the PACS behind them: what is served, and who gets the key."""

import json

import pytest
from werkzeug.test import create_environ, run_wsgi_app

from classroom.viewer.pages import Viewer
from tests.classroom.viewer.conftest import PAGES

STUDIES = "/dicomweb/studies"
OURS = {"Sec-Fetch-Site": "same-origin"}


def echo(environ, start_response):
    """Answer with the method and the key that reached the PACS."""
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps([environ["REQUEST_METHOD"], environ.get("HTTP_APIKEY")]).encode()]


@pytest.fixture
def ask(pages):
    """Return a function that sends a request and gives status, headers and body."""
    application = Viewer(echo, pages, "the key")

    def send(path, method="GET", **headers):
        environ = create_environ("/", method=method, headers=headers)
        environ["PATH_INFO"] = path  # as a server hands it over, nothing tidied up
        chunks, status, headers = run_wsgi_app(application, environ, buffered=True)
        return int(status.split()[0]), headers, b"".join(chunks).decode()

    return send


# ---------------------------------------------------------------- pages


@pytest.mark.parametrize(
    ("path", "mime_type"),
    [
        ("/index.html", "text/html; charset=utf-8"),
        ("/app.js", "text/javascript; charset=utf-8"),
        ("/app.css", "text/css; charset=utf-8"),
        ("/codec.wasm", "application/wasm"),
        ("/manifest.json", "application/json"),
        ("/assets/logo.svg", "image/svg+xml; charset=utf-8"),
        ("/assets/logo.png", "image/png"),
        ("/assets/favicon.ico", "image/x-icon"),
        ("/assets/manifest.webapp", "application/manifest+json"),
        ("/font.woff2", "font/woff2"),
        ("/notes.unknown", "application/octet-stream"),
    ],
)
def test_file_has_its_media_type(ask, path, mime_type):
    status, headers, body = ask(path)
    assert (status, headers["Content-Type"], body) == (200, mime_type, PAGES[path[1:]])


@pytest.mark.parametrize("path", ["/", "/viewer", "/viewer/", "/segmentation", "/any/where"])
def test_path_of_no_file_is_a_page_of_the_viewer(ask, path):
    status, headers, body = ask(path)
    assert (status, body) == (200, PAGES["index.html"])
    assert headers["Content-Type"].startswith("text/html")


def test_missing_file_is_a_404_and_not_a_page(ask):
    status, _, body = ask("/old.bundle.js")
    assert (status, body) == (404, "There is no file /old.bundle.js\n")


def test_configuration_is_ours(ask, pages):
    (pages / "app-config.js").write_text("theirs")
    status, headers, body = ask("/app-config.js")
    assert (status, headers["Content-Type"]) == (200, "text/javascript; charset=utf-8")
    assert 'qidoRoot: "/dicomweb"' in body


def test_pages_may_talk_to_this_server_only(ask):
    for path in ("/", "/app.js", "/missing.js", "/app-config.js"):
        headers = ask(path)[1]
        assert headers["X-Content-Type-Options"] == "nosniff"
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'self' ")
        assert not {"http:", "https:", "*"} & set(policy.split())


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/assets/../../pages/../secret.txt",
        "//../secret.txt",
        "/..\\secret.txt",
        "/%2e%2e/secret.txt",
        "/./../secret.txt",
        "/index.html/../../secret.txt",
        "/../secret.txt\0.js",
        "/\0",
        "/assets",
        "/x" * 5000,
    ],
)
def test_no_path_leads_out_of_the_folder(ask, path):
    status, _, body = ask(path)
    assert status in (200, 404)
    assert "the secret" not in body


def test_absolute_path_is_not_followed(ask, pages):
    for path in (f"{pages.parent}/secret.txt", f"/{pages.parent}/secret.txt"):
        assert ask(path)[0] == 404


# ---------------------------------------------------------------- the key


def test_request_of_the_viewer_reaches_the_pacs_with_the_key(ask):
    for path in (STUDIES, "/wadouri"):
        _, headers, body = ask(path, **OURS)
        assert json.loads(body) == ["GET", "the key"]
        assert "Content-Security-Policy" not in headers
    assert json.loads(ask(STUDIES, "HEAD", **OURS)[2]) == ["HEAD", "the key"]


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", "", "same-origin, cross-site"])
def test_request_of_another_page_gets_no_key(ask, site):
    assert json.loads(ask(STUDIES, **{"Sec-Fetch-Site": site})[2]) == ["GET", None]


def test_request_that_does_not_say_where_it_comes_from_gets_no_key(ask):
    assert json.loads(ask(STUDIES)[2]) == ["GET", None]
    assert json.loads(ask(STUDIES, Origin="http://localhost")[2]) == ["GET", None]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_request_that_changes_something_gets_no_key(ask, method):
    for path in (STUDIES, "/viewer"):
        assert json.loads(ask(path, method, **OURS)[2]) == [method, None]


def test_key_that_a_client_sends_is_not_replaced(ask):
    assert json.loads(ask(STUDIES, apikey="wrong", **OURS)[2]) == ["GET", "wrong"]
