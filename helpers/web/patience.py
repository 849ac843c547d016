"""Ask once more, where that does no harm: a search that a busy server did not answer."""

import time

import requests

# Seconds before the second and before the third time.
WAITS = (0.3, 1)
# The server, or a proxy in front of it, says that it may do better later.
BUSY = (429, 502, 503, 504)


def patient_get(url, **options):
    """Send a GET, and again if the server was busy or hung up without an answer.

    Only reading is repeated: a second GET changes nothing. What a second time does not help is not
    repeated either: a name that nobody knows, a port where nobody listens, a certificate, a server
    that is silent until the time is up, or one that asks us to come back later than we wait.

    Parameters
    ----------
    url : str
    **options
        As for `requests.get`.

    Returns
    -------
    requests.Response
        With whatever status the last time brought.

    Raises
    ------
    requests.RequestException
        What went wrong the last time.

    Notes
    -----
    RFC 9110 section 9.2.2 (idempotent methods) and 10.2.3 (Retry-After).

    Examples
    --------
    >>> from helpers import connect
    >>> server = connect()
    >>> patient_get(server.dicomweb + "/studies", headers=server.headers).status_code
    200
    """
    for wait in WAITS:
        try:
            response = requests.get(url, **options)
            if response.status_code not in BUSY:
                return response
            wait = _seconds(response.headers.get("Retry-After"), wait)
            if wait > max(WAITS):
                return response
        except requests.ConnectionError as error:
            if not _hung_up(error):
                raise
        time.sleep(wait)
    return requests.get(url, **options)


def _seconds(retry_after, usual):
    """Return how long to wait: as the server asks, if it does so in seconds."""
    # Nine digits are enough to see that it is too long.
    return int(retry_after[:9]) if (retry_after or "").isdecimal() else usual


def _hung_up(error):
    """Tell whether the server took the connection, and ended it without an answer."""
    return "Connection aborted" in str(error)
