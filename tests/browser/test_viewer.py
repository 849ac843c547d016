"""The viewer of frames used as people who read images do: drag, wheel, keys, play."""

import os
import re
from itertools import pairwise

import pydicom
import pytest
from playwright.sync_api import expect

from helpers.pixels.display import eight_bits
from helpers.pixels.windows import PRESETS, Window
from tests.archive import FOLDER, RAVI
from tests.browser.canvas import READ, pixels_of
from tests.browser.lab import Notebook, Tab
from tests.tools import needs_tool

pytestmark = needs_tool("chromium", "chromium")

CT = sorted(
    (pydicom.dcmread(path) for path in RAVI if path.name.startswith("CT")),
    key=lambda dataset: dataset.InstanceNumber,
)
ANDY = pydicom.dcmread(FOLDER / "andy" / "US001_0001.dcm")
MAMMOGRAM = pydicom.dcmread(FOLDER / "sally_mg" / "MG001_0001.dcm")

# Waits until ten pictures of the screen in a row show the same.
AT_REST = """node => new Promise(done => {
    let [top, same] = [node.scrollTop, 0];
    const look = () => {
        same = node.scrollTop === top ? same + 1 : 0;
        top = node.scrollTop;
        if (same > 10) done();
        else requestAnimationFrame(look);
    };
    look();
})"""

# What a picture says of itself from now on.
SEEN = """canvas => {
    const seen = [canvas.getAttribute('aria-label')];
    new MutationObserver(() => {
        const words = canvas.getAttribute('aria-label');
        if (words !== seen.at(-1)) seen.push(words);
    }).observe(canvas, {attributeFilter: ['aria-label']});
    return seen;
}"""

FIRST_CELL = "from helpers import *\nserver = connect()"
VIEWERS = {
    "stack": f'stack = FrameViewer(server, "{CT[0].StudyInstanceUID}"); stack',
    "film": f'film = FrameViewer(server, "{ANDY.StudyInstanceUID}"); film',
    "mammogram": f'mammogram = FrameViewer(server, "{MAMMOGRAM.StudyInstanceUID}"); mammogram',
}


@pytest.fixture(scope="module")
def notebook(browser, lab):
    """Show the viewers on the screen of a small laptop, above a cell for questions."""
    tab = Tab(browser, width=1366, height=768)
    path = lab.write("viewers.ipynb", FIRST_CELL, *VIEWERS.values(), "print('ready')")
    opened = Notebook(tab, lab, path)
    opened.run_all()
    yield opened
    tab.close()


@pytest.fixture
def viewer(notebook):
    """Give a function that finds a viewer by its name, as it is at the beginning."""

    def find(name):
        cell = notebook.cells.nth(1 + [*VIEWERS].index(name))
        found = cell.locator(".wb-frame-viewer")
        cell.evaluate("cell => cell.scrollIntoView({block: 'start'})")
        expect(found.get_by_role("img")).to_have_attribute("aria-busy", "false")
        found.get_by_role("img").focus()
        for key in ("r", "Home"):
            notebook.page.keyboard.press(key)
        expect(found.get_by_role("img")).to_have_attribute(
            "aria-label", re.compile(r"^Image 1 of (?!.*(zoom|inverted|my own))")
        )
        # Its name is there at once, the frame itself a little later.
        expect(found.get_by_role("img")).to_have_attribute("aria-busy", "false")
        return found

    return find


def picture_of(viewer):
    """Return the pixels of the canvas, in RGB."""
    return pixels_of(viewer.get_by_role("img").evaluate(READ))


def ask(notebook, code):
    """Run code in the last cell, and return what it prints."""
    cell = notebook.cells.nth(len(VIEWERS) + 1)
    notebook.run(len(VIEWERS) + 1, f"print('->', {code})")
    output = cell.locator(".jp-OutputArea-output").filter(has_text="->")
    expect(cell.locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]"))
    return output.inner_text().removeprefix("->").strip()


def expect_in_python(notebook, code, expected):
    """Ask until it is so: what the browser says travels in messages of its own."""
    for _ in range(20):
        told = ask(notebook, code)
        if told == expected:
            return
    raise AssertionError(f"{code} is {told}, not {expected}")


def label_of(viewer):
    return viewer.get_by_role("img").get_attribute("aria-label")


def says(viewer, words):
    expect(viewer.get_by_role("img")).to_have_attribute("aria-label", re.compile(words))


def middle_of(viewer):
    box = viewer.get_by_role("img").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.parametrize("window", ["file", "file: LUNG", *PRESETS])
def test_picture_is_that_of_the_pipeline(viewer, window):
    stack = viewer("stack")
    stack.get_by_role("combobox", name="Window").select_option(window)
    says(stack, "window")
    numbers = {"file": (40, 400), "file: LUNG": (-600, 1500), **PRESETS}[window]
    expect(stack.get_by_role("spinbutton", name="Centre")).to_have_value(f"{numbers[0]:g}")
    expected = eight_bits(CT[0].pixel_array, CT[0], Window(*numbers))
    assert abs(picture_of(stack) - expected[..., None]).max() <= 1


def test_drag_changes_the_window_without_a_request(viewer, notebook):
    stack = viewer("stack")
    asked = []
    notebook.page.on("request", lambda request: asked.append(request.url))
    mouse = notebook.page.mouse
    x, y = middle_of(stack)
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + 60, y - 40, steps=20)
    # The button is still down: nothing has left the browser, and the picture is the new one.
    says(stack, r"window -?\d+/\d+ \(my own\)")
    center = float(stack.get_by_role("spinbutton", name="Centre").input_value())
    width = float(stack.get_by_role("spinbutton", name="Width").input_value())
    assert center < 40 and width > 400
    expected = eight_bits(CT[0].pixel_array, CT[0], Window(center, width))
    assert abs(picture_of(stack) - expected[..., None]).max() <= 1
    mouse.up()
    assert [url for url in asked if "dicomweb" in url] == []
    expect(stack.get_by_role("status")).to_contain_text(f"window {center:g}/{width:g}")
    told = f"my own {center} {width}"
    expect_in_python(notebook, "stack.window, stack.center, stack.width", told)


def test_what_a_slow_kernel_says_does_not_undo_a_drag(viewer, notebook, tmp_path):
    """It repeats what it was told last, while the hand has gone on."""
    stack = viewer("stack")
    told = stack.get_by_role("status")
    gate = f"open({str(tmp_path / 'gate')!r}).read()"
    os.mkfifo(tmp_path / "gate")
    ask(notebook, f"[globals().update(hold=lambda _: {gate}), stack.observe(hold, 'zoom')]")
    stack.get_by_role("img").focus()
    notebook.page.keyboard.press("+")
    expect(told).to_contain_text("zoom 125 %")
    notebook.page.keyboard.press("Shift+ArrowRight")
    expect(told).to_contain_text("(my own)")
    known = re.search(r"window \S+/(\d+)", told.inner_text())[1]
    mouse = notebook.page.mouse
    x, y = middle_of(stack)
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + 60, y - 40, steps=5)
    dragged = stack.get_by_role("img")
    expect(dragged).not_to_have_attribute("aria-label", re.compile(f"/{known} "))
    words = dragged.get_attribute("aria-label")
    (tmp_path / "gate").write_text("go on")
    expect(stack.locator("textarea")).to_have_value(re.compile(known))
    expect(dragged).to_have_attribute("aria-label", words)
    mouse.up()
    ask(notebook, "stack.unobserve(hold, 'zoom')")
    width = stack.get_by_role("spinbutton", name="Width").input_value()
    assert width != known
    expect_in_python(notebook, "int(stack.width)", width)


def test_what_a_slow_kernel_repeats_does_not_throw_a_film_back(viewer, notebook, tmp_path):
    """The stack holds up the kernel, and so what the film told before it was played."""
    gate = f"open({str(tmp_path / 'gate')!r}).read()"
    os.mkfifo(tmp_path / "gate")
    stack = viewer("stack")
    expect_in_python(notebook, "stack.heard == stack.turn", "True")
    ask(notebook, f"[globals().update(hold=lambda _: {gate}), stack.observe(hold, 'zoom')]")
    film = viewer("film")
    seen = film.get_by_role("img").evaluate_handle(SEEN)
    film.get_by_role("button", name="Play").click()
    notebook.page.wait_for_function("seen => seen.length > 25", arg=seen)  # all are here
    film.get_by_role("button", name="Pause").click()
    stack.get_by_role("img").focus()
    notebook.page.keyboard.press("+")
    expect(stack.get_by_role("status")).to_contain_text("zoom 125 %")
    film.get_by_role("img").focus()
    notebook.page.keyboard.press("End")
    # The hand rests: it is told.
    expect(film.get_by_role("status")).to_contain_text("frame 24 of 24")
    seen = film.get_by_role("img").evaluate_handle(SEEN)
    film.get_by_role("button", name="Play").click()
    notebook.page.wait_for_function("seen => seen.length > 3", arg=seen)
    (tmp_path / "gate").write_text("go on")
    expect_in_python(notebook, "film.playing, film.heard == film.turn", "True True")
    so_far = len(seen.json_value())
    notebook.page.wait_for_function(f"seen => seen.length > {so_far + 3}", arg=seen)
    film.get_by_role("button", name="Pause").click()
    ask(notebook, "stack.unobserve(hold, 'zoom')")
    frames = [int(re.search(r"frame (\d+)", words)[1]) for words in seen.json_value()]
    assert {(after - before) % 24 for before, after in pairwise(frames)} == {1}


def test_wheel_goes_through_the_stack_and_python_knows(viewer, notebook):
    stack = viewer("stack")
    notebook.page.mouse.move(*middle_of(stack))
    notebook.page.mouse.move(*(place + 5 for place in middle_of(stack)))
    for number in (2, 3, 4, 5):
        notebook.page.mouse.wheel(0, 100)
        says(stack, f"^Image {number} of 32")
    notebook.page.mouse.wheel(0, -100)
    # With its window: a failure has to tell another image from another look.
    says(stack, r"^Image 4 of 32, window 40/400 \(")
    expect(stack.get_by_role("img")).to_have_attribute("aria-busy", "false")
    drawn, expected = picture_of(stack)[..., 0], eight_bits(CT[3].pixel_array, CT[3])
    assert (drawn == expected).all(), f"{(drawn != expected).sum()} pixels; now {label_of(stack)}"
    expect(stack.get_by_role("status")).to_contain_text("Image 4 of 32")
    expect_in_python(notebook, "stack.image, int(stack.shot.dataset.InstanceNumber)", "4 4")


def test_page_that_scrolls_is_not_held_up_by_a_viewer(viewer, notebook):
    stack = viewer("stack")
    notebook.page.mouse.move(5, 5)
    scroller = notebook.panel.locator(".jp-WindowedPanel-outer")
    before = scroller.evaluate("node => node.scrollTop")
    notebook.page.mouse.move(middle_of(stack)[0], 720)
    scroller.evaluate("node => { node.scrollTop -= 100 }")
    notebook.page.mouse.wheel(0, 300)
    notebook.page.wait_for_function(
        "([node, top]) => node.scrollTop > top - 100", arg=[scroller.element_handle(), before]
    )
    # What still scrolls would move the page of the next test.
    scroller.evaluate(AT_REST)
    says(stack, "^Image 1 of 32")


def test_value_under_the_cursor_is_stored_and_in_hounsfield_units(viewer, notebook):
    stack = viewer("stack")
    box = stack.get_by_role("img").bounding_box()
    row, column = 250, 300
    notebook.page.mouse.move(
        box["x"] + (column + 0.5) * box["width"] / 512, box["y"] + (row + 0.5) * box["height"] / 512
    )
    stored = int(CT[0].pixel_array[row, column])
    units = stored + int(CT[0].RescaleIntercept)
    expect(stack).to_contain_text(f"Column {column}, row {row}: stored {stored}, {units} HU")


def test_value_without_a_unit_is_the_stored_one(viewer, notebook):
    mammogram = viewer("mammogram")
    notebook.page.mouse.move(*middle_of(mammogram))
    stored = MAMMOGRAM.pixel_array[420, 320]
    expect(mammogram).to_contain_text(f"Column 320, row 420: stored {stored}")
    assert "HU" not in mammogram.locator(".wbv-readout").inner_text()


def test_keys_do_all_that_the_mouse_does(viewer, notebook):
    stack = viewer("stack")
    press = notebook.page.keyboard.press
    press("PageDown")
    says(stack, "^Image 2 of 32")
    press("ArrowDown")
    says(stack, "^Image 3 of 32")
    press("End")
    says(stack, "^Image 32 of 32")
    press("PageUp")
    says(stack, "^Image 31 of 32")
    press("2")
    says(stack, r"window -600/1500 \(file: LUNG\)")
    press("Shift+ArrowRight")
    says(stack, r"window -600/15\d\d \(my own\)")
    press("Shift+ArrowDown")
    says(stack, r"window -5\d\d/15\d\d \(my own\)")
    press("i")
    says(stack, "inverted")
    press("+")
    says(stack, "zoom 125 %")
    press("ArrowRight")
    says(stack, "^Image 31 of 32")
    press("v")
    expect(stack.get_by_role("status")).to_have_text(re.compile("^Column .* HU$"))
    press("r")
    says(stack, r"^Image 31 of 32, window 40/400 \(file: MEDIASTINUM\)$")
    # Twice "I" or "0" would stop or restart the kernel, if JupyterLab took the keys.
    for key in "ii00":
        press(key)
    says(stack, r"^Image 31 of 32, window 40/400 \(file: MEDIASTINUM\)$")
    expect(notebook.page.get_by_role("dialog")).to_have_count(0)


def test_zoom_keeps_what_is_under_the_cursor(viewer, notebook):
    stack = viewer("stack")
    box = stack.locator(".wbv-stage").bounding_box()
    at = box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.55
    notebook.page.mouse.move(*at)
    readout = stack.locator(".wbv-readout")
    expect(readout).to_contain_text("Column")
    before = readout.inner_text()
    notebook.page.keyboard.down("Control")
    notebook.page.mouse.wheel(0, -300)
    notebook.page.keyboard.up("Control")
    says(stack, "zoom 200 %")
    expect(readout).to_have_text(before)
    notebook.page.keyboard.down("Shift")
    notebook.page.mouse.down()
    notebook.page.mouse.move(at[0] - 50, at[1])
    notebook.page.mouse.up()
    notebook.page.keyboard.up("Shift")
    says(stack, r"window 40/400 \(file: MEDIASTINUM\), zoom 200 %")
    expect(readout).to_have_text(before)


@pytest.mark.parametrize(
    ("name", "last"), [("film", "frame 24 of 24"), ("stack", "Image 32 of 32")]
)
def test_play_goes_round_and_stops(viewer, notebook, name, last):
    found = viewer(name)
    notebook.page.keyboard.press("End")
    says(found, last)
    seen = found.get_by_role("img").evaluate_handle(SEEN)
    found.get_by_role("button", name="Play").click()
    notebook.page.wait_for_function("seen => seen.length > 6", arg=seen)
    found.get_by_role("button", name="Pause").click()
    expect(found.get_by_role("button", name="Play")).to_be_visible()
    pattern = r"frame (\d+)" if name == "film" else r"Image (\d+)"
    numbers = [int(re.search(pattern, words)[1]) for words in seen.json_value()]
    assert numbers[1:6] == [1, 2, 3, 4, 5]
    expect(found.get_by_role("status")).to_have_text(re.compile(f"{numbers[-1]} of"))
    at = "film.frame" if name == "film" else "stack.image"
    expect_in_python(notebook, at, str(numbers[-1]))


def test_film_is_shown_in_its_colours(viewer):
    film = viewer("film")
    expected = ANDY.pixel_array[0].astype(int)
    assert abs(picture_of(film) - expected).mean() < 2
    expect(film.get_by_role("combobox", name="Window")).to_have_count(0)


def test_what_python_sets_is_shown(viewer, notebook):
    stack = viewer("stack")
    expect_in_python(notebook, "stack.image", "1")
    ask(notebook, "[setattr(stack, 'image', 16), setattr(stack, 'window', 'lung')]")
    says(stack, r"^Image 16 of 32, window -600/1500 \(lung\)")
    expect(stack.get_by_role("img")).to_have_attribute("aria-busy", "false")
    expected = eight_bits(CT[15].pixel_array, CT[15], Window(*PRESETS["lung"]))
    assert abs(picture_of(stack) - expected[..., None]).max() <= 1


@pytest.mark.parametrize("name", VIEWERS)
def test_first_view_fits_a_small_screen(viewer, name):
    assert viewer(name).locator(".wbv-columns").bounding_box()["height"] <= 560


def test_nothing_failed_and_nothing_left_the_computer(notebook):
    assert notebook.tab.errors == []
    assert notebook.tab.refused == []
