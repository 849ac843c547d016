"""What every answer needs: the archive, and the address under which it is served."""

import re
from dataclasses import dataclass

from classroom.pacs.archive import Archive
from classroom.pacs.http.problems import Problem
from classroom.pacs.storage import Storage
from helpers.web import media_types as accept


@dataclass(frozen=True)
class Service:
    """The state of a classroom PACS that its resources share.

    Parameters
    ----------
    archive : Archive
    url : str
        The DICOMweb root without a trailing slash, for Retrieve URLs and BulkDataURIs. It is
        never made from a request's Host header, which clients send without the port.
    default : str
        "xml" or "json": what attributes are sent as to a client that accepts anything.
    storage : Storage
        Where the instances go that clients store.
    request_limit : int
        Bytes that one request to store may have.
    """

    archive: Archive
    url: str
    default: str
    storage: Storage
    request_limit: int

    def find(self, study, series=None, instance=None):
        """Return the instances of a study or series, or the one instance.

        Returns
        -------
        list of Instance

        Raises
        ------
        Problem
            404, saying which of the UIDs is unknown.
        """
        found = self.archive.find(study, series, instance)
        if found:
            return found
        if not self.archive.find(study):
            raise Problem(404, f"There is no study {study}.", f"List them: GET {self.url}/studies")
        if not self.archive.find(study, series):
            raise Problem(
                404,
                f"The study has no series {series}.",
                f"List them: GET {self.url}/studies/{study}/series",
            )
        raise Problem(
            404,
            f"The series has no instance {instance}.",
            f"List them: GET {self.url}/studies/{study}/series/{series}/instances",
        )


def accept_header(request):
    """Return what the client accepts: the query parameter of PS3.18, 8.3.3.1, or the header."""
    # The plus of `?accept=application/dicom+json`, typed as it is, was decoded as a space.
    parameter = re.sub(r"(?<=\w) (?=\w)", "+", request.args.get("accept", ""))
    return parameter or request.headers.get("Accept") or "*/*"


def accepted(request):
    """Return the media ranges that the client accepts, the most welcome first."""
    return accept.parse(accept_header(request))


def check_parameters(request, known):
    """Raise a 400 that names a query parameter which this resource does not know, or has twice."""
    for name, values in request.args.lists():
        if len(values) > 1:
            raise Problem(400, f"{name} is there {len(values)} times.", "Send it once.")
        if name not in known:
            raise Problem(
                400, f"There is no parameter {name!r} here.", f"Known are: {', '.join(known)}."
            )
