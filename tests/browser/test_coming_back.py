"""A notebook after its kernel: each widget shows what was kept of it, and says what to do."""

import pytest
from playwright.sync_api import expect

from helpers.widgets.kept import SENTENCE, VIEW
from tests.browser.lab import KERNEL_IS_THERE, SHUT_DOWN, Notebook, Tab
from tests.browser.test_widgets import FIRST_CELL, WIDGETS
from tests.tools import needs_tool

pytestmark = needs_tool("chromium", "chromium")

QUIZ = 'from classroom.exercises import quiz\nquiz("empty_answer")'
CELLS = {**WIDGETS, "quiz": QUIZ}
RESTART = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"


class Widgets(Notebook):
    """A notebook with a cell for each widget."""

    def cell(self, name):
        """Find the cell of a widget."""
        return self.cells.nth(1 + [*CELLS].index(name))

    def live(self, name):
        """Find what of a widget works."""
        return self.cell(name).locator(".wb-live")

    def kept(self, name):
        """Find the sentence of what is kept of a widget."""
        return self.cell(name).get_by_text(SENTENCE)


def open_and_run(browser, lab, name):
    tab = Tab(browser, width=1366, height=768)
    opened = Widgets(tab, lab, lab.write(f"{name}.ipynb", FIRST_CELL, *CELLS.values()))
    opened.run_all()
    return opened


@pytest.fixture(scope="module")
def alive(browser, lab):
    """Return a notebook whose widgets work."""
    opened = open_and_run(browser, lab, "alive")
    yield opened
    opened.tab.close()


@pytest.fixture(scope="module")
def restarted(browser, lab):
    """Return a notebook that was worked with, and whose kernel then started anew."""
    opened = open_and_run(browser, lab, "restarted")
    opened.cell("quiz").get_by_role("radio").first.check()
    expect(opened.cell("quiz").get_by_text("Right.")).to_be_visible()
    opened.page.evaluate(RESTART)
    opened.page.wait_for_function(KERNEL_IS_THERE)
    yield opened
    opened.tab.close()


@pytest.fixture(scope="module")
def next_day(browser, lab):
    """Return a notebook that was worked with, saved, and opened again with another kernel."""
    opened = open_and_run(browser, lab, "next_day")
    opened.cell("quiz").get_by_role("radio").first.check()
    opened.command("docmanager:save")
    opened.page.evaluate(SHUT_DOWN)
    opened.tab.close()
    again = Widgets(Tab(browser, width=1366, height=768), lab, "notebooks/next_day.ipynb")
    again.page.wait_for_function("""() => !document.body.textContent.includes('Loading widget')
        && document.body.textContent.includes('model not found')""")
    yield again
    again.tab.close()


@pytest.mark.parametrize("name", CELLS)
def test_widget_that_lives_stands_alone(alive, name):
    expect(alive.live(name)).to_be_visible()
    expect(alive.kept(name)).to_be_hidden()
    shown = alive.cell(name).locator(".jp-OutputArea-child").filter(visible=True)
    expect(shown).to_have_count(1)


@pytest.mark.parametrize("name", CELLS)
def test_widget_shows_what_was_kept_after_a_restart(restarted, name):
    expect(restarted.kept(name)).to_be_visible()
    expect(restarted.live(name)).to_be_hidden()


@pytest.mark.parametrize("name", CELLS)
def test_widget_shows_what_was_kept_on_the_next_day(next_day, name):
    expect(next_day.kept(name)).to_be_visible()
    expect(next_day.cell(name).locator(".jp-OutputArea")).not_to_contain_text(
        "Error displaying widget", use_inner_text=True
    )
    # The first is the picture itself where it is no HTML.
    assert next_day.cell(name).locator(".jp-OutputArea-output").first.bounding_box()["height"] > 50


@pytest.mark.parametrize("when", ["restarted", "next_day"])
def test_reply_to_a_quiz_is_not_kept(request, when):
    notebook = request.getfixturevalue(when)
    cell = notebook.cell("quiz")
    expect(cell.get_by_text("Right.").filter(visible=True)).to_have_count(0)
    expect(cell.get_by_text("The search was right").filter(visible=True)).to_have_count(1)
    notebook.screenshot(f"coming-back-{when}")


def test_cell_that_runs_again_has_a_widget_that_works(next_day):
    next_day.run(0, FIRST_CELL)
    next_day.run(1 + [*CELLS].index("query form"), WIDGETS["query form"])
    expect(next_day.live("query form")).to_be_visible()
    expect(next_day.kept("query form")).to_be_hidden()


def test_one_picture_and_one_view_of_each_widget_are_kept(alive):
    for cell in alive.code_cells()[1:]:
        views = [output for output in cell.outputs if VIEW in output.data]
        assert len(views) == 1 and list(views[0].data) == [VIEW]
        assert cell.outputs[-1] is views[0]
