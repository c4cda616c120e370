"""Which page is where, and who may see it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Scope

from reconciler.app.board.service import BoardService
from reconciler.model.errors import ReconcilerError

from . import changing, entry, reading
from .assets import asset_routes
from .bind import hosts_of
from .browsers import Browsers
from .door import Door, client_of
from .feed import BoardFeed
from .lines import LineMaker
from .permission import WebPermission
from .rate import CHANGING, LOGIN_OF_ALL, LOGIN_OF_ONE, RateLimit
from .requests import OwnHosts, Refusal
from .runs import DeedRuns
from .screens import ScreenCache
from .settings import WebSettings
from .site import RateLimits, Site
from .threads import in_thread
from .trail import ACTIONS, REFUSED, AuditTrail, Visitor
from .visits import CookieJar

_View = Callable[[Site, Request], Awaitable[Response]]
_AGENT = "{project}/{address:path}"


def site_for(settings: WebSettings, service: BoardService) -> Site:
    """The site over a board. Raises ReconcilerError if its files cannot be used."""
    browsers = Browsers(settings.folder, settings.now)
    trail = AuditTrail(settings.folder, ACTIONS, settings.now)
    monotonic = settings.clock.monotonic
    return Site(
        settings=settings,
        service=service,
        feed=BoardFeed(service, settings.now, LineMaker(can_answer=WebPermission.ANSWER in settings.allowed)),
        runs=DeedRuns(trail, service.look_again),
        screens=ScreenCache(service.peek, monotonic),
        browsers=browsers,
        jar=CookieJar(settings, browsers),
        trail=trail,
        refused=AuditTrail(settings.folder, REFUSED, settings.now),
        limits=RateLimits(
            RateLimit(CHANGING, monotonic), RateLimit(LOGIN_OF_ONE, monotonic), RateLimit(LOGIN_OF_ALL, monotonic)
        ),
        plans={},
    )


def application(site: Site, port: int) -> ASGIApp:
    """The application of a site that listens at this port."""
    settings = site.settings
    secure = settings.certificate is not None
    own = OwnHosts(hosts_of(settings.names, port, secure=secure), secure)
    routes = [
        *asset_routes(settings.certificate.ca if settings.certificate else b""),
        _open(site, "/open", entry.use_link),
        _open(site, "/login", _login_page),
        _open(site, "/login", entry.log_in, "POST"),
        _read(site, "/", reading.board),
        _read(site, "/events", reading.events),
        _read(site, f"/agent/{_AGENT}", reading.agent),
        _read(site, f"/screen/{_AGENT}", reading.screen),
        _read(site, f"/dialog/{_AGENT}", reading.dialog),
        _read(site, "/plan/{project}", reading.plan),
        _read(site, "/action/{id}", reading.action),
        _read(site, "/here", reading.here),
        _read(site, "/logout", entry.log_out, "POST"),
        _read(site, f"/answer/{_AGENT}", changing.answer, "POST"),
        _read(site, f"/send/{_AGENT}", changing.send, "POST"),
        _read(site, f"/stop/{_AGENT}", changing.stop, "POST"),
        _read(site, f"/resume/{_AGENT}", changing.resume, "POST"),
        _read(site, "/apply/{project}", changing.apply, "POST"),
    ]
    inside = Starlette(routes=routes, exception_handlers={HTTPException: _http_error})
    return Door(inside, own, settings.clock.monotonic, _Refusals(site).note)


def _open(site: Site, path: str, view: _View, method: str = "GET") -> Route:
    """A page for everyone."""
    return Route(path, partial(_viewed, site, view), methods=[method])


def _read(site: Site, path: str, view: _View, method: str = "GET") -> Route:
    """A page for browsers that are let in."""
    return Route(path, partial(_guarded, site, view), methods=[method])


async def _viewed(site: Site, view: _View, request: Request) -> Response:
    try:
        return await view(site, request)
    except ReconcilerError as error:
        return site.wrong(request, HTTPStatus.INTERNAL_SERVER_ERROR, error)
    except Exception as error:  # noqa: BLE001 - the server goes on, and shows no traceback
        return site.wrong(request, HTTPStatus.INTERNAL_SERVER_ERROR, f"unexpected: {type(error).__name__}: {error}")


async def _guarded(site: Site, view: _View, request: Request) -> Response:
    if site.jar.browser(request):
        return await _viewed(site, view, request)
    return entry.login_page(site, request)


async def _login_page(site: Site, request: Request) -> Response:
    if site.jar.browser(request):
        return RedirectResponse("/", HTTPStatus.SEE_OTHER)
    return entry.login_page(site, request, status=HTTPStatus.OK)


async def _http_error(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
    return PlainTextResponse(f"{HTTPStatus(status).phrase}.\n", status)


class _Refusals:
    """Writes down what the door refused."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._limit = RateLimit(LOGIN_OF_ALL, site.settings.clock.monotonic)
        self._tasks: set[asyncio.Task[None]] = set()

    def note(self, scope: Scope, why: Refusal) -> None:
        """Note it, unless too much is noted already."""
        if self._limit.wait_for(""):
            return
        log = self._site.refused
        line = log.entry(
            Visitor("", client_of(scope)), f"{scope['method']} {scope['path'][:100]}", "refused", detail=why.why
        )
        task = asyncio.ensure_future(in_thread(lambda: log.write(line)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
