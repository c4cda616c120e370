"""Find recorded agents that tmux does not show.

They count as gone only when their processes have ended. Their tmux server may run under another socket, or as another
user, and must not be replaced by a new one then.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from reconciler.model.address import Address
from reconciler.model.observed import ABSENT, Absent, Observed, Present, Unknown
from reconciler.model.record import MAY_LIVE, Record, ServerRow, SessionRow, Status
from reconciler.model.snapshot import Server, TmuxState, UnreachableServer
from reconciler.ports.world import World

from .recorded_processes import agent_process, server_process

_MOVE = "set `tmux:` back, then end those sessions, for example with `reconciler destroy`, before you change it"


class _Hidden(Struct, frozen=True):
    """A server that runs and is not the one that answered."""

    row: ServerRow
    agents: int
    """How many agents of this project it has."""
    socket: str = ""
    answer: Observed[TmuxState] = ABSENT
    """What a look at its socket gave."""


def find_unreachable_server(
    record: Record, tmux: Absent | Present[TmuxState], world: World
) -> tuple[Observed[TmuxState], Mapping[Address, Observed[int]]]:
    """Compare what tmux shows with the recorded processes; return the state of tmux, and the orphans of `Snapshot`.

    If a recorded server runs elsewhere, the state is an `UnreachableServer`.
    """
    server = tmux.value.server if isinstance(tmux, Present) else None
    rows = [row for row in record.sessions.values() if row.status in MAY_LIVE]
    hidden = next(_hidden_servers(rows, server, record.lineage, world), None)
    if hidden:
        return hidden, {}
    shown = {pane.pid for pane in tmux.value.panes} if isinstance(tmux, Present) else set()
    lost = {row.address: agent_process(row, world) for row in rows if row.pane and row.pane.pid not in shown}
    orphans = {address: found for address, found in lost.items() if not isinstance(found, Absent)}
    parent = next(_servers_of(orphans.values(), server, world), None)
    return (parent, {}) if parent else (tmux, orphans)


def _hidden_servers(
    rows: Iterable[SessionRow], shown: Server | None, lineage: str, world: World
) -> Iterator[UnreachableServer]:
    """Recorded servers, other than the one that answers, that run or may run and have agents of ours."""
    servers: dict[ServerRow, list[SessionRow]] = defaultdict(list)
    for row in rows:
        # If the answering server has the recorded pid, it is the recorded one, or that one has ended.
        if row.server and not (shown and row.server.pid == shown.pid):
            servers[row.server].append(row)
    for server, theirs in servers.items():
        found = _searched(server, theirs, shown, lineage, world)
        if found:
            yield found


def _searched(
    server: ServerRow, rows: Sequence[SessionRow], shown: Server | None, lineage: str, world: World
) -> UnreachableServer | None:
    """Find a recorded server; None when it has ended, or has no agent of ours any more."""
    running = sum(row.status is Status.RUNNING for row in rows)
    process = server_process(server, world)
    if isinstance(process, Unknown):
        return _doubtful(server, running, process.reason) if running else None
    if isinstance(process, Absent) and (server.pid or not running):
        return None
    socket = world.processes.socket_path(server.pid) or server.path or server.socket
    answer = world.tmux.look_at(socket) if socket else ABSENT
    if isinstance(answer, Present) and _is_it(answer.value.server, server, shown):
        ours = _ours(answer.value, rows, lineage)
        return _unreachable(_Hidden(server, ours, socket, answer), world) if ours else None
    if isinstance(process, Absent):  # an older row has a socket, but no pid
        return _doubtful(server, running, answer.reason) if isinstance(answer, Unknown) else None
    living = running or sum(isinstance(agent_process(row, world), Present) for row in rows)
    return _unreachable(_Hidden(server, living, socket, answer), world) if living else None


def _is_it(found: Server, server: ServerRow, shown: Server | None) -> bool:
    """True when the server at the recorded socket is the recorded one; an older row does not have its pid."""
    return found.pid == server.pid if server.pid else not (shown and shown.pid == found.pid)


def _ours(state: TmuxState, rows: Sequence[SessionRow], lineage: str) -> int:
    """How many agents of ours a server has, by the tags of its sessions or by the recorded processes."""
    recorded = {row.pane.pid for row in rows if row.pane}
    return len({pane.session for pane in state.panes if pane.lineage == lineage != "" or pane.pid in recorded})


def _servers_of(orphans: Iterable[Observed[int]], shown: Server | None, world: World) -> Iterator[UnreachableServer]:
    """The tmux servers, other than the one that answers, that are parents of orphans: those still have a session."""
    for orphan in orphans:
        line = world.processes.ancestry(orphan.value)[1:] if isinstance(orphan, Present) else ()
        pid = next((pid for pid, name in line if name.startswith("tmux")), 0)
        if pid and not (shown and shown.pid == pid):
            row = ServerRow(socket="", pid=pid, started="")
            yield _unreachable(_Hidden(row, 1, world.processes.socket_path(pid)), world)


# --- messages ---------------------------------------------------------------------------------


def _doubtful(server: ServerRow, agents: int, reason: str) -> UnreachableServer:
    name = f"tmux server {server.pid or server.socket}"
    return UnreachableServer(
        f"{name} has {_counted(agents)} of this project, and nothing here shows whether it runs: {reason}",
        "run reconciler where that server was started; if you know that it has ended: reconciler registry take-over",
    )


def _unreachable(hidden: _Hidden, world: World) -> UnreachableServer:
    pid, user, door = hidden.row.pid, world.processes.user(hidden.row.pid), world.tmux.socket_path
    agents = _counted(hidden.agents)
    if user:
        reason = f"the tmux server that has {agents}, pid {pid} of user {user}, is not the one at {door}"
        return UnreachableServer(reason, f"run it as that user: sudo -u {user} reconciler ...")
    match hidden.answer:
        case Present(state) if state.server.pid == pid or not pid:
            run = "still runs" if hidden.agents == 1 else "still run"
            where = f"{agents} {run} on tmux server {hidden.socket} (pid {state.server.pid})"
            return UnreachableServer(f"{where}, which is not the one at {door}", _way_to(hidden.socket, door))
        case Present(state):
            reason = f"tmux server {pid}, which has {agents}, runs, but server {state.server.pid} has taken its socket"
            fix = f"end the sessions on {hidden.socket}, or move them; then: reconciler reconnect"
            return UnreachableServer(reason, fix)
        case Unknown(why):
            return UnreachableServer(f"tmux server {pid}, which has {agents}, runs but does not answer: {why}")
        case _:
            reason = f"tmux server {pid}, which has {agents}, runs, but its socket {hidden.socket} is gone"
            fix = f"let tmux make its socket again: reconciler reconnect (it does: kill -USR1 {pid})"
            return UnreachableServer(reason, fix, pid, hidden.socket)


def _counted(agents: int) -> str:
    return "1 agent" if agents == 1 else f"{agents} agents"


def _way_to(socket: str, door: str) -> str:
    """The fix for a server that answers at another socket: `TMUX_TMPDIR` if only that differs."""
    folder, name = os.path.split(socket)
    same_rules = (os.path.basename(folder), name) == (os.path.basename(os.path.dirname(door)), os.path.basename(door))
    if same_rules and os.path.basename(folder).startswith("tmux-"):
        return f"name its folder: TMUX_TMPDIR={os.path.dirname(folder)} reconciler ..."
    return _MOVE
