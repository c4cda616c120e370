"""A site over a made-up board, asked without a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from starlette.testclient import TestClient

from reconciler.agents.permission import Answer
from reconciler.app.board.actions import ActionResult, DialogToAnswer, Tell
from reconciler.app.board.service import AgentKey
from reconciler.app.project.project import find_project
from reconciler.ports.clock import RealClock
from reconciler.web.bind import bind_address
from reconciler.web.browsers import form_token
from reconciler.web.lines import project_id
from reconciler.web.permission import WebPermission
from reconciler.web.routes import application, site_for
from reconciler.web.settings import WebSettings, place_of_project
from reconciler.web.site import Site

PORT = 8737
BASE = f"http://127.0.0.1:{PORT}"
OWN = {"Origin": BASE, "Sec-Fetch-Site": "same-origin"}
EVERYTHING = frozenset(WebPermission)


def registry_in(folder: str) -> str:
    """The usual registry of the project in a folder."""
    return f"{folder}/.hermes/agent-sessions.yaml"


def project_in(folder: str) -> str:
    """The part of a URL that means that project."""
    return project_id(registry_in(folder))


def row(folder: str, agent: str = "claude", **more: object) -> dict[str, Any]:
    """An agent that rests."""
    return {
        "host": "", "project": "lab", "folder": folder, "workspace": "shop", "agent": agent, "type": "claude",
        "address": f"agent.shop.{agent}", "session": f"shop-creator-{agent}", "group": "idle", "status": "running",
        "live": "alive", "state": "idle", "state_since": None, "waits_for": None, "question": None, "message": None,
        "work": None, "job": None, "note": "", "registry": registry_in(folder), "tokens_today": None, **more,
    }  # fmt: skip


def asking(folder: str, agent: str = "asker", **more: object) -> dict[str, Any]:
    """An agent that asks for a permission."""
    asks = {"group": "needs_you", "state": "waiting", "waits_for": "permission", "question": "Proceed?"}
    return row(folder, agent, **{**asks, **more})


class PlayedService:
    """Stands in for the board of `app`; notes what it is told to do."""

    def __init__(self, folder: str, rows: Iterable[dict[str, Any]]) -> None:
        self.folder, self.rows = folder, list(rows)
        self.report: Callable[[Any], None] = lambda _document: None
        self.started, self.peeks = 0, 0
        self.shown: list[set[str]] = []
        self.done: list[tuple[object, ...]] = []
        self.where: list[str] = []
        """The registries of the projects in which something was done."""
        self.left_out: list[dict[str, Any]] = []
        self.texts = {"screen": "a screen", "message": "a message", "dialog": "Proceed?", "diff": "main"}
        self.digest = "d1"

    @property
    def document(self) -> Any:
        own = (registry_in(self.folder), "lab", self.folder)
        found = dict.fromkeys([own, *((each["registry"], each["project"], each["folder"]) for each in self.rows)])
        projects = [
            {"host": "", "project": name, "folder": folder, "registry": registry, "error": None, "diagnostics": []}
            for registry, name, folder in found
        ]
        return {
            "format_version": "1.0", "hosts": [], "projects": [*projects, *self.left_out],
            "agents": [dict(each) for each in self.rows], "diagnostics": [],
        }  # fmt: skip

    def start(self, report: Callable[[Any], None]) -> None:
        self.started += 1
        self.report = report
        report(self.document)

    def close(self) -> None:
        self.report = lambda _document: None

    def show(self, keys: Iterable[AgentKey]) -> None:
        self.shown.append({key.address for key in keys})

    def look_again(self) -> None:
        pass

    def peek(self, key: AgentKey) -> Any:
        self.peeks += 1
        line = {"text": self.texts["screen"], "coloured": self.texts["screen"]}
        return {"address": key.address, "session": "s", "live": "alive", "title": "", "lines": [line]}

    def last(self, key: AgentKey) -> Any:
        message = {"role": "assistant", "at": None, "text": self.texts["message"]}
        return {"address": key.address, "messages": [message], "cut": False, "path": None, "conversation": None}

    def diff(self, key: AgentKey) -> Any:
        return {
            "address": key.address, "folder": "/w", "branch": self.texts["diff"], "against": None, "ahead": None,
            "behind": None, "uncommitted": [], "changed": [],
        }  # fmt: skip

    def dialog(self, _key: AgentKey) -> DialogToAnswer:
        return DialogToAnswer("req1", (self.texts["dialog"], "1. Yes"))

    def plan(self, _key: AgentKey) -> Any:
        change = json.loads(PLAN.read_text("utf-8"))
        return {**change, "digest": self.digest}

    def answer(self, key: AgentKey, request: str, choice: Answer) -> ActionResult:
        return self._did(key.registry, "answer", key.address, request, choice.value)

    def send(self, key: AgentKey, text: str) -> ActionResult:
        return self._did(key.registry, "send", key.address, text)

    def stop(self, key: AgentKey, tell: Tell) -> ActionResult:
        tell("Stopping")
        return self._did(key.registry, "stop", key.address)

    def resume(self, key: AgentKey, _tell: Tell) -> ActionResult:
        return self._did(key.registry, "resume", key.address)

    def apply(self, key: AgentKey, plan: Any, _tell: Tell) -> ActionResult:
        return self._did(key.registry, "apply", plan["digest"])

    def _did(self, registry: str, *what: object) -> ActionResult:
        self.where.append(registry)
        self.done.append(what)
        return ActionResult(done=True, lines=("it is done",))


PLAN = Path(__file__).parents[1] / "render" / "golden" / "every-symbol.json"


class SteppedClock(RealClock):
    """Measures no time unless it is moved."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


class Visit:
    """A browser without script: it keeps cookies, and sends forms as a browser does."""

    def __init__(self, client: TestClient, site: Site, service: PlayedService) -> None:
        self.client, self.site, self.service = client, site, service

    def let_in(self) -> Visit:
        """Open the link."""
        done = self.client.get(f"/open?token={self.site.browsers.new_link()}")
        assert done.status_code == 200
        return self

    def post(self, path: str, headers: dict[str, str] | None = None, **fields: str) -> Any:
        """Send a form as it is on our pages."""
        return self.client.post(path, data={"form": self.form, **fields}, headers=OWN if headers is None else headers)

    @property
    def form(self) -> str:
        secret = self.client.cookies.get(self.site.jar.name)
        return form_token(secret) if secret else ""

    @property
    def folder(self) -> Path:
        return Path(self.site.settings.folder)

    def trail(self, name: str = "audit.jsonl") -> list[dict[str, str]]:
        """The lines of a log."""
        path = self.folder / name
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@contextmanager
def visited(
    root: Path, rows: Iterable[dict[str, Any]], allowed: frozenset[WebPermission] = frozenset(), **settings: object
) -> Iterator[Visit]:
    """A browser at a site; it is not let in yet."""
    place, names = place_of_project(find_project(str(root), "")), ("127.0.0.1", "localhost", "::1")
    made = WebSettings(place, bind_address(f"127.0.0.1:{PORT}"), names, allowed, {}, clock=SteppedClock())
    service = PlayedService(str(root), rows)
    site = site_for(replace(made, **settings), service)  # type: ignore[arg-type] # what pages ask of it
    app = application(site, PORT)
    with TestClient(app, base_url=BASE, follow_redirects=False, client=("127.0.0.1", 50000)) as client:
        portal = client.portal
        assert portal
        portal.call(lambda: site.feed.start(asyncio.get_running_loop()))
        yield Visit(client, site, service)
        portal.call(site.feed.close)
