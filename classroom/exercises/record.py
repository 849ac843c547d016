"""What a learner has done: a file on this computer, one line for each thing done.

A line is written at once, and no line is ever changed. So two notebooks can write at the same
time, and a computer that stops half way loses at most the last line.
"""

import json
import os
from datetime import date
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / ".progress.jsonl"


def path() -> Path:
    """Return where the record is: the hidden file ``.progress.jsonl`` in the workbook's folder.

    The environment variable ``WORKBOOK_PROGRESS`` names another file.
    """
    return Path(os.environ.get("WORKBOOK_PROGRESS") or FILE)


def record(name: str) -> None:
    """Write down that an exercise or a quiz was done today; the first time counts."""
    if name in done():
        return
    # A line that was cut before ends here.
    line = "\n" + json.dumps({"name": name, "date": date.today().isoformat()}) + "\n"
    try:
        # Without a buffer, a line is one write, and the system puts it behind all others.
        with path().open("ab", buffering=0) as file:
            file.write(line.encode())
    except OSError as error:
        print(f"(Your progress could not be kept in {path().name}: {error.strerror}.)")


def done() -> dict[str, str]:
    """Return what is done: names, and the day of each as ``YYYY-MM-DD``."""
    try:
        text = path().read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    days: dict[str, str] = {}
    for line in text.splitlines():
        try:
            entry = json.loads(line)
            days.setdefault(str(entry["name"]), str(entry["date"]))
        except (ValueError, TypeError, KeyError):
            continue  # a blank line, or one that was cut
    return days


def reset() -> None:
    """Forget everything that is done."""
    path().unlink(missing_ok=True)
