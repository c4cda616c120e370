"""What a request must have to be looked at: the right host, the same origin, a login. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct

LARGEST_FORM = 1 << 18  # bytes
_MOST_FIELDS = 20
_SAFE = {"GET", "HEAD"}


class Refusal(Struct, frozen=True):
    """Why a request is refused."""

    status: HTTPStatus
    why: str
    wait: int = 0
    """Seconds until it may be tried again."""


class OwnHosts(Struct, frozen=True):
    """The hosts that mean this server."""

    hosts: frozenset[str]
    """In lower case, with the port."""
    secure: bool


def refusal(method: str, headers: Mapping[str, str], own: OwnHosts) -> Refusal | None:
    """Why a request is refused before anything else is looked at; None if it is not.

    A page of another site can make a browser send requests. A browser tells which site they come from: `Origin`
    (RFC 6454) and `Sec-Fetch-Site` (W3C, Fetch Metadata). The host must be ours, because a name of another site can be
    made to mean this machine (DNS rebinding).
    """
    host = headers.get("host", "").lower()
    if host not in own.hosts:
        return Refusal(HTTPStatus.MISDIRECTED_REQUEST, f"this server is not {host or 'without a name'}")
    site, origin = headers.get("sec-fetch-site", ""), headers.get("origin", "")
    if method in _SAFE:
        leads_here = headers.get("sec-fetch-mode", "") == "navigate" and headers.get("sec-fetch-dest", "") == "document"
        from_elsewhere = site in {"cross-site", "same-site"} and not leads_here
        return Refusal(HTTPStatus.FORBIDDEN, "another site asked for it") if from_elsewhere else None
    if method != "POST":
        return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, f"{method} is not used here")
    if (site and site != "same-origin") or (origin and not _is_own(origin, host, own)):
        return Refusal(HTTPStatus.FORBIDDEN, "another site sent this form")
    if not (site or origin):
        return Refusal(HTTPStatus.FORBIDDEN, "it does not tell which site sent this form")
    return None


def _is_own(origin: str, host: str, own: OwnHosts) -> bool:
    parts = urlsplit(origin)
    return parts.netloc.lower() == host and parts.scheme == ("https" if own.secure else "http")


def form_fields(body: bytes) -> dict[str, str]:
    """The fields of a form, each once. Raises ValueError if it is none."""
    found = parse_qs(
        body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=_MOST_FIELDS
    )
    return {name: values[-1] for name, values in found.items()}
