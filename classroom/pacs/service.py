"""What every answer needs: the archive, its address, and what the client accepts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from werkzeug.wrappers import Request

from classroom.pacs.archive import Archive
from classroom.pacs.http.problems import Problem, not_acceptable
from classroom.pacs.instance import SOPInstance
from classroom.pacs.storage import Storage
from helpers.web import media_types
from helpers.web.media_types import MediaType


@dataclass(frozen=True)
class Service:
    """The state of a classroom PACS that its resources share."""

    archive: Archive
    # The DICOMweb root without a trailing slash, for Retrieve URLs and BulkDataURIs. It is never
    # made from a request's Host header, which clients send without the port.
    url: str
    # What attributes are sent as to a client that accepts anything.
    default: Literal["xml", "json"]
    storage: Storage
    request_limit: int  # bytes that one request to store may have

    def find(
        self, study: str, series: str | None = None, instance: str | None = None
    ) -> list[SOPInstance]:
        """Return the instances of a study or series, or the one; a 404 names the unknown UID."""
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


def read_accept(request: Request) -> str:
    """Return what the client accepts, as a parameter (PS3.18 section 8.3.3.1) or a header."""
    # The plus of `?accept=application/dicom+json`, typed as it is, was decoded as a space.
    parameter = re.sub(r"(?<=\w) (?=\w)", "+", request.args.get("accept", ""))
    return parameter or request.headers.get("Accept") or "*/*"


def choose_offer(request: Request, offers: Sequence[MediaType]) -> MediaType:
    """Return the offer that the client likes best; a 406 lists them if it accepts none."""
    accept = read_accept(request)
    offer = media_types.choose(media_types.parse(accept), offers)
    if offer is None:
        raise not_acceptable(accept, offers)
    return offer


def check_parameters(request: Request, known: Sequence[str]) -> None:
    """Raise a 400 that names a query parameter which this resource does not know, or has twice."""
    for name, values in request.args.lists():
        if len(values) > 1:
            raise Problem(400, f"{name} is there {len(values)} times.", "Send it once.")
        if name not in known:
            raise Problem(
                400, f"There is no parameter {name!r} here.", f"Known are: {', '.join(known)}."
            )
