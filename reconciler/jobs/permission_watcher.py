"""Find permission dialogs on the screens of agents with open jobs, and publish events about them.

A model cannot report that it waits for a permission while it waits, and not every CLI has a hook that does. A dialog
counts only after two looks, so that a hook can report it first.
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

from .agent_state import Recipient, observe_agent, why_absent
from .dialogs import dialog_of
from .publish import Outcome, publish
from .recipient import HUMAN
from .record import Records, look

SCREEN = "screen"  # takes the place of the tool in the event: a screen does not name it reliably
_AT_ONCE = 4  # agents per round, however many jobs are open
_PAUSE = 2.0  # seconds between two rounds
_LATER = 30.0  # seconds until the next search for an agent that was not found: a search is slow
_LINES, _WIDTH = 3, 60  # how much of the text above the choices the event quotes; `job answer` shows all of it


class DialogRecord(Struct, frozen=True):
    """What is known of an agent's dialog between two looks."""

    shown: str = ""
    """Digest of the dialog at the last look; empty for none."""
    published: str = ""
    """Digest of the dialog that was published; empty for none."""
    is_on_record: bool = False
    """Whether the published request has reached the job's record."""


def judge_dialog(job: Job, shown: str, before: DialogRecord) -> tuple[DialogRecord, EventKind | None]:
    """Return what is known after a look, and the event to publish. `shown` is a digest, empty for no dialog. Pure."""
    is_on_record = before.is_on_record or bool(before.published and job.permission)
    if shown != before.shown:
        return replace(before, shown=shown, is_on_record=is_on_record), None
    if not shown:
        return DialogRecord(), EventKind.PROGRESS if before.published and job.permission else None
    if _must_publish(job, shown, replace(before, is_on_record=is_on_record)):
        return DialogRecord(shown, published=shown), EventKind.PERMISSION_REQUIRED
    return replace(before, is_on_record=is_on_record), None


def _must_publish(job: Job, shown: str, before: DialogRecord) -> bool:
    """Whether to publish the dialog.

    A pending request that we did not publish came from a hook, and stays. If our request was on record and no longer
    is, it was answered, so the same dialog is a new request.
    """
    if job.permission:
        return before.published not in {"", shown}
    return before.published != shown or before.is_on_record


class WatchedAgent(NamedTuple):
    """The agent of a job, and the ports to reach it."""

    to: Recipient
    world: World


class PermissionWatcher:
    """Looks at the agents of open jobs, a few at a time, and publishes their permission dialogs as a hook would.

    `find` returns the agent of a job, and raises ReconcilerError when there is none or it is uncertain. If a screen
    cannot be read, nothing is published.
    """

    def __init__(self, records: Records, find: Callable[[Job], WatchedAgent]) -> None:
        self._records = records
        self._find = find
        self._agents: dict[str, WatchedAgent] = {}
        self._not_before: dict[str, float] = {}
        self._dialogs: dict[str, DialogRecord] = {}
        self._queue: list[str] = []
        self._next_round = records.clock.monotonic() + _PAUSE

    def look(self, open_jobs: Collection[str]) -> None:
        """Look at the next few agents, at most once in `_PAUSE` seconds. Raises no ReconcilerError."""
        now = self._records.clock.monotonic()
        if now < self._next_round:
            return
        self._next_round = now + _PAUSE
        self._dialogs = {job: self._dialogs.get(job, DialogRecord()) for job in open_jobs}
        self._agents = {job: agent for job, agent in self._agents.items() if job in self._dialogs}
        self._not_before = {job: time for job, time in self._not_before.items() if time > now}
        self._queue = [job for job in self._queue if job in self._dialogs]
        self._queue += [job for job in open_jobs if job not in self._queue]
        turn, later = self._queue[:_AT_ONCE], self._queue[_AT_ONCE:]
        self._queue = later + turn
        for job_id in turn:
            with suppress(ReconcilerError, OSError):  # a folder may be deleted while it is listed
                found = look(self._records, job_id)
                if not found.assumed("agent_session"):  # the session is assumed, so another job's agent may run there
                    self._look_at(found.job)

    def _look_at(self, job: Job) -> None:
        """Look at one agent; a dialog that cannot be published now is published at a later look."""
        if job.agent == HUMAN or job.is_sent_away or not _may_ask(job):
            return
        agent = self._find_agent(job)
        if agent is None:
            return
        state = observe_agent(agent.to, agent.world)
        if state.pane is None:  # it may be started again in another pane
            del self._agents[job.id]
            return
        if why_absent(state, agent.to.profile) or state.activity is Activity.UNKNOWN:
            return
        dialog = dialog_of(agent.to, state)
        record, kind = judge_dialog(job, dialog.digest if dialog else "", self._dialogs[job.id])
        if kind is None or publish(self._records, job.id, kind, _detail(job, dialog)).outcome is not Outcome.FAILED:
            self._dialogs[job.id] = record

    def _find_agent(self, job: Job) -> WatchedAgent | None:
        now = self._records.clock.monotonic()
        if job.id not in self._agents and now >= self._not_before.get(job.id, 0.0):
            self._not_before[job.id] = now + _LATER
            self._agents[job.id] = self._find(job)
        return self._agents.get(job.id)


def _may_ask(job: Job) -> bool:
    """Whether the job's prompt may have arrived. Even an agent's first action may need a permission."""
    is_unproved = (job.delivery or {}).get("verdict") == DeliveryVerdict.UNVERIFIED
    return job.status in {JobStatus.DELIVERED, JobStatus.RUNNING} or is_unproved


def _detail(job: Job, dialog: Dialog | None) -> str:
    """The event's detail as TOOL:WHAT. The token is removed before lines are cut, which could split it."""
    if dialog is None:
        return "the dialog is closed"
    said = job.without_token("\n".join(dialog.asked)).split("\n")
    asked = (line if len(line) <= _WIDTH else f"{line[: _WIDTH - 1]}…" for line in said[-_LINES:])
    return f"{SCREEN}:{' / '.join(asked)}"
