"""What the head of a request has to look like (RFC 9112): what could be read in two ways is none.

Each fault is a ValueError that says what is wrong. The connection is closed after it: nobody knows
where the next request begins.
"""

import re

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_REQUEST_LINE = re.compile(rb"%b [!-~]+ HTTP/[0-9]\.[0-9]" % _TOKEN.pattern)
_CONTROL = re.compile(rb"[\x00-\x08\n-\x1f\x7f]")
# No length of more digits is a number of bytes that could be read.
_LENGTH = re.compile(rb"[0-9]{1,18}")
_QUOTED = rb'"(?:[^"\\\x00-\x08\n-\x1f\x7f]|\\[\t -~\x80-\xff])*"'
_EXTENSION = rb"[ \t]*;[ \t]*%b(?:[ \t]*=[ \t]*(?:%b|%b))?" % (
    _TOKEN.pattern,
    _TOKEN.pattern,
    _QUOTED,
)
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})(?:%b)*" % _EXTENSION)

Fields = dict[bytes, bytes]


def check_request_line(line: bytes) -> None:
    """Refuse what is no method, target and version with one space between (section 3)."""
    if not _REQUEST_LINE.fullmatch(line):
        raise ValueError("The first line is not: method, one space, path, one space, HTTP/1.1.")


def read_fields(lines: list[bytes]) -> Fields:
    """Return the header fields, their names as in `Content-Type`; one that is there twice, joined.

    For WSGI, `A_B` and `A-B` are one name: the first, which nobody sends in earnest, is left out.
    """
    fields: Fields = {}
    for line in lines:
        name, value = read_field(line)
        if b"_" in name:
            continue
        if name in fields:
            if name == b"Host":
                raise ValueError("Two Host headers: which of them is asked is not to be known.")
            value = fields[name] + b", " + value
        fields[name] = value
    return fields


def read_field(line: bytes) -> tuple[bytes, bytes]:
    """Return name and value of a header line (section 5)."""
    if line[:1] in (b" ", b"\t"):
        raise ValueError("A header line begins with a blank: one header is one line.")
    name, colon, value = line.partition(b":")
    if not colon or not _TOKEN.fullmatch(name):
        raise ValueError("A header line is not: name, colon at once, value.")
    if _CONTROL.search(value):
        raise ValueError("A control character is in a header.")
    return name.title(), value.strip(b" \t")


def check_framing(fields: Fields, version: str) -> None:
    """Refuse a body whose length could be read in two ways (section 6.3); keep one number."""
    lengths = [value.strip(b" \t") for value in fields.get(b"Content-Length", b"0").split(b",")]
    if not all(map(_LENGTH.fullmatch, lengths)):
        raise ValueError("Content-Length is no number of bytes.")
    if len({int(length) for length in lengths}) > 1:
        raise ValueError("There are two Content-Lengths, and they differ.")
    if b"Content-Length" in fields:
        # The same length twice is that length.
        fields[b"Content-Length"] = lengths[0]
    if b"Transfer-Encoding" not in fields:
        return
    if b"Content-Length" in fields:
        raise ValueError("Content-Length and Transfer-Encoding are two lengths of one body.")
    if version != "HTTP/1.1":
        raise ValueError(f"{version} knows no Transfer-Encoding.")
    codings = [one.strip(b" \t").lower() for one in fields[b"Transfer-Encoding"].split(b",")]
    if codings[-1] != b"chunked" or codings.count(b"chunked") > 1:
        raise ValueError("Transfer-Encoding does not end with chunked, and chunked only once.")


def check_host(fields: Fields, version: str) -> None:
    """Refuse HTTP/1.1 without Host (section 3.2)."""
    if version == "HTTP/1.1" and b"Host" not in fields:
        raise ValueError("HTTP/1.1 wants a Host header.")


def chunk_size(line: bytes) -> int | None:
    """Return the size that the first line of a chunk says, None if it says none (section 7.1)."""
    found = _CHUNK.fullmatch(line)
    return int(found[1], 16) if found else None
