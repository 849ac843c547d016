"""The files of the shipped archive, for tests."""

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "data" / "archive"
FILES = sorted(FOLDER.rglob("*.dcm"))
JOE = sorted((FOLDER / "joe").glob("*.dcm"))
RAVI = sorted((FOLDER / "ravi").glob("*.dcm"))
ONE_OF_EACH_KIND = sorted({path.name[:5]: path for path in FILES}.values())
