"""A card on a Hermes Kanban board: drifts become comments, and a user's comment ends the monitor.

Observed with hermes-agent 0.19.0: every command exits with 0, even if it failed, so only its output shows
success; heartbeats are accepted only for a running card; `block` repeats its reason as a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypedDict, cast

from reconciler.model.address import is_name
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.moment import from_unix
from reconciler.model.read_json import read_json
from reconciler.model.redacted import Redacted
from reconciler.model.watch import Notice, Pass
from reconciler.monitor.sink import Sink, SinkFailed
from reconciler.ports import programs
from reconciler.ports.world import Clock
from reconciler.render.monitor import notice_text

from .context import SinkContext, program

AUTHOR = "reconciler-monitor"
_LOOK = 30.0  # seconds between two looks at the card: each starts a program
_HEARTBEAT = 300.0
_SECONDS = 60.0
_BLOCKABLE = {"ready", "running"}  # a card in another status is not being worked on
_LINES = 100  # drifts in one comment, which is one argument of a command line and so limited
_REASON = "stop-requested by user"
_HINT = "The monitor continues. To end it, comment `stop` on a line of its own."
_STOP = re.compile(r"(please,? )?stop( monitoring)?(,? please)?[.!]*", re.IGNORECASE)
_MENTIONED = re.compile(r"\bstop(s|ped|ping)?\b", re.IGNORECASE)


class Comment(TypedDict):
    """One comment, as `show --json` has it; `created_at` is Unix time in seconds."""

    author: str
    body: str
    created_at: int


class Hermes(Redacted, frozen=True):
    """The program `hermes`, and the card that it is asked about."""

    program: str
    task: str
    env: Mapping[str, str]

    def show(self) -> tuple[str, tuple[Comment, ...]]:
        """The status of the card, and its comments, oldest first."""
        said = self._run("show", self.task, "--json")
        try:
            document = cast(dict[str, Any], read_json(said))
            return document["task"]["status"], tuple(document["comments"])
        except (ValueError, LookupError, TypeError) as error:
            raise SinkFailed(f"hermes cannot show card {self.task}") from error

    def comment(self, text: str) -> None:
        """Add a comment with our author name."""
        self._tell("Comment added", "comment", self.task, text, "--author", AUTHOR)

    def heartbeat(self, note: str) -> None:
        """Report that the work on the card continues."""
        self._tell("Heartbeat recorded", "heartbeat", self.task, "--note", note)

    def block(self, reason: str) -> None:
        """Set the card to blocked."""
        self._tell("Blocked", "block", self.task, reason)

    def _tell(self, success: str, *words: str) -> None:
        if not self._run(*words).lstrip().startswith(success):
            raise SinkFailed(f"hermes kanban {words[0]} did not confirm the change")

    def _run(self, *words: str) -> str:
        try:
            done = programs.run((self.program, "kanban", *words), self.env, seconds=_SECONDS)
        except ReconcilerError as error:
            raise SinkFailed(error.summary) from error
        if done.code or not done.output.strip():
            raise SinkFailed(f"hermes kanban {words[0]} failed", detail=done.complaints.strip()[-300:])
        return done.output


class Card:
    """Comments the changes of a pass, and sends a heartbeat every five minutes; a comment `stop` ends the monitor."""

    def __init__(self, hermes: Hermes, clock: Clock) -> None:
        self.name = f"card {hermes.task}"
        self._hermes = hermes
        self._clock = clock
        self._next_look = clock.monotonic()
        self._next_heartbeat = clock.monotonic()
        self._count = 0
        self._last = "never"
        self._told: tuple[Notice, ...] = ()

    def tell(self, seen: Pass) -> str:
        """Look at the card, then comment. After a failure it is done again, but no comment is added twice."""
        if self._clock.monotonic() >= self._next_look:
            status, comments = self._hermes.show()
            if asked := stop_request(comments):
                self._comment(seen)
                return self._end(status, asked)
            if asks_in_a_sentence(comments):
                self._hermes.comment(_HINT)
            self._beat(status)
            self._next_look = self._clock.monotonic() + _LOOK
        self._comment(seen)
        return ""

    def close(self) -> None:
        """Keep the card's status: another monitor may continue."""

    def _comment(self, seen: Pass) -> None:
        news = tuple(each for each in seen.news if each not in self._told)
        if news:
            self._hermes.comment(_text(news))
            self._count += len(news)
            self._last, self._told = seen.at, seen.news

    def _beat(self, status: str) -> None:
        if status == "running" and self._clock.monotonic() >= self._next_heartbeat:
            self._hermes.heartbeat(f"alive, {self._count} drifts detected, last at {self._last}")
            self._next_heartbeat = self._clock.monotonic() + _HEARTBEAT

    def _end(self, status: str, asked: Comment) -> str:
        reason = f"{_REASON} at {from_unix(asked['created_at'])}"
        if status in _BLOCKABLE:
            self._hermes.block(reason)
        return reason


def stop_request(comments: Iterable[Comment]) -> Comment | None:
    """The first open comment of another author with a line that says `stop` or `stop monitoring`, if there is one.

    Requests from before the card was blocked for them are done: a reopened card can be watched again.
    """
    asked = None
    for comment in comments:
        if comment["body"].startswith(f"BLOCKED: {_REASON}"):
            asked = None
        elif asked is None and comment["author"] != AUTHOR and _says_stop(comment["body"]):
            asked = comment
    return asked


def asks_in_a_sentence(comments: Iterable[Comment]) -> bool:
    """Whether another author mentioned a stop in a sentence and did not get our hint yet."""
    open_ = False
    for comment in comments:
        if comment["author"] == AUTHOR:
            open_ = open_ and comment["body"] != _HINT
        elif comment["body"].startswith("BLOCKED: "):
            open_ = False
        else:
            open_ = open_ or _MENTIONED.search(comment["body"]) is not None
    return open_


def _says_stop(body: str) -> bool:
    return any(_STOP.fullmatch(" ".join(line.split())) for line in body.splitlines())


def _text(news: tuple[Notice, ...]) -> str:
    lines = [notice_text(each) for each in news[:_LINES]]
    rest = len(news) - _LINES
    return "\n".join([*lines, f"and {rest} more: `reconciler drift`"] if rest > 0 else lines)


def sink(task: str, context: SinkContext) -> Sink:
    """Make the sink `--card TASK`. Raises UsageError if it is not a card id, or if hermes is not installed."""
    if not is_name(task):
        raise UsageError(f"{task!r} is not a card id", fix="use an id from `hermes kanban list`, such as t_1a2b3c4d")
    return Card(Hermes(program("hermes", context), task, context.env), context.clock)
