"""The content of `status`: all agents, or one in detail."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING

from reconciler.app.agents.look import ProjectView, look
from reconciler.app.agents.names import resolve_names
from reconciler.app.project.identity import whose
from reconciler.app.project.manifests import in_project
from reconciler.app.project.project import Project
from reconciler.app.project.warnings import about_registry, with_others
from reconciler.kinds.agent.status import statuses
from reconciler.model.address import Address
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.observed import ABSENT, Unknown
from reconciler.model.snapshot import tmux_trouble
from reconciler.render.document import diagnostic_document
from reconciler.render.status import detail_document, status_document
from reconciler.state.history import HistoryEntry, read

if TYPE_CHECKING:
    from reconciler.render.documents.status import HistoryDoc, StatusDetail, StatusDoc


def status(at: Project, name: str = "") -> StatusDoc:
    """All agents, or the named one with its detail. Raises UsageError if it does not exist."""
    seen = look(at)
    document = status_seen(at, seen, resolve_names(seen, [name], found=True)[0] if name else None)
    tested = [case.profile for case in seen.cases.values() if case.profile and case.profile.tested]
    if tested:  # a project without them starts faster
        versions = import_module("reconciler.app.project.versions")
        document["diagnostics"] += map(diagnostic_document, versions.unchecked(at, tested))
    return document


def status_seen(at: Project, seen: ProjectView, address: Address | None = None) -> StatusDoc:
    """What a look showed: all agents, or one with its detail."""
    said = diagnostics_of(at, seen)
    told = whose(at, seen.stored.record.lineage)
    agents = list(statuses(seen.cases, seen.stored.record, seen.snapshot))
    if address is None:
        shown = [each for each in agents if each.address not in seen.desired.inactive or each.status != "declared"]
        return in_project(at, status_document(shown, said, told))
    document = in_project(at, status_document([agent for agent in agents if agent.address == address], said, told))
    for row in document["agents"]:
        row["detail"] = detail_of(at, seen, address)
    return document


def diagnostics_of(at: Project, seen: ProjectView) -> tuple[Diagnostic, ...]:
    """What is wrong with a project that was looked at."""
    tmux = seen.snapshot.tmux
    hidden = (tmux_trouble(tmux),) if isinstance(tmux, Unknown) else ()
    return with_others(about_registry(at, seen.stored), (*hidden, *seen.snapshot.visibility_warnings))


def detail_of(at: Project, seen: ProjectView, address: Address) -> StatusDetail:
    """The detail of an agent that was looked at."""
    record = seen.stored.record
    row = next((row for row in record.sessions.values() if row.address == address), None)
    identity = seen.cases[address].identity if address in seen.cases else record.identity(address, row)
    artifact = seen.snapshot.artifacts.get(address, ABSENT)
    return detail_document(address.workspace, identity, artifact, _past(read(at.history, str(address))))


def _past(entries: Iterable[HistoryEntry]) -> list[HistoryDoc]:
    return [
        {
            "at": entry.at,
            "what": entry.what,
            "reason": entry.reason,
            "conversation": entry.conversation,
            "note": entry.note,
        }
        for entry in entries
    ]
