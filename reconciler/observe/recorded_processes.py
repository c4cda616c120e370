"""Whether a recorded process still runs.

A pid alone is no proof, because pids are reused. It counts together with the start of the process, within one boot of
the machine and one pid namespace.
"""

from __future__ import annotations

from reconciler.model.moment import unix
from reconciler.model.observed import ABSENT, Observed, Present, Unknown
from reconciler.model.record import ServerRow, SessionRow
from reconciler.ports.lockfile import current_namespace
from reconciler.ports.world import Processes, World

_SLACK = 2  # seconds: the start of a process is known to about one second


def server_process(row: ServerRow, world: World) -> Observed[int]:
    """The pid of the recorded tmux server while it runs."""
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
    """The pid of the recorded agent's process while it runs."""
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
    """The pid if its process has the recorded start. Without /proc, starts are counted in another unit: `Unknown`."""
    if not isinstance(found, Present):
        return found
    if boot and not current_namespace().boot:
        return Unknown(f"process {pid} runs, but without /proc nothing shows whether it is the recorded one")
    return Present(pid) if found.value == start else ABSENT


def _out_of_reach(row: ServerRow, world: World) -> Observed[int]:
    """A pid of another pid namespace means nothing here. A socket without a listener proves the end (unix(7))."""
    left_over = row.path and isinstance(world.files.facts(row.path), Present)
    if left_over and world.tmux.look_at(row.path) == ABSENT:
        return ABSENT
    return Unknown(f"process {row.pid} is in another pid namespace: in a container, or on the host of this one")


def _older_server(row: ServerRow, processes: Processes) -> Observed[int]:
    """For a row without ticks: its time may be wrong if the clock was set since, so any tmux with that pid counts."""
    began = processes.since(row.pid)
    if not isinstance(began, Present):
        return began
    recorded = unix(row.started)
    name = next((name for _, name in processes.ancestry(row.pid)), "")
    is_it = name.startswith("tmux") or (recorded is not None and abs(began.value - recorded) <= _SLACK)
    return Present(row.pid) if is_it else ABSENT


def _began_before(written: str, pid: int, processes: Processes) -> Observed[int]:
    """For a row without the start of the process: a process that began after the row was written does not count."""
    began, recorded = processes.since(pid), unix(written)
    if not isinstance(began, Present) or recorded is None:
        return began if not isinstance(began, Present) else Present(pid)
    return Present(pid) if began.value <= recorded + _SLACK else ABSENT
