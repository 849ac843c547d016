"""Answers in which something has another type than it should: a sentence, and never a traceback."""

import json
import random
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
import requests

from helpers import (
    FrameViewer,
    QueryForm,
    StudyBrowser,
    attributes,
    browse,
    connect,
    datasets,
    pick_study,
    search,
)
from helpers.errors import WorkbookError
from helpers.servers.server import Server
from helpers.web.secrets import Headers
from tests.answers import serving

JOE = "2.25.376823938970936436722019209917784829"
JSON = {"Accept": "application/dicom+json"}
ODD = [None, [], {}, "", 0, -1, 1.5, True, "x", [None], [[]], [{}], {"a": 1}, [1, "a"], "1e400"]
ODD += [float("inf"), 10**30, {"vr": None}, {"vr": "SQ", "Value": [None]}, {"vr": 5, "Value": "x"}]
TIMES = 25


def changed(value, rng):
    """Return a value of JSON in which one thing, at any depth, is another one."""
    if not isinstance(value, dict | list) or not value or rng.random() < 0.2:
        return rng.choice(ODD)
    made = value.copy()
    place = rng.choice(list(value)) if isinstance(value, dict) else rng.randrange(len(value))
    if isinstance(value, dict) and rng.random() < 0.15:
        del made[place]
    else:
        made[place] = changed(value[place], rng)
    return made


@pytest.fixture
def confused(request):
    """Return a server that stands before the classroom PACS, and changes something in its JSON."""
    real = connect()
    address = urlsplit(real.dicomweb)
    rng, kept = random.Random(request.node.name), {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            key = self.path, self.headers.get("Accept", "*/*")
            if key not in kept:
                url = f"{address.scheme}://{address.netloc}{self.path}"
                kept[key] = requests.get(url, auth=real.auth, headers={"Accept": key[1]}, timeout=9)
            answer = kept[key]
            body, kind = answer.content, answer.headers.get("Content-Type", "")
            if "json" in kind and body:
                body = json.dumps(changed(json.loads(body), rng)).encode()
            self.send_response(answer.status_code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as where:
        yield Server("confused", f"http://{where}/dicomweb", None, Headers())


def open_tree(server):
    """Click on the first of each level."""
    nodes = StudyBrowser(server).nodes
    while nodes:
        nodes[0].button.click()
        nodes = nodes[0].children


def turn_over(server):
    viewer = FrameViewer(server, JOE)
    viewer.image, viewer.window = 2, "lung"
    assert viewer.static()
    viewer.close()


def get(server):
    return requests.get(f"{server.dicomweb}/studies/{JOE}/metadata", headers=JSON, timeout=9)


CALLS = {
    "StudyBrowser": open_tree,
    "FrameViewer": turn_over,
    "QueryForm": lambda server: QueryForm(server).static(),
    "browse patients": browse,
    "browse series": lambda server: browse(server, study_uid=JOE),
    "search": search,
    "pick_study": lambda server: pick_study(server, "2.25.404"),
    "datasets": lambda server: [str(dataset) for dataset in datasets(get(server))],
    "attributes": lambda server: attributes(get(server)).to_html(),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
def test_whatever_type_a_value_has_there_is_no_bare_traceback(confused, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what pydicom thinks of values
        for _ in range(TIMES):
            try:
                CALLS[name](confused)
            except WorkbookError as error:
                assert error.problem
