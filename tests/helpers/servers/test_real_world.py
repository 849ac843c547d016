"""What goes wrong between clients and servers on a real network, each on a server that does it."""

import gzip
import ssl
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests
import trustme

from classroom.exercises.expected import ask
from classroom.exercises.search import statuses
from helpers import attributes, connect, save_instances, search
from helpers.errors import CertificateProblem, ConnectionCut, HTTPProblem, TruncatedMultipart
from helpers.servers.reach import survey
from helpers.servers.server import Server
from helpers.web.ask import ask as send
from helpers.web.explanations import explain
from helpers.web.secrets import Headers
from tests.answers import answer, multipart_body, saying, serving
from tests.archive import RAVI

MODEL = b'<NativeDicomModel><DicomAttribute tag="00100020" vr="LO"><Value number="1">ID</Value>'
MODEL += b"</DicomAttribute></NativeDicomModel>"


@contextmanager
def https(configure):
    """Run a server of one study, with the certificate that `configure` loads; yield its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "application/dicom+json")
            self.send_header("X-Asked", self.path)
            self.end_headers()
            self.wfile.write(b'[{"00100020": {"vr": "LO", "Value": ["ID"]}}]')

        def log_message(self, *arguments):
            pass

    class Quiet(HTTPServer):
        def get_request(self):
            connection, address = super().get_request()
            # A client that does not trust us hangs up in the middle.
            return context.wrap_socket(connection, server_side=True), address

        def handle_error(self, *arguments):
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    configure(context)
    with serving(Quiet(("127.0.0.1", 0), Handler)) as address:
        yield f"https://{address}"


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def trusted(authority, monkeypatch, tmp_path):
    """Let requests trust the certificates of our own authority."""
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))


def problem(url):
    """Return the explanation that connect() prints of a server that cannot be used."""
    with pytest.raises(CertificateProblem) as caught:
        survey(Server("secure", url, None, Headers(apikey="s3cret")))
    assert "Do not switch the check off" in caught.value.hint
    return caught.value.came


@pytest.mark.usefixtures("trusted")
def test_a_good_certificate(authority):
    with https(authority.issue_cert("127.0.0.1").configure_cert) as url:
        assert connect(url).studies == "1 study"


@pytest.mark.usefixtures("trusted")
def test_a_query_goes_out_as_typed_over_https_too(authority):
    with https(authority.issue_cert("127.0.0.1").configure_cert) as url:
        response = send(f"{url}/studies?PatientName=SIIM^J*", is_raw=True)
    assert response.headers["X-Asked"] == "/studies?PatientName=SIIM^J*"


@pytest.mark.usefixtures("trusted")
def test_an_expired_certificate(authority):
    yesterday = datetime.now(UTC) - timedelta(days=1)
    expired = authority.issue_cert("127.0.0.1", not_after=yesterday)
    with https(expired.configure_cert) as url:
        assert problem(url) == "a certificate that has expired"


@pytest.mark.usefixtures("trusted")
def test_a_certificate_of_another_host(authority):
    with https(authority.issue_cert("pacs.example").configure_cert) as url:
        assert problem(url) == "a certificate for another host"


def test_a_certificate_that_the_server_signed_itself(authority, tmp_path):
    both = tmp_path / "self-signed.pem"
    authority.private_key_pem.write_to_path(str(both))
    authority.cert_pem.write_to_path(str(both), append=True)
    with https(lambda context: context.load_cert_chain(both)) as url:
        assert problem(url) == "a certificate that the server signed itself"


def test_a_certificate_that_nobody_we_know_signed(authority):
    with https(authority.issue_cert("127.0.0.1").configure_cert) as url:
        assert problem(url) == "a certificate not trusted"


def test_a_bad_certificate_gives_the_classroom_pacs(authority, capsys):
    with https(authority.issue_cert("127.0.0.1").configure_cert) as url:
        assert connect(url) == connect("classroom")
    assert "cannot be used now" in capsys.readouterr().out


@pytest.mark.parametrize(("status", "reason"), [(502, "Bad Gateway"), (503, "Service Unavailable")])
def test_a_proxys_page_in_the_place_of_an_answer(tmp_path, status, reason):
    page = b"<html><h1>nginx</h1></html>"
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: text/html\r\nContent-Length: {len(page)}"
    with saying(f"{head}\r\n\r\n".encode(), page) as url:
        response = requests.get(f"{url}/dicomweb/studies", timeout=5)
        folder = tmp_path / "joe"
        for helper in (attributes, lambda answer: save_instances(answer, folder)):
            with pytest.raises(HTTPProblem) as caught:
                helper(response)
            assert "proxy" in caught.value.came and "Try again later" in caught.value.hint
        assert not folder.exists()


@pytest.mark.parametrize(
    ("headers", "travels"),
    [({"apikey": "s3cret"}, True), ({"Authorization": "Bearer s3cret"}, False)],
)
def test_after_a_redirect_requests_carries_every_key_but_one(headers, travels):
    """Why our own requests follow no redirect, and why notebook 00 warns."""
    seen = []
    with saying(b"HTTP/1.1 401 Unauthorized\r\n\r\n", hear=seen.append) as elsewhere:
        # Another name of this computer, so another host for requests.
        target = elsewhere.replace("127.0.0.1", "localhost")
        moved = f"HTTP/1.1 301 Moved\r\nLocation: {target}/studies\r\nContent-Length: 0\r\n\r\n"
        with saying(moved.encode()) as url:
            requests.get(f"{url}/studies", headers=headers, timeout=5)
            server = Server("moved", url, None, Headers(headers))
            for helper in (survey, lambda moved: ask(moved, "/studies")):
                with pytest.raises(HTTPProblem, match="elsewhere"):
                    helper(server)
            assert search(server, "studies").status_code == 301
            assert set(statuses(server).values()) == {301}
            assert [b"s3cret" in request for request in seen] == [travels]


def test_an_answer_that_is_zipped(tmp_path):
    contents = [path.read_bytes() for path in RAVI[:2]]
    body, kind = multipart_body(contents, "application/dicom")
    zipped = gzip.compress(body)
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Encoding: gzip\r\n"
    with saying(f"{head}Content-Length: {len(zipped)}\r\n\r\n".encode(), zipped) as url:
        paths = save_instances(requests.get(url, stream=True, timeout=5), tmp_path)
    assert [path.read_bytes() for path in paths] == contents


def test_a_zipped_answer_that_is_cut_keeps_what_came_whole(tmp_path):
    contents = [path.read_bytes() for path in RAVI[:2]]
    body, kind = multipart_body(contents, "application/dicom")
    zipped = gzip.compress(body)[:-1000]
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Encoding: gzip\r\n\r\n"
    with saying(head.encode(), zipped) as url:
        response = requests.get(url, stream=True, timeout=5)
        with pytest.raises((ConnectionCut, TruncatedMultipart)):
            save_instances(response, tmp_path)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == contents[:1]


def test_xml_where_json_was_asked_for():
    body, kind = multipart_body([MODEL, MODEL], "application/dicom+xml")
    response = answer(body, kind)
    response.request.headers["Accept"] = "application/dicom+json"
    assert attributes(response, ["PatientID"]).PatientID.tolist() == ["ID", "ID"]


def test_nothing_found_said_as_204(capsys):
    with saying(b"HTTP/1.1 204 No Content\r\n\r\n") as url:
        table = attributes(requests.get(url, timeout=5))
    assert len(table) == 0 and "0 matches" in capsys.readouterr().out


@pytest.mark.parametrize("length", [True, False], ids=["Content-Length", "until it closes"])
def test_a_table_of_an_answer_that_is_cut_is_no_shorter_table(length):
    body = b'[{"00100020": {"vr": "LO", "Value": ["ID"]}}, {"00100020": {"vr": "LO"'
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/dicom+json\r\n"
    head += f"Content-Length: {len(body) + 20}\r\n\r\n" if length else "\r\n"
    with saying(head.encode(), body) as url:
        if length:
            with pytest.raises(requests.RequestException) as caught:
                requests.get(url, timeout=5)
            assert isinstance(explain(caught.value), ConnectionCut)
            with pytest.raises(ConnectionCut):
                attributes(requests.get(url, timeout=5, stream=True))
        else:
            with pytest.raises(ValueError, match="Was the transfer cut"):
                attributes(requests.get(url, timeout=5))
