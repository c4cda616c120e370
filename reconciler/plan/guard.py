"""What a plan must not do unless the user allows it with an option."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from reconciler.model.action import Action
from reconciler.model.address import Address
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.observed import Observed, Present
from reconciler.model.plan import Mode, Plan
from reconciler.model.record import Record, Status
from reconciler.model.snapshot import OpenFileLimit, TmuxState
from reconciler.model.step import StartSession, StopSession

_SHARE = 0.5  # of the running agents: more endings than that look like a wrong path
_SPARE = 32  # files that stay free for terminals that attach
_PLENTY = 65_536  # files: the limit that we propose


def too_many_endings(plan: Plan, record: Record, allowed: int | None) -> Diagnostic | None:
    """A refusal when more than half of the running managed agents would end.

    `allowed` is the value of --max-destroy. If given, it is the limit instead. `destroy` without it has no limit.
    """
    ending = sum(action.ends_session for action in plan.actions)
    if allowed is not None:
        return _refusal(ending, f"--max-destroy allows {allowed}", ending) if ending > allowed else None
    if plan.mode is Mode.DESTROY or not ending:
        return None
    # A running agent may be recorded as ended, so `ending` may be the larger number.
    running = max(ending, sum(row.managed and row.status is Status.RUNNING for row in record.sessions.values()))
    if ending <= running * _SHARE:
        return None
    what_runs = "1 managed agent runs" if running == 1 else f"{running} managed agents run"
    return _refusal(ending, what_runs, ending)


def more_agents(plan: Plan, tmux: Observed[TmuxState]) -> int:
    """How many more processes the tmux server has after the plan. A dead pane has no process."""
    steps = [step for action in plan.actions for step in action.steps]
    targets = [step.at for step in steps if isinstance(step, StopSession)]
    ending = {at.pane_id if at.guest else at.session_id for at in targets}
    panes = tmux.value.panes if isinstance(tmux, Present) else ()
    return sum(isinstance(step, StartSession) for step in steps) - sum(
        not pane.dead and bool(ending & {pane.session_id, pane.pane_id}) for pane in panes
    )


def too_many_starts(more: int, room: OpenFileLimit) -> Diagnostic | None:
    """A refusal when `more` agents need more open files than the tmux server may have."""
    free = max(room.limit - room.used - _SPARE, 0)
    if more <= free:
        return None
    which = f"the tmux server (pid {room.pid})" if room.pid else "a tmux server started from here"
    why = (
        f"{which} may open {room.limit} files, and {room.used} are open; each agent needs one, and {_SPARE} stay free "
        f"for terminals that attach: there is room for {free} more"
    )
    return Diagnostic(
        severity=Severity.REFUSAL,
        summary=f"the tmux server cannot hold {more} more agent{'s' if more > 1 else ''}",
        detail=why,
        fix=f"start fewer (--target), or {_more_room(room)}",
    )


def _more_room(room: OpenFileLimit) -> str:
    if not room.pid:
        return "raise the hard limit of open files (`ulimit -H -n`)"
    if room.most > room.limit:
        return f"raise the server's limit: prlimit --pid {room.pid} --nofile={min(room.most, _PLENTY)}:"
    return f"raise the server's limit as root: prlimit --pid {room.pid} --nofile={_PLENTY}:{_PLENTY}"


def _agents(count: int) -> str:
    return "1 agent" if count == 1 else f"{count} agents"


def _refusal(ending: int, because: str, needed: int) -> Diagnostic:
    return Diagnostic(
        severity=Severity.REFUSAL,
        summary=f"this plan ends {_agents(ending)}",
        detail=f"{because}, so this looks like a mistake",
        fix=f"check the manifest paths; if you want this, pass --max-destroy {needed}",
    )


def shared_conversations(actions: Collection[Action], held: Iterable[tuple[Address, str]]) -> Iterator[Diagnostic]:
    """A refusal for every agent that would start in the same conversation as another one starts in, or runs in.

    `held` are the conversations of the agents that run now.
    """
    starting = ((action.address, action.conversation) for action in actions if action.conversation)
    starts = [(address, conversation.id) for address, conversation in starting if not conversation.mode.refuses]
    leaving = {*(address for address, _ in starts), *(action.address for action in actions if action.ends_session)}
    staying = [conversation for address, conversation in held if address not in leaving]
    counts = Counter([*(conversation for _, conversation in starts), *staying])
    for address, conversation in starts:
        if conversation and counts[conversation] > 1:
            yield Diagnostic(
                severity=Severity.REFUSAL,
                summary=f"conversation {conversation} is wanted by {counts[conversation]} agents",
                detail="two agents in one conversation would mix it up",
                fix="correct `resume:` in the manifest",
                address=str(address),
            )
