"""What every answer needs: the archive, its address, and what the client accepts."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote
from wsgiref.types import WSGIEnvironment

from werkzeug.wrappers import Request

from classroom.pacs.archive import Archive
from classroom.pacs.http.problems import Problem, not_acceptable
from classroom.pacs.instance import SOPInstance
from classroom.pacs.storage import Storage
from helpers.web import media_types
from helpers.web.media_types import MediaType

# Of the query parameters that a Warning names: how many, and how much of each.
_NAMED = 5
_LONGEST_NAME = 64


# What attributes are sent as to a client that accepts anything: in XML, as the server of the
# workshop did it in 2018, or in JSON, as PS3.18 section 8.7.3 wants it today.
Edition = Literal["workshop", "current"]


@dataclass(frozen=True)
class Service:
    """The state of a classroom PACS that its resources share."""

    archive: Archive
    # The DICOMweb root without a trailing slash, for Retrieve URLs and BulkDataURIs. It is never
    # made from a request's Host header, which clients send without the port.
    url: str
    edition: Edition
    storage: Storage
    request_limit: int  # bytes that one request to store may have
    is_strict: bool = False  # whether a query parameter that it does not support is a 400

    def find(
        self, study: str, series: str | None = None, instance: str | None = None
    ) -> list[SOPInstance]:
        """Return the instances of a study or series, or the one; a 404 names the unknown UID."""
        found = self.archive.find(study, series, instance)
        if found:
            return found
        unknown, inside, below = f"There is no study {study}.", "", ""
        if self.archive.find(study):
            unknown, inside = f"The study has no series {series}.", f"/{study}/series"
            if self.archive.find(study, series):
                unknown = f"The series has no instance {instance}."
                below = f"/{series}/instances"
        hint = f"List them: GET {self.url}/studies{inside}{below}"
        if self.archive.progress:
            hint = f"{self.archive.progress}. Ask again when it is done. {hint}"
        raise Problem(404, unknown, hint)


class PacsRequest(Request):
    """A request, with what its answer is to warn of, a sentence or two each."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        super().__init__(environ)
        self.warnings: list[str] = []

    def warn_of(self, parameters: Sequence[str], supported: Iterable[str]) -> None:
        """Let the answer name query parameters that were ignored, and guess what was meant."""
        if not parameters:
            return
        known = {name.lower(): name for name in supported}
        names = []
        for parameter in parameters[:_NAMED]:
            name = parameter[:_LONGEST_NAME]
            # A path through sequences would resemble its first one.
            close = "." not in name and difflib.get_close_matches(
                name.lower(), known.keys() - {name.lower()}, 1, 0.8
            )
            # As in a URL: no letter is left that could end the header, or its quotes.
            names.append(
                quote(name) + "".join(f" (did you mean {known[one]}?)" for one in close or ())
            )
        if (more := len(parameters) - _NAMED) > 0:
            names.append(f"and {more} more")
        self.warnings.append(
            "The following query parameters are not supported and have been ignored: "
            + ", ".join(names)
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


def check_parameters(service: Service, request: PacsRequest, supported: Sequence[str]) -> None:
    """Ignore query parameters that a resource does not support; a 400 if one that it does is twice.

    An invalid value of a supported parameter is a fault of the request, an unsupported parameter is
    none (PS3.18 section 8.3).
    """
    for name in supported:
        if (count := len(request.args.getlist(name))) > 1:
            raise Problem(400, f"{name} is there {count} times.", "Send it once.")
    unsupported = [name for name in request.args if name not in supported]
    if unsupported and service.is_strict:
        raise Problem(
            400,
            f"There is no parameter {unsupported[0]!r} here.",
            f"Known are: {', '.join(supported)}.",
        )
    request.warn_of(unsupported, supported)
