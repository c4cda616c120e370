"""The status of all projects of this user, with one look at each tmux server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from msgspec import Struct

from reconciler.app.agents.look import ProjectView, look
from reconciler.app.agents.names import known_agents
from reconciler.app.agents.status import detail_of, diagnostics_of
from reconciler.app.project.noted import ProjectResult, damaged_notes, open_noted_projects, seen_in_each
from reconciler.app.project.warnings import unconfirmed
from reconciler.kinds.agent.status import AgentStatus, statuses
from reconciler.model.address import Address
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.errors import UsageError
from reconciler.model.short_names import NamedResource, exactly, partly
from reconciler.render.board import NO_FACTS, AgentFacts, ProjectOverview, board_document
from reconciler.render.documents.board import BoardDoc

_LISTED = 20


def status_of_all(name: str = "") -> BoardDoc:
    """All agents of all noted projects; or the named one with its detail, and the projects that cannot be looked at.

    The document has no fact that is slow to look up, such as the last message; `app.board.everyone` adds these.

    Raises:
        UsageError: No agent of any project has the name, or several have it: they are listed with their projects.
        ReconcilerError: The notes cannot be read.
    """
    found = look_at_all(name)
    return board_document((overview_of(each) for each in found.projects), found.damaged)


class SeenProject(Struct, frozen=True):
    """One noted project that was looked at; with an address, only this agent is asked for."""

    seen: ProjectResult[ProjectView]
    address: Address | None = None


class SeenProjects(Struct, frozen=True):
    """All noted projects, and the errors about notes that cannot be read."""

    projects: tuple[SeenProject, ...]
    damaged: tuple[Diagnostic, ...]


def look_at_all(name: str = "") -> SeenProjects:
    """Look at all noted projects, or at the named agent and the projects that cannot be looked at; see above."""
    found = open_noted_projects()
    seen = list(seen_in_each(found, look))
    projects = _named(name, seen) if name else [SeenProject(each) for each in seen]
    return SeenProjects(tuple(projects), damaged_notes(found))


_FactsOf: TypeAlias = Callable[[ProjectView, AgentStatus], AgentFacts]


def overview_of(project: SeenProject, facts_of: _FactsOf = lambda _view, _agent: NO_FACTS) -> ProjectOverview:
    """What was seen of a project."""
    note, at, view = project.seen.noted.note, project.seen.noted.at, project.seen.result
    if view is None:
        return ProjectOverview("", note.root, note.registry, error=project.seen.error)
    agents = statuses(view.cases, view.stored.record, view.snapshot)
    shown = [each for each in agents if project.address in {None, each.address}]
    return ProjectOverview(
        project=view.desired.project,
        folder=note.root,
        registry=note.registry,
        agents=tuple((each, facts_of(view, each)) for each in shown),
        diagnostics=(*diagnostics_of(at, view), *unconfirmed(at)),
        detail=detail_of(at, view, project.address) if project.address and shown else None,
    )


# --- one agent by name ------------------------------------------------------------------------


class _Match(Struct, frozen=True):
    """An agent that a name may stand for, and where it is."""

    seen: ProjectResult[ProjectView]
    agent: NamedResource


def _named(name: str, seen: Sequence[ProjectResult[ProjectView]]) -> list[SeenProject]:
    match = _the_one(name, seen)
    unread = [SeenProject(each) for each in seen if each.result is None]
    return [SeenProject(match.seen, match.agent.address), *unread]


def _the_one(name: str, seen: Sequence[ProjectResult[ProjectView]]) -> _Match:
    known = [(each, sorted(known_agents(each.result, found=True))) for each in seen if each.result]
    whole = [_Match(each, agent) for each, agents in known for agent in exactly(name, agents)]
    meant = whole or [_Match(each, agent) for each, agents in known for agent in partly(name, agents)]
    once = list({(each.seen.noted.file, each.agent.address): each for each in meant}.values())
    if len(once) == 1:
        return once[0]
    unread = [f"not looked at: {each.noted.note.root}" for each in seen if each.result is None]
    if not once:
        fix = "`reconciler status --all` lists all agents"
        raise UsageError(f"there is no agent {name} in any project", detail="\n".join(unread), fix=fix)
    lines = [f"{each.agent}  in {each.seen.noted.note.root}" for each in once[:_LISTED]]
    more = [f"and {len(once) - _LISTED} more"] if len(once) > _LISTED else []
    raise UsageError(
        f"{name} matches {len(once)} names", detail="\n".join([*lines, *more, *unread]), fix="type more of the name"
    )
