"""What holds for every widget: names, one CSS class, a static picture, public functions."""

import doctest
import html
import inspect

import ipywidgets
import pytest

import helpers
from helpers.errors import WorkbookError
from helpers.queries.as_python import write_cell
from helpers.queries.request import GetRequest
from helpers.widgets.kept import SENTENCE, VIEW
from helpers.widgets.markup import sentence
from tests.helpers.widgets.looking import all_widgets, displayed, run_code, unnamed_controls

WIDGETS = [
    value
    for name in helpers.__all__
    if inspect.isclass(value := getattr(helpers, name)) and issubclass(value, ipywidgets.DOMWidget)
]


@pytest.fixture(params=WIDGETS, ids=lambda kind: kind.__name__)
def widget(request, server, monkeypatch):
    """Return what the example in the docstring of each widget makes."""
    monkeypatch.setattr(helpers, "connect", lambda: server)
    kind = request.param
    names = {kind.__name__: kind}
    for example in doctest.DocTestParser().get_examples(kind.__doc__):
        exec(compile(example.source, kind.__name__, "single"), names)
    [made] = [value for value in names.values() if isinstance(value, kind)]
    return made


def test_every_control_has_a_label(widget):
    assert unnamed_controls(widget) == []


def test_every_slider_has_a_number_box_beside_it(widget):
    for box in all_widgets(widget):
        kinds = [type(child) for child in getattr(box, "children", ())]
        if ipywidgets.IntSlider in kinds:
            assert ipywidgets.BoundedIntText in kinds


def test_each_widget_is_found():
    names = [kind.__name__ for kind in WIDGETS]
    assert names == ["AcceptLab", "FrameViewer", "MultipartView", "QueryForm", "StudyBrowser"]


def test_css_class_of_a_widget_is_named_as_its_class(server):
    form = helpers.QueryForm(server)
    assert {"wb-panel", "wb-query-form"} <= set(form._dom_classes)


def test_only_widgets_that_every_jupyter_can_show_are_used(widget):
    for part in all_widgets(widget):
        modules = {part._model_module, part._view_module}
        # anywidget brings the viewer's own JavaScript, without a build and without a request.
        assert modules <= {"@jupyter-widgets/controls", "@jupyter-widgets/base", "anywidget"}


def test_widget_stands_below_the_picture_that_is_kept_of_it(widget):
    *kept, live = displayed(widget)
    assert list(live) == [VIEW]
    assert kept[0]["text/plain"] == repr(widget)
    assert {"text/html", "image/png"} & set(kept[0])
    assert [SENTENCE in bundle.get("text/html", "") for bundle in kept][-1]
    assert "VBox(" not in repr(widget)


@pytest.mark.parametrize("text", ['with "quotes"', "back\\slash", "tab\there", "it's", "ü^ö*"])
def test_code_of_a_question_keeps_any_text(server, text):
    request = GetRequest(server, "studies", {"PatientName": text, "limit": "1"}, "application/json")
    response = run_code(write_cell(request), server)["response"]
    assert response.url == request.prepared.url


def test_error_of_a_server_is_shown_as_text():
    error = WorkbookError("<b>One</b>", expected="<i>", came="<script>alert(1)</script>", hint="&")
    written = sentence(error)
    for tag in ("<b>One", "<i>", "<script>"):
        assert tag not in written
        assert html.escape(tag) in written


def test_password_in_a_url_is_masked(server):
    request = GetRequest(
        type(server)("mine", "http://ann:secret@127.0.0.1/dicomweb", None), "studies"
    )
    assert "secret" not in request.url
