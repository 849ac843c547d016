"""The classroom PACS as a WSGI application: which resource answers."""

import errno
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from classroom.pacs import files, rendered, retrieve, store, wadouri
from classroom.pacs.http.body import respond
from classroom.pacs.http.problems import Problem
from classroom.pacs.instance import FileChanged
from classroom.pacs.query.levels import INSTANCE, SERIES, STUDY
from classroom.pacs.responses import json_response, no_content
from classroom.pacs.search import search
from classroom.pacs.service import PacsRequest, Service, read_accept
from helpers.dicom.names import is_uid
from helpers.dicom.quiet import quietly
from helpers.web import media_types
from helpers.web.media_types import MediaType

# The disk is full, or what one may have of it; and too many files, or no memory.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_BUSY = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)

_STUDY = "/dicomweb/studies/<study>"
_SERIES = _STUDY + "/series/<series>"
_INSTANCE = _SERIES + "/instances/<instance>"

_RESOURCES: dict[str, Callable[..., Response]] = {
    "/dicomweb/studies": partial(search, level=STUDY),
    "/dicomweb/series": partial(search, level=SERIES),
    "/dicomweb/instances": partial(search, level=INSTANCE),
    _STUDY + "/series": partial(search, level=SERIES),
    _STUDY + "/instances": partial(search, level=INSTANCE),
    _SERIES + "/instances": partial(search, level=INSTANCE),
    _STUDY: files.send_instances,
    _SERIES: files.send_instances,
    _INSTANCE: files.send_instances,
    _STUDY + "/metadata": retrieve.send_metadata,
    _SERIES + "/metadata": retrieve.send_metadata,
    _INSTANCE + "/metadata": retrieve.send_metadata,
    _STUDY + "/thumbnail": rendered.thumbnail,
    _SERIES + "/thumbnail": rendered.thumbnail,
    _INSTANCE + "/thumbnail": rendered.thumbnail,
    _INSTANCE + "/rendered": rendered.rendered,
    _INSTANCE + "/frames/<frames>": retrieve.send_frames,
    _INSTANCE + "/frames/<frames>/rendered": rendered.rendered,
    _INSTANCE + "/frames/<frames>/thumbnail": rendered.thumbnail,
    _INSTANCE + "/bulkdata/<path:path>": retrieve.send_bulk_value,
    "/wadouri": wadouri.retrieve,
}
_STORE = ["/dicomweb/studies", _STUDY]


class Application:
    """A WSGI application that answers DICOMweb requests, whoever asks."""

    def __init__(self, service: Service) -> None:
        self.service = service
        # GET brings HEAD with it.
        rules = [Rule(path, endpoint=get, methods=["GET"]) for path, get in _RESOURCES.items()]
        rules += [Rule(path, endpoint=store.store, methods=["POST"]) for path in _STORE]
        self._routes = Map(rules, merge_slashes=False).bind("localhost")

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        request = PacsRequest(environ)
        try:
            with quietly():  # what pydicom says of a file is no news for who runs the server
                response = self._answer(request)
        except Exception as error:
            response = _explain(error).response()
        for text in request.warnings:
            response.headers.add("Warning", f'299 {self.service.url} "{text}"')
        return respond(response, environ, start_response)

    def _answer(self, request: PacsRequest) -> Response:
        if request.method == "OPTIONS":
            response = no_content()
            response.headers["Allow"] = self._list_methods(request)
            return response
        if request.path == "/" and request.method in ("GET", "HEAD"):
            return _welcome(self.service, request)
        endpoint, values = self._find_resource(request)
        for name in ("study", "series", "instance"):
            if name in values and not is_uid(values[name]):
                raise Problem(
                    400,
                    f"{values[name]!r} is not the UID of a {name}.",
                    "A UID is numbers with dots between, 64 characters at most.",
                )
        return endpoint(self.service, request, **values)

    def _find_resource(self, request: Request) -> tuple[Callable[..., Response], Mapping[str, Any]]:
        try:
            return self._routes.match(_path_of(request), request.method)
        except MethodNotAllowed:
            allowed = self._list_methods(request)
            raise Problem(
                405,
                f"{request.method} does nothing here.",
                f"Use one of these: {allowed}.",
                headers={"Allow": allowed},
            ) from None
        except NotFound:
            raise Problem(
                404,
                f"There is no resource at {request.path}",
                f"Begin with {self.service.url}/studies",
            ) from None

    def _list_methods(self, request: Request) -> str:
        methods = self._routes.allowed_methods(_path_of(request)) or ["GET", "HEAD"]
        return ", ".join(sorted({*methods, "OPTIONS"}))


def _path_of(request: Request) -> str:
    # A path means the same with and without a slash at its end.
    return request.path.rstrip("/")


def _welcome(service: Service, request: Request) -> Response:
    facts = {
        "name": "classroom PACS",
        "purpose": "a DICOMweb server for learning; all its patients are synthetic",
        "edition": service.edition,
        "dicomweb": service.url,
        "wadouri": service.url.removesuffix("/dicomweb") + "/wadouri",
    }
    offers = [MediaType("application/json"), MediaType("text/html")]
    offer = media_types.choose(media_types.parse(read_accept(request)), offers)
    if offer is None or offer.name == "application/json":
        return json_response(facts)
    lines = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in facts.items())
    page = f'<!doctype html><html lang="en"><title>classroom PACS</title><dl>{lines}</dl></html>'
    return Response(page, content_type="text/html; charset=utf-8")


def _explain(error: Exception) -> Problem:
    """Return what a client is told of an exception."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, FileChanged):
        return Problem(
            410,
            f"The file {error.path.name} is not the one any more that the server has read.",
            "Put that back, or start the server again.",
        )
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return Problem(
            507,
            f"This server cannot write what it makes: {error.strerror}.",
            "Make room on the server's disk. As it is stored it can be had: transfer-syntax=*.",
        )
    if isinstance(error, OSError) and error.errno in _BUSY:
        return Problem(
            503,
            f"This server has too much to do: {error.strerror}.",
            "Ask again in some seconds.",
            headers={"Retry-After": "5"},
        )
    if isinstance(error, OSError) and error.filename:
        return Problem(
            410,
            f"The file {Path(error.filename).name} can no longer be read: {error.strerror}.",
            "Put it back, or start the server again.",
        )
    traceback.print_exception(error, file=sys.stderr)
    return Problem(
        500,
        "The classroom PACS made a mistake.",
        "Its own output says more; please report it.",
    )
