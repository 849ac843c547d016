"""The viewer of frames: what a person waits for, at each step and before the first picture."""

import io
import statistics
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path

from benchmarks import at_most, medians
from helpers import FrameViewer, browse, connect, view_frame
from tests.browser.lab import JupyterLab, Notebook, Tab, chromium

STUDY = "2.25.35872168834085900275852582640522096"  # 32 slices of 512 x 512, 16 bit
PAUSE = 0.1  # seconds between two steps of somebody who looks: the next frames are fetched then


def measure():
    server = connect()
    yield from steps(server)
    yield from drag()
    with redirect_stdout(io.StringIO()):  # the functions print their requests
        series = browse(server, study_uid=STUDY)["SeriesInstanceUID"][0]
        instance = browse(server, study_uid=STUDY, series_uid=series)["SOPInstanceUID"][0]
        seconds = medians(
            {
                "first": lambda: view_frame(server, STUDY, series, instance),
                "open": lambda: FrameViewer(server, STUDY).close(),
            },
            runs=11,
        )
    yield at_most("request to picture, 512 x 512", seconds["first"] * 1000, 50, "ms")
    yield at_most("a viewer of 32 images, opened", seconds["open"] * 1000, 100, "ms")


def steps(server):
    """Step through all images twice as a person does: first fetched ahead, then kept."""
    viewer = FrameViewer(server, STUDY)
    last = len(viewer.shown)
    for words in ("fetched ahead", "seen before"):
        viewer.image = 1
        times = [step(viewer, "image", place) for place in range(2, last + 1)]
        detail = f"slowest {max(times):.0f} ms"
        yield at_most(f"a step, {words}", statistics.median(times), 50, "ms", detail)
    times = [step(viewer, "window", name) for name in ("lung", "bone") * 8]
    yield at_most("another window, set in Python", statistics.median(times), 16, "ms")
    viewer.image = 1
    viewer.source._frames.clear()
    times = [step(viewer, "image", place, pause=0) for place in range(2, last + 1)]
    yield at_most("a step, without a pause", statistics.median(times), 50, "ms")
    viewer.close()


def drag():
    """Drag the window in a browser: the milliseconds of each picture."""
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        lab = JupyterLab(Path(folder))
        try:
            cells = ("from helpers import *", f'FrameViewer(connect(), "{STUDY}")')
            tab = Tab(browser)
            notebook = Notebook(tab, lab, lab.write("drag.ipynb", *cells))
            notebook.run_all()
            canvas = notebook.cells.nth(1).get_by_role("img")
            box = canvas.bounding_box()
            left, top = box["x"] + box["width"] / 3, box["y"] + box["height"] / 2
            times = []
            notebook.page.mouse.move(left, top)
            notebook.page.mouse.down()
            for place in range(60):
                notebook.page.mouse.move(left + 2 * place, top - place)
                times.append(float(canvas.get_attribute("data-milliseconds")))
            notebook.page.mouse.up()
        finally:
            lab.stop()
    detail = f"slowest {max(times):.1f} ms"
    yield at_most("a picture in a drag", statistics.median(times), 16, "ms", detail)


def step(viewer, name, value, pause=PAUSE):
    """Let the viewer go there; return the milliseconds until it is ready to be drawn."""
    start = time.perf_counter()
    setattr(viewer, name, value)
    milliseconds = (time.perf_counter() - start) * 1000
    time.sleep(pause)
    return milliseconds
