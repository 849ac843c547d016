"""The picture that the viewer's JavaScript draws, kind by kind of image, without a notebook."""

import base64
import json
from pathlib import Path

import numpy
import pydicom
import pytest

from helpers.pixels.display import eight_bits
from helpers.pixels.lookup_tables import colours
from helpers.pixels.values import modality_values
from helpers.pixels.windows import Window, curve_of, voi_lut, window_names, window_of
from helpers.widgets import frame_viewer
from helpers.widgets.frame_source import Shot
from helpers.widgets.packed_frame import pack_frame
from tests.archive import FOLDER
from tests.browser.canvas import READ, pixels_of
from tests.classroom.pacs.test_one_picture import KINDS
from tests.helpers.synthetic import write_image
from tests.tools import needs_tool

pytestmark = needs_tool("chromium", "chromium")

JAVASCRIPT = Path(frame_viewer.__file__).with_name("frame_viewer.js").read_text("utf-8")
# A model as anywidget gives it, with the state of a viewer that looks at one image.
DRAW = """async ([javascript, first, state]) => {
    const {default: {render}} = await import(`data:text/javascript;base64,${btoa(javascript)}`);
    const view = text => new DataView(Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer);
    first.buffers = first.buffers.map(view);
    const values = {first, stacks: [{uid: '1', label: 'one', images: [['2', 1]]}], code: '',
        series_uid: '1', instance_uid: '2', image: 1, frame: 1, zoom: 1, across: 0.5, down: 0.5,
        playing: false, message: '', turn: 0, heard: 0, ...state};
    const heard = {};
    window.hear = name => heard[name]();  // from the kernel
    window.told = 0;
    const model = {get: name => values[name], on: (name, action) => heard[name] = action,
        off() {}, send() {}, save_changes() { window.told += 1; },
        set: (name, value) => Object.assign(values, value === undefined ? name : {[name]: value})};
    const el = document.createElement('div');
    document.body.replaceChildren(el);
    render({model, el});
    const canvas = el.querySelector('canvas');
    const late = performance.now() + 5000;
    while (!canvas.dataset.milliseconds && performance.now() < late)
        await new Promise(requestAnimationFrame);
    if (!canvas.dataset.milliseconds) throw new Error(el.innerText);
    return (READ)(canvas);
}""".replace("READ", READ)
BRIGHT = Window(3000, 500)


@pytest.fixture(scope="module")
def page(browser):
    context = browser.new_context()
    yield context.new_page()
    context.close()


def drawn(page, pixels, dataset, window, invert=False):
    """Let the browser draw an image through a window: a name, or one's own."""
    header, buffers = pack_frame(Shot(pixels, modality_values(pixels, dataset), dataset))
    first = {"key": ["1", "2", 1], "path": "/frames/1", **header}
    first["buffers"] = [base64.b64encode(buffer).decode() for buffer in buffers]
    state = {"window": window, "center": 0, "width": 1, "invert": invert}
    if isinstance(window, Window):
        state |= {"window": "my own", "center": window.center, "width": window.width}
    return pixels_of(page.evaluate(DRAW, [JAVASCRIPT, json.loads(json.dumps(first)), state]))


def by_pipeline(pixels, dataset, window):
    """Draw the same in the kernel."""
    if window == "file" and voi_lut(dataset):
        found = None
    elif isinstance(window, Window):
        found = window._replace(function=curve_of(dataset))
    else:
        found = window_of(window, dataset, pixels)
    return eight_bits(pixels, dataset, found).astype(int)[..., None]


# The attributes of functional groups are taken out of them before a frame is packed.
@pytest.mark.parametrize("name", [name for name in KINDS if name != "functional groups"])
def test_browser_draws_what_the_standard_and_the_pipeline_say(page, tmp_path, name):
    pixels, attributes, expected = KINDS[name]
    dataset = write_image(tmp_path / "1.dcm", pixels, **attributes)
    if expected.ndim == 3:
        pixels = colours(pixels, dataset)
        assert abs(drawn(page, pixels, dataset, "file") - expected).max() <= 1
        return
    names = window_names(dataset)
    assert abs(drawn(page, pixels, dataset, names[0]) - expected[..., None]).max() <= 1
    for window in (*names, BRIGHT):
        picture = by_pipeline(pixels, dataset, window)
        assert abs(drawn(page, pixels, dataset, window) - picture).max() <= 1
        assert abs(drawn(page, pixels, dataset, window, invert=True) - 255 + picture).max() <= 1


@pytest.mark.parametrize("kind", ["i1", "i2", "i4", "u1", "u4"])
def test_browser_draws_values_of_each_width_and_sign(page, kind):
    limits = numpy.iinfo(kind)
    low, high = (limits.min // 2, limits.max // 2) if kind != "i4" else (-90000, 90000)
    pixels = numpy.linspace(low, high, 64 * 64).astype(kind).reshape(64, 64)
    dataset = pydicom.Dataset()
    dataset.PixelRepresentation = int(kind.startswith("i"))
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = 64, 64, 1
    dataset.RescaleSlope, dataset.RescaleIntercept = 2.5, -7
    for window in ("full range", Window(10, 80)):
        picture = by_pipeline(pixels, dataset, window)
        assert abs(drawn(page, pixels, dataset, window) - picture).max() <= 1


@pytest.mark.parametrize(
    "name", ["ravi/CT002_0002", "joe/CT001_0001", "sally_mg/MG001_0001", "neela/DX001_0001"]
)
def test_browser_draws_the_images_of_the_archive(page, name):
    dataset = pydicom.dcmread(FOLDER / f"{name}.dcm")
    for window in (*window_names(dataset), BRIGHT):
        picture = by_pipeline(dataset.pixel_array, dataset, window)
        assert abs(drawn(page, dataset.pixel_array, dataset, window) - picture).max() <= 1


def test_nothing_is_said_of_a_movement_before_it_rests(page):
    """The kernel may say something at any moment of it."""
    dataset = pydicom.dcmread(FOLDER / "ravi" / "CT002_0002.dcm")
    drawn(page, dataset.pixel_array, dataset, "file")
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    status, canvas = page.get_by_role("status"), page.locator("canvas")
    page.evaluate("hear('change')")
    page.clock.run_for(100)
    canvas.press("Shift+ArrowRight")
    page.clock.run_for(100)
    assert "my own" in canvas.get_attribute("aria-label")
    assert ("my own" in status.inner_text(), page.evaluate("told")) == (False, 0)
    page.clock.run_for(100)
    assert ("my own" in status.inner_text(), page.evaluate("told")) == (True, 1)
    canvas.hover()
    page.mouse.down()
    page.evaluate("hear('change')")
    page.mouse.move(0, 0)
    page.clock.run_for(50)
    moved = canvas.get_attribute("aria-label")
    page.clock.run_for(1000)
    assert (status.inner_text() == moved, page.evaluate("told")) == (False, 1)
    page.mouse.up()
    page.clock.run_for(200)
    assert (status.inner_text() == moved, page.evaluate("told")) == (True, 2)
