"""The two rows of notebooks, and what one counts in them."""

import re
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "notebooks"
WORKSHOP = sorted(FOLDER.glob("0[0-4]-*.ipynb"))
DEEPER = sorted((FOLDER / "deeper").glob("*.ipynb"))
GLOSSARY = FOLDER / "glossary.ipynb"
NOTEBOOKS = [*WORKSHOP, *DEEPER]

CODE_BLOCK = re.compile(r"```.*?```", re.DOTALL)


def name_of(path):
    """Return the name of a notebook below `notebooks`, without its ending."""
    return path.relative_to(FOLDER).with_suffix("").as_posix()


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def is_tagged(cell, tag):
    return tag in cell.metadata.get("tags", [])


def count_words(notebook):
    """Count the words that a learner reads; code, addresses and words for pictures are none."""
    text = CODE_BLOCK.sub(" ", prose(notebook))
    text = re.sub(r"!\[.*?\]\(.*?\)", " ", text, flags=re.DOTALL)
    text = re.sub(r"\]\([^)]*\)|<[^>]*>", " ", text)
    return len(re.findall(r"\w[^\s|]*", text))
