"""The classroom PACS as a WSGI application: who may ask, and which resource answers."""

import sys
import traceback
from functools import partial
from pathlib import Path

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from classroom.pacs import bulkdata, rendered, retrieve, store, wadouri
from classroom.pacs.http.body import drain
from classroom.pacs.http.problems import Problem
from classroom.pacs.query.levels import INSTANCE, SERIES, STUDY
from classroom.pacs.responses import json_response, no_content
from classroom.pacs.search import results
from classroom.pacs.service import accepted
from helpers.dicom.names import is_uid
from helpers.web.media_types import MediaType, choose

_STUDY = "/dicomweb/studies/<study>"
_SERIES = _STUDY + "/series/<series>"
_INSTANCE = _SERIES + "/instances/<instance>"

_RESOURCES = {
    "/dicomweb/studies": partial(results, level=STUDY),
    "/dicomweb/series": partial(results, level=SERIES),
    "/dicomweb/instances": partial(results, level=INSTANCE),
    _STUDY + "/series": partial(results, level=SERIES),
    _STUDY + "/instances": partial(results, level=INSTANCE),
    _SERIES + "/instances": partial(results, level=INSTANCE),
    _STUDY: retrieve.instances,
    _SERIES: retrieve.instances,
    _INSTANCE: retrieve.instances,
    _STUDY + "/metadata": retrieve.metadata,
    _SERIES + "/metadata": retrieve.metadata,
    _INSTANCE + "/metadata": retrieve.metadata,
    _STUDY + "/thumbnail": rendered.thumbnail,
    _SERIES + "/thumbnail": rendered.thumbnail,
    _INSTANCE + "/thumbnail": rendered.thumbnail,
    _INSTANCE + "/rendered": rendered.rendered,
    _INSTANCE + "/frames/<frames>": bulkdata.frames,
    _INSTANCE + "/frames/<frames>/rendered": rendered.rendered,
    _INSTANCE + "/frames/<frames>/thumbnail": rendered.thumbnail,
    _INSTANCE + "/bulkdata/<path:path>": bulkdata.bulkdata,
    "/wadouri": wadouri.retrieve,
}
_STORE = ["/dicomweb/studies", _STUDY]


class Application:
    """A WSGI application that answers DICOMweb requests.

    Parameters
    ----------
    service : Service
    access : Access
    """

    def __init__(self, service, access):
        self.service = service
        self._access = access
        # GET brings HEAD with it.
        rules = [Rule(path, endpoint=get, methods=["GET"]) for path, get in _RESOURCES.items()]
        rules += [Rule(path, endpoint=store.instances, methods=["POST"]) for path in _STORE]
        self._routes = Map(rules, merge_slashes=False).bind("localhost")

    def __call__(self, environ, start_response):
        """Answer one request (PEP 3333)."""
        request = Request(environ)
        try:
            response = self._respond(request)
        except Exception as error:
            response = _error(_problem(error))
        if not drain(environ):
            response = _error(
                Problem(413, "The request is far too large.", "Send less in a request.")
            )
        response.headers.extend(self._access.headers(request))
        return response(environ, start_response)

    def _options(self, request):
        allowed = self._allowed(request)
        response = no_content()
        response.headers["Allow"] = allowed
        response.headers.extend(self._access.preflight_headers(request, allowed))
        return response

    def _allowed(self, request):
        """Return the methods of the resource that was asked for."""
        methods = self._routes.allowed_methods(_path(request)) or ["GET", "HEAD"]
        return ", ".join(sorted({*methods, "OPTIONS"}))

    def _respond(self, request):
        self._access.check_host(request)
        self._access.check_origin(request)
        if request.method == "OPTIONS":
            # A browser asks before it sends the key.
            return self._options(request)
        if request.path == "/" and request.method in ("GET", "HEAD"):
            return _welcome(self.service, request)
        self._access.check_key(request)
        try:
            answer, values = self._routes.match(_path(request), request.method)
        except MethodNotAllowed:
            allowed = self._allowed(request)
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
        for name in ("study", "series", "instance"):
            if name in values and not is_uid(values[name]):
                raise Problem(
                    400,
                    f"{values[name]!r} is not the UID of a {name}.",
                    "A UID is numbers with dots between, 64 characters at most.",
                )
        return answer(self.service, request, **values)


def _path(request):
    # A path means the same with and without a slash at its end.
    return request.path.rstrip("/")


def _welcome(service, request):
    facts = {
        "name": "classroom PACS",
        "purpose": "a DICOMweb server for learning; all its patients are synthetic",
        "dicomweb": service.url,
        "wadouri": service.url.removesuffix("/dicomweb") + "/wadouri",
    }
    offer = choose(accepted(request), [MediaType("application/json"), MediaType("text/html")])
    if offer is None or offer.name == "application/json":
        return json_response(facts)
    lines = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in facts.items())
    page = f'<!doctype html><html lang="en"><title>classroom PACS</title><dl>{lines}</dl></html>'
    return Response(page, content_type="text/html; charset=utf-8")


def _problem(error):
    """Return what a client is told of an exception."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, FileNotFoundError) and error.filename:
        return Problem(
            410,
            f"The file {Path(error.filename).name} is no longer in the archive's folder.",
            "Put it back, or start the server again.",
        )
    traceback.print_exception(error, file=sys.stderr)
    return Problem(
        500,
        "The classroom PACS made a mistake.",
        "Its own output says more; please report it.",
    )


def _error(problem):
    response = json_response(problem.body, "application/problem+json")
    response.status = f"{problem.status} {problem.body['title']}"
    response.headers.extend(problem.headers)
    return response
