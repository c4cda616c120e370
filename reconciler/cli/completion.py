"""Shell completion of the names in the registry, and of profiles.

Except for profiles, only the registry is read; an unreadable registry completes nothing.
"""

from __future__ import annotations

import re
from collections import Counter
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
    return _or_shorter([*found, *found.values()], found.values(), incomplete)


def addresses(chosen: ChosenProject, incomplete: str) -> list[str]:
    """Addresses of workspaces, brokers and agents."""
    found = _recorded(chosen)
    return _or_shorter([*_places(found), *found.sessions.values()], found.sessions.values(), incomplete)


def everything(chosen: ChosenProject, incomplete: str) -> list[str]:
    """Session names and all addresses."""
    found = _recorded(chosen)
    whole = [*found.sessions, *_places(found), *found.sessions.values()]
    return _or_shorter(whole, found.sessions.values(), incomplete)


def workspaces(chosen: ChosenProject, incomplete: str) -> list[str]:
    """Names of workspaces."""
    return offered(_recorded(chosen).workspaces, incomplete)


def types(chosen: ChosenProject, incomplete: str) -> list[str]:
    """Built-in agent types, `record`, and behind it the agents."""
    built_in = import_module("reconciler.agents.catalogue").BUILT_IN  # completion of other names starts faster without
    found = _recorded(chosen).sessions
    return _or_shorter([*built_in, "record", *found], found.values(), incomplete)


def profiles(chosen: ChosenProject, incomplete: str) -> list[str]:
    """Names of the profiles in the manifests, which are read: no registry has them."""
    names = import_module("reconciler.app.project.declared_names")  # as in `types`
    return offered(sorted(names.declared_profiles(project_folder(chosen.chdir))), incomplete)


def _places(found: Names) -> list[str]:
    """The addresses of workspaces and brokers."""
    return [*(f"workspace.{name}" for name in found.workspaces), *(f"broker.{name}" for name in found.brokers)]


def _or_shorter(whole: Iterable[str], agents: Iterable[str], incomplete: str) -> list[str]:
    """The matching names; if there are none, the matching short names of agents that stand for one agent alone."""
    return offered(whole, incomplete) or offered(_short_names(agents), incomplete)


def _short_names(agents: Iterable[str]) -> list[str]:
    """The own name of each agent that no other one has, and its name with its workspace."""
    parts = [address.split(".", 2)[1:] for address in dict.fromkeys(agents)]
    times = Counter(agent for _workspace, agent in parts)
    return [*(agent for _, agent in parts if times[agent] == 1), *(".".join(each) for each in parts)]


def offered(names: Iterable[str], incomplete: str) -> list[str]:
    """The matching names. Texts that are not plain names are left out, because a shell could interpret them."""
    return list(dict.fromkeys(name for name in names if name.startswith(incomplete) and _NAME.fullmatch(name)))


def _recorded(chosen: ChosenProject) -> Names:
    from reconciler.state.names import recorded_names

    path = registry_file(project_folder(chosen.chdir), chosen.registry)
    return recorded_names(path, registry_cache(path))
