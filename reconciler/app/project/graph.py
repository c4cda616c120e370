"""What the manifests declare, as a graph."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.app.project.manifests import load_manifests
from reconciler.app.project.project import Project
from reconciler.broker.files.acl import declared
from reconciler.model.broker import Broker
from reconciler.render.graphs.graph import Graph, Rights, graph


def project_graph(at: Project, paths: Sequence[str]) -> Graph:
    """Workspaces, agents, users and topics of these manifests, or of all. Raises InvalidManifest."""
    desired = load_manifests(at, paths).desired
    return graph(desired, {address: _rights(broker) for address, broker in desired.brokers.items()})


def _rights(broker: Broker) -> Rights:
    """The access rules of each user, and those of all users."""
    acl = declared(broker)
    return {**acl.users, "(every user)": acl.patterns} if acl.patterns else acl.users
