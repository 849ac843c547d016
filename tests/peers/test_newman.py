"""newman, which runs Postman collections, with the collection of the workbook."""

import json
import subprocess
from xml.etree import ElementTree

import pytest
import requests

from classroom.pacs import server
from helpers import equivalents
from helpers.web.secrets import WORKSHOP_KEY
from tests.answers import multipart_body
from tests.archive import FOLDER, JOE
from tests.notebooks.collection import FILE, SCHEMA
from tests.tools import NODE_PACKAGES, needs_node_package

pytestmark = needs_node_package("newman")


@pytest.fixture
def newman(tmp_path):
    """Return a function that runs the collection against a server.

    It gives, for each request, the name and the list of what failed.
    """

    def run(url, apikey=WORKSHOP_KEY, collection=FILE):
        report = tmp_path / "report.xml"
        finished = subprocess.run(
            [
                *("node", NODE_PACKAGES / "newman" / "bin" / "newman.js", "run", collection),
                *("--working-dir", tmp_path),
                *("--env-var", f"DICOMWEB_SERVER={url}/dicomweb"),
                *("--env-var", f"DICOMWEB_WADOURI={url}/wadouri"),
                *("--env-var", f"DICOMWEB_APIKEY={apikey}"),
                *("--reporters", "junit", "--reporter-junit-export", report),
            ],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert report.exists(), finished.stderr
        suites = ElementTree.parse(report).findall("testsuite")
        found = [(suite.get("name"), _failures(suite)) for suite in suites]
        assert (finished.returncode == 0) == (not any(failed for _, failed in found))
        return found, sum(int(suite.get("tests")) for suite in suites)

    return run


def _failures(suite):
    return [
        problem.get("message", "").strip()
        for problem in suite.iter()
        if problem.tag in ("failure", "error", "system-err")
    ]


def test_every_assertion_holds_for_the_classroom_pacs(newman, pacs):
    requests, assertions = newman(pacs.url)
    assert [(name, failed) for name, failed in requests if failed] == []
    # None is left out: a request that is not sent would fail nothing.
    written = FILE.read_text(encoding="utf-8")
    assert len(requests) == written.count('"method":') > 40
    assert assertions == written.count("pm.test(") > 100


def test_a_wrong_key_is_noticed_everywhere_but_where_it_is_meant(newman, pacs):
    requests, _ = newman(pacs.url, apikey="wrong")
    passed = [name.rpartition(" / ")[2] for name, failed in requests if not failed]
    assert passed == ["studies, without the key", "studies, with a wrong key"]


def test_an_archive_that_holds_other_studies_is_noticed(newman):
    other = server.start(FOLDER / "joe", port=0)
    try:
        requests, _ = newman(other.url)
    finally:
        other.stop()
    [failed] = [
        failed for name, failed in requests if name.endswith("/ studies as application/dicom+json")
    ]
    assert failed == ["expected [ { …(15) } ] to have a length of 8 but got 1"]


def test_a_server_that_is_not_there_is_noticed(newman, free_port):
    requests, _ = newman(f"http://127.0.0.1:{free_port}")
    assert all(failed for _, failed in requests)


def test_the_twin_of_a_request_with_a_body_and_a_secret(newman, tmp_path):
    (tmp_path / "archive").mkdir()
    pacs = server.start(tmp_path / "archive", port=0, apikey="s3cret")
    try:
        body, content_type = multipart_body(
            [path.read_bytes() for path in JOE], "application/dicom"
        )
        headers = {"apikey": "not the key", "Content-Type": content_type}
        refused = requests.post(
            f"{pacs.url}/dicomweb/studies", data=body, headers=headers, timeout=9
        )
        assert (refused.status_code, len(pacs.archive)) == (401, 0)
        (tmp_path / "request-body").write_bytes(body)
        collection = {
            "info": {"name": "one request", "schema": SCHEMA},
            "item": [equivalents(refused).postman],
        }
        (tmp_path / "collection.json").write_text(json.dumps(collection), encoding="utf-8")
        newman(pacs.url, apikey="s3cret", collection=tmp_path / "collection.json")
        assert len(pacs.archive) == len(JOE)
    finally:
        pacs.stop()
