"""The first questions to a server: whether it answers, lets us in, and speaks DICOMweb."""

import os
import time
import urllib.request
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from helpers.dicom.datasets import records
from helpers.errors import HTTPProblem, WorkbookError
from helpers.servers.profiles import find_profile
from helpers.servers.sign_in import advise, answer_challenge
from helpers.web import limits
from helpers.web.answer import check, describe_media_type
from helpers.web.ask import ask, is_here
from helpers.web.raw_query import RAW_QUERY, send_as_typed
from helpers.web.secrets import mask_url

if TYPE_CHECKING:
    from helpers.servers.server import Server

# Enough studies to say how many there are, few enough to ask any archive for.
STUDIES_ASKED_FOR = 100
IS_IT_THE_ROOT = (
    "Is this the root of the DICOMweb services? It often ends in /dicomweb, /dicom-web or /rs."
)


def reach(name: str, server: "Server") -> "Server":
    """Ask a server what it holds, as `survey` does; sign in the way that its refusal asks for."""
    since = time.monotonic()
    try:
        return survey(server, since)
    except HTTPProblem as refusal:
        asked = time.monotonic()
        headers = answer_challenge(refusal.response, find_profile(name), server.headers)
        if not headers:
            raise
    # Who types a key may take their time.
    return survey(replace(server, headers=headers), since + time.monotonic() - asked)


def survey(server: "Server", since: float | None = None) -> "Server":
    """Ask a server what it holds; return it with the number of its studies, and what is odd."""
    since = time.monotonic() if since is None else since
    # The `requests` of a notebook take the same way as ours to this server, and only to it.
    if is_here(server.dicomweb):
        _go_past_proxies(server.dicomweb)
    count = len(_search(server, f"limit={STUDIES_ASKED_FOR + 1}", since))
    if count and not server.is_raw and _decodes_nothing(server, since):
        server = replace(server, quirks=(*server.quirks, RAW_QUERY))
    if server.is_raw:
        send_as_typed(server.dicomweb)
    studies = f"{count} studies" if count != 1 else "1 study"
    if count > STUDIES_ASKED_FOR:
        studies = f"more than {STUDIES_ASKED_FOR} studies"
    return replace(server, studies=studies)


def _decodes_nothing(server: "Server", since: float) -> bool:
    """Tell whether the server finds by `*`, which every name fits, but not by its encoding."""
    try:
        if _search(server, "limit=1&PatientName=%2A", since):
            return False
        typed = replace(server, quirks=(RAW_QUERY,))
        # Where neither finds anything, it only knows no wildcards.
        return bool(_search(typed, "limit=1&PatientName=*", since))
    except HTTPProblem:
        # It takes no such search at all.
        return False


def _go_past_proxies(url: str) -> None:
    """Let requests to this computer itself go to no proxy: to one, 127.0.0.1 is itself."""
    # These helpers do so by themselves. But notebooks call `requests` without a session, and show a
    # curl line: both look into the environment, and nowhere else.
    if not requests.utils.get_environ_proxies(url):
        return
    # With one such variable, Windows and macOS no longer look into their own settings.
    for scheme, proxy in urllib.request.getproxies().items():
        os.environ.setdefault(f"{scheme}_proxy", proxy)
    host = urlsplit(url).hostname or ""
    others = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = f"{others},{host}" if others else host


def _search(server: "Server", query: str, since: float) -> list[dict[str, Any]]:
    response = ask(
        f"{server.dicomweb}/studies?{query}",
        headers={**server.headers, "Accept": "application/dicom+json"},
        limits=limits.CONNECTING,
        since=since,
        is_patient=True,
        is_raw=server.is_raw,
    )
    try:
        return _read(check(response))
    except HTTPProblem as error:
        where = IS_IT_THE_ROOT if response.status_code == requests.codes.not_found else error.hint
        error.hint = advise(response, server.headers) or where
        raise


def _read(response: requests.Response) -> list[dict[str, Any]]:
    """Return the studies in an answer. An older server sends XML, whatever one asks for."""
    try:
        studies: list[dict[str, Any]] = records(response)
    except WorkbookError:
        studies = [{"no tag": None}]
    if all(len(tag) == 8 for study in studies for tag in study):
        return studies
    raise WorkbookError(
        f"{mask_url(response.url)} does not speak DICOMweb.",
        expected="a list of studies in DICOM JSON or XML",
        came=describe_media_type(response),
        hint=IS_IT_THE_ROOT,
    )
