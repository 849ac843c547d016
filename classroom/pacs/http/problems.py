"""What the classroom PACS says when it cannot do what was asked (RFC 9457)."""

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from werkzeug.wrappers import Response

from helpers.web.media_types import MediaType

PROBLEM_TYPE = "application/problem+json"


class Problem(Exception):
    """An answer with an error status: what was wrong, and what to send instead."""

    def __init__(
        self,
        status: int,
        detail: str,
        hint: str,
        *,
        headers: Mapping[str, str] | None = None,
        acceptable: list[str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.hint = hint
        self.headers = headers or {}
        self.acceptable = acceptable  # For status 406: the media types that would do.

    @property
    def title(self) -> str:
        """The words of the status line."""
        return HTTPStatus(self.status).phrase

    @property
    def body(self) -> bytes:
        """The JSON to send."""
        content: dict[str, Any] = {
            "status": self.status,
            "title": self.title,
            "detail": self.detail,
            "hint": self.hint,
        }
        if self.acceptable is not None:
            content["acceptable"] = self.acceptable
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        # What no letter stands for, from a malformed request, becomes an escape that JSON knows.
        return text.encode(errors="backslashreplace")

    def response(self) -> Response:
        """Return the answer that tells of it."""
        status = f"{self.status} {self.title}"
        return Response(self.body, status, self.headers, content_type=PROBLEM_TYPE)


def not_acceptable(
    accept: str, offers: Iterable[MediaType | str], detail: str = "", *, name: str = "Accept"
) -> Problem:
    """Return the problem that nothing of what the client accepts, as `name` says, is on offer."""
    acceptable = [str(offer) for offer in offers]
    hint = f"Send one of these as {name}: " + " | ".join(acceptable)
    return Problem(
        406,
        detail or f"This resource cannot be had as {accept}.",
        hint if acceptable else f"No {name} would do.",
        acceptable=acceptable,
    )
