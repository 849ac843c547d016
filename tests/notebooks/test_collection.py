"""The Postman collection says what the notebooks ask; newman runs it in tests/peers."""

import json

from helpers.web.secrets import WORKSHOP_KEY
from tests.notebooks.collection import FILE, text


def test_the_collection_is_what_the_notebooks_ask():
    committed = FILE.read_text(encoding="utf-8")
    assert committed == text(), "make it anew: python -m tests.notebooks.collection"


def test_hosts_and_keys_are_variables():
    collection = json.loads(FILE.read_text(encoding="utf-8"))
    written = json.dumps(collection["item"])
    assert "://" not in "".join(part for part in written.split() if part.startswith('"http'))
    assert WORKSHOP_KEY not in written
    assert "127.0.0.1" not in written.replace("The address 127.0.0.1", "")
