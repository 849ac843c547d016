"""OHIF, the viewer of the Open Health Imaging Foundation: its built pages, fetched once by npm."""

import base64
import hashlib
import shutil
import subprocess
import tarfile
from contextlib import closing
from pathlib import Path, PurePosixPath

from classroom.pacs.scratch import Scratch, sweep
from helpers.errors import ViewerUnavailable

PACKAGE = "@ohif/app"
VERSION = "3.12.10"
# The digest of the package that we tried, as npm prints it. npm itself compares what it fetches
# with what the registry says.
SHA512 = "0kuF66Mq9c9dMD++bUsTjMrJpXJwaZhz9B4uS244DawAjSkTwIYFU93pxPuRUQixaRi7QAHlF3Fe1qudBlZrmA=="
_UNFINISHED = "unfinished-"
CACHE = Path(__file__).parents[2] / ".viewer"

# Of 208 MB, four fifths are for other uses: machine learning, microscopy, a service worker, the
# source maps of developers. The configuration is ours.
_LEFT_OUT = ("ort", "dicom-microscopy-viewer", "sw.js", "app-config.js")

INSTEAD = (
    "Without it, notebook 04 saves the same study as files: open these in MicroDICOM, Weasis or "
    "3D Slicer."
)


def pages(cache: Path = CACHE) -> Path:
    """Return the folder of the viewer's pages. The first time, npm fetches them."""
    home = cache / f"ohif-{VERSION}"
    if not home.is_dir():
        try:
            _fetch(cache, home)
        except OSError as error:
            raise ViewerUnavailable(
                f"The OHIF viewer cannot be stored in {cache}.",
                came=str(error),
                hint=f"Make room for 300 MB, or make the folder writable. {INSTEAD}",
            ) from error
    return home / "dist"


def _fetch(cache: Path, home: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise ViewerUnavailable(
            "The OHIF viewer is fetched by npm, and this computer has no npm.",
            hint=f"Install Node.js from https://nodejs.org and start again. {INSTEAD}",
        )
    print(f"Fetching the OHIF viewer {VERSION} with npm, once (48 MB) ...", flush=True)
    cache.mkdir(exist_ok=True)
    sweep(_UNFINISHED, cache)
    with closing(Scratch(_UNFINISHED, cache)) as scratch:
        package = _pack(npm, scratch.folder)
        _check(package)
        unpacked = scratch.folder / "unpacked"
        _unpack(package, unpacked)
        try:
            unpacked.rename(home)
        except OSError:
            # Another start may have fetched it in the meantime.
            if not home.is_dir():
                raise


def _pack(npm: str, folder: Path) -> Path:
    """Let npm fetch the package, and return its file."""
    command = [
        *(npm, "pack", f"{PACKAGE}@{VERSION}", "--pack-destination", str(folder)),
        *("--ignore-scripts", "--loglevel=error"),
        # Else npm keeps a copy of its own, and waits 70 seconds for a network that is not there.
        *("--cache", str(folder / "cache")),
        *("--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=2000"),
    ]
    ended = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )
    files = list(folder.glob("*.tgz"))
    if ended.returncode != 0 or not files:
        raise ViewerUnavailable(
            "npm could not fetch the OHIF viewer.",
            came=next(iter(ended.stderr.splitlines()), f"exit code {ended.returncode}"),
            hint=f"Connect to the network and start again. {INSTEAD}",
        )
    return files[0]


def _check(package: Path) -> None:
    with package.open("rb") as file:
        digest = hashlib.file_digest(file, "sha512").digest()
    came = base64.b64encode(digest).decode()
    if came != SHA512:
        raise ViewerUnavailable(
            f"What npm fetched is not {PACKAGE} {VERSION} as we know it, so it was thrown away.",
            expected=f"SHA-512 {SHA512}",
            came=f"SHA-512 {came}",
            hint=f"Look at the registry that npm uses: npm config get registry. {INSTEAD}",
        )


def _unpack(package: Path, folder: Path) -> None:
    """Unpack what a browser needs, and the licence."""
    with tarfile.open(package) as archive:
        for member in archive:
            # Names are safe to use: the package's integrity was checked.
            path = PurePosixPath(member.name).relative_to("package")
            if not member.isfile() or not _is_needed(path):
                continue
            data = archive.extractfile(member)
            assert data, "isfile() said that it has some"
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                shutil.copyfileobj(data, file)


def _is_needed(path: PurePosixPath) -> bool:
    if path.parts[0] != "dist":
        return path.name == "LICENSE"
    return path.parts[1] not in _LEFT_OUT and path.suffix != ".map"
