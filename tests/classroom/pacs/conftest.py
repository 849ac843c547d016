"""Requests to the classroom PACS."""

from functools import partial

import pytest
import requests

from helpers.web.secrets import WORKSHOP_KEY


@pytest.fixture(scope="session")
def session():
    """Return a session that sends the workshop's key."""
    with requests.Session() as opened:
        opened.headers["apikey"] = WORKSHOP_KEY
        yield opened


@pytest.fixture
def send(pacs, session):
    """Return a function that sends a request: send(method, path, accept, headers, **options)."""
    return partial(_send, pacs.url, session)


@pytest.fixture
def get(send):
    """Return a function that sends a GET: get(path, accept)."""
    return partial(send, "GET")


@pytest.fixture
def problem(send):
    """Return a function that sends a request, checks the error's body and returns it."""

    def check(status, path, accept=None, *, method="GET", **options):
        response = send(method, path, accept, **options)
        assert response.status_code == status
        assert response.headers["Content-Type"] == "application/problem+json"
        body = response.json()
        assert body["status"] == status
        assert body["title"] == response.reason
        assert body["detail"] and body["hint"]
        assert "Traceback" not in response.text
        return body

    return check


def _send(url, session, method, path, accept=None, headers=(), **options):
    headers = {"Accept": accept, **dict(headers)}
    return session.request(method, url + path, headers=headers, timeout=30, **options)
