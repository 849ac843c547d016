"""One part of a multipart body: its headers and its data (RFC 2046 section 5.1)."""

import re
import tempfile
from functools import cached_property

from requests.structures import CaseInsensitiveDict

from helpers.errors import BadPartHeader
from helpers.multipart.pieces import excerpt


class Part:
    r"""One part of a multipart body.

    Attributes
    ----------
    headers : requests.structures.CaseInsensitiveDict
    size : int
        Bytes of data.

    Examples
    --------
    >>> from helpers.multipart import parse
    >>> body = b"--cut\r\nContent-Type: text/plain\r\n\r\nHello\r\n--cut--"
    >>> [part] = parse([body], "multipart/related; boundary=cut")
    >>> part
    <Part text/plain, 5 bytes>
    >>> part.headers["content-type"], part.content
    ('text/plain', b'Hello')
    """

    def __init__(self, header_fields, file, size):
        self._header_fields = header_fields
        self._file = file
        self.size = size

    @cached_property
    def headers(self):
        """The part's own headers. Of a header that comes twice, the last one counts."""
        return CaseInsensitiveDict(self._header_fields)

    @property
    def media_type(self):
        """The media type without its parameters, in lower case; empty if the part names none."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def content(self):
        """The data, as bytes."""
        return self.file.read()

    @property
    def file(self):
        """The data as a binary file, rewound: ``pydicom.dcmread(part.file)``."""
        self._file.seek(0)
        return self._file

    def __repr__(self):
        return f"<Part {self.media_type or 'without a media type'}, {self.size:,} bytes>"


class LargeFile(tempfile.SpooledTemporaryFile):
    """The data of a large part: a temporary file that is gone when it is closed."""

    def __init__(self):
        super().__init__()
        self.rollover()

    def __del__(self):
        # Nobody closes a part. So its file closes itself, and Python need not warn.
        self.close()


def parse_headers(block):
    r"""Read the header lines of a part (RFC 5322 section 2.2).

    Parameters
    ----------
    block : bytes
        Whole lines. One that begins with a blank continues the line before it.

    Returns
    -------
    list of tuple of str
        Names and values.

    Raises
    ------
    BadPartHeader
        A line is not a name, a colon and a value.

    Examples
    --------
    >>> parse_headers(b"Content-Type: image/jpeg;\r\n transfer-syntax=1.2.3\r\n")
    [('Content-Type', 'image/jpeg; transfer-syntax=1.2.3')]
    """
    text = block.decode("latin-1")
    if "\n " in text or "\n\t" in text:
        text = re.sub(r"\r?\n[ \t]+", " ", text)
    fields = []
    for line in text.removesuffix("\n").split("\n"):
        name, colon, value = line.partition(":")
        name = name.strip(" \t")
        if not name or not colon:
            raise BadPartHeader(
                "A part has a header line that is no header.",
                expected="a name, a colon and a value, as in Content-Type: application/dicom",
                came=excerpt(line.rstrip("\r").encode("latin-1")),
                hint="Look at the body with show(response): does the part lack its blank line?",
            )
        fields.append((name, value.strip(" \t\r")))
    return fields
