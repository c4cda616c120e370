"""Shell completion of the names in the registry, and of profiles.

Except for profiles, only the registry is read; an unreadable registry completes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING

from reconciler.app.project.places import project_folder, registry_cache, registry_file

from .parameters import ChosenProject

if TYPE_CHECKING:
    from reconciler.state.names import Names

# Brackets are those of an instance: shells quote them when they complete a word.
_NAME = re.compile(r"[\w.@%+=:-]+(?:\[[\w-]+\][\w.-]*){0,2}")


def agents(chosen: ChosenProject, incomplete: str) -> list[str]:
    """Session names and addresses of agents."""
    found = _recorded(chosen).sessions
    return offered([*found, *found.values()], incomplete)


def addresses(chosen: ChosenProject, incomplete: str) -> list[str]:
    """Addresses of workspaces, brokers and agents."""
    found = _recorded(chosen)
    return offered([*_places(found), *found.sessions.values()], incomplete)


def everything(chosen: ChosenProject, incomplete: str) -> list[str]:
    """Session names and all addresses."""
    found = _recorded(chosen)
    return offered([*found.sessions, *_places(found), *found.sessions.values()], incomplete)


def workspaces(chosen: ChosenProject, incomplete: str) -> list[str]:
    """Names of workspaces."""
    return offered(_recorded(chosen).workspaces, incomplete)


def types(chosen: ChosenProject, incomplete: str) -> list[str]:
    """Built-in agent types, `record`, and behind it the agents."""
    built_in = import_module("reconciler.agents.catalogue").BUILT_IN  # completion of other names starts faster without
    return offered([*built_in, "record", *_recorded(chosen).sessions], incomplete)


def profiles(chosen: ChosenProject, incomplete: str) -> list[str]:
    """Names of the profiles in the manifests, which are read: no registry has them."""
    names = import_module("reconciler.app.project.declared_names")  # as in `types`
    return offered(sorted(names.declared_profiles(project_folder(chosen.chdir))), incomplete)


def _places(found: Names) -> list[str]:
    """The addresses of workspaces and brokers."""
    return [*(f"workspace.{name}" for name in found.workspaces), *(f"broker.{name}" for name in found.brokers)]


def offered(names: Iterable[str], incomplete: str) -> list[str]:
    """The matching names. Texts that are not plain names are left out, because a shell could interpret them."""
    return list(dict.fromkeys(name for name in names if name.startswith(incomplete) and _NAME.fullmatch(name)))


def _recorded(chosen: ChosenProject) -> Names:
    from reconciler.state.names import recorded_names

    path = registry_file(project_folder(chosen.chdir), chosen.registry)
    return recorded_names(path, registry_cache(path))
