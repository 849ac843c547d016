"""Secrets do not appear: not in a repr, not in the wire view, not in a curl line."""

import re

# Printed in the workshop's handout, and the key of the classroom PACS: it protects nothing.
WORKSHOP_KEY = "HackathonOrientationSession"
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


def mask(name, value):
    """Return a header's value, or stars in the place of what may be a secret.

    Parameters
    ----------
    name : str
        The header's name.
    value : str

    Returns
    -------
    str

    Examples
    --------
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


def is_secret(name, value):
    """Tell whether a header may hold a secret.

    Parameters
    ----------
    name : str
        The header's name.
    value : str

    Returns
    -------
    bool

    Examples
    --------
    >>> is_secret("apikey", "my personal key"), is_secret("Accept", "image/png")
    (True, False)
    """
    return value != WORKSHOP_KEY and (isinstance(value, Secret) or bool(SECRET_NAME.search(name)))


def scheme_of(name, value):
    """Return the scheme in front of the secret of an Authorization header; else an empty text.

    Parameters
    ----------
    name : str
        The header's name.
    value : str

    Returns
    -------
    str

    Examples
    --------
    >>> scheme_of("Authorization", "Bearer abc"), scheme_of("apikey", "two words")
    ('Bearer', '')
    """
    scheme, blank, _ = value.partition(" ")
    return scheme if blank and name.lower().endswith("authorization") else ""


def native(value):
    """Return a header's value as a text: requests takes bytes too, and sends them as they are.

    Examples
    --------
    >>> native(b"image/png")
    'image/png'
    """
    return value.decode("latin-1") if isinstance(value, bytes) else value


def mask_url(url):
    """Return a URL with stars in the place of a password or a key in it.

    Parameters
    ----------
    url : str

    Returns
    -------
    str

    Examples
    --------
    >>> mask_url("https://ann:secret@host/dicomweb/studies?limit=1&apikey=123")
    'https://ann:********@host/dicomweb/studies?limit=1&apikey=********'
    """
    return SECRET_IN_URL.sub(lambda found: (found[1] or found[2]) + HIDDEN, url)


class Secret(str):
    """A key whose repr does not show it. For `requests` it is an ordinary text.

    Examples
    --------
    >>> {**Headers(apikey=Secret("my personal key")), "Accept": "image/png"}
    {'apikey': '********', 'Accept': 'image/png'}
    """

    def __repr__(self):
        return repr(str(self) if self == WORKSHOP_KEY else HIDDEN)


class Headers(dict):
    """Request headers whose repr shows no secret. For requests it is an ordinary dict.

    Examples
    --------
    >>> Headers(apikey="my personal key")
    {'apikey': '********'}
    """

    def __repr__(self):
        return repr({name: mask(name, value) for name, value in self.items()})

    __str__ = __repr__
