"""Every agent type that a manifest may name.

A profile is loaded when it is first used, from `module:NAME`, the form of entry points. Other packages add types in
the entry-point group `reconciler.agents`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from reconciler.model.desired import AgentType
from reconciler.model.errors import ReconcilerError

from .profile import Profile

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "reconciler.agents"
# Loaded when a manifest declares a type.
_DECLARED = "reconciler.agents.declared:declared_profile"
_EXTENDED = "reconciler.agents.extended:extended_profile"
BUILT_IN = {
    "agy": "reconciler.agents.agy:PROFILE",
    "claude": "reconciler.agents.claude:PROFILE",
    "cline": "reconciler.agents.cline:PROFILE",
    "codex": "reconciler.agents.codex:PROFILE",
    "copilot": "reconciler.agents.copilot:PROFILE",
    "cursor-agent": "reconciler.agents.cursor_agent:PROFILE",
    "gemini": "reconciler.agents.gemini:PROFILE",
    "kilo": "reconciler.agents.kilo:PROFILE",
    "opencode": "reconciler.agents.opencode:PROFILE",
    "pi": "reconciler.agents.pi:PROFILE",
    "qwen": "reconciler.agents.qwen:PROFILE",
    "shell": "reconciler.agents.shell:PROFILE",
}
DEFAULT = "claude"  # the agent of `create` and `job submit` when the user names none


class Catalogue(Mapping[str, Profile]):
    """Profiles by name; those of built-in types and of packages are loaded when they are first used.

    Iteration yields only built-in and declared types, because a search through all packages takes longer than a whole
    plan. The types of packages are found by name.
    """

    def __init__(self, declared: Iterable[AgentType]) -> None:
        types = {each.name: each for each in declared}
        self._declared: dict[str, Profile] = {
            name: _loaded(_DECLARED)(each) for name, each in types.items() if not each.extends
        }
        self._extending = {name: each for name, each in types.items() if each.extends}

    def __getitem__(self, name: str) -> Profile:
        if name in self._declared:
            return self._declared[name]
        if name in self._extending:
            base = known_profile(self._extending[name].extends)
            self._declared[name] = _loaded(_EXTENDED)(self._extending[name], base)
            return self._declared[name]
        return known_profile(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset({*BUILT_IN, *self._declared, *self._extending})


def known_profile(name: str) -> Profile:
    """The profile of a built-in type or of a package. Raises ReconcilerError if the package is broken, KeyError."""
    return _built_in(BUILT_IN[name]) if name in BUILT_IN else _of_package(installed()[name])


def catalogue(declared: Iterable[AgentType]) -> Mapping[str, Profile]:
    """Profiles by name: built-in types, types of the manifests, and types of installed packages.

    A lookup raises ReconcilerError when the package of the type is broken.
    """
    return Catalogue(declared)


@cache
def installed() -> Mapping[str, EntryPoint]:
    """The agent types of installed packages, by name. A package cannot replace a built-in type."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - takes 20 ms, and few projects need it

    return {point.name: point for point in entry_points(group=GROUP) if point.name not in BUILT_IN}


def _built_in(reference: str) -> Profile:
    profile: Profile = _loaded(reference)
    return profile


@cache
def _loaded(reference: str) -> Any:
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)


def _of_package(point: EntryPoint) -> Profile:
    package = point.dist.name if point.dist else point.module
    fix = f"update {package}, or remove it"
    try:
        found = point.load()
    except Exception as error:
        summary = f"agent type {point.name} of the package {package} cannot be loaded"
        raise ReconcilerError(summary, detail=f"{type(error).__name__}: {error}", fix=fix) from error
    if not isinstance(found, Profile) or found.name != point.name:
        raise ReconcilerError(
            f"agent type {point.name} of the package {package} is not a profile of that name",
            detail=f"{point.value} is {found!r}",
            fix=fix,
        )
    return found
