"""What a server holds of a study, found by asking until nothing new comes (PS3.18 section 10.6)."""

import requests

from helpers.dicom.datasets import records
from helpers.errors import AttributeProblem
from helpers.web.explanations import explain
from helpers.web.patience import patient_get

FOUND_AT_ONCE = 1000
# To connect, and for each answer: a server that is busy with what it got may need long.
SECONDS_TO_WAIT = (5, 120)
SOP_INSTANCE = "00080018"


def instances_of(study, server):
    """Return the SOP Instance UIDs that a server has of a study.

    Parameters
    ----------
    study : str
        A Study Instance UID.
    server : Server

    Returns
    -------
    set of str

    Raises
    ------
    HTTPProblem, ServerUnreachable, AttributeProblem
        The server did not say.

    Examples
    --------
    >>> from helpers import connect
    >>> instances_of("1.2.3", connect())
    set()
    """
    found = set()
    while True:
        try:
            response = patient_get(
                f"{server.dicomweb}/studies/{study}/instances",
                params={"limit": FOUND_AT_ONCE, "offset": len(found)},
                headers={**server.headers, "Accept": "application/dicom+json"},
                timeout=SECONDS_TO_WAIT,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise explain(error) from error
        # Some servers say so of a study that they do not have.
        page = set() if response.status_code == 404 else _uids(response)
        # A server may send fewer than asked for, or ignore the offset: the end is where nothing
        # new comes.
        if page <= found:
            return found
        found |= page


def _uids(response):
    try:
        return {record[SOP_INSTANCE]["Value"][0] for record in records(response)}
    except (KeyError, IndexError, TypeError) as error:
        raise AttributeProblem(
            "The server does not say which instances it has.",
            expected="a list of instances, each with its SOPInstanceUID",
            came=response.text[:80],
            hint="Is that the root URL of a DICOMweb server? Look at it with show(response).",
        ) from error
