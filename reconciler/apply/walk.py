"""Carry out a plan phase by phase. The order of the phases is in `model/phase.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain

from msgspec.structs import replace

from reconciler.kinds.agent.rows import conversation_at_exit
from reconciler.model.action import Action, Reason, Verb
from reconciler.model.address import Address
from reconciler.model.errors import ReconcilerError
from reconciler.model.event import ActionDone, ActionFailed, ActionSkipped, ActionStarted, Checkpoint, Event
from reconciler.model.phase import Phase
from reconciler.model.plan import Plan
from reconciler.model.record import RowEdit
from reconciler.model.step import (
    AddWorktree,
    AwaitConversation,
    ConvergeBroker,
    DeleteArtifact,
    KeepCopy,
    MakeFolder,
    RemoveFolder,
    RemoveWorktree,
    RenameSession,
    StartSession,
    Step,
    StopBroker,
    StopSession,
    TagSession,
    TrustFolder,
    WriteRows,
)
from reconciler.model.waves import steps_in, waves
from reconciler.ports.world import Files, SessionTags, World

from .afterwards import look_again
from .needs import Needs, needs_of
from .run import INTERRUPTED, Run
from .secrets_at_start import command_values, without_value
from .start import start
from .stop import SessionEnding, stop

_Work = Callable[[Sequence[Action], World, Run], Iterator[Event]]


def apply(plan: Plan, world: World, run: Run) -> Iterator[Event]:
    """Carry out the plan. The caller must write each `Checkpoint` before it takes the next event.

    An action that fails ends in `ActionFailed`, and the actions that need it end in `ActionSkipped`.
    """
    if plan.all_drift:
        yield Checkpoint(tuple(edit for drift in plan.all_drift for edit in drift.edits))
    # A deferred workspace is withheld: its agents must not start without it.
    blocked = {action.address for action in plan.pending if action.reason is Reason.WITHHELD}
    needs = needs_of(plan.actions)
    values = command_values(plan.actions, run)
    failed = tuple(without_value(plan.actions, values))
    blocked.update(each.address for each in failed)
    yield from failed
    run = replace(run, secrets={**run.secrets, **values})
    started: list[Action] = []
    for phase in Phase:
        for wave in _waves(plan.actions, phase, run):
            ready, skipped = _split(wave, needs, blocked, run)
            for event in chain(skipped, _WORK[phase](ready, world, run)):  # lazily: the caller writes checkpoints
                if isinstance(event, ActionFailed | ActionSkipped):
                    blocked.add(event.address)
                yield event
            started += [action for action in ready if phase is Phase.START and action.address not in blocked]
    yield from look_again(started, world, run)
    fixes = {error.address: error.fix for error in plan.errors}
    for action in plan.actions:
        if action.verb is Verb.DEFER:
            fix = fixes.get(str(action.address), "")
            yield ActionSkipped(action.address, action.verb, f"{action.note} -> {fix}" if fix else action.note)


def _split(wave: Sequence[Action], needs: Needs, blocked: set[Address], run: Run) -> tuple[list[Action], list[Event]]:
    """The actions that can be worked on now, and events for those that are skipped. Blocked ones were reported."""
    if run.interrupted():
        not_reported = [action for action in wave if action.address not in blocked]
        return [], [ActionSkipped(action.address, action.verb, INTERRUPTED) for action in not_reported]
    ready: list[Action] = []
    skipped: list[Event] = []
    for action in wave:
        if action.address in blocked:
            continue
        if obstacle := needs.obstacle(action, blocked):
            skipped.append(ActionSkipped(action.address, action.verb, obstacle))
        else:
            ready.append(action)
    return ready, skipped


# --- the work of a phase ----------------------------------------------------------------------


def _simple(phase: Phase, actions: Sequence[Action], world: World, run: Run) -> Iterator[Event]:
    """Do actions whose steps answer at once, and record all of them together."""
    done: list[Action] = []
    for action in actions:
        yield ActionStarted(action.address, action.verb)
        try:
            for step in steps_in(action, phase):
                _do(step, world, run)
        except ReconcilerError as error:
            yield _failed(action, error)
        else:
            done.append(action)
    yield from _recorded(done)


def _brokers(actions: Sequence[Action], world: World, run: Run) -> Iterator[Event]:
    """Do the steps of brokers one by one, rows included, so that the registry has a broker for as long as it runs."""
    for action in actions:
        yield ActionStarted(action.address, action.verb)
        try:
            for step in steps_in(action, Phase.BROKER):
                yield from [Checkpoint(step.edits)] if isinstance(step, WriteRows) else []
                _do(step, world, run)
        except ReconcilerError as error:
            yield _failed(action, error)
        else:
            yield ActionDone(action.address, action.verb, action.note)


def _failed(action: Action, error: ReconcilerError) -> ActionFailed:
    fix = (f"-> {error.fix}",) if error.fix else ()
    return ActionFailed(action.address, action.verb, error.summary, "\n".join((*error.detail.splitlines(), *fix)))


def _do(step: Step, world: World, run: Run) -> None:
    match step:
        case MakeFolder() | AddWorktree() | RemoveFolder() | RemoveWorktree() | DeleteArtifact():
            _do_on_disk(step, world.files)
        case RenameSession() | TagSession():
            _label(step, world, run)
        case ConvergeBroker(address):
            world.brokers.converge(address)
        case StopBroker(_, directory):
            world.brokers.stop(directory)
        case WriteRows() | KeepCopy() | TrustFolder() | StartSession() | AwaitConversation() | StopSession():
            return


def _label(step: RenameSession | TagSession, world: World, run: Run) -> None:
    match step:
        case RenameSession(at, _, after):
            world.tmux.rename(at, after)
        case TagSession(at, _, address, conversation):
            world.tmux.tag(at, SessionTags(run.lineage, str(address), conversation, run.project))


def _do_on_disk(step: MakeFolder | AddWorktree | RemoveFolder | RemoveWorktree | DeleteArtifact, files: Files) -> None:
    match step:
        case MakeFolder(path):
            files.make_folder(path)
        case AddWorktree(path, git):
            files.add_worktree(path, git)
        case RemoveFolder(path):
            files.remove_folder(path)
        case RemoveWorktree(path, repo):
            files.remove_worktree(path, repo)
        case DeleteArtifact(path, root):
            files.delete(path, root)


def _endings(actions: Sequence[Action], world: World, run: Run) -> Iterator[Event]:
    """End all sessions of the wave together. An action that does not start the agent again is then done."""
    steps = [step for action in actions for step in action.steps if isinstance(step, StopSession)]
    for action in actions:
        yield ActionStarted(action.address, action.verb)
    endings = {ending.step.session: ending for ending in stop(steps, run.lineage, world, run.patience)}
    ended = [(action, endings[_session(action)]) for action in actions]
    problems = {action.address: ending.problem or _delete_artifacts(action, world.files) for action, ending in ended}
    done = [(action, ending) for action, ending in ended if not problems[action.address] and not _starts(action)]
    yield from _recorded([_with_outcome(action, ending) for action, ending in done])
    for action in actions:
        if problems[action.address]:
            yield ActionFailed(action.address, action.verb, problems[action.address])


def _session(action: Action) -> str:
    return next(step.session for step in action.steps if isinstance(step, StopSession))


def _with_outcome(action: Action, ending: SessionEnding) -> Action:
    """The action with what is known only afterwards: the conversation, and whether the agent was forced to end."""
    edits = conversation_at_exit(action.address, ending.conversation, ending.step.known)
    forced = f"it did not quit by itself and got {ending.forced}" if ending.forced else ""
    stays = f"conversation {ending.conversation} stays" if edits else action.note
    return replace(
        action,
        steps=(*action.steps, *((WriteRows(edits),) if edits else ())),
        note="; ".join(part for part in (stays, forced) if part),
    )


def _delete_artifacts(action: Action, files: Files) -> str:
    """Delete the stored files that the action names; return what could not be deleted and why, else nothing."""
    try:
        for step in action.steps:
            if isinstance(step, DeleteArtifact):
                files.delete(step.path, step.root)
    except ReconcilerError as error:
        return f"{error.summary}: {error.detail}"
    return ""


def _starts(action: Action) -> bool:
    return any(isinstance(step, StartSession) for step in action.steps)


def _recorded(actions: Sequence[Action]) -> Iterator[Event]:
    """Write what was done to the registry at once, and report it only then."""
    edits = tuple(edit for action in actions for edit in _edits(action.steps))
    if edits:
        yield Checkpoint(edits)
    for action in actions:
        yield ActionDone(action.address, action.verb, action.note)


def _edits(steps: Iterable[Step]) -> Iterator[RowEdit]:
    return (edit for step in steps if isinstance(step, WriteRows) for edit in step.edits)


# --- phases, in waves -------------------------------------------------------------------------

_WORK: Mapping[Phase, _Work] = {
    Phase.MAKE: partial(_simple, Phase.MAKE),
    Phase.END: _endings,
    Phase.LABEL: partial(_simple, Phase.LABEL),
    Phase.BROKER: _brokers,
    Phase.START: start,
    Phase.REMOVE: partial(_simple, Phase.REMOVE),
}


def _waves(actions: Sequence[Action], phase: Phase, run: Run) -> Iterator[Sequence[Action]]:
    """Groups of actions that may be worked on together, no larger than `parallelism`."""
    size = run.parallelism or len(actions) or 1
    for group in waves(actions, phase):
        for at in range(0, len(group), size):
            yield group[at : at + size]
