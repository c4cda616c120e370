"""What a CLI told one of its hooks about the process in a pane, where that can still be believed."""

from __future__ import annotations

import os.path

from reconciler.model.hook_note import HookNote, name_of_note, parsed_note
from reconciler.model.observed import Observed, Present
from reconciler.model.snapshot import Pane, Server, TmuxState
from reconciler.ports.world import World

from .agent_view import AgentView, Caller


def conversation_by_hook(view: AgentView, tmux: Observed[TmuxState], world: World, caller: Caller) -> str:
    """The conversation that the CLI of a living agent told a hook; empty when there is no note that is believed."""
    pane = view.pane
    if pane is None or pane.dead or view.profile.hooks is None or not isinstance(tmux, Present):
        return ""
    server = tmux.value.server
    note = _read(os.path.join(caller.hook_notes, name_of_note(server.pid, pane.pane_id)), world)
    if note is None or note.type != view.profile.name or not _is_about(note, server, pane):
        return ""
    believed = _is_alive(note, pane, world) and _is_within(note.cwd, view.subject.cwd, world)
    return note.conversation if believed else ""


def _read(path: str, world: World) -> HookNote | None:
    """A note that only we can have written."""
    if not os.path.isabs(path) or any(map(world.files.distrust, (os.path.dirname(path), path))):
        return None
    data = world.files.read(path)
    return parsed_note(data.value) if isinstance(data, Present) else None


def _is_about(note: HookNote, server: Server, pane: Pane) -> bool:
    """The ids of panes begin again in another life of the server."""
    life = (note.socket, note.server_pid, note.server_started)
    return life == (server.socket, server.pid, server.started) and note.pane_id == pane.pane_id


def _is_alive(note: HookNote, pane: Pane, world: World) -> bool:
    """The very process that told it still runs in the pane: pids come again, and a pane may get another process."""
    same = world.processes.started(note.pid) == Present(note.started)
    return same and note.pid in world.processes.family(pane.pid) and note.at >= pane.created


def _is_within(cwd: str, folder: str, world: World) -> bool:
    """An agent may go into the folders below its own, and nowhere else."""
    return os.path.isabs(cwd) and f"{world.files.real(cwd)}/".startswith(f"{folder}/")
