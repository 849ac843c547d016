"""Renew the figure of the README: `python -m tests.browser.figure`."""

import io
import tempfile
from pathlib import Path

from PIL import Image

from tests.browser.lab import ROOT, JupyterLab, Notebook, Tab, chromium

FIGURE = ROOT / "data" / "workbook.png"
NOTEBOOK = "notebooks/03-see-the-images.ipynb"
HEADING = "What one sees is a choice"


def photograph(browser, lab):
    """Return notebook 03 where the image stands beside its window, as PNG."""
    tab = Tab(browser, width=1200, height=800)
    notebook = Notebook(tab, lab, NOTEBOOK)
    notebook.run_all()
    notebook.panel.get_by_role("heading", name=HEADING).evaluate("node => node.scrollIntoView()")
    return tab.page.screenshot()


def main():
    """Write the figure, small: 64 colours are enough for text and shades of grey."""
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        lab = JupyterLab(Path(folder))
        try:
            picture = Image.open(io.BytesIO(photograph(browser, lab)))
        finally:
            lab.stop()
    picture.convert("RGB").quantize(64).save(FIGURE, optimize=True)
    print(f"{FIGURE}: {FIGURE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
