"""A board over made-up agents: `app` is played by a value that remembers what was asked of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event
from typing import Any

from textual.pilot import Pilot

from reconciler.agents.permission import Answer
from reconciler.app.board.actions import ActionResult, DialogToAnswer
from reconciler.app.board.attach import Attachment, AttachMethod
from reconciler.app.board.service import AgentKey
from reconciler.board.app import BoardApp
from reconciler.model.errors import ReconcilerError
from reconciler.render.documents.board import BoardDoc, BoardRow

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
FOLDER, REGISTRY = "/lab", "/lab/.hermes/agent-sessions.yaml"


def row(name: str, group: str = "idle", **other: Any) -> BoardRow:
    """An agent; `name` is workspace.agent."""
    workspace, _, agent = name.partition(".")
    states = {"needs_you": "waiting", "working": "busy", "idle": "idle", "running": "unknown"}
    made = {
        "host": "",
        "project": "lab",
        "folder": FOLDER,
        "registry": REGISTRY,
        "workspace": workspace,
        "agent": agent,
        "type": "claude",
        "address": f"agent.{name}",
        "session": f"{workspace}-creator-{agent}",
        "group": group,
        "status": "running" if group in states else "stopped",
        "live": "alive" if group in states else "gone",
        "state": states.get(group, ""),
        "state_since": "2026-11-30T11:55:00Z",
        "waits_for": "permission" if group == "needs_you" else None,
        "question": "Bash touch played Do you want to proceed?" if group == "needs_you" else None,
        "message": {"role": "assistant", "at": None, "text": f"said by {name}"},
        "work": {"branch": "main", "uncommitted": 1, "added": 12, "removed": 3},
        "job": None,
        "tokens_today": None,
        "conversation": None,
        "pid": None,
        "since": None,
        "shows_state": True,
        "note": "",
    }
    return {**made, **other}  # type: ignore[typeddict-item] # a row, by construction


def document(*rows: BoardRow, projects: Iterable[str] = ("lab",)) -> BoardDoc:
    there = {"host": "", "folder": FOLDER, "registry": REGISTRY, "diagnostics": [], "error": None}
    listed = [{"project": name, **there} for name in projects]
    return {"format_version": "1.0", "hosts": [], "projects": listed, "agents": list(rows), "diagnostics": []}


AGENTS = document(
    row("shop.builder", "needs_you"),
    row("shop.tester", "working"),
    row("blog.writer"),
    row("blog.old", "stopped"),
    row("blog.lost", "trouble", note="lost: apply starts it again"),
)
PLAN = {"change": 1}


@dataclass
class PlayedService:
    """Plays `app`. What is in `fails` is refused; `gate` holds up what is named `slow`."""

    shown: BoardDoc = field(default_factory=lambda: AGENTS)
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    visible: list[str] = field(default_factory=list)
    fails: dict[str, ReconcilerError] = field(default_factory=dict)
    slow: str = ""
    gate: Event = field(default_factory=Event)
    screen: list[str] = field(default_factory=lambda: ["> hello"])
    dialog_lines: tuple[str, ...] = ("Bash touch played", "Do you want to proceed?", "1. Yes", "4. No")
    way: AttachMethod = AttachMethod.POPUP
    closed: bool = False

    def start(self, report: Callable[[BoardDoc], None]) -> None:
        self.report = report
        report(self.shown)

    def close(self) -> None:
        self.closed = True

    def show(self, agents: Iterable[AgentKey]) -> None:
        self.visible = [key.name for key in agents]

    def look_again(self) -> None:
        self.asked.append(("look again",))

    def _note(self, what: str, *words: Any) -> None:
        self.asked.append((what, *words))
        if what == self.slow:
            assert self.gate.wait(60)
        if what in self.fails:
            raise self.fails[what]

    def peek(self, key: AgentKey) -> Any:
        self._note("peek", key.name)
        lines = [{"text": line, "coloured": line} for line in self.screen]
        return {"live": "alive", "address": key.address, "lines": lines}

    def last(self, key: AgentKey) -> Any:
        self._note("last", key.name)
        return {"cut": False, "address": key.address, "messages": [{"role": "user", "at": None, "text": "build it"}]}

    def diff(self, key: AgentKey) -> Any:
        self._note("diff", key.name)
        head = {"branch": "wt/shop", "against": None, "ahead": None, "behind": None, "folder": "/lab/shop"}
        return {**head, "uncommitted": [], "changed": [{"path": "a.py", "added": 7, "removed": 2}]}

    def dialog(self, key: AgentKey) -> Any:
        self._note("dialog", key.name)
        return DialogToAnswer("5d0c", self.dialog_lines)

    def attachment(self, key: AgentKey) -> Attachment:
        self._note("attachment", key.name)
        return Attachment(self.way, ("true",), "Ctrl-b d")

    def plan(self, key: AgentKey) -> Any:
        self._note("plan", key.registry)
        return {**PLAN, "resource_changes": [{"actions": ["create"]}]}

    def answer(self, key: AgentKey, request: str, choice: Answer) -> ActionResult:
        return self._done("answer", key.name, request, choice.value)

    def send(self, key: AgentKey, text: str) -> ActionResult:
        return self._done("send", key.name, text)

    def stop(self, key: AgentKey, _tell: Callable[[str], None]) -> ActionResult:
        return self._done("stop", key.name)

    def resume(self, key: AgentKey, _tell: Callable[[str], None]) -> ActionResult:
        return self._done("resume", key.name)

    def restart(self, key: AgentKey, _tell: Callable[[str], None]) -> ActionResult:
        return self._done("restart", key.name)

    def apply(self, key: AgentKey, plan: Any, tell: Callable[[str], None]) -> ActionResult:
        tell("on the way")
        return self._done("apply", key.registry, plan["change"])

    def _done(self, what: str, *words: Any) -> ActionResult:
        self._note(what, *words)
        return ActionResult(done=True, lines=(f"{what}: done",))


class Screen:
    """The board on a screen of a test."""

    def __init__(self, pilot: Pilot[None], service: PlayedService) -> None:
        self.pilot, self.service = pilot, service

    @property
    def lines(self) -> list[str]:
        strips = self.pilot.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip).rstrip() for strip in strips]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def selected(self) -> str:
        found = [line for line in self.pilot.app.screen._compositor.render_strips() if _is_selected(line)]
        return "".join(segment.text for segment in found[0]) if found else ""

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until something holds; it fails with the screen."""
        for _ in range(2000):
            if holds():
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"it never held; the screen:\n{self.text}")

    async def shows(self, text: str) -> None:
        await self.until(lambda: text in self.text)

    def did(self, *words: Any) -> bool:
        return words in self.service.asked


def _is_selected(strip: Iterable[Any]) -> bool:
    return any(segment.style and segment.style.reverse and len(segment.text) > 9 for segment in strip)  # no scrollbar


def on_board(
    story: Callable[[Screen], Awaitable[None]],
    service: PlayedService | None = None,
    size: tuple[int, int] = (80, 24),
    *,
    coloured: bool = True,
) -> PlayedService:
    """Show the board, and let the story happen on it."""
    played = service or PlayedService()

    async def happen() -> None:
        app = BoardApp(played, lambda: NOW, coloured=coloured)
        async with app.run_test(size=size) as pilot:
            screen = Screen(pilot, played)
            await screen.until(lambda: len(screen.lines) > 5)
            await story(screen)

    asyncio.run(happen())
    return played
