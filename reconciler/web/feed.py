"""The board for all open streams: one look at the world, of which each stream sends what its browser lacks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import datetime
from threading import Thread

from msgspec import to_builtins

from reconciler.app.board.service import BoardService, key_of
from reconciler.render.board_words import labelled, projects_of, shown_projects
from reconciler.render.documents.board import BoardDoc

from .lines import BoardLines, LineMaker

_KEEPS_ALIVE = 15.0  # seconds between two messages at most; ages are also told then
_PAUSE = 0.25  # seconds between two messages at least
_INTEREST = 60.0  # seconds for which slow facts are looked up after a browser last asked for the board
_FIRST_LOOK = 10.0  # seconds
_CLOSES = 1.0  # seconds for a look that is under way
MOST_STREAMS = 64


class BoardFeed:
    """The newest document, for everyone who shows it. All methods but `start` are for the event loop."""

    def __init__(self, service: BoardService, now: Callable[[], datetime], maker: LineMaker) -> None:
        self._service, self._now, self._maker = service, now, maker
        self._document: BoardDoc | None = None
        self._version = 0
        self._changed, self._ended = asyncio.Event(), asyncio.Event()
        self._closing = Thread(target=service.close, daemon=True)
        self._wanted_until = 0.0
        self.closed = False
        self.streams = 0

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to look; documents come from other threads."""

        def hear(document: BoardDoc) -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._take, document)

        self._service.start(hear)

    def close(self) -> None:
        """End all streams, and stop looking."""
        self.closed = True
        self._ended.set()
        self._wake()
        self._closing.start()

    def wait_closed(self) -> None:
        """Wait until nothing looks any more; a look that hangs is not waited for. Not for the event loop."""
        if self._closing.is_alive():
            self._closing.join(_CLOSES)

    @property
    def projects(self) -> str:
        """Which projects are shown; empty before the first look."""
        return projects_of(self._document) if self._document else ""

    @property
    def several(self) -> bool:
        """Whether several projects are shown."""
        return self._document is not None and len(shown_projects(self._document)) > 1

    async def document(self) -> BoardDoc | None:
        """The newest document; after the start, the first one is waited for. None if there is none yet."""
        self._want()
        if self._document is None:
            await self._wait(0, _FIRST_LOOK)
        return self._document

    async def stream(self, wanted: str, is_let_in: Callable[[], bool]) -> AsyncIterator[bytes]:
        """Server-sent events (HTML Living Standard, 9.2): what differs from what was sent before."""
        self.streams += 1
        sent: dict[str, str] = {}
        order: list[str] = []
        head: tuple[str, ...] = ()
        try:
            yield b"retry: 1000\n\n"
            while not self.closed and is_let_in():
                version = self._version
                self._want()
                news: dict[str, object] = {}
                if self._document:
                    board = self._maker.board(self._document, self._now(), wanted)
                    news, sent, order, head = _news(board, sent, order, head)
                yield f"data: {json.dumps(news)}\n\n".encode() if news else b": still here\n\n"
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._ended.wait(), _PAUSE)
                await self._wait(version, _KEEPS_ALIVE)
        finally:
            self.streams -= 1

    # --- hearing ----------------------------------------------------------------------------------

    def _take(self, document: BoardDoc) -> None:
        self._document = labelled(document)
        self._version += 1
        self._choose()
        self._wake()

    def _wake(self) -> None:
        before, self._changed = self._changed, asyncio.Event()
        before.set()

    async def _wait(self, version: int, seconds: float) -> None:
        """Wait until there is a newer document than this version."""
        if self._version == version and not self.closed:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), seconds)

    def _want(self) -> None:
        """A browser asks for the board."""
        before, self._wanted_until = self._wanted_until, asyncio.get_running_loop().time() + _INTEREST
        if before < self._wanted_until - _INTEREST:
            self._choose()

    def _choose(self) -> None:
        """Have the slow facts of all agents looked up while a browser shows the board."""
        looked_at = self._document and asyncio.get_running_loop().time() < self._wanted_until
        self._service.show(map(key_of, self._document["agents"]) if self._document and looked_at else ())


def _news(
    board: BoardLines, sent: dict[str, str], order: list[str], head: tuple[str, ...]
) -> tuple[dict[str, object], dict[str, str], list[str], tuple[str, ...]]:
    """What a browser lacks, and what it has after that."""
    lines: dict[str, str] = {each.id: each.html for each in board.lines}
    changed = {id_: html for id_, html in lines.items() if sent.get(id_) != html}
    found = list(lines)
    now_head = (board.head, board.title, board.plans, repr(board.asks))
    news: dict[str, object] = {"lines": changed} if changed else {}
    if found != order:
        news["order"] = found
    if now_head != head:
        news |= {"head": board.head, "title": board.title, "plans": board.plans, "asks": to_builtins(board.asks)}
    return news, lines, found, now_head
