"""Walk through a plan: write checkpoints, and count, store and yield each event."""

from __future__ import annotations

import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, cast

from msgspec.structs import replace

from reconciler.app.plan import first_prompts
from reconciler.app.plan.events import ActionReported, ApplyEvent
from reconciler.app.plan.make import Planned, prove_conversation
from reconciler.app.plan.prepared import Prepared
from reconciler.app.plan.undo import deed_of
from reconciler.app.project.versions import version
from reconciler.apply import Run, apply
from reconciler.kinds.agent.spec import Secrets, known_value
from reconciler.model.action import Action
from reconciler.model.desired import EnvOrigin, EnvVar
from reconciler.model.event import (
    ActionDone,
    ActionEvent,
    ActionFailed,
    ActionSkipped,
    ActionStarted,
    ActionWaiting,
    Checkpoint,
    PromptUnverified,
)
from reconciler.model.observed import Observed
from reconciler.model.record import Json
from reconciler.model.secrets import without_logins, without_secrets
from reconciler.plan.totals import Totals
from reconciler.ports.secret_command import secret_of
from reconciler.render.documents.event import EventDoc
from reconciler.render.events import event_document
from reconciler.state.history import HistoryEntry, append
from reconciler.state.registry import StoredRegistry, commit

Walk: TypeAlias = Generator[ApplyEvent, None, None]


@dataclass(slots=True)
class WalkState:
    """The result of the walk so far; `lines` are its events as the history stores them."""

    stored: StoredRegistry
    totals: Totals = field(default_factory=Totals)
    lines: list[Mapping[str, Json]] = field(default_factory=list)


def walk(prepared: Prepared, walked: WalkState) -> Walk:
    """Carry out the plan, and collect the results in `walked`."""
    planned, totals = prepared.planned, walked.totals
    actions = {action.address: action for action in planned.plan.actions}
    fetched: dict[tuple[EnvOrigin, str], Observed[str]] = {}
    for made in apply(planned.plan, planned.world, _run(prepared, walked, fetched)):
        if isinstance(made, Checkpoint):
            edits, registry = made.edits, prepared.at.registry
            walked.stored = commit(registry, walked.stored, edits, new_lineage=planned.options.lineage)
            continue
        event = _without_secrets(made, planned, {**planned.snapshot.secrets, **fetched})
        yield _counted(event, actions[event.address], prepared, walked)
    totals.interrupted = prepared.options.interrupted()
    if not totals.interrupted:
        yield from _see_first_prompts(prepared, walked)


def _run(prepared: Prepared, walked: WalkState, fetched: dict[tuple[EnvOrigin, str], Observed[str]]) -> Run:
    at, planned, options = prepared.at, prepared.planned, prepared.options

    def printed(var: EnvVar) -> Observed[str]:
        """Run the command of a variable. Its value is kept only to hide it in the screens of failed starts."""
        found = secret_of(var.words, at.env, at.root, var.timeout, options.interrupted)
        fetched[var.origin, var.source] = found
        return found

    return Run(
        lineage=planned.options.lineage,
        now=planned.options.now,
        new_id=lambda: str(uuid.uuid4()),
        interrupted=options.interrupted,
        secrets=planned.snapshot.secrets,
        keep=at.kept,
        project=at.root,
        parallelism=options.parallelism,
        patience=options.patience,
        proved=lambda action: prove_conversation(at, planned, walked.stored, action),
        secret_of=printed,
        version=lambda command, env: version(at, command, env),
    )


def _without_secrets(event: ActionEvent, planned: Planned, secrets: Secrets) -> ActionEvent:
    """The event with secrets hidden: an error may quote an agent's output, which may contain its environment."""
    if not isinstance(event, ActionFailed):
        return event
    env = (var for agent in planned.loaded.desired.agents.values() for var in agent.env if var.sensitive)
    values = [value for var in env if (value := known_value(var, secrets))]
    message, detail = (without_logins(without_secrets(text, values)) for text in (event.message, event.detail))
    return replace(event, message=message, detail=detail)


def _counted(event: ActionEvent, action: Action, prepared: Prepared, walked: WalkState) -> ActionReported:
    """Count the event, and store it in the history."""
    numbering = prepared.numbering
    walked.totals.add(event)
    append(prepared.at.history, _history(event, action, prepared.planned))
    line = numbering.line(**event_document(event, numbering.sequence, numbering.timestamp()))
    if deed := deed_of(event, action, prepared):
        line["deed"] = deed
    walked.lines.append(_without_screen(line))
    return ActionReported(line, event)


def _see_first_prompts(prepared: Prepared, walked: WalkState) -> Walk:
    """Report the agents without a sign that they accepted their first prompt, and note it in their rows."""
    at, planned = prepared.at, prepared.planned
    done = {str(line["address"]) for line in walked.lines if line["type"] == ActionDone.type}
    started = [
        action
        for action in planned.plan.actions
        if str(action.address) in done - {*walked.totals.left} and first_prompts.has_one(action)
    ]
    if not started:
        return
    for action, event, edit in first_prompts.unverified(at, planned, walked.stored, started):
        walked.stored = commit(at.registry, walked.stored, (edit,), new_lineage=planned.options.lineage)
        yield _counted(event, action, prepared, walked)


def _without_screen(line: EventDoc) -> Mapping[str, Json]:
    """An event as the history stores it, without `detail`, which may show the agent's screen."""
    return cast("Mapping[str, Json]", {name: value for name, value in line.items() if name != "detail"})


def _history(event: ActionEvent, action: Action, planned: Planned) -> list[HistoryEntry]:
    """The history entries of an event: how it ended, with the reason from the plan."""
    if action.address.kind != "agent":
        return []
    reason = planned.options.reason or action.reason.value
    head = (planned.options.now, str(event.address), action.session)
    match event:
        case ActionDone():
            return [HistoryEntry(*head, event.verb.value, reason, event.conversation, event.message)]
        case ActionFailed():
            return [HistoryEntry(*head, "failed", reason, "", event.message)]
        case PromptUnverified():
            return [HistoryEntry(*head, "unverified", reason, "", event.message)]
        case ActionStarted() | ActionWaiting() | ActionSkipped():
            return []
