"""Secrets do not appear: not in a repr, not in the wire view, not in a curl line."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Self
from urllib.parse import urlsplit

# Printed in the workshop's handout, and the key of the classroom PACS: it protects nothing.
WORKSHOP_KEY = "HackathonOrientationSession"
# Another one of the classroom PACS, as `connect` starts it: with it one may read, and not store.
READ_ONLY_KEY = "HackathonReadingSession"
NO_SECRETS = (WORKSHOP_KEY, READ_ONLY_KEY)
HIDDEN = "********"

# What a header is called that may hold a secret. WWW-Authenticate only asks for one, and
# Access-Control-Allow-Credentials says true.
SECRET_NAME = re.compile(
    r"auth(?!enticat)|cookie|key|token|secret|passw|pwd|jwt|session|signature|"
    r"(?<!allow-)credential",
    re.IGNORECASE,
)
SECRET_IN_URL = re.compile(
    # A user may be called ann@example.org, and @ may be in a password: the last one ends it.
    r"(//[^/:]*:)[^/]*(?=@)|"
    # The last two are in links that let in whoever has them.
    r"([?&][^=&]*(?:key|token|secret|password|passwd|pwd|auth|jwt|session|sig|signature)=)[^&#]*",
    re.IGNORECASE,
)


def mask(name: str, value: str) -> str:
    """Return a header's value, or stars in the place of what may be a secret.

    >>> mask("apikey", "my personal key"), mask("apikey", "HackathonOrientationSession")
    ('********', 'HackathonOrientationSession')
    >>> mask("Authorization", "Bearer abc"), mask("Accept", "image/png")
    ('Bearer ********', 'image/png')
    >>> mask("Location", "https://host/studies?token=abc")
    'https://host/studies?token=********'
    """
    if not is_secret(name, value):
        return mask_url(value)
    return f"{scheme_of(name, value)} {HIDDEN}".lstrip()


def is_secret(name: str, value: str) -> bool:
    """Tell whether a header may hold a secret."""
    return value not in NO_SECRETS and (isinstance(value, Secret) or bool(SECRET_NAME.search(name)))


def scheme_of(name: str, value: str) -> str:
    """Return the scheme in front of the secret of an Authorization header; else an empty text."""
    scheme, blank, _ = value.partition(" ")
    return scheme if blank and name.lower().endswith("authorization") else ""


def native(value: str | bytes) -> str:
    """Return a header's value as a text: requests takes bytes too, and sends them as they are."""
    return value.decode("latin-1") if isinstance(value, bytes) else value


def host_of(url: str) -> str:
    """Return the host and port of a URL, without the user and the password that it may hold."""
    return urlsplit(url).netloc.rpartition("@")[2]


def mask_url(url: str) -> str:
    """Return a URL with stars in the place of a password or a key in it.

    >>> mask_url("https://ann:secret@host/dicomweb/studies?limit=1&apikey=123")
    'https://ann:********@host/dicomweb/studies?limit=1&apikey=********'
    """
    return SECRET_IN_URL.sub(lambda found: (found[1] or found[2]) + HIDDEN, url)


class Secret(str):
    """A header's value that is sent as it is, and is stars to all who look at it.

    It is a text of stars: so it is masked wherever it is printed, formatted, joined, copied into a
    table or written as JSON. Only where it goes out, `http.client` encodes it, and the true one
    comes. Compared with another text, it is the true one as well.

    >>> key = Secret("my personal key")
    >>> f"{key}, {key!r}", key.encode("latin-1"), key == "my personal key"
    ("********, '********'", b'my personal key', True)
    """

    __slots__ = ("_true",)
    _true: str

    def __new__(cls, true: str, scheme: str = "") -> Self:
        """Hide a text, but for the scheme in front of it; the workshop's keys hide nothing."""
        shown = true if true in NO_SECRETS else f"{scheme} {HIDDEN}".lstrip()
        if true[:1].isspace() or "\r" in true or "\n" in true:
            # requests refuses to send that. It looks at what is shown, so that begins with a blank.
            shown = f" {shown}"
        made = super().__new__(cls, shown)
        made._true = true_text(true)
        return made

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Return the true text, as bytes: this is how it is sent."""
        return self._true.encode(encoding, errors)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and self._true == true_text(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self._true)

    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        # A copy is made of the true text.
        return type(self), (self._true, self.rpartition(" ")[0])


def true_text(value: str) -> str:
    """Return what a header's value is when it is sent."""
    return value._true if isinstance(value, Secret) else value


class Headers(dict[str, str]):
    """Request headers which show no secret.

    >>> headers = Headers(apikey="my personal key")
    >>> {**headers, "Accept": "image/png"}
    {'apikey': '********', 'Accept': 'image/png'}
    """

    def __init__(self, headers: Mapping[str, str] = MappingProxyType({}), **others: str) -> None:
        super().__init__()
        for name, value in {**headers, **others}.items():
            self[name] = value

    def __setitem__(self, name: str, value: str) -> None:
        if is_secret(name, value) and not isinstance(value, Secret):
            value = Secret(value, scheme_of(name, value))
        super().__setitem__(name, value)
