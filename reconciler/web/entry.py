"""The way in and out: the one-time link, the login, the sign-out."""

from __future__ import annotations

import getpass
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from reconciler.model.errors import ReconcilerError

from .door import client_of, refused, too_often
from .passwords import is_right
from .rate import key_of as rate_key_of
from .requests import Refusal
from .site import Site
from .threads import in_thread
from .trail import Visitor
from .visits import expect_own, form_of


def login_page(site: Site, request: Request, said: str = "", status: int = HTTPStatus.UNAUTHORIZED) -> Response:
    """The page for a browser that is not let in yet."""
    return site.html(
        request,
        "login.html",
        status,
        title="Log in",
        said=said,
        has_logins=bool(site.settings.logins),
        local=site.settings.bind.is_local,
    )


async def use_link(site: Site, request: Request) -> Response:
    """Let the browser in whose user has the one-time link."""
    if busy := _too_many_tries(site, request):
        return busy
    address = client_of(request.scope)
    if not site.browsers.use_link(request.query_params.get("token", "")):
        await _note_refused(site, address, "link", "the token is wrong or was used")
        if site.jar.browser(request):
            return RedirectResponse("/", HTTPStatus.SEE_OTHER)
        return login_page(site, request, "This link was already used, or its server has ended.")
    return await _admit(site, request, _user(), "link")


async def log_in(site: Site, request: Request) -> Response:
    """Let the browser in whose user knows a password."""
    if busy := _too_many_tries(site, request):
        return busy
    fields = await form_of(request)
    if isinstance(fields, Refusal):
        return refused(fields)
    name, password = fields.get("name", ""), fields.get("password", "")
    if not await in_thread(lambda: is_right(site.settings.logins, name, password)):
        await _note_refused(site, client_of(request.scope), "login", f"wrong name or password for {name[:64]}")
        return login_page(site, request, "Wrong name or password.")
    return await _admit(site, request, name, "login")


async def log_out(site: Site, request: Request) -> Response:
    """Sign this browser out."""
    fields = await form_of(request)
    found = fields if isinstance(fields, Refusal) else expect_own(site.jar.secret(request), fields)
    if found:
        return refused(found)
    visitor, secret = site.jar.visitor(request), site.jar.secret(request)
    try:
        await in_thread(lambda: site.trail.write(site.trail.entry(visitor, "logout", "done")))
        await in_thread(lambda: site.browsers.dismiss(secret))
    except ReconcilerError as error:
        return site.wrong(request, HTTPStatus.INTERNAL_SERVER_ERROR, error)
    response = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
    site.jar.give(response, "")
    return response


async def _admit(site: Site, request: Request, who: str, how: str) -> Response:
    """Give the browser its cookie.

    The page leads on by itself: after a redirect, a browser would not send a strict cookie if the link was on
    a page of another site.
    """
    address = client_of(request.scope)
    try:
        secret = await in_thread(lambda: site.browsers.admit(who, address))
        await in_thread(lambda: site.trail.write(site.trail.entry(Visitor(who, address), how, "done")))
    except ReconcilerError as error:
        return site.wrong(request, HTTPStatus.INTERNAL_SERVER_ERROR, error)
    response = site.html(request, "opened.html", title="You are in", refresh="0;url=/")
    site.jar.give(response, secret)
    return response


def _too_many_tries(site: Site, request: Request) -> Response | None:
    key = rate_key_of(client_of(request.scope))
    wait = site.limits.login_of_one.wait_for(key) or site.limits.login_of_all.wait_for("")
    return refused(too_often(wait)) if wait else None


async def _note_refused(site: Site, address: str, what: str, why: str) -> None:
    entry = site.refused.entry(Visitor("", address), what, "refused", detail=why)
    await in_thread(lambda: site.refused.write(entry))


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # it has no name
        return "somebody"
