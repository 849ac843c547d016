"""What the classroom PACS says when it cannot do what was asked (RFC 9457)."""

from http import HTTPStatus


class Problem(Exception):
    """An answer with an error status.

    Parameters
    ----------
    status : int
        HTTP status, 400 to 599.
    detail : str
        What was wrong with this request.
    hint : str
        What to send instead.
    headers : dict, optional
        Further response headers.
    acceptable : list of str, optional
        For status 406: the media types that would do.
    """

    def __init__(self, status, detail, hint, *, headers=None, acceptable=None):
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.hint = hint
        self.headers = headers or {}
        self.acceptable = acceptable

    @property
    def body(self):
        """The JSON object to send.

        Examples
        --------
        >>> Problem(404, "No such study.", "Search for it.").body["title"]
        'Not Found'
        """
        title = HTTPStatus(self.status).phrase
        body = {"status": self.status, "title": title, "detail": self.detail, "hint": self.hint}
        if self.acceptable is not None:
            body["acceptable"] = self.acceptable
        return body


def not_acceptable(accept, offers, detail="", *, name="Accept"):
    """Return the problem that none of the media types that the client accepts is on offer.

    Parameters
    ----------
    accept : str
        What the client sent.
    offers : list of MediaType or str
        What would do.
    detail : str
        Why not, if there is more to say.
    name : str
        Of the header or parameter that says what the client accepts.
    """
    acceptable = [str(offer) for offer in offers]
    hint = f"Send one of these as {name}: " + " | ".join(acceptable)
    return Problem(
        406,
        detail or f"This resource cannot be had as {accept}.",
        hint if acceptable else f"No {name} would do.",
        acceptable=acceptable,
    )
