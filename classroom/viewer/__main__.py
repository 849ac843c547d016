"""The viewer in a terminal: `python -m classroom.viewer`."""

import argparse
import sys
import webbrowser
from collections.abc import Sequence
from io import TextIOWrapper

from classroom.pacs.__main__ import end_as_by_ctrl_c, port_number
from classroom.viewer import ohif
from classroom.viewer.server import address, start
from helpers.errors import WorkbookError

JOE = "1.3.6.1.4.1.14519.5.2.1.7777.9002.198875685720513246512710453733"


def main(arguments: Sequence[str] | None = None) -> int:
    """Open a study in the viewer, and serve until Ctrl-C; return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        if options.fetch:
            print(f"The OHIF viewer is in {ohif.pages().parent}")
        else:
            _serve(options)
    except WorkbookError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nThe viewer has ended.")
    return 0


def _serve(options: argparse.Namespace) -> None:
    pacs = start(options.port)
    try:
        url = address(pacs, options.study)
        print(f"The viewer shows the study at {url}")
        print(f"All studies are at {pacs.url}/")
        print("Ctrl-C ends it.", flush=True)
        if not options.no_browser:
            webbrowser.open(url)
        pacs.wait()
    finally:
        pacs.stop()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="workbook.py viewer",
        description="Open a study of the classroom PACS in the OHIF viewer, in your browser.",
    )
    parser.add_argument("--study", metavar="UID", default=JOE, help="Joe's CT if left out")
    parser.add_argument("--port", type=port_number, help="default: 8042, or the next that is free")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    parser.add_argument(
        "--fetch", action="store_true", help="only fetch the viewer, to use it without network"
    )
    return parser


if __name__ == "__main__":
    # As in classroom.pacs: the name of a folder may hold letters that a log file cannot.
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    end_as_by_ctrl_c()
    sys.exit(main())
