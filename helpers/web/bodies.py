"""The body of an answer: whole, or as a stream."""

import requests
import urllib3

from helpers.errors import WorkbookError
from helpers.web.explanations import explain

READ_SIZE = 256 * 1024  # bytes asked of the network at a time


def stream(response):
    """Yield the body of an answer as it comes, then give the connection back.

    ``response.iter_content`` waits until a chunk is full. When the connection ends too early, it
    drops what the unfinished chunk held already, and that may be whole instances. This hands over
    whatever has come.

    Parameters
    ----------
    response : requests.Response
        Asked for with ``stream=True``, or read already.

    Yields
    ------
    bytes

    Raises
    ------
    ConnectionCut
        The connection ended, or fell silent, before the end of the body.
    WorkbookError
        The stream was read before.

    Examples
    --------
    >>> import io
    >>> answer = requests.Response()
    >>> answer.raw = urllib3.HTTPResponse(io.BytesIO(b"DICM"), preload_content=False)
    >>> list(stream(answer))
    [b'DICM']
    """
    if was_streamed(response):
        raise _read_already()
    with response:
        if response._content is not False or not isinstance(response.raw, urllib3.HTTPResponse):
            yield from response.iter_content(READ_SIZE)
            return
        try:
            while chunk := response.raw.read1(READ_SIZE, decode_content=True):
                yield chunk
        except urllib3.exceptions.DecodeError as error:
            raise explain(requests.exceptions.ContentDecodingError(error)) from error
        except urllib3.exceptions.HTTPError as error:
            cut = requests.exceptions.ChunkedEncodingError(error, request=response.request)
            raise explain(cut) from error


def body(response):
    """Return the body of an answer, read to its end.

    Parameters
    ----------
    response : requests.Response

    Returns
    -------
    bytes

    Raises
    ------
    ConnectionCut
        The connection ended, or fell silent, before the end of the body.
    WorkbookError
        The stream was read before, or the body cannot be unpacked.

    Examples
    --------
    >>> import io
    >>> answer = requests.Response()
    >>> answer.raw = io.BytesIO(b"DICM")
    >>> body(answer)
    b'DICM'
    """
    try:
        return response.content
    except requests.RequestException as error:
        raise explain(error) from error
    except RuntimeError as error:
        raise _read_already() from error


def _read_already():
    return WorkbookError(
        "This answer has been read already.",
        expected="an answer whose body nobody has read",
        came="a stream at its end",
        hint="A stream can be read once. Run the cell with requests.get(...) again.",
    )


def was_streamed(response):
    """Tell whether the body of an answer was read as a stream, and is gone.

    Examples
    --------
    >>> import io
    >>> answer = requests.Response()
    >>> answer.raw = urllib3.HTTPResponse(io.BytesIO(b"DICM"), preload_content=False)
    >>> was_streamed(answer), list(stream(answer)), was_streamed(answer)
    (False, [b'DICM'], True)
    """
    # A body of no bytes is closed before anybody has read it.
    raw = response.raw
    is_kept = response._content is not False or not isinstance(raw, urllib3.HTTPResponse)
    return not is_kept and raw.closed and raw.tell() > 0
