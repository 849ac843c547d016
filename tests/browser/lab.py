"""A JupyterLab of the tests' own, a browser tab that reaches nothing else, a notebook in both."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import requests
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "screenshots"
LOOPBACK = ("127.0.0.1", "localhost")
SECONDS_TO_START = 60
SECONDS_TO_RUN = 90

# A learner's JupyterLab, but for what would differ from run to run.
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin": {"autosave": False},
    # Every cell is in the page, and not only those near the visible part.
    "notebook-extension/tracker": {"windowingMode": "none"},
}

THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}

# The circle in the toolbar says "idle" before the kernel is there, and a "Run All" at that moment
# makes JupyterLab ask for a kernel.
KERNEL_IS_THERE = """() => {
    const session = window.jupyterapp?.shell?.currentWidget?.sessionContext;
    const kernel = session?.isReady && session.session?.kernel;
    return kernel && kernel.connectionStatus === 'connected' && kernel.status === 'idle';
}"""

SHUT_DOWN = "() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()"

# What the notebook holds now, as its file would have it.
CONTENT = "() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells"

# An error stops the run, if it was not meant: the cells below keep the empty prompt "[ ]:".
RUN_HAS_ENDED = r"""() => {
    const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]
        .map(prompt => prompt.textContent);
    const cells = window.jupyterapp.shell.currentWidget.content.model.toJSON().cells;
    const failed = cells.some(cell => !cell.metadata.tags?.includes('raises-exception')
        && cell.outputs?.some(output => output.output_type === 'error'));
    return prompts.every(prompt => /\[\d+\]/.test(prompt))
        || (failed && !prompts.some(prompt => prompt.includes('*')));
}"""

# A widget is there when its view is drawn, a picture when it is decoded.
ALL_IS_DRAWN = """() => !document.body.innerText.includes('Loading widget')
    && [...document.images].every(image => image.complete)"""


class JupyterLab:
    """A running JupyterLab that keeps all that it writes in one folder.

    Its Python is that of the tests, or the one that WORKBOOK_LAB_PYTHON names.
    """

    def __init__(self, folder):
        self.folder = folder
        self.root = folder / "workbook"
        for name in ("notebooks", "data"):
            leave_out = shutil.ignore_patterns("downloads", ".*")
            shutil.copytree(ROOT / name, self.root / name, ignore=leave_out)
        for name, setting in SETTINGS.items():
            path = folder / f"settings/@jupyterlab/{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(setting))
        self.token = secrets.token_hex(16)
        self.log = folder / "jupyterlab.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                self._command(),
                cwd=self.root,
                env=self._variables(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            self.url = self._wait_until_it_answers()
        except BaseException:
            self.stop()
            raise

    def _command(self):
        python = os.environ.get("WORKBOOK_LAB_PYTHON", sys.executable)
        return [
            *(python, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            "--ServerApp.ip=127.0.0.1",
            "--ServerApp.port=0",
            f"--ServerApp.root_dir={self.root}",
            f"--IdentityProvider.token={self.token}",
            "--KernelManager.transport_encryption=auto",
            "--LabApp.expose_app_in_browser=True",
            "--LabApp.extension_manager=readonly",
            "--LabApp.news_url=None",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        ]

    def _variables(self):
        foreign = ("JUPYTER", "DICOMWEB_", "TQDM_", "PYTEST_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        own = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
            "WORKBOOK_PROGRESS": "progress.jsonl",
        }
        return kept | {name: str(self.folder / place) for name, place in own.items()}

    def _wait_until_it_answers(self):
        end = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < end and self.process.poll() is None:
            # The server chose its port, and writes it there.
            for path in self.folder.glob("runtime/jpserver-*.json"):
                try:
                    url = f"http://127.0.0.1:{json.loads(path.read_text())['port']}"
                    requests.get(f"{url}/api", timeout=5).raise_for_status()
                    return url
                except (ValueError, requests.RequestException):
                    pass  # half written, or not listening yet
            time.sleep(0.1)
        raise RuntimeError(f"JupyterLab did not start:\n{self.log.read_text()}")

    def stop(self):
        """End JupyterLab, which ends its kernels first."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def write(self, name, *cells):
        """Make a notebook of some cells of Python, and return its path for `Notebook`."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
        notebook.metadata["kernelspec"] = {"display_name": "Python 3", "name": "python3"}
        path = self.root / "notebooks" / name
        nbformat.write(notebook, path)
        return f"notebooks/{name}"


@contextmanager
def chromium():
    """Run Debian's Chromium without a window. Playwright's own browser is not downloaded."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--disable-gpu", "--disable-quic"]
        )
        yield running
        running.close()


class Tab:
    """A browser tab that reaches loopback only; it records what it refused and what failed."""

    def __init__(self, browser, width=1280, height=1000):
        self.context = browser.new_context(
            viewport={"width": width, "height": height},
            locale="en-US",
            timezone_id="UTC",
            service_workers="block",
        )
        self.refused, self.errors = [], []
        self.context.route(lambda url: urlsplit(url).hostname not in LOOPBACK, self._refuse)
        self.page = self.context.new_page()
        self.page.on("websocket", lambda socket: self._note_if_outside(socket.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._note_if_error)

    def _refuse(self, route):
        self._note_if_outside(route.request.url)
        route.abort()

    def _note_if_outside(self, url):
        if urlsplit(url).hostname not in LOOPBACK:
            self.refused.append(url)

    def _note_if_error(self, message):
        if message.type == "error":
            self.errors.append(message.text)

    def close(self):
        """Close the tab and forget its cookies."""
        self.context.close()


class Notebook:
    """A notebook open in JupyterLab, its kernel connected."""

    def __init__(self, tab, lab, path):
        self.tab, self.page = tab, tab.page
        self.name = Path(path).stem
        self.page.goto(f"{lab.url}/lab/workspaces/{self.name}/tree/{path}?reset&token={lab.token}")
        self.panel = self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
        self.panel.wait_for()
        self.page.wait_for_function(KERNEL_IS_THERE, timeout=30_000)
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")
        self.cells = self.panel.locator(".jp-CodeCell")

    def code_cells(self):
        """Return the code cells with their outputs, as the notebook's file would have them."""
        cells = map(nbformat.from_dict, self.page.evaluate(CONTENT))
        return [cell for cell in cells if cell.cell_type == "code"]

    def command(self, name, **arguments):
        """Let JupyterLab carry out one of its commands."""
        self.page.evaluate(
            "([name, args]) => window.jupyterapp.commands.execute(name, args)", [name, arguments]
        )

    def choose(self, menu, item):
        """Choose an item of a menu with the mouse."""
        self.page.get_by_role("menuitem", name=menu, exact=True).click()
        self.page.get_by_role("menuitem", name=item, exact=True).click()

    def run_all(self):
        """Run the notebook from the top to the bottom, as a learner does with the menu."""
        self.choose("Edit", "Clear Outputs of All Cells")
        self.choose("Run", "Run All Cells")
        self.page.wait_for_function(RUN_HAS_ENDED, timeout=SECONDS_TO_RUN * 1000)
        self.page.wait_for_function(ALL_IS_DRAWN)

    def run(self, number, code):
        """Write code into a cell, counted from 0, and run it with Shift and Enter."""
        cell = self.cells.nth(number)
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(code)
        self.page.keyboard.press("Shift+Enter")

    def use_theme(self, theme):
        """Switch JupyterLab to the light or the dark theme."""
        self.command("apputils:change-theme", theme=THEMES[theme])
        self.page.wait_for_function(
            "name => document.body.dataset.jpThemeName === name", arg=THEMES[theme]
        )
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")

    def screenshot(self, name):
        """Photograph the whole notebook, a screen after the other."""
        SCREENSHOTS.mkdir(exist_ok=True)
        for old in SCREENSHOTS.glob(f"{name}-[0-9]*.png"):
            old.unlink()
        scroller = self.panel.locator(".jp-WindowedPanel-outer")
        for number, top in enumerate(range(0, self.length(), self.screen()), 1):
            scroller.evaluate("(node, top) => { node.scrollTop = top }", top)
            self.page.screenshot(path=SCREENSHOTS / f"{name}-{number:02}.png")

    @contextmanager
    def resized(self, width, height):
        """Show the notebook in a window of another size."""
        before = self.page.viewport_size
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.wait_for_function("width => innerWidth === width", arg=width)
        try:
            yield
        finally:
            self.page.set_viewport_size(before)

    def screen(self):
        """Return how many pixels of the notebook one sees at a time."""
        return self.panel.locator(".jp-WindowedPanel-outer").evaluate("node => node.clientHeight")

    def first_picture(self):
        """Return where the first picture, drawing or widget stands, from the notebook's top."""
        return self.panel.evaluate("""panel => {
            const top = panel.querySelector('.jp-Cell').getBoundingClientRect().top;
            const pictures = panel.querySelectorAll(
                '.jp-OutputArea-output :is(img, canvas), .jp-MarkdownOutput img, .wb-panel');
            const boxes = [...pictures].map(node => node.getBoundingClientRect());
            const seen = boxes.find(box => box.width > 100 && box.height > 100);
            return {top: Math.round(seen.top - top), height: Math.round(seen.height)};
        }""")

    def length(self):
        """Return how many pixels there are from the top of the notebook to its last cell's end."""
        return self.panel.evaluate("""panel => {
            const cells = panel.querySelectorAll('.jp-Cell');
            const first = cells[0].getBoundingClientRect();
            const last = cells[cells.length - 1].getBoundingClientRect();
            return Math.ceil(last.bottom - first.top);
        }""")
