"""Run every notebook from the top and keep its outputs: `python tests/notebooks/regenerate.py`.

What differs from run to run is left out or replaced: the port, timing, progress bars (a widget
without its state shows as an error). Pictures are packed as small as they go without losing a
pixel. Name notebooks on the command line to regenerate only those, without the Postman collection.
"""

import base64
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
PORT = re.compile(r"(127\.0\.0\.1):\d+")
WIDGET = "application/vnd.jupyter.widget-view+json"


def regenerate(path):
    """Run one notebook in place."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        tags = cell.metadata.get("tags")
        cell.metadata = {"tags": tags} if tags else {}
        if cell.cell_type == "code":
            cell.outputs = [out for out in map(without_widget, cell.outputs) if out]
            for output in cell.outputs:
                pack_picture(output)
    path.write_text(PORT.sub(r"\1:PORT", nbformat.writes(notebook)) + "\n", encoding="utf-8")


def without_widget(output):
    """Take a live widget away, which follows the picture that is kept of it; None if it was one."""
    return None if WIDGET in output.get("data", {}) else output


def pack_picture(output):
    """Make the PNG of an output small: matplotlib draws grey in four channels, packed in haste."""
    data = output.get("data", {})
    if "image/png" not in data:
        return
    drawn = Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).convert("RGBA")
    modes = ("L", "RGB", "RGBA")
    mode = next(mode for mode in modes if drawn.convert(mode).convert("RGBA") == drawn)
    packed = io.BytesIO()
    drawn.convert(mode).save(packed, "PNG", optimize=True)
    data["image/png"] = base64.b64encode(packed.getvalue()).decode()


if __name__ == "__main__":
    # The author's own progress is not for the notebooks.
    os.environ["WORKBOOK_PROGRESS"] = os.devnull
    # The committed outputs are those of the classroom PACS.
    os.environ.pop("DICOMWEB_SERVER", None)
    # Not below all folders: JupyterLab keeps copies in folders of its own.
    every = [*NOTEBOOKS.glob("*.ipynb"), *NOTEBOOKS.glob("deeper/*.ipynb")]
    for path in map(Path, sys.argv[1:] or sorted(every)):
        print(path.name)
        regenerate(path)
    # The Postman collection says what the notebooks ask.
    collection = [sys.executable, "-m", "tests.notebooks.collection"]
    if not sys.argv[1:]:
        subprocess.run(collection, cwd=NOTEBOOKS.parent, check=True)
