"""The conversation of a pane's process by the note that a hook of its CLI left, if the note is still valid."""

from __future__ import annotations

import os.path

from reconciler.model.hook_note import HookNote, name_of_note, parsed_note
from reconciler.model.observed import Observed, Present
from reconciler.model.snapshot import Pane, Server, TmuxState
from reconciler.ports.world import World

from .agent_view import AgentView, Caller


def conversation_by_hook(view: AgentView, tmux: Observed[TmuxState], world: World, caller: Caller) -> str:
    """The conversation in the hook note about a living agent; empty when there is no valid note."""
    pane = view.pane
    if pane is None or pane.dead or view.profile.hooks is None or not isinstance(tmux, Present):
        return ""
    server = tmux.value.server
    note = _read(os.path.join(caller.hook_notes, name_of_note(server.pid, pane.pane_id)), world)
    if note is None or note.type != view.profile.name or not _is_about(note, server, pane):
        return ""
    valid = _is_alive(note, pane, world) and _is_within(note.cwd, view.subject.cwd, world)
    return note.conversation if valid else ""


def _read(path: str, world: World) -> HookNote | None:
    """Read the note, if only this user can have written it; else None."""
    if not os.path.isabs(path) or any(map(world.files.distrust, (os.path.dirname(path), path))):
        return None
    data = world.files.read(path)
    return parsed_note(data.value) if isinstance(data, Present) else None


def _is_about(note: HookNote, server: Server, pane: Pane) -> bool:
    """True when the note is about this pane of this server: in a new server, pane ids begin again."""
    life = (note.socket, note.server_pid, note.server_started)
    return life == (server.socket, server.pid, server.started) and note.pane_id == pane.pane_id


def _is_alive(note: HookNote, pane: Pane, world: World) -> bool:
    """True when the process that wrote the note still runs in the pane: pids are reused, and panes respawned."""
    same = world.processes.started(note.pid) == Present(note.started)
    return same and note.pid in world.processes.family(pane.pid) and note.at >= pane.created


def _is_within(cwd: str, folder: str, world: World) -> bool:
    """True when `cwd` is the agent's folder or one below it."""
    return os.path.isabs(cwd) and f"{world.files.real(cwd)}/".startswith(f"{folder}/")
