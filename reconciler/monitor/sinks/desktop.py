"""Notify the user at this machine when an agent waits for a permission or has died."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import TextIO

from reconciler.model.activity import Activity
from reconciler.model.drift_class import DriftClass
from reconciler.model.errors import ReconcilerError
from reconciler.model.harmless import one_line
from reconciler.model.observed import Present
from reconciler.model.watch import Pass
from reconciler.monitor.sink import Sink
from reconciler.ports import programs
from reconciler.ports.world import Processes
from reconciler.render.monitor import sentence
from reconciler.render.output import ring, write_lines

from .context import SinkContext

_PROGRAM = "notify-send"
_SECONDS = 10.0
_DIED = frozenset({DriftClass.SESSION_GONE, DriftClass.AGENT_EXITED})
_TOLD = _DIED | {DriftClass.BUDGET_USED}


class Desktop:
    """Shows notifications with notify-send; if that is missing or fails, it rings the bell and prints a line."""

    name = "--notify"

    def __init__(self, processes: Processes, env: Mapping[str, str], terminal: TextIO) -> None:
        self._processes = processes
        self._env = env
        self._terminal = terminal
        self._waiting: frozenset[str] = frozenset()

    def tell(self, seen: Pass) -> str:
        """Show one notification per change."""
        waiting = self._waiting if seen.blind else _asking(seen)
        began, self._waiting = waiting - self._waiting, waiting
        for text in (*_deaths(seen), *(f"{session} waits for a permission." for session in sorted(began))):
            self._say(one_line(text))
        return ""

    def close(self) -> None:
        """Do nothing: notifications are not withdrawn."""

    def _say(self, text: str) -> None:
        if not self._notified(text):
            ring(self._terminal)
            write_lines(self._terminal, [text])
            self._terminal.flush()

    def _notified(self, text: str) -> bool:
        found = self._processes.find(_PROGRAM, self._env.get("PATH", ""))
        if not isinstance(found, Present):
            return False
        # the body is markup (Desktop Notifications Specification 1.2, chapter 3)
        argv = (found.value, "--app-name=reconciler", "--", "reconciler", html.escape(text, quote=False))
        try:
            return programs.run(argv, self._env, seconds=_SECONDS).code == 0
        except ReconcilerError:
            return False


def _asking(seen: Pass) -> frozenset[str]:
    return frozenset(agent.session for agent in seen.agents if agent.activity is Activity.WAITING)


def _deaths(seen: Pass) -> Iterator[str]:
    yield from (sentence(each) for each in seen.news if each.drift.kind in _TOLD)


def sink(_words: str, context: SinkContext) -> Sink:
    """`--notify`."""
    return Desktop(context.processes, context.env, context.err)
