"""The names in the manifests: to split the session names of older registries, and to complete profiles."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from itertools import chain

from reconciler.agents.catalogue import BUILT_IN, installed
from reconciler.app.project.places import own_manifests
from reconciler.manifest import ALL_PROFILES, PROFILES, ManifestContext, Source, load
from reconciler.model.desired import Agent, Desired
from reconciler.model.errors import InvalidManifest
from reconciler.model.observed import Present
from reconciler.ports.files import RealFiles
from reconciler.ports.world import Files
from reconciler.state.session_names import KnownNames, SessionParts


def declared_names(root: str, home: str, env: Mapping[str, str], files: Files) -> KnownNames:
    """The workspaces, roles, types and sessions that the manifests of a project declare; empty if they are damaged.

    Commands that need the manifests report the damage.
    """
    desired = _desired(ManifestContext(root, home, env, os.path.basename(root)), files)
    return _names(desired) if desired else KnownNames()


def declared_profiles(root: str) -> frozenset[str]:
    """The names of all profiles in the manifests of a project, active or not; none if they are damaged."""
    env = {**os.environ, PROFILES: ALL_PROFILES}
    around = ManifestContext(root, os.path.expanduser("~"), env, os.path.basename(root))
    desired = _desired(around, RealFiles())
    if desired is None:
        return frozenset()
    lists = chain(
        (each.profiles for each in desired.workspaces.values()), (each.profiles for each in desired.agents.values())
    )
    return frozenset(chain.from_iterable(lists))


def _desired(around: ManifestContext, files: Files) -> Desired | None:
    sources = list(_sources(around.root, files))
    try:
        return load(sources, around, frozenset({*BUILT_IN, *installed()})).desired if sources else None
    except InvalidManifest:
        return None


def _sources(root: str, files: Files) -> Iterator[Source]:
    for path in own_manifests(root):
        found = files.read(path, 64 << 20)
        if isinstance(found, Present):
            yield Source(path, found.value)


def _names(desired: Desired) -> KnownNames:
    agents = desired.agents.values()
    return KnownNames(
        frozenset(address.workspace for address in desired.workspaces),
        frozenset(spec.role for spec in agents),
        frozenset({*(spec.type for spec in agents), *desired.agent_types}),
        {spec.session: _parts(spec) for spec in agents},
    )


def _parts(spec: Agent) -> SessionParts:
    return SessionParts(spec.address.workspace, spec.role, spec.address.agent, spec.type)
