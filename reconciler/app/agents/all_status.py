"""The status of all projects of this user, with one look at each tmux server."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from reconciler.app.agents.look import ProjectView, look
from reconciler.app.agents.names import known_agents
from reconciler.app.agents.status import status_seen
from reconciler.app.project.noted import ProjectResult, damaged_notes, open_noted_projects, seen_in_each
from reconciler.app.project.warnings import unconfirmed
from reconciler.model.address import Address
from reconciler.model.errors import UsageError
from reconciler.model.short_names import NamedResource, exactly, partly
from reconciler.render.all_projects import ProjectStatus, all_status_document
from reconciler.render.documents.status_all import AllStatusDoc

_LISTED = 20


def status_of_all(name: str = "") -> AllStatusDoc:
    """All agents of all noted projects; or the named one with its detail, and the projects that cannot be looked at.

    Raises:
        UsageError: No agent of any project has the name, or several have it: they are listed with their projects.
        ReconcilerError: The notes cannot be read.
    """
    found = open_noted_projects()
    seen = list(seen_in_each(found, look))
    projects = _named(name, seen) if name else [_project(each) for each in seen]
    return all_status_document(projects, damaged_notes(found))


def _project(seen: ProjectResult[ProjectView], address: Address | None = None) -> ProjectStatus:
    note, at = seen.noted.note, seen.noted.at
    if seen.result is None:
        return ProjectStatus(note, error=seen.error)
    return ProjectStatus(note, status_seen(at, seen.result, address), more=unconfirmed(at))


# --- one agent by name ------------------------------------------------------------------------


class _Match(Struct, frozen=True):
    """An agent that a name may stand for, and where it is."""

    seen: ProjectResult[ProjectView]
    agent: NamedResource


def _named(name: str, seen: Sequence[ProjectResult[ProjectView]]) -> list[ProjectStatus]:
    match = _the_one(name, seen)
    unread = [each for each in seen if each.result is None]
    return [
        _project(each, match.agent.address) if each is match.seen else _project(each) for each in (match.seen, *unread)
    ]


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
