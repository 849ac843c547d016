"""Media types: what a client asks for in `Accept`, and which of them a server chooses.

The grammar is that of RFC 9110 section 12.5.1, with the two things that DICOMweb adds (PS3.18
section 8.7): the `type` of a multipart body, and the transfer syntax wanted inside of it. Both are
met in the wild in several spellings, and this module reads them all::

    multipart/related; type="application/dicom"; transfer-syntax=*
    multipart/related; type="image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.70"
    multipart/related; type=image/dicom+jpeg
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

_QUOTED = r'"(?:\\.|[^"\\])*(?:"|$)'
_RANGE = re.compile(rf'(?:[^,"]|{_QUOTED})+', re.DOTALL)
_PARAMETER = re.compile(rf'(?:[^;"]|{_QUOTED})+', re.DOTALL)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True)
class MediaType:
    """A media type or a media range; names in lower case, and `q` is not among its parameters."""

    name: str
    parameters: dict[str, str] = field(default_factory=dict)
    quality: float = 1.0
    """How welcome it is, from 0 (refused) to 1: the `q` of an Accept header."""

    def __str__(self) -> str:
        texts = [f"{name}={_quote_if_needed(value)}" for name, value in self.parameters.items()]
        if self.quality != 1:
            texts.append(f"q={self.quality:g}")
        return "; ".join([self.name, *texts])

    @property
    def is_multipart(self) -> bool:
        """Whether this is multipart/related or a range that includes it."""
        return _covers(self.name, "multipart/related")

    @property
    def part(self) -> "MediaType":
        """The media type inside a multipart body; `*/*` where none is named.

        >>> parse('multipart/related; type="image/jls; transfer-syntax=1.2.3"')[0].part
        MediaType(name='image/jls', parameters={'transfer-syntax': '1.2.3'}, quality=1.0)
        """
        return parse_one(self.parameters.get("type", "*/*"))

    @property
    def transfer_syntax(self) -> str | None:
        """The transfer syntax asked for, from outside or inside the `type`: a UID, "*" or None."""
        inside = self.part.parameters if "type" in self.parameters else {}
        return self.parameters.get("transfer-syntax", inside.get("transfer-syntax"))

    def includes(self, offer: "MediaType") -> bool:
        """Tell whether `offer` is within this range."""
        if not _covers(self.name, offer.name):
            return False
        if "type" not in self.parameters:
            return True
        return offer.is_multipart and _covers(self.part.name, offer.part.name)

    @property
    def _precision(self) -> int:
        """How exact a range is: of two that include an offer, the more exact one counts."""
        wildcards = self.name.count("*") + self.part.name.count("*")
        return -wildcards


def parse_one(text: str) -> MediaType:
    """Read one media type, for example a Content-Type."""
    name, *texts = [part.strip() for part in _PARAMETER.findall(text)] or [""]
    parameters = {}
    for key, _, value in (text.partition("=") for text in texts):
        if _TOKEN.fullmatch(key.strip()):
            parameters[key.strip().lower()] = _unquote(value.strip())
    quality = _quality(parameters.pop("q", "1"))
    return MediaType(name.lower(), parameters, quality)


def parse(header: str | None) -> list[MediaType]:
    """Read an Accept header, the most welcome first; without one, everything is welcome.

    >>> for media_type in parse("image/png;q=0.5, application/dicom+json"):
    ...     print(media_type)
    application/dicom+json
    image/png; q=0.5
    """
    ranges = [parse_one(text) for text in _RANGE.findall(header or "") if text.strip()]
    return sorted(ranges or [MediaType("*/*")], key=lambda media_range: -media_range.quality)


def choose(ranges: Sequence[MediaType], offers: Sequence[MediaType]) -> MediaType | None:
    """Choose what to answer with; None if nothing on offer is acceptable.

    >>> offers = [MediaType("image/jpeg"), MediaType("image/png")]
    >>> choose(parse("image/*"), offers).name, choose(parse("image/png, */*;q=0.1"), offers).name
    ('image/jpeg', 'image/png')
    >>> choose(parse("image/gif"), offers) is None
    True
    """
    # The quality of an offer is that of the most exact range which includes it (RFC 9110 section
    # 12.5.1), so `application/json;q=0, */*` is anything but JSON. Of equally welcome offers the
    # client's order counts first and the server's second.
    ranked = []
    for number, offer in enumerate(offers):
        including = [(r._precision, -n, r) for n, r in enumerate(ranges) if r.includes(offer)]
        if not including:
            continue
        _, place, best = max(including, key=lambda found: found[:2])
        if best.quality > 0:
            ranked.append((-best.quality, -place, number, offer))
    return min(ranked, key=lambda found: found[:3])[3] if ranked else None


def _covers(media_range: str, name: str) -> bool:
    if media_range == "*/*":
        return True
    if media_range.endswith("/*"):
        return name.startswith(media_range[:-1])
    return media_range == name


def _quality(text: str) -> float:
    try:
        quality = float(text)
    except ValueError:
        return 1.0
    return 1.0 if math.isnan(quality) else min(max(quality, 0.0), 1.0)


def _unquote(value: str) -> str:
    if not value.startswith('"'):
        return value
    return re.sub(r"\\(.)", r"\1", value[1:].removesuffix('"'), flags=re.DOTALL)


def _quote_if_needed(value: str) -> str:
    if _TOKEN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
