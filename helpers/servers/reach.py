"""The first questions to a server: whether it answers, lets us in, and speaks DICOMweb."""

import ipaddress
import os
import urllib.request
from dataclasses import replace
from urllib.parse import urlsplit

import requests

from helpers.dicom.datasets import records
from helpers.errors import HTTPProblem, WorkbookError
from helpers.servers.profiles import profile_of
from helpers.servers.sign_in import asked_for, hint_for
from helpers.web.answer import check, media_type
from helpers.web.explanations import explain
from helpers.web.patience import patient_get
from helpers.web.raw_query import RAW_QUERY, send_as_typed
from helpers.web.secrets import mask_url

# Enough studies to say how many there are, few enough to ask any archive for.
STUDIES_ASKED_FOR = 100
SECONDS_TO_WAIT = 5
IS_IT_THE_ROOT = (
    "Is this the root of the DICOMweb services? It often ends in /dicomweb, /dicom-web or /rs."
)


def reached(name, server):
    """Ask a server what it holds, as `asked` does; sign in the way that it asks for.

    Of a bare URL nobody knows whether it wants a key, and which way. Its refusal says so.

    Parameters
    ----------
    name : str
        A name or a URL, as for `connect`.
    server : Server
        What `named` returns for it.

    Returns
    -------
    Server

    Raises
    ------
    WorkbookError
        It does not answer, or not as a DICOMweb server does; or the key does not fit.

    Examples
    --------
    >>> from helpers import connect
    >>> here = connect()
    >>> reached(here.dicomweb, here).studies
    '8 studies'
    """
    try:
        return asked(server)
    except HTTPProblem as refusal:
        headers = asked_for(refusal.response, profile_of(name), server.headers)
        if not headers:
            raise
    return asked(replace(server, headers=headers))


def asked(server):
    """Ask a server what it holds; return it with the answer, or raise.

    No redirect is followed: `requests` would carry a key of its own header to any other host. A
    server that is busy is asked three times, within some seconds. From then on no request to a
    server on this computer goes to a proxy.

    Parameters
    ----------
    server : Server

    Returns
    -------
    Server
        The same one, with the number of its studies and what is odd about it.

    Raises
    ------
    WorkbookError
        It does not answer, or not as a DICOMweb server does.

    Examples
    --------
    >>> from helpers import connect
    >>> asked(connect()).studies
    '8 studies'
    """
    _go_past_proxies(server.dicomweb)
    count = len(_studies(server, f"limit={STUDIES_ASKED_FOR + 1}"))
    # The name of every patient fits *, written as %2A: unless the server looks for %2A.
    if count and RAW_QUERY not in server.quirks and not _studies(server, "limit=1&PatientName=%2A"):
        server = replace(server, quirks=(*server.quirks, RAW_QUERY))
    if RAW_QUERY in server.quirks:
        send_as_typed(server.dicomweb)
    studies = (
        f"more than {STUDIES_ASKED_FOR} studies" if count > STUDIES_ASKED_FOR else _count(count)
    )
    return replace(server, studies=studies)


def _go_past_proxies(url):
    """Let requests to this computer itself go to no proxy: to that, 127.0.0.1 is another computer.

    Notebooks call `requests` themselves, and it looks into the environment; so does curl.
    """
    try:
        host = urlsplit(url).hostname or ""
        is_here = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return
    if is_here and requests.utils.get_environ_proxies(url):
        # With one such variable, Windows and macOS no longer look into their own settings.
        for scheme, proxy in urllib.request.getproxies().items():
            os.environ.setdefault(f"{scheme}_proxy", proxy)
        others = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
        os.environ["no_proxy"] = os.environ["NO_PROXY"] = f"{others},{host}" if others else host


def _studies(server, query):
    try:
        response = patient_get(
            f"{server.dicomweb}/studies?{query}",
            headers={**server.headers, "Accept": "application/dicom+json"},
            timeout=SECONDS_TO_WAIT,
            allow_redirects=False,
        )
    except (requests.RequestException, ValueError) as error:
        # A ValueError: a host that can be no name, here or where a redirect leads.
        raise explain(error) from error
    try:
        return _listed(check(response))
    except HTTPProblem as error:
        where = IS_IT_THE_ROOT if response.status_code == requests.codes.not_found else error.hint
        error.hint = hint_for(response, server.headers) or where
        raise


def _listed(response):
    """Return the studies in an answer. An older server sends XML, whatever one asks for."""
    try:
        studies = records(response)
    except WorkbookError:
        studies = [{"no tag": None}]
    if all(len(tag) == 8 for study in studies for tag in study):
        return studies
    raise WorkbookError(
        f"{mask_url(response.url)} does not speak DICOMweb.",
        expected="a list of studies in DICOM JSON or XML",
        came=media_type(response) or "an answer without a Content-Type",
        hint=IS_IT_THE_ROOT,
    )


def _count(number):
    return "1 study" if number == 1 else f"{number} studies"
