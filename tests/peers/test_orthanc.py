"""The Orthanc that other tests use is what they think it is."""

import socket

import requests
from requests.adapters import HTTPAdapter

from tests.archive import ONE_OF_EACH_STUDY


class Plain(HTTPAdapter):
    """Sends as requests does by itself, whatever connect() has told it before of this server."""


def studies(server, query, **headers):
    url, headers = f"{server.dicomweb}/studies?{query}", {**server.headers, **headers}
    with requests.Session() as session:
        session.mount(server.dicomweb, Plain())
        return session.get(url, headers=headers, timeout=10)


def test_it_holds_the_archive(orthanc):
    assert len(studies(orthanc, "").json()) == len(ONE_OF_EACH_STUDY)


def test_without_the_key_it_says_403_and_nothing_else(orthanc):
    response = studies(orthanc, "", apikey="a-wrong-key")
    assert (response.status_code, response.content) == (403, b"")


def test_it_decodes_a_query_and_debians_does_not(orthanc, debian_orthanc):
    assert len(studies(orthanc, "PatientName=SIIM%5EJoe").json()) == 2
    assert len(studies(debian_orthanc, "PatientName=SIIM%5EJoe").json()) == 0
    assert len(studies(debian_orthanc, "PatientName=SIIM?Joe").json()) == 2


def test_it_listens_on_this_computer_only(orthanc):
    port = int(orthanc.dicomweb.split(":")[2].split("/")[0])
    # An address of loopback too, where only a server on all addresses would answer.
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.2", port)) != 0
