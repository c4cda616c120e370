"""The conversations that the agent CLIs of a project have stored."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from reconciler.agents.catalogue import catalogue
from reconciler.app.project.manifests import as_recorded, load_manifests, registry_alone
from reconciler.app.project.project import Project
from reconciler.app.project.warnings import older_shapes
from reconciler.kinds.agent.case import PlanOptions
from reconciler.model.address import workspace_address
from reconciler.model.short_names import NamedResource, the_one
from reconciler.model.snapshot import Snapshot
from reconciler.observe import SnapshotRequest
from reconciler.observe.conversations import conversations
from reconciler.render.conversations import conversations_document
from reconciler.render.documents.conversations import ConversationsDoc
from reconciler.state.registry import read


def stored_conversations(at: Project, workspace: str) -> ConversationsDoc:
    """The conversations of all workspaces, or of the named one. Raises UsageError if it does not exist."""
    stored = read(at.registry)
    record = stored.record
    desired = as_recorded(at, record) if registry_alone(at) else load_manifests(at, ()).desired
    names = list(dict.fromkeys(each.workspace for each in (*desired.workspaces, *desired.agents)))
    only = _workspace(workspace, names) if workspace else ""
    agents = {address: spec for address, spec in desired.agents.items() if only in ("", address.workspace)}
    question = SnapshotRequest(
        replace(desired, agents=agents), record, catalogue(desired.agent_types.values()), PlanOptions()
    )
    found = conversations(question, Snapshot(), at.files, at.caller)
    return conversations_document(found, older_shapes(at, stored))


def _workspace(name: str, known: Sequence[str]) -> str:
    return the_one(name, map(NamedResource, map(workspace_address, known)), "workspace").address.workspace
