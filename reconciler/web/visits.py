"""Who visits: the cookie of a browser, the login, and what a form must contain."""

from __future__ import annotations

import hashlib
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from .browsers import LIFETIME, Browser, Browsers, is_form_token
from .door import client_of
from .requests import LARGEST_FORM, Refusal, form_fields
from .settings import WebSettings
from .trail import Visitor


class CookieJar:
    """Reads and sets the cookie of this server. Cookies do not know ports, so its name tells the project."""

    def __init__(self, settings: WebSettings, browsers: Browsers) -> None:
        self._browsers, self._secure = browsers, settings.certificate is not None
        mark = hashlib.sha256(settings.folder.encode(errors="surrogateescape")).hexdigest()[:8]
        self.name = f"{'__Host-' if self._secure else ''}reconciler-{mark}"

    def secret(self, request: Request) -> str:
        """What the browser's cookie says; empty without one."""
        return request.cookies.get(self.name, "")

    def browser(self, request: Request) -> Browser | None:
        """The browser, if it is let in."""
        return self._browsers.find(self.secret(request))

    def visitor(self, request: Request) -> Visitor:
        """Who this is, for the log."""
        browser = self.browser(request)
        return Visitor(browser.who if browser else "", client_of(request.scope))

    def give(self, response: Response, secret: str) -> None:
        """Set the cookie; an empty secret removes it."""
        age = int(LIFETIME.total_seconds()) if secret else 0
        response.set_cookie(
            self.name, secret, max_age=age, path="/", secure=self._secure, httponly=True, samesite="strict"
        )


async def form_of(request: Request) -> dict[str, str] | Refusal:
    """The fields of a form."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_FORM:
            return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the form is longer than {LARGEST_FORM >> 10} KiB")
    try:
        return form_fields(body)
    except ValueError:
        return Refusal(HTTPStatus.BAD_REQUEST, "this is not a form")


def expect_own(secret: str, fields: dict[str, str]) -> Refusal | None:
    """The refusal of a form that was not made for this browser."""
    if is_form_token(secret, fields.get("form", "")):
        return None
    return Refusal(HTTPStatus.FORBIDDEN, "the form is not one of this browser; open the page again")
