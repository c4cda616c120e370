"""The only door to HTTP: one POST, over the standard library."""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from reconciler.model.errors import ReconcilerError, Unreachable


def post(url: str, body: bytes, headers: Mapping[str, str], *, seconds: float) -> int:
    """Send `body`, and answer with the status when it is 2xx. A redirect is not followed: it might lead anywhere.

    Certificates are checked, and the proxies of the environment used. No error names the path or the query of
    the address, which may be a secret, or a header.

    Raises:
        Unreachable: Nobody answered in time, or nobody who can be trusted.
        ReconcilerError: The answer is another status.
    """
    request = Request(url, body, dict(headers), method="POST")  # noqa: S310 - the caller gives http or https
    try:
        with build_opener(_straight()).open(request, timeout=seconds) as answer:
            return int(answer.status)
    except HTTPError as error:
        error.close()
        raise ReconcilerError(f"{request.host} answers {error.code} {error.reason}") from error
    except (OSError, HTTPException) as error:  # URLError and time-outs are OSErrors
        raise Unreachable(f"{request.host}: {getattr(error, 'reason', None) or error}") from error


def _straight() -> type[HTTPRedirectHandler]:
    class Straight(HTTPRedirectHandler):
        """Takes a redirect for what it is here: an answer that is not 2xx."""

        def redirect_request(self, *_: object) -> None:
            """Go nowhere."""

    return Straight
