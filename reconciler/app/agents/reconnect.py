"""Ask a tmux server that lost its socket to make it again."""

from __future__ import annotations

from msgspec import Struct

from reconciler.app.agents.look import look, unseen
from reconciler.app.project.project import Project
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Observed, Present, Unknown
from reconciler.model.snapshot import TmuxState, UnreachableServer
from reconciler.ports.tmux.revival import remake_socket
from reconciler.ports.world import World

_SECONDS = 5.0
_PAUSE = 0.05


class Reconnected(Struct, frozen=True):
    """The tmux server that answers again, and its socket."""

    pid: int
    socket: str


def reconnect(at: Project) -> Reconnected | None:
    """Make the agents' tmux server answer again; None if it already answered.

    Raises:
        ReconcilerError: A new socket is not enough.
    """
    seen = look(at, everyone=False)
    tmux = seen.snapshot.tmux
    if not isinstance(tmux, Unknown):
        return None
    if not isinstance(tmux, UnreachableServer) or not tmux.pid:
        raise unseen(tmux)
    return reconnect_to(tmux, at.world(seen.desired.socket))


def reconnect_to(hidden: UnreachableServer, world: World) -> Reconnected:
    """Make this server, whose socket is missing, answer again. Raises ReconcilerError as `reconnect`."""
    remake_socket(hidden.pid, hidden.socket, world.processes)
    answer = _awaited(hidden.socket, world)
    if not isinstance(answer, Present):
        fix = f"make sure that {hidden.socket} can be created, then run `reconciler reconnect` again"
        raise ReconcilerError(f"tmux server {hidden.pid} did not make its socket {hidden.socket}", fix=fix)
    return Reconnected(hidden.pid, hidden.socket)


def _awaited(socket: str, world: World) -> Observed[TmuxState]:
    """What the socket answers once a server is there, or when the time is up."""
    deadline = world.clock.monotonic() + _SECONDS
    while True:
        answer = world.tmux.look_at(socket)
        if isinstance(answer, Present) or world.clock.monotonic() >= deadline:
            return answer
        world.clock.wait(_PAUSE)
