"""Turn the live sessions that the registry does not manage into findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from reconciler.kinds.agent.unmanaged import unmanaged
from reconciler.model.adoption import Findings, FoundAgent, LeftAlone
from reconciler.model.desired import Desired
from reconciler.model.observed import Present
from reconciler.model.plan import Unmanaged
from reconciler.model.record import Record
from reconciler.model.snapshot import Pane, TmuxState

from .recorded import foreign

SOURCE = "tmux"


class LiveView(Struct, frozen=True):
    """The state of a tmux server, with the manifests, the registry, and the names of all known agent types."""

    desired: Desired
    record: Record
    tmux: TmuxState
    types: frozenset[str]


def live_agents(seen: LiveView) -> Findings:
    """Live sessions with our naming scheme that are not managed, including those of declared agents."""
    panes = first_panes(seen.tmux.panes)
    found = unmanaged(seen.desired, seen.record, Present(seen.tmux), seen.types)
    declared = tuple(_declared(seen, panes))
    return Findings(
        agents=(*declared, *(_agent(each, panes[each.session]) for each in found)),
        left_alone=tuple(_of_other_projects(seen, panes)),
    )


def first_panes(panes: Iterable[Pane]) -> dict[str, Pane]:
    """The oldest pane of each session, by the session's name."""
    ordered = sorted(panes, key=lambda pane: int(pane.pane_id.lstrip("%") or 0))
    return {pane.session: pane for pane in reversed(ordered)}


def _agent(found: Unmanaged, pane: Pane) -> FoundAgent:
    return FoundAgent(
        source=SOURCE,
        workspace=found.workspace,
        agent=found.agent,
        type=found.agent,
        path=found.cwd,
        role=found.role,
        session=found.session,
        live=not pane.dead,
        command=tuple(found.command.split()),
    )


def _declared(seen: LiveView, panes: Mapping[str, Pane]) -> Iterator[FoundAgent]:
    """Sessions with the name of a declared agent and without tags: each may be that agent."""
    for address, spec in seen.desired.agents.items():
        pane = panes.get(spec.session)
        if pane is not None and not pane.lineage:
            yield FoundAgent(
                source=SOURCE,
                workspace=address.workspace,
                agent=address.agent,
                type=spec.type,
                path=spec.cwd,
                role=spec.role,
                session=spec.session,
                live=not pane.dead,
            )


def _of_other_projects(seen: LiveView, panes: Mapping[str, Pane]) -> Iterator[LeftAlone]:
    """Sessions with our naming scheme that are tagged by another project."""
    others = {name: pane for name, pane in panes.items() if pane.lineage and pane.lineage != seen.record.lineage}
    blank = tuple(replace(pane, lineage="", address="") for pane in others.values())
    named = unmanaged(seen.desired, seen.record, Present(replace(seen.tmux, panes=blank)), seen.types)
    declared = [spec.session for spec in seen.desired.agents.values() if spec.session in others]
    yield from (foreign(others[name]) for name in dict.fromkeys([*declared, *(each.session for each in named)]))
