"""The names that `helpers` offers, before and after they are asked for."""

import ast
import pydoc
import subprocess
import sys

import pytest

import helpers

NEW_KERNEL = """
import helpers, sys
assert {"search", "QueryForm"} <= set(dir(helpers)), dir(helpers)
assert "requests" not in sys.modules
from helpers import *
assert QueryForm.__name__ == "QueryForm" and search.__module__ == "helpers.queries.search"
assert set(helpers.__all__) <= set(globals())
"""


def test_names_are_seen_before_anything_is_imported_and_all_come_with_a_star():
    subprocess.run([sys.executable, "-c", NEW_KERNEL], check=True, timeout=60)


def test_name_that_does_not_exist_is_called_that():
    with pytest.raises(AttributeError, match="module 'helpers' has no attribute 'serach'"):
        helpers.serach  # noqa: B018


def test_type_checkers_take_every_line_of_the_table_for_a_public_name():
    _, *lines = ast.parse(helpers.TABLE.read_text(encoding="utf-8")).body
    names = [alias for line in lines for alias in line.names]
    assert sorted(alias.name for alias in names) == helpers.__all__
    assert all(alias.asname == alias.name for alias in names)


def test_help_tells_of_each_name():
    text = pydoc.plain(pydoc.render_doc(helpers))
    assert text.index("the names that a notebook imports") < 200
    for name in helpers.__all__:
        assert f"    {name}(" in text or f"    class {name}(" in text
