"""A request without its secrets: each is an environment variable, the one that connect() reads."""

from urllib.parse import urlsplit, urlunsplit

from requests.utils import default_headers

from helpers.web.secrets import SECRET_IN_URL, Secret, is_secret, native, scheme_of

# What `credentials` reads. A second secret in the same request needs a name of its own.
KEY, COOKIE = "DICOMWEB_APIKEY", "DICOMWEB_COOKIE"
# Each tool sends its own of these.
AUTOMATIC_HEADERS = ("content-length", "transfer-encoding")


class Variable(str):
    """The name of the environment variable that holds a secret."""


class Placeholders:
    """The address and the headers of a request, with a variable in the place of each secret.

    Attributes
    ----------
    url : list
        Pieces: texts, and a Variable for each secret.
    headers : list of tuple
        Name and pieces of each header that no tool sends by itself.
    user : Variable or None
        It holds ``user:password``, if the request signs in that way (Basic, RFC 7617). The header
        Authorization is then no longer among the headers: each tool makes it of these two.
    variables : dict
        For each variable, what it has to hold, in words.

    Parameters
    ----------
    request : requests.PreparedRequest

    Examples
    --------
    >>> import requests
    >>> asked = requests.Request("GET", "http://127.0.0.1/studies", {"Authorization": "Bearer abc"})
    >>> held = Placeholders(asked.prepare())
    >>> held.headers
    [('Authorization', ['Bearer ', 'DICOMWEB_APIKEY'])]
    >>> held.variables
    {'DICOMWEB_APIKEY': 'what comes after Bearer in the header Authorization'}
    """

    def __init__(self, request):
        self.variables = {}
        self.user = None
        self._names = {}
        # The key of the server goes first: it is what the variable of connect() holds.
        sent = sorted(_sent(request), key=lambda header: not isinstance(header[1], Secret))
        in_order = {name: self._header(name, value) for name, value in sent}
        self.headers = [
            (name, in_order[name]) for name, _ in _sent(request) if in_order[name] is not None
        ]
        self.url = self._url(request)

    def _header(self, name, value):
        """Return the pieces of a header, or None if it is the one that signs in with Basic."""
        if not is_secret(name, value):
            return [value]
        scheme = scheme_of(name, value)
        if name.lower() == "authorization" and scheme.lower() == "basic":
            self.user = self._variable(value, "user:password")
            return None
        if name.lower() == "cookie":
            return [self._variable(value, "the value of the header Cookie", COOKIE)]
        where = f"what comes after {scheme}" if scheme else "the value"
        secret = value[len(scheme) + 1 :] if scheme else value
        variable = self._variable(secret, f"{where} in the header {name}")
        return [f"{scheme} ", variable] if scheme else [variable]

    def _url(self, request):
        scheme, address, path, query, _ = urlsplit(request.url)
        # requests sends a user and a password in a URL as the header Authorization.
        url = urlunsplit((scheme, address.rpartition("@")[2], path, query, ""))
        pieces, position = [], 0
        for secret in SECRET_IN_URL.finditer(url):
            before = secret[1] or secret[2]
            value = secret[0].removeprefix(before)
            what = f"the value of {before.strip('?&=')} in the URL"
            pieces += [url[position : secret.start()] + before, self._variable(value, what)]
            position = secret.end()
        return [*pieces, url[position:]]

    def _variable(self, secret, what, name=KEY):
        """Return the variable for a secret: the same for the same, another for another."""
        if secret not in self._names:
            number = 1 + sum(other.startswith(name) for other in self.variables)
            variable = Variable(name if number == 1 else f"{name}_{number}")
            self._names[secret] = variable
            self.variables[str(variable)] = what
        return self._names[secret]


def _sent(request):
    """Return the headers that are not automatic."""
    defaults = default_headers()
    return [
        (name, native(value))
        for name, value in request.headers.items()
        if name.lower() not in AUTOMATIC_HEADERS and defaults.get(name) != value
    ]
