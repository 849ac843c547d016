"""The classroom PACS on its own: `python -m classroom.pacs`."""

import argparse
import contextlib
import re
import shlex
import signal
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import get_args

from classroom.pacs.server import DATA, PORTS, Pacs, start
from classroom.pacs.service import Edition
from classroom.pacs.storage import REQUEST_LIMIT, STORAGE_LIMIT
from helpers.errors import ArchiveError
from helpers.web.limits import SERVING
from helpers.web.secrets import WORKSHOP_KEY

_MEGABYTE = 1 << 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C; return the exit code."""
    options = _make_parser().parse_args(arguments)
    apikey = None if options.no_apikey else options.apikey
    # Of thousands of files, this takes a while.
    print(f"Reading {options.data} ...", flush=True)
    try:
        pacs = start(
            options.data,
            host=options.host,
            port=options.port,
            apikey=apikey,
            read_only_key=options.read_only_key,
            is_strict=options.strict_queries,
            edition=options.edition,
            origins=options.origin,
            allow_hosts=options.allow_host,
            request_limit=options.max_request * _MEGABYTE,
            storage_limit=options.max_stored * _MEGABYTE,
        )
        try:
            is_read, told = pacs.archive.is_complete, len(pacs.skipped)
            _tell(pacs.skipped[:told])
            print(_introduce(pacs, options.data, apikey, options.edition), flush=True)
            if not is_read:
                print("More files are being read. What is there already is served.", flush=True)
                pacs.wait_until_read()
                _tell(pacs.skipped[told:])
                print(f"All {len(pacs.archive):,} instances are served now.", flush=True)
            pacs.wait()
        finally:
            pacs.stop()
    except ArchiveError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nThe classroom PACS has ended.")
    return 0


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m classroom.pacs", description="Serve a folder of DICOM files over DICOMweb."
    )
    parser.add_argument(
        "--port", type=port_number, help=f"default: {PORTS[0]}, or the next that is free"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--data", default=DATA, help="folder with DICOM files (%(default)s)")
    keys = parser.add_mutually_exclusive_group()
    keys.add_argument(
        "--apikey", default=WORKSHOP_KEY, type=_key, help="the key that clients must send"
    )
    keys.add_argument("--no-apikey", action="store_true", help="let everyone in")
    parser.add_argument(
        "--read-only-key",
        type=_key,
        metavar="KEY",
        help="a second key, with which clients may search and retrieve, but not store (403)",
    )
    parser.add_argument(
        "--strict-queries",
        action="store_true",
        help="refuse query parameters that are not supported, with 400, instead of a Warning",
    )
    parser.add_argument(
        "--edition",
        choices=get_args(Edition),
        default="workshop",
        help="what a client gets that accepts anything: XML, as at the workshop in 2018, or JSON, "
        "as the current standard wants it (%(default)s)",
    )
    parser.add_argument(
        "--origin",
        action="append",
        default=[],
        type=_origin,
        help="let web pages from there use the server, such as https://hub.mybinder.org",
    )
    parser.add_argument(
        "--allow-host", action="append", default=[], help="a further name of this server in URLs"
    )
    parser.add_argument(
        "--max-request",
        metavar="MB",
        type=_megabytes,
        default=REQUEST_LIMIT // _MEGABYTE,
        help="the most that one request may store (%(default)s)",
    )
    parser.add_argument(
        "--max-stored",
        metavar="MB",
        type=_megabytes,
        default=STORAGE_LIMIT // _MEGABYTE,
        help="the most that is stored in all, until the server ends (%(default)s)",
    )
    return parser


def end_as_by_ctrl_c() -> None:
    """Let `kill`, or a terminal that is closed, end a server in good order."""
    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)


def port_number(text: str) -> int:
    """Read a port from the command line."""
    if not (text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, not {text}")
    return int(text)


def _key(text: str) -> str:
    # curl drops a header without a value, and each client has its own bytes for other letters.
    if not re.fullmatch("[!-~]+", text):
        raise argparse.ArgumentTypeError(
            "a key is letters, digits and signs of ASCII, one at least and no space; "
            "--no-apikey asks for none"
        )
    return text


def _origin(text: str) -> str:
    if not re.fullmatch(r"https?://[^/\s*]+", text):
        raise argparse.ArgumentTypeError(
            f"an origin is https://host or https://host:port, not {text}"
        )
    return text


def _megabytes(text: str) -> int:
    if not (text.isdecimal() and len(text) < 9):
        raise argparse.ArgumentTypeError(f"a size is a whole number of megabytes, not {text}")
    return int(text)


def _tell(skipped: Sequence[str]) -> None:
    for line in skipped:
        print(f"skipped {line}")


def _introduce(pacs: Pacs, folder: str | Path, apikey: str | None, edition: Edition) -> str:
    archive = pacs.archive
    header = f" -H {_quote(f'apikey: {apikey}')}" if apikey is not None else ""
    return "\n".join(
        [
            f"The classroom PACS serves {folder}",
            f"  {_count(len(archive.studies), 'study', 'studies')},"
            f" {_count(len(archive), 'instance', 'instances')}",
            f"  DICOMweb  {pacs.url}/dicomweb",
            f"  WADO-URI  {pacs.url}/wadouri",
            f"  apikey    {apikey if apikey is not None else 'none needed'}",
            f"  edition   {edition}: {'XML' if edition == 'workshop' else 'JSON'} by default",
            "Try it:",
            f'  curl{header} -H "Accept: application/json" "{pacs.url}/dicomweb/studies"',
            "Ctrl-C ends it.",
        ]
    )


def _quote(text: str) -> str:
    # Double quotes do for every shell, Windows' too, but in some signs have a meaning inside.
    return shlex.quote(text) if re.search(r'["$`!%\\]', text) else f'"{text}"'


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _allow_many_files() -> None:
    """Let this process open as many files as it may: each connection is one, or two."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * SERVING.connections
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    # A file's name may hold letters that the terminal, or a log file on Windows, cannot show.
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    end_as_by_ctrl_c()
    _allow_many_files()
    sys.exit(main())
