"""Whether a recorded process lives: by its pid, its start, and the boot and pid namespace that both belong to."""

from __future__ import annotations

from reconciler.model.moment import unix
from reconciler.model.observed import ABSENT, Observed, Present, Unknown
from reconciler.model.record import ServerRow, SessionRow
from reconciler.ports.lockfile import current_namespace
from reconciler.ports.world import Processes, World

_SLACK = 2  # seconds: the start of a process is known to about one


def server_process(row: ServerRow, world: World) -> Observed[int]:
    """The pid of the recorded tmux server while it lives."""
    if not row.pid:
        return ABSENT
    if row.boot:
        place = current_namespace()
        if place.boot and place.boot != row.boot:
            return ABSENT
        if row.namespace and place.namespace != row.namespace:
            return _out_of_reach(row, world)
    if row.ticks:
        return _same(world.processes.started(row.pid), row.pid, row.ticks, row.boot)
    return _older_server(row, world.processes)


def agent_process(row: SessionRow, world: World) -> Observed[int]:
    """The pid of the recorded agent's process while it lives."""
    pane, server = row.pane, row.server
    if pane is None or not pane.pid:
        return ABSENT
    boot = current_namespace().boot
    if server and server.boot and boot and server.boot != boot:
        return ABSENT
    if pane.started:
        return _same(world.processes.started(pane.pid), pane.pid, pane.started, server.boot if server else "")
    return _began_before(row.updated_at or row.created_at, pane.pid, world.processes)


def _same(found: Observed[int], pid: int, start: int, boot: str) -> Observed[int]:
    """A system that has stopped telling its boot counts the start of a process in another way, too."""
    if not isinstance(found, Present):
        return found
    if boot and not current_namespace().boot:
        return Unknown(f"process {pid} runs, and whether it is the recorded one cannot be told here: there is no /proc")
    return Present(pid) if found.value == start else ABSENT


def _out_of_reach(row: ServerRow, world: World) -> Observed[int]:
    """A pid of another pid namespace says nothing here; a socket that nobody listens on any more does (unix(7))."""
    left_over = row.path and isinstance(world.files.facts(row.path), Present)
    if left_over and world.tmux.look_at(row.path) == ABSENT:
        return ABSENT
    return Unknown(f"process {row.pid} is in another pid namespace: in a container, or on the host of this one")


def _older_server(row: ServerRow, processes: Processes) -> Observed[int]:
    """A row without ticks has the time by the clock, which may have been set since; a tmux of that pid will do."""
    began = processes.since(row.pid)
    if not isinstance(began, Present):
        return began
    recorded = unix(row.started)
    name = next((name for _, name in processes.ancestry(row.pid)), "")
    is_it = name.startswith("tmux") or (recorded is not None and abs(began.value - recorded) <= _SLACK)
    return Present(row.pid) if is_it else ABSENT


def _began_before(written: str, pid: int, processes: Processes) -> Observed[int]:
    """An older row tells no start: a process that began after the row was written is another one."""
    began, recorded = processes.since(pid), unix(written)
    if not isinstance(began, Present) or recorded is None:
        return began if not isinstance(began, Present) else Present(pid)
    return Present(pid) if began.value <= recorded + _SLACK else ABSENT
