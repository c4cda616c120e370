"""A tmux server that lost its socket is asked to make it again."""

from __future__ import annotations

from reconciler.app.agents.look import look, unseen
from reconciler.app.project.project import Project
from reconciler.model.errors import ReconcilerError
from reconciler.model.exit_code import ExitCode
from reconciler.model.observed import Observed, Present, Unknown
from reconciler.model.snapshot import OutOfSight, TmuxState
from reconciler.ports.tmux.revival import remake_socket
from reconciler.ports.world import World
from reconciler.render.answer_shape import ReconnectDoc, reconnect_document
from reconciler.render.door import tell, tell_json

_SECONDS = 5.0
_PAUSE = 0.05


def reconnect(at: Project, *, as_json: bool) -> int:
    """See that the agents' tmux server answers. Raises ReconcilerError when that takes more than a new socket."""
    seen = look(at, everyone=False)
    tmux = seen.snapshot.tmux
    if not isinstance(tmux, Unknown):
        return _tell(reconnect_document(), as_json=as_json)
    if not isinstance(tmux, OutOfSight) or not tmux.pid:
        raise unseen(tmux)
    remake_socket(tmux.pid, tmux.socket, at.processes)
    answer = _awaited(tmux.socket, at.world(seen.desired.socket))
    if not isinstance(answer, Present):
        fix = f"see that {tmux.socket} can be made, then again"
        raise ReconcilerError(f"tmux server {tmux.pid} did not make its socket {tmux.socket}", fix=fix)
    return _tell(reconnect_document(tmux.pid, tmux.socket), as_json=as_json)


def _tell(document: ReconnectDoc, *, as_json: bool) -> int:
    if as_json:
        tell_json(document)
    elif document["reconnected"]:
        tell(f"tmux server {document['pid']} answers again at {document['socket']}.")
    else:
        tell("No tmux server of this project is out of sight.")
    return ExitCode.OK


def _awaited(socket: str, world: World) -> Observed[TmuxState]:
    """What is at the socket once a server is, or when time is up."""
    deadline = world.clock.monotonic() + _SECONDS
    while True:
        answer = world.tmux.look_at(socket)
        if isinstance(answer, Present) or world.clock.monotonic() >= deadline:
            return answer
        world.clock.wait(_PAUSE)
