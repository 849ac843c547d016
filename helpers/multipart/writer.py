"""What goes out to a server that stores: instances in one multipart body, made while it is sent."""

import io
import uuid
from pathlib import Path
from typing import NamedTuple

from helpers.errors import StoreError

READ_SIZE = 256 * 1024


class Instance(NamedTuple):
    """An instance to store: its UIDs, its size in bytes, and the file or the bytes that it is."""

    study: str
    uid: str
    size: int
    source: Path | bytes

    def chunks(self):
        """Yield its bytes, piece by piece."""
        left = self.size
        try:
            with self._opened() as file:
                while left and (chunk := file.read(min(left, READ_SIZE))):
                    left -= len(chunk)
                    yield chunk
        except OSError as error:
            raise StoreError(
                "A file cannot be read.", came=str(error), hint="Look at it, then store it again."
            ) from error
        if left:
            raise StoreError(
                "A file became shorter while it was sent.",
                expected=f"{self.size} bytes",
                came=f"{self.size - left} bytes in {self.source}",
                hint="Wait until nobody writes to it, then store it again.",
            )

    def _opened(self):
        return self.source.open("rb") if isinstance(self.source, Path) else io.BytesIO(self.source)


class MultipartBody:
    r"""A multipart body that is made while it is sent: of the files, one piece is in memory.

    `requests` sends it with a Content-Length, because its length is known before. Without it, the
    body would go out in chunks, which some proxies refuse with the status 411.

    Parameters
    ----------
    instances : list of Instance
    sent : callable, optional
        Called with the number of bytes of each piece of an instance that goes out.

    Attributes
    ----------
    content_type : str
        The header to send with it.

    Examples
    --------
    >>> body = MultipartBody([Instance("1.2", "1.2.3", 4, b"DICM")])
    >>> message = b"".join(body)
    >>> len(body) == len(message)
    True
    >>> from helpers.multipart import parse
    >>> [part.content for part in parse([message], body.content_type)]
    [b'DICM']
    """

    HEADERS = b"Content-Type: application/dicom\r\n\r\n"

    def __init__(self, instances, sent=lambda size: None):
        # Random, and so long that no instance contains it.
        self._boundary = uuid.uuid4().hex.encode()
        self._instances = instances
        self._sent = sent
        self.content_type = (
            f'multipart/related; type="application/dicom"; boundary={self._boundary.decode()}'
        )

    def __iter__(self):
        for instance in self._instances:
            yield b"--" + self._boundary + b"\r\n" + self.HEADERS
            for chunk in instance.chunks():
                yield chunk
                self._sent(len(chunk))
            yield b"\r\n"
        yield b"--" + self._boundary + b"--\r\n"

    def __len__(self):
        around = 2 + len(self._boundary) + 2 + len(self.HEADERS) + 2
        return sum(around + each.size for each in self._instances) + len(self._boundary) + 6
