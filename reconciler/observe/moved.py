"""Conversations that began in another folder than the one in which their agents would continue them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.agents.storage import HEAD_BYTES, StoredHead, is_of
from reconciler.model.address import Address
from reconciler.model.observed import Observed, Present
from reconciler.model.snapshot import Artifact, Snapshot
from reconciler.ports.world import Files, World

from .agent_view import AgentView


def moved_conversations(views: Iterable[AgentView], snapshot: Snapshot, files: Files) -> Mapping[Address, str]:
    """The folder that the conversation began in, for each agent that would continue it in another folder."""
    found = ((view.case.address, _began_in(view, snapshot, files)) for view in views if _may_start(view))
    return {address: folder for address, folder in found if folder}


def versions(views: Iterable[AgentView], snapshot: Snapshot, world: World) -> Mapping[Address, str]:
    """The versions of the CLIs, for agents whose CLI finds such a conversation only in some versions."""
    return {
        view.case.address: version
        for view in views
        if view.case.address in snapshot.moved and view.profile.storage.follows_by_version
        for version in _version(view, snapshot.executables.get(view.case.address), world)
    }


def _version(view: AgentView, program: Observed[str] | None, world: World) -> Iterator[str]:
    found = world.processes.version(program.value, view.subject.env) if isinstance(program, Present) else None
    if isinstance(found, Present):
        yield found.value


def _may_start(view: AgentView) -> bool:
    """True unless the agent runs in its declared folder: its conversation is then found from there."""
    row, pane, lives = view.case.row, view.pane, view.pane is not None and not view.pane.dead
    if view.case.spec is None or view.case.pane_to_import is not None:
        return False
    started = row.started_with if row else None
    return not lives or pane is None or started is None or started.cwd != view.case.spec.cwd


def _began_in(view: AgentView, snapshot: Snapshot, files: Files) -> str:
    row, cwd = view.case.row, view.subject.cwd
    recorded = row.started_with.cwd if row and row.started_with else ""
    head = _head(view, snapshot.artifacts.get(view.case.address), files)
    belongs = is_of(head, cwd) if head else None
    if belongs is None:
        return recorded if recorded and files.real(recorded) != cwd else ""
    return "" if belongs else (head.cwd if head else "") or recorded or "another folder"


def _head(view: AgentView, artifact: Observed[Artifact] | None, files: Files) -> StoredHead | None:
    if not isinstance(artifact, Present) or not view.profile.storage.keeps_files:
        return None
    data = files.read(artifact.value.path, HEAD_BYTES)
    return view.profile.storage.read_head(artifact.value.path, data.value) if isinstance(data, Present) else None
