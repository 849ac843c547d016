"""Store DICOM files on a server: `python -m helpers.files FOLDER --to SERVER`."""

import argparse
import io
import sys
from pathlib import Path

import pandas

from helpers.dicom.folder import look_through
from helpers.dicom.names import head_of, is_directory, why_no_instance
from helpers.errors import WorkbookError
from helpers.files.store import INSTANCES_AT_ONCE, NOT_SENT, THERE, store_instances
from helpers.files.store_response import FAILED, STORED
from helpers.servers.profiles import CLASSROOM
from helpers.servers.reach import reach
from helpers.servers.server import Server, find_server
from helpers.web.secrets import mask_url

EVERYTHING_THERE, SOMETHING_MISSING, COULD_NOT_BEGIN, INTERRUPTED = 0, 1, 2, 130


def main(arguments: list[str] | None = None) -> int:
    """Store the files; return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        paths = _find_files(options.paths)
        server = _reach_server(options.to)
        results = store_instances(paths, server, options.at_once)
    except WorkbookError as error:
        print(error, file=sys.stderr)
        return COULD_NOT_BEGIN
    except KeyboardInterrupt:
        print("\nStopped. Run it again to go on where it stopped.", file=sys.stderr)
        return INTERRUPTED
    _report(results)
    if results.outcome.isin([STORED, THERE]).all():
        return EVERYTHING_THERE
    print("Run it again when that is mended: only what is missing goes out.", file=sys.stderr)
    return SOMETHING_MISSING


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m helpers.files",
        description="Store DICOM files on a DICOMweb server (STOW-RS). What the server has already "
        "is not sent again, so after a failure run it once more.",
        epilog="The key comes from the environment variable DICOMWEB_APIKEY. Exit code: 0 when "
        "the server has every instance, 1 when one is missing, 2 when nothing could be sent. "
        "Send data/archive/joe to a server of your own only: it has the UIDs of real objects.",
    )
    parser.add_argument("paths", nargs="+", type=Path, help="DICOM files, or folders of them")
    parser.add_argument(
        "--to", required=True, help="root URL of a server, or its name in servers.toml"
    )
    parser.add_argument(
        "--at-once",
        type=_positive,
        default=INSTANCES_AT_ONCE,
        help="instances in one request, at most (%(default)s)",
    )
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1, came {text!r}")
    return int(text)


def _reach_server(name: str) -> Server:
    """Return the server, and say where it is before it is asked."""
    if name == CLASSROOM:
        raise WorkbookError(
            "The classroom PACS runs only where it was started.",
            expected="the URL of a server, or a name in servers.toml",
            came=name,
            hint="Start it with python3 workbook.py pacs, and take the URL that it prints.",
        )
    server = find_server(name)
    print(f"{server.name}: {mask_url(server.dicomweb)}", flush=True)
    return reach(name, server)


def _find_files(paths: list[Path]) -> list[Path]:
    """Return the files themselves, and what may hold instances in each folder and below it."""
    found: list[Path] = []
    left_out: list[str] = []
    others = 0
    for path in paths:
        if path.is_dir():
            folder = look_through(path)
            left_out += folder.left_out
            others += folder.others
            files = folder.files
        elif path.exists():
            files = [path]
        else:
            raise WorkbookError(
                "There is no such file or folder.",
                expected="DICOM files, or folders of them",
                came=str(path),
                hint=f"Read it letter by letter. You are in the folder {Path.cwd()}.",
            )
        for file in files:
            if why := _why_left_out(file, is_named=file is path):
                left_out.append(f"{file}: {why}")
            else:
                found.append(file)
    if not found:
        raise WorkbookError(
            f"There is nothing to store in {', '.join(map(str, paths))}.",
            expected="files that have the letters DICM behind their first 128 bytes",
            came=f"only other files: {others + len(left_out)}" if others or left_out else "no file",
            hint="Name the folder that holds the images, or the files themselves.",
        )
    for line in left_out:
        print(f"left out: {line}")
    if others:
        print(f"Files that are not DICOM, and are left out: {others}")
    return found


def _why_left_out(path: Path, *, is_named: bool) -> str:
    """Say why a file is passed over: a named one only if it is the DICOMDIR of a disc."""
    try:
        head = head_of(path)
    except OSError:  # why, is said when it is to be sent
        return ""
    return "" if is_named and not is_directory(head) else why_no_instance(head)


def _report(results: pandas.DataFrame) -> None:
    """Print how many instances there are of each outcome, and each one that is missing."""
    for outcome in (STORED, THERE, FAILED, NOT_SENT):
        print(f"{(results.outcome == outcome).sum():6} {outcome}")
    for row in results[results.outcome == FAILED].itertuples():
        print(f"failed: {row.file}: {row.reason}", file=sys.stderr)


if __name__ == "__main__":
    # As in classroom.pacs: the name of a server may hold letters that a log file cannot.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(main())
