"""The work of apply and destroy: lock, plan, ask, walk, record, tell."""

from __future__ import annotations

import os
import signal
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import cast

from reconciler import __version__
from reconciler.app.plan import confirmations, first_prompts, generations
from reconciler.app.plan.approval import approved, beyond, somebody_is_there
from reconciler.app.plan.make import Planned, make_plan
from reconciler.app.plan.make import proved as proved_conversation
from reconciler.app.plan.plans import refusal_code
from reconciler.app.plan.request import Request
from reconciler.app.plan.teller import Tally, Teller
from reconciler.app.project import settlement
from reconciler.app.project.edits import going_on, write_manifests
from reconciler.app.project.manifests import Edit, Restore, remember_looks, shown
from reconciler.app.project.project import Project
from reconciler.app.project.versions import version
from reconciler.apply import Patience, Run, apply
from reconciler.kinds.agent.spec import known_value
from reconciler.model.action import Action, Verb
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.errors import ReconcilerError, Refused, StalePlan, UsageError
from reconciler.model.event import (
    ActionDone,
    ActionFailed,
    ActionSkipped,
    ActionStarted,
    ActionWaiting,
    Checkpoint,
    PromptUnverified,
    Told,
)
from reconciler.model.exit_code import ExitCode
from reconciler.model.generation import Confirmation, Generation, Result
from reconciler.model.moment import to_second
from reconciler.model.observed import Present, Unknown
from reconciler.model.plan import Mode, Plan
from reconciler.model.record import Json
from reconciler.model.secrets import without_logins, without_secrets
from reconciler.plan.guard import more_agents, too_many_endings, too_many_starts
from reconciler.render.document import diagnostic_document, essence, plan_document
from reconciler.render.edits import edit_document, edit_text, restore_document, restore_text
from reconciler.render.events import event_document, event_text, progress_text
from reconciler.render.shape import EVENTS_VERSION, EventDoc, PlanDoc
from reconciler.render.terminal import progress, show
from reconciler.render.text import apply_summary, diagnostic_text, plan_text
from reconciler.state.history import Entry, append
from reconciler.state.lock import hold
from reconciler.state.registry import Stored, commit

_MANY = 200  # agents: a server with the smallest usual limit, 256 files, holds about as many


@dataclass(frozen=True, slots=True)
class Manner:
    """How the work is approved and shown, and how far it may go.

    `approve` are the classes of action that need no question. `digest` is that of the saved plan that was approved.
    The apply is taken back after `confirm_within` seconds without a confirmation; 0 for never. `consent` is how the
    user could have agreed beforehand.
    """

    auto_approve: bool = False
    as_json: bool = False
    full: bool = False
    may_ask: bool = True
    max_destroy: int | None = None
    parallelism: int = 0
    lock_timeout: float = 0
    patience: Patience = field(default_factory=Patience)
    approve: frozenset[Verb] = frozenset()
    digest: str = ""
    confirm_within: float = 0
    consent: str = "--auto-approve"

    @property
    def can_ask(self) -> bool:
        """Whether a question would reach somebody."""
        return self.may_ask and not self.as_json and somebody_is_there()


@dataclass(frozen=True, slots=True)
class _Task:
    """One plan that was made under the lock, and how it is to be worked on. `who` holds the lock."""

    at: Project
    planned: Planned
    document: PlanDoc
    manner: Manner
    teller: Teller
    who: str

    @property
    def plan(self) -> Plan:
        """What would be done."""
        return self.planned.plan

    @property
    def edits(self) -> Sequence[Edit | Restore]:
        """What would be written into manifests."""
        return self.planned.request.edits

    @property
    def is_a_generation(self) -> bool:
        """Whether the history keeps it: it does something for manifests, or they are not those of the last time."""
        if not self.planned.request.follows_manifests:
            return False
        return self.changes_something or generations.follows_others(self.at, self.planned)

    @property
    def changes_something(self) -> bool:
        """Whether there is anything to agree to: what is deferred changes nothing."""
        return bool(self.edits) or any(action.verb is not Verb.DEFER for action in self.plan.pending)


def work(at: Project, request: Request, manner: Manner, saved: PlanDoc | None = None) -> int:
    """Do what the request, or the saved plan, asks; the exit code says how far it came."""
    teller = Teller(at, manner.as_json)
    teller.line(type="version", tool_version=__version__, format_version=EVENTS_VERSION)
    try:
        return _work(at, request, manner, saved, teller)
    except ReconcilerError as error:
        if not manner.as_json:
            raise
        for diagnostic in error.diagnostics:
            teller.line(type="diagnostic", diagnostic=diagnostic_document(diagnostic))
        _summarise(teller, Tally(), error.exit_code)
        return error.exit_code


def _work(at: Project, request: Request, manner: Manner, saved: PlanDoc | None, teller: Teller) -> int:
    with hold(at.lock, request.operation, manner.lock_timeout) as held:
        if held.note:
            teller.note(f"Note: {held.note}")
        moved = settlement.insist(at)
        if moved:
            teller.note(f"Note: {moved}")
        at.clear_up()
        confirmations.refuse_meanwhile(at, request)
        if manner.confirm_within:
            confirmations.way_back(at)
        planned = _planned_after_tidying(at, request, teller)
        document = plan_document(planned.plan, request.document())
        if saved is not None:
            _check_approved(saved, manner.digest)
            _check_fresh(saved, document)
        teller.line(type="plan", plan=document)
        teller.text(plan_text(document, full=manner.full))
        for edit in request.edits:
            _tell_edit(edit, teller)
        task = _Task(at, planned, document, manner, teller, held.info.who)
        return _after_plan(task, asks=saved is None and not manner.auto_approve)


def _planned_after_tidying(at: Project, request: Request, teller: Teller) -> Planned:
    """The plan, once what killed commands left on its tmux server is gone: it may have been in the way."""
    lineage = uuid.uuid4().hex
    planned = make_plan(at, request, lineage=lineage)
    if not planned.world.tmux.tidy():
        return planned
    teller.note("Note: a session or client of reconciler that a killed command left on the tmux server was ended")
    return make_plan(at, request, lineage=lineage)


def _check_approved(saved: PlanDoc, digest: str) -> None:
    """A saved plan is applied only when it is the one that was looked at."""
    if digest and digest.removeprefix("sha256:") != saved["digest"]:
        raise Refused(
            "the saved plan is not the one that was approved",
            detail=f"approved: sha256:{digest.removeprefix('sha256:')}\nthe plan: sha256:{saved['digest']}",
            fix="look at it with `reconciler show`, and approve its digest",
        )


def _check_fresh(saved: PlanDoc, now: PlanDoc) -> None:
    """A saved plan is applied only while everything that it rests on is as it was, and does what it shows."""
    same = essence(saved) == essence(now)
    if same and saved.get("basis") == now.get("basis"):
        return
    if saved["lineage"] and saved["lineage"] != now["lineage"]:
        detail = "the plan was made for another registry"
    elif (saved["lineage"], saved["serial"]) != (now["lineage"], now["serial"]):
        detail = f"the registry has changed (serial {saved['serial']} then, {now['serial']} now)"
    elif saved["manifest_digest"] != now["manifest_digest"]:
        detail = "the manifests have changed"
    else:
        detail = "live sessions, folders or conversations have changed"
    raise StalePlan("the saved plan is stale", detail=detail, fix="plan again, look at it, and apply that")


def _tell_edit(edit: Edit | Restore, teller: Teller) -> None:
    if isinstance(edit, Edit):
        told = edit_document(edit.address, edit.place, edit.new)
        teller.line(type="manifest_edit", **told)
        teller.text(["", *edit_text(told)])
        return
    restored = restore_document(shown(edit.path), edit.generation, edit.change, shown(edit.kept))
    teller.line(type="manifest_restore", **restored)
    teller.text(["", *restore_text(restored)])


def _after_plan(task: _Task, *, asks: bool) -> int:
    plan = task.plan
    guard = too_many_endings(plan, task.planned.stored.record, task.manner.max_destroy) or _no_room(task)
    if stopping := (*_stopping(task), *((guard,) if guard else ())):
        return _refuse(task, stopping, guard)
    if task.changes_something and not _is_approved(task, asks=asks):
        task.teller.text(["Nothing was done."])
        return ExitCode.ERROR
    if task.planned.request.goes_back and not task.planned.request.automatic:
        confirmations.over(task.at)  # whoever goes back has answered
    if plan.pending or plan.found or task.edits:
        return _do(task)
    remember_looks(task.at, task.planned.loaded)
    _remember_manifests(task)
    _summarise(task.teller, Tally(), ExitCode.OK)
    return ExitCode.OK


def _no_room(task: _Task) -> Diagnostic | None:
    """A refusal when the tmux server cannot hold what would be started; raises when there is no tmux for that."""
    more = more_agents(task.plan, task.planned.snapshot.tmux)
    if more <= 0:
        return None
    seen = task.planned.snapshot.tmux
    room = task.planned.world.tmux.room(seen.value.server.pid if isinstance(seen, Present) else 0)
    if isinstance(room, Present):
        return too_many_starts(more, room.value)
    if isinstance(room, Unknown) and more >= _MANY:
        task.teller.note(f"Note: whether the tmux server can hold {more} more agents is not known: {room.reason}")
    return None


def _is_approved(task: _Task, *, asks: bool) -> bool:
    """Whether it may be done: it was said beforehand, or the user agrees now."""
    if not task.manner.approve:
        if asks and not task.manner.can_ask:
            raise UsageError("needs confirmation, but there is no terminal", fix=f"pass {task.manner.consent}")
        return not asks or approved()
    strange = beyond(task.plan, task.manner.approve)
    if not strange:
        return True
    named = ", ".join(f"{action.address} ({action.verb})" for action in strange)
    if not task.manner.can_ask:
        detail = f"--approve names {', '.join(sorted(task.manner.approve))}"
        raise Refused(f"nobody has approved of {named}", detail=detail, fix="look at the plan, and name them, too")
    task.teller.text(["", f"Not approved beforehand: {named}."])
    return approved()


def _do(task: _Task) -> int:
    """Keep what is about to be done, do it, and keep what became of it."""
    at, teller = task.at, task.teller
    generation = generations.begin(at, task.planned, task.document, task.who) if task.is_a_generation else None
    confirmation = confirmations.begin(at, generation, task.manner.confirm_within)
    with _edited(at, task.edits, teller) as unfinished:
        try:
            tally, stored = _walk(task)
        finally:
            confirmation = confirmations.count_down(at, confirmation)
        remember_looks(at, task.planned.loaded)
        code = _exit_code(tally, task.plan)
        if generation:
            generations.finish(at, generation, _result(task, tally, stored, code))
        _conclude(task.plan, tally, teller)
        _tell_waiting(confirmation, teller)
        _summarise(teller, tally, code, generation)
        if code == ExitCode.OK:
            unfinished.clear()
        return code


def _remember_manifests(task: _Task) -> None:
    """Manifests that were changed without an effect are what is gone back to all the same."""
    if task.is_a_generation:
        generation = generations.begin(task.at, task.planned, task.document, task.who)
        result = _result(task, Tally(), task.planned.stored, ExitCode.OK)
        generations.finish(task.at, generation, result)


def _result(task: _Task, tally: Tally, stored: Stored, code: ExitCode) -> Result:
    return Result(
        finished=to_second(task.at.now()),
        exit_code=int(code),
        summary=tally.summary,
        remaining=tuple(tally.left),
        events=tuple(tally.lines),
        agents=generations.agents_then(stored.record),
        brokers=generations.rendered(task.at, task.planned.loaded.desired),
    )


@contextmanager
def _edited(at: Project, edits: Sequence[Edit | Restore], teller: Teller) -> Iterator[list[str]]:
    """Write the manifests; what they say now is told at the end, unless the block has cleared it."""
    write_manifests(at, edits)
    unfinished = [going_on(edit) for edit in edits]
    try:
        yield unfinished
    finally:
        for sentence in unfinished:
            teller.note(sentence)


def _stopping(task: _Task) -> tuple[Diagnostic, ...]:
    """The errors that stop it all; who goes back gets the manifests back even where nothing else can be done."""
    plan = task.plan
    only_manifests = task.planned.request.goes_back and bool(task.edits)
    return plan.barring if only_manifests else plan.stopping


def _refuse(task: _Task, errors: Sequence[Diagnostic], guard: Diagnostic | None) -> int:
    plan, teller = task.plan, task.teller
    if guard:
        said = diagnostic_document(guard)
        teller.line(type="diagnostic", diagnostic=said)
        teller.text(["", *diagnostic_text(said)])
    code = refusal_code(errors)
    _summarise(teller, Tally(remaining=[str(action.address) for action in plan.pending]), code)
    return code


def _walk(task: _Task) -> tuple[Tally, Stored]:
    """Take the events of the walk one by one: save, then count and tell."""
    at, planned, teller = task.at, task.planned, task.teller
    tally, stored = Tally(), planned.stored
    actions = {action.address: action for action in planned.plan.actions}
    with _interruptible() as interrupts, progress(len(planned.plan.pending), sys.stderr, at.env) as display:
        run = Run(
            lineage=planned.wish.lineage,
            now=planned.wish.now,
            new_id=lambda: str(uuid.uuid4()),
            interrupted=lambda: bool(interrupts),
            secrets=planned.snapshot.secrets,
            keep=at.kept,
            parallelism=task.manner.parallelism,
            patience=task.manner.patience,
            proved=lambda action: proved_conversation(at, planned, stored, action),
            version=lambda command, env: version(at, command, env),
        )
        for made in apply(planned.plan, planned.world, run):
            if isinstance(made, Checkpoint):
                stored = commit(at.registry, stored, made.edits, new_lineage=planned.wish.lineage)
                continue
            event = _without_secrets(made, planned)
            line = _counted(event, actions[event.address], task, tally)
            if isinstance(event, ActionStarted | ActionWaiting):
                display.doing(progress_text(line))
                continue
            display.done()
            with display.aside():
                teller.text(event_text(line))
        tally.interrupted = bool(interrupts)
        if not tally.interrupted:
            stored = _see_first_prompts(task, tally, stored)
        return tally, stored


def _without_secrets(event: Told, planned: Planned) -> Told:
    """What went wrong may quote an agent's last words, and those what was in its environment."""
    if not isinstance(event, ActionFailed):
        return event
    env = (var for agent in planned.loaded.desired.agents.values() for var in agent.env if var.sensitive)
    values = [value for var in env if (value := known_value(var, planned.snapshot.secrets))]
    message, detail = (without_logins(without_secrets(text, values)) for text in (event.message, event.detail))
    return replace(event, message=message, detail=detail)


def _counted(event: Told, action: Action, task: _Task, tally: Tally) -> EventDoc:
    """The event, counted, kept in the history and told as a JSON line."""
    teller = task.teller
    tally.add(event)
    append(task.at.history, _history(event, action, task.planned))
    line = event_document(event, teller.sequence, teller.timestamp())
    tally.lines.append(_without_screen(line))
    teller.line(**line)
    return line


def _see_first_prompts(task: _Task, tally: Tally, stored: Stored) -> Stored:
    """Tell of the agents that nothing shows to have taken their first prompt, and keep it in their rows."""
    done = {str(line["address"]) for line in tally.lines if line["type"] == ActionDone.type}
    started = [
        action
        for action in task.plan.actions
        if str(action.address) in done - {*tally.left} and first_prompts.has_one(action)
    ]
    if not started:
        return stored
    for action, event, edit in first_prompts.unverified(task.at, task.planned, stored, started):
        stored = commit(task.at.registry, stored, (edit,), new_lineage=task.planned.wish.lineage)
        task.teller.text(event_text(_counted(event, action, task, tally)))
    return stored


def _without_screen(line: EventDoc) -> Mapping[str, Json]:
    """An event as the history keeps it: what an agent shows on its screen is not ours to keep."""
    return cast("Mapping[str, Json]", {name: value for name, value in line.items() if name != "detail"})


def _history(event: Told, action: Action, planned: Planned) -> list[Entry]:
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
        case PromptUnverified():
            return [Entry(*head, "unverified", reason, "", event.message)]
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


def _conclude(plan: Plan, tally: Tally, teller: Teller) -> None:
    if tally.remaining or tally.interrupted:
        remaining = ", ".join(tally.left) or "nothing"
        teller.text(["", f"Apply incomplete: {tally.counts['done']} done. Not done: {remaining}."])
    else:
        counts = {name: tally.counts[name] for name in ("imported", "added", "changed", "destroyed")}
        written = dict.fromkeys(each.session for each in plan.found if each.edits and not each.silent)
        if plan.mode is Mode.REFRESH_ONLY and written:
            teller.text(["", f"Written into the registry: {', '.join(written)}."])
        teller.text(["", apply_summary(counts, destroyed_all=plan.mode is Mode.DESTROY)])


def _tell_waiting(confirmation: Confirmation | None, teller: Teller) -> None:
    if confirmation is None:
        return
    number, back = confirmation.generation, confirmation.back_to
    teller.line(type="confirmation", generation=number, back_to=back, deadline=confirmation.deadline)
    teller.text(
        [
            "",
            f"Generation {number} waits for its confirmation until {confirmation.deadline}: reconciler confirm",
            f"Without it, generation {back} comes back by itself.",
        ]
    )


def _exit_code(tally: Tally, plan: Plan) -> ExitCode:
    if tally.interrupted:
        return ExitCode.INTERRUPTED
    if not tally.remaining:
        return ExitCode.OK
    if tally.counts["done"]:
        return ExitCode.PARTIAL
    return ExitCode.ERROR if tally.counts["failed"] else refusal_code(plan.stopping)


def _summarise(teller: Teller, tally: Tally, code: int, generation: Generation | None = None) -> None:
    number = generation.number if generation else None
    remaining = tally.left
    teller.line(type="summary", summary=tally.summary, remaining=remaining, exit_code=int(code), generation=number)
