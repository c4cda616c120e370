"""HTTP: one POST with the standard library. Only this module uses HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from reconciler.model.errors import ReconcilerError, Unreachable


def post(url: str, body: bytes, headers: Mapping[str, str], *, seconds: float) -> int:
    """Send `body`, and return the status if it is 2xx. A redirect is not followed, because its target is not trusted.

    Certificates are checked; proxies are taken from the environment. Errors never contain headers, or the path or query
    of the URL, which may be a secret.

    Raises:
        Unreachable: The server did not answer in time, or cannot be trusted.
        ReconcilerError: The status is not 2xx.
    """
    request = Request(url, body, dict(headers), method="POST")  # noqa: S310 - the caller gives http or https
    try:
        with build_opener(_straight()).open(request, timeout=seconds) as answer:
            return int(answer.status)
    except HTTPError as error:
        error.close()
        raise ReconcilerError(f"{request.host} answers {error.code} {error.reason}") from error
    except (OSError, HTTPException) as error:  # URLError and timeouts are OSErrors
        raise Unreachable(f"{request.host}: {getattr(error, 'reason', None) or error}") from error


def _straight() -> type[HTTPRedirectHandler]:
    class Straight(HTTPRedirectHandler):
        """Treats a redirect like any other answer that is not 2xx."""

        def redirect_request(self, *_: object) -> None:
            """Do not follow the redirect."""

    return Straight
