"""Make the Postman collection from the notebooks: `python -m tests.notebooks.collection`.

What the notebooks ask is the definition. It is found by running them, and what the classroom PACS
answers becomes the tests in the collection, which newman runs.
"""

import json
import re
from itertools import groupby
from pathlib import Path
from urllib.parse import unquote

from helpers import connect, parts
from helpers.web.answer import media_type
from helpers.web.secrets import WORKSHOP_KEY
from helpers.wire.equivalents import Equivalents
from tests.notebooks.recording import NOTEBOOKS, record
from tests.notebooks.rows import name_of

FILE = Path(__file__).parents[2] / "data" / "dicomweb-workshop.postman_collection.json"
# Where `python3 workbook.py pacs` listens, if the port is free.
HOME = "http://127.0.0.1:8042"
SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"

DESCRIPTION = """\
Every request of the workshop's notebooks, and of those of the deeper row that only read, in their
order. Each one is tested.

Start the classroom PACS in a terminal: `python3 workbook.py pacs`. It prints its URL and its key.
Then look at the variables of this collection:

| variable | what it holds |
| --- | --- |
| `DICOMWEB_SERVER` | root URL of the DICOMweb services |
| `DICOMWEB_WADOURI` | root URL of WADO-URI |
| `DICOMWEB_APIKEY` | the key |

The others are the UIDs (unique identifiers) that the notebooks use. For another server, change the
variables. The tests say what the classroom PACS answers: another archive holds other studies.
"""

# The first bytes of a picture, and how JavaScript reads them.
SIGNATURES = {"image/jpeg": "ffd8ff", "image/png": "89504e47"}
BOUNDARY = 'pm.response.headers.get("Content-Type").split("boundary=")[1].replaceAll(\'"\', "")'


def collection():
    """Return the collection as a dictionary."""
    recordings = [record(path) for path in NOTEBOOKS]
    uids = {name: uid for recording in recordings for name, uid in recording.uids.items()}
    server = connect()
    variables = {
        "DICOMWEB_SERVER": server.dicomweb,
        "DICOMWEB_WADOURI": server.wadouri,
        "DICOMWEB_APIKEY": WORKSHOP_KEY,
        **uids,
    }
    # The port on which the notebooks just ran differs from run to run.
    values = {
        **variables,
        "DICOMWEB_SERVER": f"{HOME}/dicomweb",
        "DICOMWEB_WADOURI": f"{HOME}/wadouri",
    }
    return {
        "info": {"name": "DICOMweb workshop", "description": DESCRIPTION, "schema": SCHEMA},
        "item": [_folder(recording, variables) for recording in recordings],
        "variable": [{"key": name, "value": value} for name, value in values.items()],
    }


def text():
    """Return the collection as the text of its file."""
    return json.dumps(collection(), indent=2, ensure_ascii=False) + "\n"


def _folder(recording, variables):
    sections = groupby(recording.requests, key=lambda recorded: recorded.section)
    name = name_of(recording.notebook)
    row = "deeper" if name.startswith("deeper/") else name[:2]
    return {
        "name": f"{row} {recording.title}",
        "description": f"{recording.introduction}\n\nNotebook: notebooks/{name}.ipynb",
        "item": [_section(name, list(recorded), variables) for name, recorded in sections],
    }


def _section(name, recorded, variables):
    items = []
    for one in recorded:
        item = _item(one.response, variables)
        if item not in items:
            items.append(item)
    prose = recorded[0].prose.replace(WORKSHOP_KEY, "{{DICOMWEB_APIKEY}}")
    return {"name": name, "description": prose, "item": items}


def _item(response, variables):
    written = json.dumps(Equivalents(response.request).postman)
    # Only the wrong key, sent on purpose, was taken for a secret. Here it must be wrong again.
    written = written.replace("{{DICOMWEB_APIKEY}}", response.request.headers.get("apikey", ""))
    for name, value in variables.items():
        written = written.replace(value, f"{{{{{name}}}}}")
    item = json.loads(written)
    item["name"] = _name(item["request"])
    item["event"] = [
        {"listen": "test", "script": {"type": "text/javascript", "exec": _tests(response)}}
    ]
    return item


def _name(request):
    """Return the resource as a person would write it, as what it is asked for, with which key."""
    root, _, resource = request["url"].partition("}}/")
    resource = unquote(resource).replace("{{", "{").replace("}}", "}")
    resource = re.sub(r"\d+(\.\d+){2,}", "...", resource)
    if root.endswith("WADOURI"):
        resource = f"wadouri/{resource}"
    headers = {header["key"]: header["value"] for header in request["header"]}
    if "Accept" in headers:
        # In `multipart/related; type="application/dicom"`, what matters is the type of the parts.
        resource += f" as {re.findall(r'[-+.a-z]+/[-+.a-z]+', headers['Accept'])[-1]}"
    if "apikey" not in headers:
        return f"{resource}, without the key"
    if not headers["apikey"].startswith("{{"):
        return f"{resource}, with a wrong key"
    return resource


def _tests(response):
    """Return lines of JavaScript that test for an answer like this one."""
    kind = media_type(response)
    content_type = response.headers.get("Content-Type", "").partition("; boundary=")[0]
    lines = [_test(f"the status is {response.status_code}", _status(response))]
    if content_type:
        header = 'pm.expect(pm.response.headers.get("Content-Type"))'
        lines.append(
            _test(f"the type is {content_type}", f"{header}.to.include({json.dumps(content_type)})")
        )
    if kind == "multipart/related":
        count = len(parts(response))
        # In front of the first delimiter is nothing, and behind the last are two hyphens.
        pieces = f'pm.response.text().split("--" + {BOUNDARY})'
        lines.append(_test(f"parts: {count}", f"pm.expect({pieces}).to.have.lengthOf({count + 2})"))
    elif kind in SIGNATURES:
        first = 'pm.response.stream.toString("hex")'
        lines.append(
            _test(f"it is a {kind}", f"pm.expect({first}).to.match(/^{SIGNATURES[kind]}/)")
        )
    elif kind == "application/problem+json":
        words = 'pm.expect(pm.response.json()).to.include.keys("title", "detail", "hint")'
        lines.append(_test("the error says what to do", words))
    elif "json" in kind:
        count = len(response.json())
        lines.append(
            _test(f"results: {count}", f"pm.expect(pm.response.json()).to.have.lengthOf({count})")
        )
    else:
        lines.append(_test("there is no body", 'pm.expect(pm.response.text()).to.equal("")'))
    return lines


def _status(response):
    return f"pm.response.to.have.status({response.status_code})"


def _test(name, expression):
    return f"pm.test({json.dumps(name)}, () => {expression});"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
    print(f"written: {FILE}")
