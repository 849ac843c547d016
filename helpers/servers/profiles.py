"""Which servers have a name: `servers.toml`, and after it a file of the user's own."""

import os
import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from helpers.errors import WorkbookError
from helpers.web.raw_query import KNOWN
from helpers.web.secrets import mask_url

SHIPPED = Path(__file__).with_name("servers.toml")
OWN = Path.home() / ".config" / "dicomweb-workbook" / "servers.toml"

# The PACS of our own, which needs no profile.
CLASSROOM = "classroom"
WAYS_TO_SIGN_IN = ("header", "basic", "bearer", "none")
# RFC 9110 section 5.1: what a header may be called.
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


@dataclass(frozen=True)
class Profile:
    """What is known of a server before it is asked; `servers.toml` explains each field."""

    title: str
    dicomweb: str
    wadouri: str | None = None
    auth: str = "header"
    header: str = "apikey"
    quirks: tuple[str, ...] = ()
    # Whether somebody wrote that a key is needed; of a bare URL, nobody knows.
    ask: bool = True


FIELDS = [field.name for field in fields(Profile) if field.name != "ask"]


def find_profile(name: object) -> Profile:
    """Return the profile of a server, by its name in one of the two files, or by its root URL."""
    name = name.strip() if isinstance(name, str) else f"a value of the type {type(name).__name__}"
    if is_url(name):
        return Profile(title=_host(name) or "That server", dicomweb=name, ask=False)
    known = list_profiles()
    if name not in known:
        raise WorkbookError(
            "No server of that name is known.",
            expected=f"{CLASSROOM}, {', '.join(known)}, or a URL that starts with http",
            # It may be a URL without its beginning, and hold a password.
            came=mask_url(f"//{name}")[2:],
            hint=f"Choose one of these, or write yours into {own_file()}.",
        )
    return known[name]


def is_url(text: str) -> bool:
    """Tell whether a text begins as the URL of a web server does."""
    return text.lower().startswith(("http://", "https://"))


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError as error:
        raise WorkbookError(
            "That is not the URL of a server.",
            expected="http://host/path or https://host/path",
            # What the error says may hold a password.
            came=mask_url(url),
            hint="Copy it once more. In an address like [::1], both brackets are needed.",
        ) from error


def own_file() -> Path:
    """Return where the user's own profiles are: the file in DICOMWEB_SERVERS, or the usual one."""
    return Path(os.environ.get("DICOMWEB_SERVERS") or OWN)


def list_profiles() -> dict[str, Profile]:
    """Return every profile by its name; one in the user's own file hides a shipped one."""
    own = own_file()
    is_wanted = own.exists() or os.environ.get("DICOMWEB_SERVERS")
    files = [SHIPPED, own] if is_wanted else [SHIPPED]
    return {name: profile for path in files for name, profile in _read(path).items()}


def _read(path: Path) -> dict[str, Profile]:
    try:
        # Windows may begin it with a mark.
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise WorkbookError(
            "The file with the profiles of servers cannot be read.",
            expected="a TOML file, as helpers/servers/servers.toml is one",
            came=f"{path}: {error}",
            hint="Correct it. Or unset DICOMWEB_SERVERS, if that variable names it.",
        ) from error
    return {name: _profile(name, table, path) for name, table in tables.items()}


def _profile(name: str, table: Any, path: Path) -> Profile:
    problem = "that name is taken" if name == CLASSROOM else _problem_of(table)
    if problem:
        raise WorkbookError(
            f"The profile [{name}] is not right: {problem}.",
            expected=f"{', '.join(FIELDS)}; auth is {', '.join(WAYS_TO_SIGN_IN)}; "
            f"quirks are {', '.join(KNOWN)}",
            came=f"[{name}] in {path}",
            hint="helpers/servers/servers.toml explains each of them.",
        )
    return Profile(**{"title": name, **table, "quirks": tuple(table.get("quirks", ()))})


def _problem_of(table: Any) -> str:
    """Say what is wrong with a profile; nothing if it is right."""
    if not isinstance(table, dict):
        return "it is no table"
    if not is_url(str(table.get("dicomweb"))):
        return "dicomweb is missing, or no URL"
    if table.get("wadouri") and not is_url(str(table["wadouri"])):
        return "wadouri is no URL"
    unknown = sorted(set(table) - set(FIELDS))
    if unknown:
        return f"{', '.join(unknown)} is not known"
    quirks = table.get("quirks", [])
    if not isinstance(quirks, list) or not all(quirk in KNOWN for quirk in quirks):
        return "a quirk in it is not known"
    if not all(isinstance(value, str) for key, value in table.items() if key != "quirks"):
        return "a value in it is no text"
    if table.get("auth", "none") not in WAYS_TO_SIGN_IN:
        return "its auth is not known"
    if not HEADER_NAME.fullmatch(table.get("header", "apikey")):
        return "its header is no name of a header"
    return ""
