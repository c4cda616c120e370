"""What all pages share: the board, the actions, and who is let in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from reconciler.app.board.actions import failed
from reconciler.app.board.service import AgentKey, BoardService
from reconciler.model.errors import ReconcilerError
from reconciler.render.board_words import shown_projects
from reconciler.render.documents.board import BoardProject, BoardRow
from reconciler.render.documents.plan import PlanDoc

from .browsers import Browsers, form_token
from .feed import BoardFeed
from .html import page
from .lines import place_of, project_id
from .permission import WebPermission
from .rate import RateLimit
from .runs import DeedRuns
from .screens import ScreenCache
from .settings import WebSettings
from .trail import AuditTrail
from .visits import CookieJar

View = Callable[[Request], Awaitable[Response]]
MOST_PLANS = 50


class RateLimits(Struct, frozen=True):
    """How often what may be done."""

    changing: RateLimit
    login_of_one: RateLimit
    login_of_all: RateLimit


class Site(Struct, frozen=True, kw_only=True):
    """The site of one server."""

    settings: WebSettings
    service: BoardService
    feed: BoardFeed
    runs: DeedRuns
    screens: ScreenCache
    browsers: Browsers
    jar: CookieJar
    trail: AuditTrail
    refused: AuditTrail
    limits: RateLimits
    plans: dict[tuple[str, str], PlanDoc]
    """The plans that were shown, by project and digest."""

    def allows(self, permission: WebPermission) -> bool:
        """Whether the user allows this sort of action."""
        return permission in self.settings.allowed

    async def project(self, request: Request) -> BoardProject | None:
        """The project that the URL means; None if it is not on the board, or is left out."""
        document, wanted = await self.feed.document(), request.path_params["project"]
        found = shown_projects(document) if document else []
        return next((each for each in found if project_id(each["registry"]) == wanted), None)

    async def row(self, request: Request) -> BoardRow | None:
        """The agent that the URL means; None if there is none on the board."""
        document, project = await self.feed.document(), await self.project(request)
        if document is None or project is None:
            return None
        wanted = (project["registry"], request.path_params["address"])
        return next((row for row in document["agents"] if (row["registry"], row["address"]) == wanted), None)

    def html(self, request: Request, template: str, status: int = HTTPStatus.OK, **values: object) -> Response:
        """A page with what every page has."""
        browser, secret = self.jar.browser(request), self.jar.secret(request)
        common = {
            "who": browser.who if browser else "",
            "form": form_token(secret) if browser else "",
            "allowed": {str(each) for each in self.settings.allowed},
            "refresh": 0,
            "projects": self.feed.projects,
            "command": self.settings.place.command,
            **values,
        }
        return HTMLResponse(page(template, **common), status)

    def wrong(self, request: Request, status: int, said: str | ReconcilerError, back: str = "/") -> Response:
        """A page that says what is wrong, and what to type."""
        lines: Iterable[str] = failed(said).lines if isinstance(said, ReconcilerError) else [said]
        return self.html(request, "wrong.html", status, title="This did not work", lines=list(lines), back=back)

    def no_agent(self, request: Request) -> Response:
        """The page for an agent that is not on the board."""
        return self.wrong(request, HTTPStatus.NOT_FOUND, "There is no such agent on the board any more.")


def agent_url(what: str, key: AgentKey) -> str:
    """The URL of a page about an agent."""
    return f"/{what}/{place_of(key)}"
