"""Write down which conversation the CLI in a pane has open, as the CLI itself tells its hook."""

from __future__ import annotations

import os

from msgspec import Struct

from reconciler.agents.hooks import Payload
from reconciler.agents.jsonl import text
from reconciler.agents.profile import Profile
from reconciler.agents.shell_names import SHELLS
from reconciler.model.digits import number_in
from reconciler.model.event_kind import EventKind
from reconciler.model.hook_note import HookNote
from reconciler.model.observed import Absent, Present
from reconciler.model.snapshot import Pane, Server
from reconciler.observe import HOOK_NOTES
from reconciler.ports.world import Processes

from .record import Records


class HookLocation(Struct, frozen=True):
    """Where a hook runs: the pane named in its environment, and the process of the hook itself."""

    server: Server
    pane: Pane
    pid: int


def write_note(place: HookLocation, profile: Profile, payload: Payload, records: Records, processes: Processes) -> None:
    """Write a note about the conversation, if the CLI of one of our agents reports a prompt."""
    pid, conversation = _cli(place, profile, processes), text(payload, "session_id")
    began = processes.started(pid) if pid else None
    if not (place.pane.lineage and conversation and isinstance(began, Present) and _is_prompt(profile, payload)):
        return
    note = HookNote(
        type=profile.name,
        conversation=conversation,
        cwd=text(payload, "cwd"),
        socket=place.server.socket,
        server_pid=place.server.pid,
        server_started=place.server.started,
        pane_id=place.pane.pane_id,
        pid=pid,
        started=began.value,
        at=int(records.clock.now().timestamp()),
    )
    folder = os.path.join(records.folder, HOOK_NOTES)
    records.files.make_folder(folder, 0o700)
    _forget_the_gone(folder, records, processes)
    records.files.write(os.path.join(folder, note.name), note.document(), 0o600)


def _is_prompt(profile: Profile, payload: Payload) -> bool:
    """Whether the hook reports a prompt. Other events may be about a conversation that the CLI only displays."""
    return profile.hooks is not None and (
        profile.hooks.events.get(text(payload, "hook_event_name")) is EventKind.STARTED
    )


def _cli(place: HookLocation, profile: Profile, processes: Processes) -> int:
    """The pid of the CLI that runs this hook; 0 when it is not the one in the pane.

    An agent may start its own CLI a second time, and that one inherits the pane. So only a shell may run between the
    hook and its CLI. The CLI must be the pane's own process, or its child for a CLI that continues in a child.
    """
    above = list(processes.ancestry(place.pid)[1:])
    if above and above[0][1] in SHELLS:
        above = above[1:]
    near = [pid for pid, _ in above[: 2 if profile.launch.goes_on_in_child else 1]]
    return near[0] if place.pane.pid in near else 0


def _forget_the_gone(folder: str, records: Records, processes: Processes) -> None:
    """Delete the notes about panes of tmux servers that have ended; a note's name begins with the server's pid."""
    found = records.files.find(os.path.join(folder, "*-*.json"))
    for path in found.value if isinstance(found, Present) else ():
        server = number_in(os.path.basename(path).partition("-")[0])
        if server is not None and isinstance(processes.started(server), Absent):
            records.files.delete(path, folder)
