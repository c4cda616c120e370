"""Every agent type that a manifest may name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.model.desired import AgentType

from . import claude
from .declared import declared_profile
from .profile import Profile

BUILT_IN: Mapping[str, Profile] = {profile.name: profile for profile in (claude.PROFILE,)}


def catalogue(declared: Iterable[AgentType]) -> Mapping[str, Profile]:
    """Profiles by name: the built-in ones, and those of the manifests, which never share a name."""
    return {**BUILT_IN, **{each.name: declared_profile(each) for each in declared}}
