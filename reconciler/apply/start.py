"""Start many sessions at once, and check that each agent runs before its start counts as done.

Agents in a queue also wait until the conversation of the one before them is known: see `plan/start_order.py`.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from msgspec.structs import replace

from reconciler.agents.catalogue import catalogue
from reconciler.agents.launch import SESSION_ID, with_conversation
from reconciler.agents.versions import without_newer
from reconciler.kinds.agent.rows import ended_row, reserve_conversation, started_row
from reconciler.kinds.agent.spec import known_value
from reconciler.model.action import Action
from reconciler.model.conversation import ConversationMode
from reconciler.model.desired import EnvVar
from reconciler.model.errors import ReconcilerError
from reconciler.model.event import (
    ActionDone,
    ActionFailed,
    ActionSkipped,
    ActionStarted,
    ActionWaiting,
    Checkpoint,
    Event,
)
from reconciler.model.observed import ABSENT, Present, Unknown
from reconciler.model.phase import Phase
from reconciler.model.plan import Drift
from reconciler.model.record import RowEdit
from reconciler.model.snapshot import Pane, Server, TmuxState, TmuxTarget
from reconciler.model.step import AwaitConversation, KeepCopy, StartSession, TrustFolder
from reconciler.model.waves import phases
from reconciler.ports.world import Failure, NewSession, World

from .run import INTERRUPTED, Run

_VANISHED = "its session vanished at once"
_PAUSE = 0.1  # seconds between two looks at tmux
_LOOK_AGAIN = 0.2  # seconds between two looks for a conversation
_SETTINGS_LIMIT = 64 << 20  # bytes
_CHOSEN_NOW = {ConversationMode.NEW, ConversationMode.FRESH_NEW_ID}


@dataclass(slots=True)
class _Start:
    """One start in progress. Times are those of the monotonic clock, in seconds."""

    action: Action
    step: StartSession
    conversation: str
    pane: Pane | None = None
    """Its pane, as soon as tmux has made it."""
    home: str = ""
    """The id of the session that was made for it. A user may have moved its pane since."""
    born: float = 0.0
    """When tmux made its session."""
    since: float = 0.0
    """When it began to run as it should: after `settle` seconds the start counts."""
    in_place: bool = False
    """True once it was seen in its folder."""
    lost: bool = False
    """True when tmux or its session was suddenly gone."""
    interrupted: bool = False
    """True when Ctrl-C came before its turn."""
    problem: str = ""
    """Why it failed; empty while nothing is wrong."""
    screen: str = ""
    note: str = ""
    """An addition to the report of a start that worked."""

    @property
    def is_awaited(self) -> bool:
        """True when others wait for its conversation."""
        return not self.problem and any(isinstance(step, AwaitConversation) for step in self.action.steps)


def start(actions: Sequence[Action], world: World, run: Run) -> Iterator[Event]:
    """Start the agents of these actions. Their conversation ids are written to the registry before any launch."""
    starts = [_prepared(action, run) for action in actions]
    yield Checkpoint(tuple(edit for each in starts for edit in reserve_conversation(each.step, each.conversation)))
    for each in starts:
        if phases(each.action)[0] is Phase.START:  # a replace was reported as started when its old session ended
            yield ActionStarted(each.action.address, each.action.verb)
    _make_ready(starts, world, run)
    _launch([each for each in starts if not each.problem], world, run)
    server = _watch(starts, world, run)
    _explain_lost([each for each in starts if each.lost], world)
    _end([each for each in starts if each.problem and each.pane], world)
    yield Checkpoint(tuple(_final_row(each, server, world, run) for each in starts))
    for each in sorted(starts, key=lambda each: each.is_awaited):
        if each.is_awaited:
            yield from _await_conversation(each, world, run)
        yield _result(each)


def _end(failed: Sequence[_Start], world: World) -> None:
    """End the sessions of failed starts."""
    reasons = world.tmux.end([_target(each, each.pane) for each in failed if each.pane])
    for each, reason in zip(failed, reasons, strict=True):
        each.problem += f"; {reason}" if reason else ""


def _target(each: _Start, pane: Pane) -> TmuxTarget:
    return replace(pane.target, guest=pane.session_id != each.home)


def _prepared(action: Action, run: Run) -> _Start:
    step = next(step for step in action.steps if isinstance(step, StartSession))
    chooses = any(SESSION_ID in part for part in step.args)
    conversation = run.new_id() if step.conversation.mode in _CHOSEN_NOW and chooses else step.conversation.id
    return _Start(action=action, step=step, conversation=conversation)


def _make_ready(starts: Sequence[_Start], world: World, run: Run) -> None:
    """Copy what a start may destroy, and trust the folder. If that fails, the agent is not started."""
    for each in starts:
        for step in each.action.steps:
            match step:
                case KeepCopy(path):
                    _keep(each, path, world, run)
                case TrustFolder():
                    _trust(each, step, world)


def _keep(each: _Start, path: str, world: World, run: Run) -> None:
    name = f"{each.step.session}.{run.now.replace(':', '')}.{os.path.basename(path)}"
    try:
        world.files.make_folder(run.keep, 0o700)
        world.files.copy(path, os.path.join(run.keep, name))
    except ReconcilerError as error:
        each.problem = f"its conversation could not be copied first: {error}"


def _trust(each: _Start, step: TrustFolder, world: World) -> None:
    """Add the folder to the CLI's trusted ones. The file is read again: other agents and the CLI write to it, too."""
    profile = catalogue(())[step.type]
    content = world.files.read(step.path, _SETTINGS_LIMIT)
    if isinstance(content, Unknown):
        each.problem = f"the settings of {step.type} could not be read: {content.reason}"
        return
    before = content.value if isinstance(content, Present) else b""
    try:
        after = profile.trust.with_folder(before, step.folder)
        if after != before:
            world.files.write(step.path, after)
    except (ValueError, ReconcilerError) as error:
        each.problem = f"the folder could not be added to the trusted ones in {step.path}: {error}"


# --- launch -----------------------------------------------------------------------------------


def _launch(starts: Sequence[_Start], world: World, run: Run) -> None:
    """Create the sessions, one after the other, until interrupted."""
    waiting = iter(starts)
    try:
        answers = world.tmux.start([_new_session(each, world, run) for each in starts])
        for each, answer in zip(waiting, answers, strict=True):
            _take(each, answer, world)
            if run.interrupted():
                break
    except ReconcilerError as error:  # sessions that tmux made before the error are verified as usual
        for each in starts:
            each.problem = each.problem or ("" if each.pane else f"{error}")
    for each in waiting:
        each.interrupted = not each.problem
        each.problem = each.problem or INTERRUPTED


def _take(each: _Start, answer: Pane | Failure, world: World) -> None:
    if isinstance(answer, Failure):
        each.problem, each.lost = answer.message, answer.lost
        return
    each.pane = answer
    each.home = answer.session_id
    each.born = each.since = world.clock.monotonic()


def _new_session(each: _Start, world: World, run: Run) -> NewSession:
    step = each.step
    values = {var: _value(var, step, run) for var in step.env}
    plain = {var.name: value for var, value in values.items() if not var.sensitive}
    args = without_newer(step.args, step.since, _version(step, plain, world, run)) if step.since else step.args
    return NewSession(
        name=step.session,
        cwd=step.cwd,
        argv=(*step.wrap, *step.command, *with_conversation(args, each.conversation), *step.prompt),
        env=plain,
        secrets={var.name: value for var, value in values.items() if var.sensitive},
        lineage=run.lineage,
        address=str(step.address),
        conversation=each.conversation,
        project=run.project,
        path=step.path,
    )


def _value(var: EnvVar, step: StartSession, run: Run) -> str:
    value = known_value(var, run.secrets) or ""
    return os.pathsep.join((*step.path, *filter(None, [value]))) if var.name == "PATH" else value


def _version(step: StartSession, env: Mapping[str, str], world: World, run: Run) -> str:
    command = step.command[0]
    own = world.processes.find(command, os.pathsep.join(step.path)) if step.path and os.sep not in command else ABSENT
    if isinstance(own, Present):
        command = own.value
    return run.version(os.path.join(step.cwd, command) if os.sep in command else command, env)


# --- verify -----------------------------------------------------------------------------------


def _watch(starts: Sequence[_Start], world: World, run: Run) -> Server | None:
    """Wait until every agent has failed, or has run long enough in its folder; return the tmux server."""
    server: Server | None = None
    pending = [each for each in starts if each.pane and not each.problem]
    while pending:
        look = world.tmux.look()
        if isinstance(look, Unknown):
            _lose(pending, look.reason)
            break
        state = look.value if isinstance(look, Present) else None
        server = state.server if state else server
        panes = {pane.pane_id: pane for pane in reversed(state.panes)} if state else {}
        for each in pending:
            _update(each, panes.get(each.pane.pane_id if each.pane else ""), world)
        _lose_unread(pending, state)
        settled_since = world.clock.monotonic() - run.patience.settle
        _restart_blank([each for each in pending if each.since <= settled_since], world, run)
        pending = [each for each in pending if _is_open(each) and each.since > settled_since]
        if pending:
            world.clock.wait(min(_PAUSE, max(each.since for each in pending) - settled_since))
    for each in starts:
        if each.pane and not each.problem:
            each.problem = _fault(each.step, each.pane, in_place=each.in_place)
        if each.pane and each.pane.dead:
            each.screen = world.tmux.screen(each.pane.pane_id)
    return server


def _restart_blank(starts: Sequence[_Start], world: World, run: Run) -> None:
    """Restart the time of agents whose screen is still blank, if their CLI draws one: a launcher may take long."""
    now = world.clock.monotonic()
    drawing = [each for each in starts if each.step.draws and each.born > now - run.patience.sign]
    blank = world.tmux.blank_panes() if drawing else frozenset()
    for each in drawing:
        if each.pane and each.pane.pane_id in blank:
            each.since = now


def _lose(starts: Sequence[_Start], reason: str) -> None:
    """Give up on starts when tmux does not answer. What may run is left alone; the next plan finds it."""
    for each in starts:
        each.problem, each.pane = f"tmux could not be asked: {reason}", None


def _lose_unread(starts: Iterable[_Start], state: TmuxState | None) -> None:
    """Correct starts that seem lost only because tmux's line about their pane could not be read."""
    unread = {each.session_id: each.reason for each in state.unread} if state else {}
    for each in starts:
        if each.lost and each.pane and (reason := unread.get(each.pane.session_id, unread.get(""))):
            each.lost = False
            _lose([each], reason)


def _explain_lost(lost: Sequence[_Start], world: World) -> None:
    """Add what in the tmux configuration ends sessions. A session that is gone does not show the user why."""
    with suppress(ReconcilerError):
        cause = world.tmux.ending_hooks() if lost else ""
        for each in lost:
            each.problem += f"; {cause}" if cause else ""


def _update(each: _Start, live: Pane | None, world: World) -> None:
    if live is None:
        each.problem, each.lost = _VANISHED, True
        return
    each.in_place = each.in_place or live.cwd in {each.step.cwd, world.files.real(each.step.cwd)}
    if each.pane is not None and live.pid != each.pane.pid:
        each.problem = f"another process than the agent's runs in its pane (pid {live.pid})"
    each.pane = live


def _is_open(each: _Start) -> bool:
    """True while nothing is wrong. A dead pane still counts until tmux reports how it ended, a moment later."""
    ended = each.pane is not None and bool(each.pane.dead_signal or each.pane.dead_status is not None)
    return not each.problem and not ended


def _fault(step: StartSession, live: Pane, *, in_place: bool) -> str:
    """Return what is wrong with a session after its time is over; empty when nothing is."""
    if live.dead:
        return f"{step.program} exited at once, {ending(live)}"
    return "" if in_place else f"it runs in {live.cwd}, not in {step.cwd}"


def ending(pane: Pane) -> str:
    """How an agent ended, as the last words of a sentence."""
    if pane.dead_signal:
        return f"by signal {pane.dead_signal}"
    return "with unknown status" if pane.dead_status is None else f"with status {pane.dead_status}"


# --- conversations that are waited for ---------------------------------------------------------


def _await_conversation(each: _Start, world: World, run: Run) -> Iterator[Event]:
    """Wait until it is proved which conversation the agent began, and record that; give up after a while."""
    yield ActionWaiting(each.action.address, each.action.verb)
    found = _proved(each, world, run)
    if found is None:
        each.note = ", its conversation is not known yet"
        return
    yield Checkpoint(found.edits)
    each.conversation = str(found.after)


def _proved(each: _Start, world: World, run: Run) -> Drift | None:
    deadline = each.born + run.patience.conversation
    while not run.interrupted():
        match run.proved(each.action):
            case Present(found):
                return found
            case Unknown():
                return None
        if world.clock.monotonic() >= deadline:
            return None
        world.clock.wait(_LOOK_AGAIN)
    return None


# --- report -----------------------------------------------------------------------------------


def _final_row(each: _Start, server: Server | None, world: World, run: Run) -> RowEdit:
    found = world.processes.started(each.pane.pid) if each.pane else ABSENT
    started = found.value if isinstance(found, Present) else 0
    if each.problem or each.pane is None or server is None:
        living = each.pane if started else None  # the row of a failed start must still lead to its process
        return ended_row(each.step, each.problem or "tmux could not be asked", run.now, living, started)
    return started_row(each.step, each.pane, server, started)


def _result(each: _Start) -> Event:
    address, verb = each.action.address, each.action.verb
    if each.interrupted:
        return ActionSkipped(address, verb, INTERRUPTED)
    if each.problem or each.pane is None:
        return ActionFailed(address, verb, each.problem, each.screen)
    return ActionDone(address, verb, f"session {each.step.session}{each.note}", each.conversation)
