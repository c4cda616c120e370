"""Permissions that nobody told of, seen on the screens of the agents of open jobs.

A model cannot say that it waits for a permission while it waits, and not every CLI has a hook that does. What a
hook tells is left to it: a dialog counts once it has stood there for two looks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from reconciler.agents.permission import Dialog
from reconciler.model.activity import Activity
from reconciler.model.delivery import DeliveryVerdict
from reconciler.model.errors import ReconcilerError
from reconciler.model.event_kind import EventKind
from reconciler.model.job import Job, JobStatus
from reconciler.ports.world import World

from .agent_state import Recipient, absence, observe_agent
from .dialogs import dialog_of
from .publish import Outcome, publish
from .recipient import HUMAN
from .record import Records, look

SCREEN = "screen"  # stands for the tool in the event of a permission that was seen
_AT_ONCE = 4  # agents that are looked at in one go, however many jobs are open
_PAUSE = 2.0  # seconds between two goes
_LATER = 30.0  # seconds until an agent is looked for again that could not be found: that takes long
_LINES, _WIDTH = 3, 60  # how much of what stands above the choices is told; the rest is for who answers


class DialogRecord(Struct, frozen=True):
    """What an agent asked at the last look and what was told of it, by digests; and whether that came on record."""

    shown: str = ""
    told: str = ""
    noted: bool = False


def judge_dialog(job: Job, shown: str, before: DialogRecord) -> tuple[DialogRecord, EventKind | None]:
    """What is known after a look that found this dialog, empty for none; and what is to be told of it. Pure."""
    noted = before.noted or bool(before.told and job.permission)
    if shown != before.shown:
        return replace(before, shown=shown, noted=noted), None
    if not shown:
        return DialogRecord(), EventKind.PROGRESS if before.told and job.permission else None
    if _is_news(job, shown, replace(before, noted=noted)):
        return DialogRecord(shown, told=shown), EventKind.PERMISSION_REQUIRED
    return replace(before, noted=noted), None


def _is_news(job: Job, shown: str, before: DialogRecord) -> bool:
    """What somebody else told of is theirs; what is on record no more was answered, and is asked once more."""
    if job.permission:
        return before.told not in {"", shown}
    return before.told != shown or before.noted


class WatchedAgent(NamedTuple):
    """The agent of a job, and the doors to it."""

    to: Recipient
    world: World


class PermissionWatcher:
    """Looks at the agents of open jobs, a few at a time, and publishes what they ask for, as a hook would.

    `find` gives the agent of a job, and raises ReconcilerError when there is none, or it cannot be told. What cannot
    be seen is not told, neither that it is there nor that it is gone.
    """

    def __init__(self, records: Records, find: Callable[[Job], WatchedAgent]) -> None:
        self._records = records
        self._find = find
        self._agents: dict[str, WatchedAgent] = {}
        self._not_before: dict[str, float] = {}
        self._dialogs: dict[str, DialogRecord] = {}
        self._turns: list[str] = []
        self._next = records.clock.monotonic() + _PAUSE

    def look(self, open_jobs: Collection[str]) -> None:
        """Look at those whose turn it is, unless the last look was a moment ago. Raises nothing of ours."""
        now = self._records.clock.monotonic()
        if now < self._next:
            return
        self._next = now + _PAUSE
        self._dialogs = {job: self._dialogs.get(job, DialogRecord()) for job in open_jobs}
        self._agents = {job: agent for job, agent in self._agents.items() if job in self._dialogs}
        self._not_before = {job: time for job, time in self._not_before.items() if time > now}
        self._turns = [job for job in self._turns if job in self._dialogs]
        self._turns += [job for job in open_jobs if job not in self._turns]
        turn, later = self._turns[:_AT_ONCE], self._turns[_AT_ONCE:]
        self._turns = later + turn
        for job_id in turn:
            with suppress(ReconcilerError, OSError):  # a folder may go while it is listed
                found = look(self._records, job_id)
                if not found.assumed("agent_session"):  # whoever runs there may be another job's agent
                    self._look_at(found.job)

    def _look_at(self, job: Job) -> None:
        """What could not be published is told at the next look."""
        if job.agent == HUMAN or not _may_ask(job):
            return
        agent = self._agent(job)
        if agent is None:
            return
        seen = observe_agent(agent.to, agent.world)
        if seen.pane is None:  # it may be started anew
            del self._agents[job.id]
            return
        if absence(seen, agent.to.profile) or seen.activity is Activity.UNKNOWN:
            return
        dialog = dialog_of(agent.to, seen)
        record, kind = judge_dialog(job, dialog.digest if dialog else "", self._dialogs[job.id])
        if kind is None or publish(self._records, job.id, kind, _detail(job, dialog)).outcome is not Outcome.FAILED:
            self._dialogs[job.id] = record

    def _agent(self, job: Job) -> WatchedAgent | None:
        now = self._records.clock.monotonic()
        if job.id not in self._agents and now >= self._not_before.get(job.id, 0.0):
            self._not_before[job.id] = now + _LATER
            self._agents[job.id] = self._find(job)
        return self._agents.get(job.id)


def _may_ask(job: Job) -> bool:
    """Whether its prompt may have arrived: the first thing that an agent does with it may need a permission."""
    is_unproved = (job.delivery or {}).get("verdict") == DeliveryVerdict.UNVERIFIED
    return job.status in {JobStatus.DELIVERED, JobStatus.RUNNING} or is_unproved


def _detail(job: Job, dialog: Dialog | None) -> str:
    """In the seed's form, TOOL:WHAT; the token goes before a line is cut within it."""
    if dialog is None:
        return "it asks no more"
    said = job.without_token("\n".join(dialog.asked)).split("\n")
    asked = (line if len(line) <= _WIDTH else f"{line[: _WIDTH - 1]}…" for line in said[-_LINES:])
    return f"{SCREEN}:{' / '.join(asked)}"
