"""Which workspaces and agents are managed: those without profiles, and those with an active one. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from reconciler.model.address import Address, workspace_address
from reconciler.model.desired import Workspace
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.similar import similar

from .document import ALL_PROFILES, mistake
from .links import Declared, Judged, written


def by_profile(workspaces: Collection[Workspace], declared: Declared, active: Collection[str]) -> Judged:
    """Judge all workspaces and agents by the names of the `active` profiles."""
    homes = {each.address for each in workspaces if not _is_active(each.profiles, active)}
    agents = {
        agent.address
        for agent, _ in declared
        if workspace_address(agent.address.workspace) in homes or not _is_active(agent.profiles, active)
    }
    lists = [*(each.profiles for each in workspaces), *(agent.profiles for agent, _ in declared)]
    known = {name for names in lists for name in names}
    doubts = tuple(_unknown(name, known) for name in active if name not in {*known, ALL_PROFILES}) if known else ()
    return Judged(doubts, tuple(_needed(declared, agents)), frozenset(homes | agents))


def _is_active(profiles: Iterable[str], active: Collection[str]) -> bool:
    names = set(profiles)
    return not names or ALL_PROFILES in active or not names.isdisjoint(active)


def _unknown(name: str, known: Collection[str]) -> Diagnostic:
    close = similar(name, known)
    fix = f"did you mean `{close[0]}`?" if close else f"known: {', '.join(sorted(known))}"
    return Diagnostic(Severity.WARNING, f"no manifest has the profile `{name}`", fix=fix)


def _needed(declared: Declared, inactive: Collection[Address]) -> Iterator[Diagnostic]:
    """A mistake for each active agent that depends on an inactive one."""
    for agent, block in declared:
        if agent.address in inactive:
            continue
        for needed in agent.depends_on:
            if needed in inactive:
                yield mistake(
                    f"{written(agent.address)} depends on {written(needed)}, whose profiles are not active",
                    block.place("depends_on"),
                    fix="give both the same `profiles`, or pass `--profile NAME`",
                )
