"""The work of apply and destroy: lock, plan, ask, walk, record, tell."""

from __future__ import annotations

import json
import os
import signal
import sys
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from reconciler import __version__
from reconciler.apply import Patience, Run, apply
from reconciler.model.action import Action
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.errors import ReconcilerError, StalePlan, UsageError
from reconciler.model.event import (
    ActionDone,
    ActionFailed,
    ActionSkipped,
    ActionStarted,
    ActionWaiting,
    Checkpoint,
    Told,
)
from reconciler.model.plan import Mode, Plan
from reconciler.plan.guard import too_many_endings
from reconciler.render.document import diagnostic_document, plan_document
from reconciler.render.edits import edit_document, edit_text
from reconciler.render.events import event_document, event_text, progress_text
from reconciler.render.shape import EVENTS_VERSION, PlanDoc
from reconciler.render.terminal import progress, show
from reconciler.render.text import apply_summary, diagnostic_text, plan_text
from reconciler.state.history import Entry, append
from reconciler.state.lock import hold
from reconciler.state.registry import commit

from . import wire
from .asking import approved, somebody_is_there
from .editing import going_on, write_manifests
from .options import ExitCode
from .planning import refusal_code

_COUNTED = {
    "create": ("added",),
    "resume": ("added",),
    "replace": ("added", "destroyed"),
    "update": ("changed",),
    "delete": ("destroyed",),
    "import": ("imported",),
    "forget": ("forgotten",),
}


@dataclass(frozen=True, slots=True)
class Manner:
    """How the work is approved and shown, and how far it may go."""

    auto_approve: bool = False
    as_json: bool = False
    full: bool = False
    may_ask: bool = True
    max_destroy: int | None = None
    parallelism: int = 0
    lock_timeout: float = 0
    patience: Patience = field(default_factory=Patience)


@dataclass(slots=True)
class _Tally:
    """What has come of the work so far."""

    counts: Counter[str] = field(default_factory=Counter)
    remaining: list[str] = field(default_factory=list)

    def add(self, event: Told) -> None:
        """Count one event."""
        match event:
            case ActionDone(verb=verb):
                self.counts.update(("done", *_COUNTED.get(verb.value, ())))
            case ActionFailed(address=address):
                self.counts["failed"] += 1
                self.remaining.append(str(address))
            case ActionSkipped(address=address):
                self.counts["skipped"] += 1
                self.remaining.append(str(address))
            case ActionStarted() | ActionWaiting():
                pass


@dataclass(slots=True)
class _Teller:
    """Everything that is said: JSON lines, or text with a progress display on standard error."""

    at: wire.Project
    as_json: bool
    sequence: int = 0

    def line(self, **body: object) -> None:
        """Print one JSON line."""
        head = {"sequence": self.sequence, "timestamp": self.timestamp()}
        self.sequence += 1
        if self.as_json:
            self._show([json.dumps({**body, **head})])

    def timestamp(self) -> str:
        """Now, in UTC, with milliseconds."""
        return self.at.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def text(self, lines: Iterable[str]) -> None:
        """Print lines, unless JSON is asked for."""
        if not self.as_json:
            self._show(lines)

    def _show(self, lines: Iterable[str]) -> None:
        """Whoever reads may leave at any time; the work goes on without them."""
        try:
            show(lines, sys.stdout, {} if self.as_json else self.at.env)
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def note(self, text: str) -> None:
        """Say something that is no result."""
        show([text], sys.stderr, self.at.env)


def work(at: wire.Project, request: wire.Request, manner: Manner, saved: PlanDoc | None = None) -> int:
    """Do what the request, or the saved plan, asks; the exit code says how far it came."""
    if not (manner.auto_approve or saved or _can_ask(manner)):
        raise UsageError("there is nobody to ask", fix="say --auto-approve, or apply a saved plan")
    teller = _Teller(at, manner.as_json)
    teller.line(type="version", tool_version=__version__, format_version=EVENTS_VERSION)
    try:
        return _work(at, request, manner, saved, teller)
    except ReconcilerError as error:
        if not manner.as_json:
            raise
        for diagnostic in error.diagnostics:
            teller.line(type="diagnostic", diagnostic=diagnostic_document(diagnostic))
        _summarise(teller, _Tally(), error.exit_code)
        return error.exit_code


def _work(at: wire.Project, request: wire.Request, manner: Manner, saved: PlanDoc | None, teller: _Teller) -> int:
    with hold(at.lock, "destroy" if request.mode is Mode.DESTROY else "apply", manner.lock_timeout) as held:
        if held.note:
            teller.note(f"Note: {held.note}")
        planned = wire.make_plan(at, request, lineage=uuid.uuid4().hex)
        document = plan_document(planned.plan, request.document())
        if saved is not None:
            _check_fresh(saved, document)
        teller.line(type="plan", plan=document)
        teller.text(plan_text(document, full=manner.full))
        for edit in request.edits:
            told = edit_document(edit.address, edit.place, edit.new)
            teller.line(type="manifest_edit", **told)
            teller.text(["", *edit_text(told)])
        return _after_plan(at, planned, manner, teller, asks=saved is None)


def _can_ask(manner: Manner) -> bool:
    return manner.may_ask and not manner.as_json and somebody_is_there()


def _check_fresh(saved: PlanDoc, now: PlanDoc) -> None:
    """A saved plan is applied only while everything that it rests on is as it was."""
    if saved["digest"] == now["digest"]:
        return
    if (saved["lineage"], saved["serial"]) != (now["lineage"], now["serial"]):
        detail = f"the registry has changed (serial {saved['serial']} then, {now['serial']} now)"
    elif saved["manifest_digest"] != now["manifest_digest"]:
        detail = "the manifests have changed"
    else:
        detail = "live sessions, folders or conversations have changed"
    raise StalePlan("the saved plan is stale", detail=detail, fix="plan again, look at it, and apply that")


def _after_plan(at: wire.Project, planned: wire.Planned, manner: Manner, teller: _Teller, *, asks: bool) -> int:
    plan = planned.plan
    guard = too_many_endings(plan, planned.stored.record, manner.max_destroy)
    if plan.errors or guard:
        return _refuse(plan, guard, teller)
    edits = planned.request.edits
    if not plan.pending and not plan.found and not edits:
        wire.remember_looks(at, planned.loaded)
        _summarise(teller, _Tally(), ExitCode.OK)
        return ExitCode.OK
    if (plan.pending or edits) and asks and not manner.auto_approve and not approved():
        teller.text(["Nothing was done."])
        return ExitCode.ERROR
    with _edited(at, edits, teller) as unfinished:
        tally, interrupted = _walk(at, planned, manner, teller)
        wire.remember_looks(at, planned.loaded)
        code = _conclude(plan, tally, teller, interrupted=interrupted)
        if code == ExitCode.OK:
            unfinished.clear()
        return code


@contextmanager
def _edited(at: wire.Project, edits: Iterable[wire.Edit], teller: _Teller) -> Iterator[list[str]]:
    """Write the manifests; what they say now is told at the end, unless the block has cleared it."""
    write_manifests(at, edits)
    unfinished = [going_on(edit) for edit in edits]
    try:
        yield unfinished
    finally:
        for sentence in unfinished:
            teller.note(sentence)


def _refuse(plan: Plan, guard: Diagnostic | None, teller: _Teller) -> int:
    errors = (*plan.errors, *((guard,) if guard else ()))
    if guard:
        said = diagnostic_document(guard)
        teller.line(type="diagnostic", diagnostic=said)
        teller.text(["", *diagnostic_text(said)])
    code = refusal_code(errors)
    _summarise(teller, _Tally(remaining=[str(action.address) for action in plan.pending]), code)
    return code


def _walk(at: wire.Project, planned: wire.Planned, manner: Manner, teller: _Teller) -> tuple[_Tally, bool]:
    """Take the events of the walk one by one: save, then count and tell."""
    tally, stored = _Tally(), planned.stored
    actions = {action.address: action for action in planned.plan.actions}
    with _interruptible() as interrupts, progress(len(planned.plan.pending), sys.stderr, at.env) as display:
        run = Run(
            lineage=planned.wish.lineage,
            now=planned.wish.now,
            new_id=lambda: str(uuid.uuid4()),
            interrupted=lambda: bool(interrupts),
            secrets=planned.snapshot.secrets,
            keep=at.kept,
            parallelism=manner.parallelism,
            patience=manner.patience,
            proved=lambda action: wire.proved(at, planned, stored, action),
        )
        for event in apply(planned.plan, planned.world, run):
            if isinstance(event, Checkpoint):
                stored = commit(at.registry, stored, event.edits, new_lineage=planned.wish.lineage)
                continue
            tally.add(event)
            append(at.history, _history(event, actions[event.address], planned))
            line = event_document(event, teller.sequence, teller.timestamp())
            teller.line(**line)
            if isinstance(event, ActionStarted | ActionWaiting):
                display.doing(progress_text(line))
                continue
            display.done()
            with display.aside():
                teller.text(event_text(line))
        return tally, bool(interrupts)


def _history(event: Told, action: Action, planned: wire.Planned) -> list[Entry]:
    """What the history keeps of an event: how things ended, with the reason of the plan."""
    if action.address.kind != "agent":
        return []
    reason = planned.wish.reason or action.reason.value
    head = (planned.wish.now, str(event.address), action.session)
    match event:
        case ActionDone():
            return [Entry(*head, event.verb.value, reason, event.conversation, event.message)]
        case ActionFailed():
            return [Entry(*head, "failed", reason, "", event.message)]
        case ActionStarted() | ActionWaiting() | ActionSkipped():
            return []


@contextmanager
def _interruptible() -> Iterator[list[int]]:
    """Collect interrupts instead of dying of the first; the second ends the program at once."""
    seen: list[int] = []

    def interrupt(number: int, _frame: FrameType | None) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(number)
        show(["", "Interrupted: finishing what is under way. Once more to stop at once."], sys.stderr, os.environ)

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)


def _conclude(plan: Plan, tally: _Tally, teller: _Teller, *, interrupted: bool) -> int:
    code = _exit_code(tally, interrupted=interrupted)
    if tally.remaining or interrupted:
        remaining = ", ".join(dict.fromkeys(tally.remaining)) or "nothing"
        teller.text(["", f"Apply incomplete: {tally.counts['done']} done. Not done: {remaining}."])
    else:
        counts = {name: tally.counts[name] for name in ("imported", "added", "changed", "destroyed")}
        teller.text(["", apply_summary(counts, destroyed_all=plan.mode is Mode.DESTROY)])
    _summarise(teller, tally, code)
    return code


def _exit_code(tally: _Tally, *, interrupted: bool) -> ExitCode:
    if interrupted:
        return ExitCode.INTERRUPTED
    if not tally.remaining:
        return ExitCode.OK
    if tally.counts["done"]:
        return ExitCode.PARTIAL
    return ExitCode.ERROR if tally.counts["failed"] else ExitCode.REFUSED


def _summarise(teller: _Teller, tally: _Tally, code: int) -> None:
    names = ("imported", "added", "changed", "destroyed", "forgotten", "failed", "skipped")
    summary = {name: tally.counts[name] for name in names}
    teller.line(type="summary", summary=summary, remaining=list(dict.fromkeys(tally.remaining)), exit_code=int(code))
