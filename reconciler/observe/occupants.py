"""What runs in foreign sessions that have an agent's name or are to be imported."""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from reconciler.agents.shell_names import SHELLS
from reconciler.model.activity import LiveAgent
from reconciler.model.address import Address
from reconciler.model.observed import Present
from reconciler.model.snapshot import Occupant, Pane, Snapshot
from reconciler.ports.world import Files, World

from .agent_view import AgentView, Caller
from .hook_conversation import conversation_by_hook
from .live import reported_state

_REGISTRY = (".hermes", "agent-sessions.yaml")
_HEAD = 4096  # bytes of a registry: its lineage is in the first lines


def occupants(
    views: Iterable[AgentView], snapshot: Snapshot, world: World, caller: Caller
) -> Mapping[Address, Occupant]:
    """The occupant of each foreign session, by the agent that has the same name or that it is imported as."""
    found = ((view, view.case.pane_to_import or view.case.foreign_pane) for view in views)
    return {view.case.address: _occupant(view, pane, snapshot, world, caller) for view, pane in found if pane}


def _occupant(view: AgentView, pane: Pane, snapshot: Snapshot, world: World, caller: Caller) -> Occupant:
    lines = [world.processes.words(pid) for pid in world.processes.family(pane.pid)]
    programs = dict.fromkeys(name for words in lines for name in _names(words))
    words = tuple(part for line in lines for word in line for part in (word, word.partition("=")[2]) if part)
    project, found = _project(pane, world.files, caller) if pane.lineage else ("", True)
    return Occupant(
        programs=tuple(programs),
        conversation=_conversation(view, pane, snapshot, world, caller),
        words=words,
        project=project,
        project_found=found,
    )


def _project(pane: Pane, files: Files, caller: Caller) -> tuple[str, bool]:
    """The project that the session's lineage belongs to, and whether its registry is there; empty if nothing tells.

    The notes of the user's projects and the session's tag may be older than a move of the project, so the first one
    whose registry is there counts. Sessions of older versions have no tag: there, the project is in the pane's folder
    or above it.
    """
    own_line = re.compile(
        rb"^lineage: *[\"']?" + re.escape(pane.lineage.encode(errors="surrogateescape")) + rb"[\"']?\s", re.MULTILINE
    )
    candidates = (*caller.projects_of(pane.lineage), *_in_folder(pane.project))
    for folder, registry in (*candidates, *_above(pane.cwd)):
        head = files.read(registry, _HEAD)
        if isinstance(head, Present) and own_line.search(head.value):
            return folder, True
    return next((folder for folder, _ in candidates), ""), False


def _in_folder(folder: str) -> tuple[tuple[str, str], ...]:
    return ((folder, os.path.join(folder, *_REGISTRY)),) if os.path.isabs(folder) and "\0" not in folder else ()


def _above(folder: str) -> Iterator[tuple[str, str]]:
    """The folder and all above it, each with the registry that it may have."""
    while os.path.isabs(folder):
        yield from _in_folder(folder)
        folder = os.path.dirname(folder) if folder != os.path.dirname(folder) else ""


def _names(words: tuple[str, ...]) -> Iterator[str]:
    """The names of what a process runs: its program, and the script that the program executes."""
    names = [os.path.basename(word).lstrip("-") for word in words[:1]]
    yield from names
    behind = words[1:2] if names and names[0] in SHELLS else words[1:]  # after `sh -c` comes no script
    script = next((word for word in behind if not word.startswith("-")), "")
    if script:
        yield os.path.basename(script)


def _conversation(view: AgentView, pane: Pane, snapshot: Snapshot, world: World, caller: Caller) -> str:
    if pane.dead or view.pane is pane:
        return view.live.conversation
    own: LiveAgent = reported_state(pane, view.profile, view.subject, world)
    return own.conversation or conversation_by_hook(replace(view, pane=pane), snapshot.tmux, world, caller)
