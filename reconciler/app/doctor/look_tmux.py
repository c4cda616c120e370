"""tmux: the program, the project's server, and other servers of the user."""

from __future__ import annotations

import shlex
from functools import partial

from reconciler.app.project.project import Project
from reconciler.model.desired import Socket
from reconciler.model.observed import ABSENT, Absent, Observed, Present, Unknown
from reconciler.model.snapshot import TmuxState
from reconciler.ports.tmux import RealTmux
from reconciler.ports.tmux.file_limit import open_file_limit
from reconciler.ports.tmux.settings import neighbours, options, pane_settings, search_path

from .attempts import at_once, attempt
from .facts import OtherServer, TmuxFacts

_MOST_OTHERS = 12  # servers beside ours that are asked


def look_at_tmux(at: Project, declared: Socket, seen: Observed[TmuxState]) -> TmuxFacts:
    """Tmux as this command finds it; `seen` is what the project's server answered."""
    socket = at.socket(declared)
    tmux = RealTmux(socket, at.env)
    program = at.processes.find("tmux", at.env.get("PATH", ""))
    installed = isinstance(program, Present)
    answers = isinstance(seen, Present)
    # a server that does not answer would use up the time limit of each of these questions
    silent = isinstance(seen, Unknown)
    return TmuxFacts(
        program=program,
        version=attempt(tmux.version) if installed else ABSENT,
        socket=tmux.socket_path,
        command=f"tmux -S {shlex.quote(socket.path)}" if socket.path else f"tmux -L {socket.label}",
        obstacle=tmux.obstacle(),
        server=seen if installed else ABSENT,
        files=open_file_limit(seen.value.server.pid) if isinstance(seen, Present) else ABSENT,
        options=attempt(partial(options, tmux)) if answers else ABSENT,
        panes=attempt(partial(pane_settings, tmux)) if answers else ABSENT,
        hooks=attempt(tmux.ending_hooks) if answers else ABSENT,
        search_path=attempt(partial(search_path, tmux)) if answers else ABSENT,
        leftovers=ABSENT if silent or not installed else attempt(tmux.leftovers),
        others=_others(at, tmux) if installed else ABSENT,
    )


def _others(at: Project, tmux: RealTmux) -> Observed[tuple[OtherServer, ...]]:
    """The other servers that listen; each is asked once."""
    sockets = attempt(partial(neighbours, tmux))
    if not isinstance(sockets, Present):
        return sockets
    asked = sockets.value[:_MOST_OTHERS]
    answers = at_once(lambda path: RealTmux(Socket(path=path), at.env).look(), asked)
    found = zip(asked, answers, strict=True)
    return Present(tuple(OtherServer(path, answer) for path, answer in found if not isinstance(answer, Absent)))
