"""The board: what its first paint costs, how soon it answers a key, and what it costs while agents change or rest.

python bench/board.py    # these figures alone
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import statistics
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from select import select
from threading import Thread

from lab import Lab, lab
from measure import Row

from reconciler.app.board.members import GivenProjects
from reconciler.app.board.watch import LiveBoard
from reconciler.app.project.project import find_project
from reconciler.board.app import BoardApp, run_board
from reconciler.ports.clock import RealClock
from reconciler.render.documents.board import BoardDoc, BoardRow
from reconciler.web.feed import BoardFeed
from reconciler.web.lines import LineMaker

_CLOCK = RealClock()
_MANY, _CHANGING = 1000, 10
_SECONDS = 10
_KEYS = 40
_PAGES = 10
_PAINTS = 5  # in turn, without and with agents
_STATES = ("working", "idle", "needs_you")


class _FixedBoard:
    """Stands for `app` in the benchmark of the face: it reports what it is told to, and looks at nothing."""

    def __init__(self, document: BoardDoc) -> None:
        self._document = document
        self.report: Callable[[BoardDoc], None] = lambda _document: None

    def start(self, report: Callable[[BoardDoc], None]) -> None:
        self.report = report
        report(self._document)

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_words: None


def _document(agents: int, turn: int = 0) -> BoardDoc:
    rows = [_row(number, turn) for number in range(agents)]
    return {
        "format_version": "1.0",
        "projects": [{"project": "lab", "folder": "/lab", "registry": "/lab/r", "diagnostics": [], "error": None}],
        "agents": rows,
        "diagnostics": [],
    }


def _row(number: int, turn: int) -> BoardRow:
    changes = number % 100 == 0  # ten of a thousand
    return {
        "project": "lab",
        "folder": "/lab",
        "registry": "/lab/r",
        "workspace": f"ws{number // 10}",
        "agent": f"a{number % 10}",
        "type": "claude",
        "address": f"agent.ws{number // 10}.a{number % 10}",
        "session": f"ws{number // 10}-creator-a{number % 10}",
        "group": "working",
        "status": "running",
        "live": "alive",
        "state": "busy",
        "state_since": "2026-01-01T00:00:00Z",
        "waits_for": None,
        "question": None,
        "message": {"role": "assistant", "at": None, "text": f"step {turn if changes else 0} of the work"},
        "work": {"branch": "main", "uncommitted": 3, "added": 120, "removed": 4},
        "job": None,
        "conversation": None,
        "pid": None,
        "since": None,
        "shows_state": True,
        "tokens_today": 1_000_000 + 1000 * number + (turn if changes else 0),
        "note": "",
    }


def _now() -> datetime:
    return datetime(2026, 1, 1, 1, tzinfo=UTC)


async def _share(agents: int) -> float:
    """CPU seconds of the face for each second in which ten agents change."""
    service = _FixedBoard(_document(agents))
    app = BoardApp(service, _now)  # type: ignore[arg-type] # it stands in for the service
    async with app.run_test(size=(160, 50)) as pilot:
        await pilot.pause()
        documents = [_document(agents, turn) for turn in range(_SECONDS)]
        began = time.process_time()
        for document in documents:
            service.report(document)
            await asyncio.sleep(1)
        return (time.process_time() - began) / _SECONDS


def _show_fixed(agents: int) -> None:
    """The board in this terminal; ten of its agents change each second."""
    service = _FixedBoard(_document(agents))
    documents = [_document(agents, turn) for turn in range(60)]

    def change() -> None:
        for document in documents:
            _CLOCK.wait(1)
            service.report(document)

    Thread(target=change, daemon=True).start()
    run_board(service, _now)  # type: ignore[arg-type] # as above


def _key(agents: int) -> float:
    """Seconds from a key to what it changes on the terminal, in the median, while ten agents change each second."""
    child, terminal = pty.fork()
    if child == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
        os.environ["TERM"] = "xterm-256color"
        _show_fixed(agents)
        os._exit(0)
    shown = b""
    while b"of the work" not in shown:  # only then the terminal echoes no keys any more
        shown += os.read(terminal, 1 << 16)
    _quiet(terminal, 0.3)
    times = []
    for _ in range(_KEYS):
        began = time.perf_counter()
        os.write(terminal, b"j")
        os.read(terminal, 1 << 16)
        times.append(time.perf_counter() - began)
        _quiet(terminal, 0.1)
    os.write(terminal, b"q")
    with suppress(OSError):  # it has closed the terminal
        while os.read(terminal, 1 << 16):
            pass
    os.waitpid(child, 0)
    return statistics.median(times)


def _quiet(terminal: int, seconds: float) -> None:
    """Read until nothing comes for so long."""
    while select([terminal], [], [], seconds)[0]:
        os.read(terminal, 1 << 16)


def _first_paint(place: Lab) -> float:
    """CPU seconds of a board in a real terminal and its children, from its start until it has painted its agents."""
    code = (
        "import os, sys; from reconciler.board import app; "
        "show = app.BoardApp._rearrange; "
        "app.BoardApp._rearrange = lambda self: (show(self), self.call_after_refresh(self.exit)); "
        "from reconciler.__main__ import main; sys.argv = ['reconciler', 'board']; main()"
    )
    words = ["script", "-qec", f'{sys.executable} -c "{code}"', "/dev/null"]
    environment = {**place.env(), "TERM": "xterm-256color"}
    child = subprocess.Popen(
        words, env=environment, cwd=place.root, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
    )
    _pid, _status, usage = os.wait4(child.pid, 0)
    return usage.ru_utime + usage.ru_stime


def _resting(place: Lab, seconds: float) -> float:
    """CPU seconds of a live board without a face, its children included, for each second without changes."""
    at = find_project(place.root, "")
    board = LiveBoard(GivenProjects([at]), lambda _document: None)
    board.start()
    _CLOCK.wait(5)
    before = sum(os.times()[:4])
    _CLOCK.wait(seconds)
    used = sum(os.times()[:4]) - before
    board.close()
    return used / seconds


async def _streams(agents: int) -> tuple[float, float]:
    """CPU seconds of all streams of the page, and bytes of one, for each second in which ten agents change."""
    service = _FixedBoard(_document(agents))
    feed = BoardFeed(service, _now, LineMaker(can_answer=True))  # type: ignore[arg-type] # as above
    feed.start(asyncio.get_running_loop())
    sent = 0

    async def read(has_lines: asyncio.Event) -> None:
        nonlocal sent
        async for message in feed.stream("", lambda: True):
            sent += len(message)
            has_lines.set()

    pages = [asyncio.Event() for _ in range(_PAGES)]
    readers = [asyncio.ensure_future(read(page)) for page in pages]
    await asyncio.gather(*(page.wait() for page in pages))
    documents = [_document(agents, turn) for turn in range(1, _SECONDS + 1)]
    began, sent = time.process_time(), 0
    for document in documents:
        service.report(document)
        await asyncio.sleep(1)
    used = time.process_time() - began
    feed.close()
    await asyncio.gather(*readers)
    return used / _SECONDS, sent / _SECONDS / _PAGES


def rows() -> Iterator[Row]:
    """All figures, in the order of the table."""
    key = f"{1000 * _key(_MANY):.0f} ms"
    yield Row(f"board: a key, {_MANY} agents, {_CHANGING} change each second", key, budget="50 ms")
    share = asyncio.run(_share(_MANY))
    yield Row(
        f"board: {_CHANGING} of {_MANY} agents change each second", f"{100 * share:.1f} % of one core", budget="3 %"
    )
    stream, size = asyncio.run(_streams(_MANY))
    yield Row(
        f"page: {_PAGES} open pages, {_CHANGING} of {_MANY} agents change each second",
        f"{100 * stream:.1f} % of one core",
    )
    yield Row("page: what each of them is sent", f"{size / 1024:.1f} KiB/s")
    with lab() as empty, lab() as full:
        empty.declare(0)
        full.declare(_MANY)
        full.reconciler("apply", "--auto-approve", "--parallelism", "0")
        pairs = [(_first_paint(empty), _first_paint(full)) for _ in range(_PAINTS)]
        rest = _resting(full, 60)
    alone, many = (statistics.median(each) for each in zip(*pairs, strict=True))
    ratio = statistics.median(filled / bare for bare, filled in pairs)
    yield Row("board: CPU until the first paint, no agents: the limit", f"{alone:.2f} s")
    paint = f"board: CPU until the first paint, {_MANY} agents"
    yield Row(paint, f"{many:.2f} s", f"{ratio:.1f} x", "2 x")
    yield Row(f"board: looking while nothing changes, {_MANY} agents", f"{100 * rest:.2f} % of one core", budget="1 %")


if __name__ == "__main__":
    for row in rows():
        print(f"{row.what}: {row.measured}{f'  (budget {row.budget})' if row.budget else ''}", flush=True)
