"""What holds for every widget: names, one CSS class, a static picture, public functions."""

import html

import ipywidgets
import pytest

import helpers
from helpers.errors import WorkbookError
from helpers.queries.request import Question
from helpers.widgets.panel import sentence
from tests.answers import multipart_body
from tests.helpers.widgets.looking import all_widgets, run_code, unnamed_controls

STUDY = "1.3.6.1.4.1.14519.5.2.1.7777.9002.198875685720513246512710453733"
MAKE = {
    "wb-query-form": lambda server: helpers.QueryForm(server, "studies"),
    "wb-study-browser": helpers.StudyBrowser,
    "wb-frame-viewer": lambda server: helpers.FrameViewer(server, STUDY),
    "wb-accept-lab": lambda server: helpers.AcceptLab(server, f"studies/{STUDY}"),
    "wb-multipart-view": lambda _: helpers.MultipartView(*multipart_body([b"x"], "text/plain")),
}


@pytest.fixture(params=MAKE)
def widget(request, server):
    return MAKE[request.param](server)


def test_every_control_has_a_label(widget):
    assert unnamed_controls(widget) == []


def test_every_slider_has_a_number_box_beside_it(widget):
    for box in all_widgets(widget):
        kinds = [type(child) for child in getattr(box, "children", ())]
        if ipywidgets.IntSlider in kinds:
            assert ipywidgets.BoundedIntText in kinds


@pytest.mark.parametrize("name", MAKE)
def test_css_class_is_stable(server, name):
    assert name in MAKE[name](server)._dom_classes


def test_only_widgets_that_come_with_ipywidgets_are_used(widget):
    for part in all_widgets(widget):
        modules = {part._model_module, part._view_module}
        assert modules <= {"@jupyter-widgets/controls", "@jupyter-widgets/base"}


def test_widget_leaves_a_static_picture_and_words(widget):
    picture = widget._repr_mimebundle_()
    assert picture["text/plain"] == repr(widget)
    assert {"text/html", "image/png"} & set(picture)
    assert "VBox(" not in repr(widget)


@pytest.mark.parametrize("text", ['with "quotes"', "back\\slash", "tab\there", "it's", "ü^ö*"])
def test_code_of_a_question_keeps_any_text(server, text):
    question = Question(server, "studies", {"PatientName": text, "limit": "1"}, "application/json")
    response = run_code(question.python(), server)["response"]
    assert response.url == question.request.url


def test_error_of_a_server_is_shown_as_text():
    error = WorkbookError("<b>One</b>", expected="<i>", came="<script>alert(1)</script>", hint="&")
    written = sentence(error)
    for tag in ("<b>One", "<i>", "<script>"):
        assert tag not in written
        assert html.escape(tag) in written


def test_password_in_a_url_is_masked(server):
    question = Question(
        type(server)("mine", "http://ann:secret@127.0.0.1/dicomweb", None), "studies"
    )
    assert "secret" not in question.url
