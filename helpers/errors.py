"""Every error of the workbook.

::

    WorkbookError
    ├── ServerUnreachable (ConnectionError)      no answer at all
    │   ├── CertificateProblem                   the server could not prove who it is
    │   └── ConnectionCut                        the answer stopped half way
    ├── LimitExceeded                            an answer too large, or too slow
    ├── HTTPProblem                              an answer, but not the one wanted: 4xx, 5xx
    ├── MediaTypeMismatch (ValueError)           an answer in another representation
    ├── MultipartError (ValueError)
    │   ├── NotMultipart
    │   ├── MissingBoundary
    │   ├── BadPartHeader
    │   └── TruncatedMultipart
    ├── AttributeProblem (ValueError)            no such DICOM attribute, or not readable DICOM
    ├── FrameError (ValueError)                  an encoded frame that cannot become pixels
    ├── SaveError (OSError)
    │   ├── UnsafeName                           a UID that must not become a file name
    │   └── FileConflict                         another file is there already
    ├── StoreError                               a file that cannot be sent
    ├── ArchiveError (OSError)                   the classroom PACS cannot start
    └── ViewerUnavailable                        the OHIF viewer cannot be had here

A class says what the caller can do about it. A message has three parts: what was expected, what
came, and what to do next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import requests


class WorkbookError(Exception):
    """An error that a learner can understand: what went wrong, and its three parts.

    >>> print(WorkbookError("No such frame.", expected="1 to 24", came="25", hint="Ask for 24."))
    No such frame.
      expected: 1 to 24
      came:     25
      next:     Ask for 24.
    """

    def __init__(self, problem: str, *, expected: str = "", came: str = "", hint: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.expected = expected
        self.came = came
        self.hint = hint

    def __str__(self) -> str:
        lines = [
            ("expected: ", self.expected),
            ("came:     ", self.came),
            ("next:     ", self.hint),
        ]
        return "\n".join([self.problem, *(f"  {name}{text}" for name, text in lines if text)])


class ServerUnreachable(WorkbookError, ConnectionError):
    """No answer came: a wrong host name, a refused connection, or a time-out."""


class CertificateProblem(ServerUnreachable):
    """The server's certificate is expired, self-signed, or of another host."""


class ConnectionCut(ServerUnreachable):
    """The answer began, and then the connection ended too early."""


class LimitExceeded(WorkbookError):
    """The answer is larger, or takes longer, than its limit (`helpers.web.limits`)."""


class HTTPProblem(WorkbookError):
    """The server answered with an error status; `show(error.response)` shows the whole answer."""

    def __init__(self, problem: str, *, response: requests.Response, **parts: str) -> None:
        super().__init__(problem, **parts)
        self.response = response


class MediaTypeMismatch(WorkbookError, ValueError):
    """The answer has another media type than this step can read."""


class MultipartError(WorkbookError, ValueError):
    """A body that is not well-formed multipart (RFC 2046)."""


class NotMultipart(MultipartError):
    """The Content-Type is not multipart at all."""


class MissingBoundary(MultipartError):
    """The Content-Type names no boundary, or the body does not contain it."""


class BadPartHeader(MultipartError):
    """A part's headers cannot be read, or are too long."""


class TruncatedMultipart(MultipartError):
    """The body ended before its closing delimiter: something is missing."""


class AttributeProblem(WorkbookError, ValueError):
    """An attribute that DICOM does not know, or a data set that cannot be read."""


class FrameError(WorkbookError, ValueError):
    """An encoded frame that cannot be turned into pixels."""


class SaveError(WorkbookError, OSError):
    """A file could not be saved as asked."""


class UnsafeName(SaveError):
    """A UID from the network that must not become a file name."""


class FileConflict(SaveError):
    """A file of that name, with other content, is there already."""


class StoreError(WorkbookError):
    """A file that is to be stored cannot be read to its end.

    It is no OSError: `requests` would take that for a broken connection.
    """


class ArchiveError(WorkbookError, OSError):
    """The classroom PACS cannot start: no folder, no readable file, no free port."""


class ViewerUnavailable(WorkbookError):
    """The OHIF viewer cannot be had here: no npm, no network, or a browser that cannot reach it."""
