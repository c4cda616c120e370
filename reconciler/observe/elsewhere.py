"""Processes outside an agent's session that use its conversation: remains of the agent, or another program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from reconciler.agents.profile import Profile
from reconciler.agents.wrapper import is_cli
from reconciler.kinds.agent.conversation import next_conversation
from reconciler.model.address import Address
from reconciler.model.observed import Present
from reconciler.ports.world import Processes, World

from .agent_view import AgentView
from .live import DatedNote, is_about, notes_at


def users_elsewhere(views: Iterable[AgentView], world: World) -> dict[Address, int]:
    """For agents that do not run: the pid of a living process that uses the agent's conversation."""
    resting = [view for view in views if view.pane is None or view.pane.dead]
    if not resting:
        return {}
    openers, sessions = _openers(resting, world), world.processes.sessions()
    users = {
        view.case.address: (*_orphans(view, sessions, world), *openers.get(view.case.address, ())) for view in resting
    }
    found = {view.case.address: _first(users[view.case.address], _noted(view, world)) for view in resting}
    return {address: pid for address, pid in found.items() if pid}


def _first(*pids: Iterable[int]) -> int:
    return next(chain(*pids), 0)


def _orphans(view: AgentView, sessions: Mapping[int, tuple[int, ...]], world: World) -> tuple[int, ...]:
    """The recorded process and the others of its terminal session that still run, without a pane or in a dead one.

    The recorded process may be a launcher that ends before the process that it started. A later process that got the
    recorded pid does not count.
    """
    recorded = view.case.row.pane if view.case.row else None
    if recorded is None or not recorded.started:
        return ()
    leader = world.processes.started(recorded.pid)
    if isinstance(leader, Present) and leader.value != recorded.started:
        return ()
    mine = (recorded.pid,) if isinstance(leader, Present) else ()
    return (*mine, *(pid for pid in sessions.get(recorded.pid, ()) if pid not in mine))


def _noted(view: AgentView, world: World) -> Iterator[int]:
    """The living processes that use the conversation, by the CLI's own notes."""
    wanted = next_conversation(view.case, view.live)
    patterns = view.profile.binding.users(view.subject, wanted) if wanted else ()
    for noted in notes_at(patterns, view.profile, world.files):
        if noted.note.pid and noted.note.agent.conversation == wanted:
            yield from _writers(noted, noted.note.pid, view.profile, world.processes)


def _writers(noted: DatedNote, pid: int, profile: Profile, processes: Processes) -> Iterator[int]:
    """The living process that wrote a note with this pid, which may be a pid of another namespace."""
    if is_about(noted, pid, processes):
        doubtful = bool(profile.launch.wrap) and noted.note.started is None  # the pid of another process in a sandbox?
        yield from () if doubtful and not is_cli(processes.words(pid), profile) else (pid,)
    elif noted.note.started is not None:
        yield from (each for each in processes.called(pid) if is_about(noted, each, processes, inner=pid))


def _openers(views: Iterable[AgentView], world: World) -> Mapping[Address, tuple[int, ...]]:
    """The processes that have a stored file of the conversation open. One look at all processes serves all agents."""
    paths = {path: view.case.address for view in views for path in _proofs(view, world)}
    holders = world.processes.holders(paths) if paths else {}
    return {paths[path]: pids for path, pids in holders.items()}


def _proofs(view: AgentView, world: World) -> Iterator[str]:
    wanted = next_conversation(view.case, view.live)
    if not wanted or not view.profile.binding.proves_by_files:
        return
    for pattern in view.profile.storage.artifacts(view.subject, wanted):
        found = world.files.find(pattern)
        yield from found.value if isinstance(found, Present) else ()
