"""The door: each request passes it, and each answer gets its headers there."""

from __future__ import annotations

import math
from collections.abc import Callable
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .rate import READING, RateLimit, key_of
from .requests import OwnHosts, Refusal, refusal

# No inline script or style, nothing from elsewhere, no frame around it, and forms only to ourselves.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # not `no-referrer`: with it, browsers send `Origin: null` with a form of our own (Fetch, "append a request Origin")
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}


class Door:
    """Refuses what no page of ours sends, and too many requests, before the application sees them."""

    def __init__(
        self, app: ASGIApp, own: OwnHosts, monotonic: Callable[[], float], refused: Callable[[Scope, Refusal], None]
    ) -> None:
        self._app, self._own, self._refused = app, own, refused
        self._reading = RateLimit(READING, monotonic)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        found = self._refusal(scope)
        if found:
            self._refused(scope, found)
        await (refused(found) if found else self._app)(scope, receive, answer)

    def _refusal(self, scope: Scope) -> Refusal | None:
        if wait := self._reading.wait_for(key_of(client_of(scope))):
            return too_often(wait)
        return refusal(scope["method"], Headers(scope=scope), self._own)


def client_of(scope: Scope) -> str:
    """The address of who asks. What proxies claim is not believed."""
    host = scope["client"][0] if scope.get("client") else ""
    return str(host).removeprefix("::ffff:")


def too_often(wait: float) -> Refusal:
    """The refusal of a client that must wait so many seconds."""
    return Refusal(HTTPStatus.TOO_MANY_REQUESTS, "too many requests", math.ceil(wait))


def refused(why: Refusal) -> Response:
    """A refusal as a response."""
    headers = {"Retry-After": str(why.wait)} if why.wait else {}
    again = f" Try again in {why.wait} s." if why.wait else ""
    return PlainTextResponse(f"Refused: {why.why}.{again}\n", why.status, headers)
