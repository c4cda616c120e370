"""The project: manifests, registry, lock, and agents that are not where they should be."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.app.doctor.facts import MachineFacts, ProjectFacts
from reconciler.model.checkup import CheckName, CheckResult, Cure
from reconciler.model.diagnostic import Severity
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.model.snapshot import Snapshot
from reconciler.state.lock import HolderState
from reconciler.state.placement import Placement, PlacementState

from .results import counted, diagnosed, error, note, ok, some, unknown, warning

_INIT = "reconciler init, or reconciler adopt for what runs already"


def project(facts: MachineFacts) -> Iterator[CheckResult]:
    """Everything about the project."""
    found = facts.project
    yield from _manifests(found)
    yield from _registry(found)
    yield from _placed(found)
    yield from _lock(found)
    yield from (diagnosed(CheckName.CONFIRMATION, each) for each in found.unconfirmed)
    for name, path in sorted(found.missing_folders.items()):
        summary = f"the folder of workspace {name} is missing: {path}"
        yield warning(CheckName.WORKSPACES, summary, "its agents cannot go on there", "reconciler plan")
    yield from _running(found)


def _manifests(found: ProjectFacts) -> Iterator[CheckResult]:
    name = CheckName.MANIFESTS
    yield from (diagnosed(name, mistake) for mistake in found.mistakes)
    match found.manifests:
        case Absent():
            yield note(name, f"no manifest in {found.root}", fix=_INIT)
        case Unknown() as why:
            yield unknown(name, "the manifests could not be looked for", why)
        case Present(paths) if not found.mistakes:
            agents = counted(len(found.desired.agents), "agent")
            yield ok(name, f"{counted(len(paths), 'manifest')}, {agents} declared")
            warnings = [each for each in found.desired.diagnostics if each.severity is Severity.WARNING]
            yield from (diagnosed(name, each) for each in warnings)


def _registry(found: ProjectFacts) -> Iterator[CheckResult]:
    name = CheckName.REGISTRY
    match found.stored:
        case Absent():
            yield note(name, f"no registry at {found.registry_path}", "the first apply writes it")
        case Unknown() as why:
            yield error(name, "the registry cannot be used", why.reason, why.fix)
        case Present(stored):
            rows = counted(len(stored.record.sessions), "session")
            fine = ok(name, f"registry with {rows} (serial {stored.record.serial})")
            yield from [diagnosed(name, each) for each in found.older] or [fine]


def _placed(found: ProjectFacts) -> Iterator[CheckResult]:
    match found.placement:
        case Unknown() as why:
            yield unknown(CheckName.PLACEMENT, "cannot tell whether this folder is a copy", why)
        case Present(Placement() as place):
            yield from _place(place)


def _place(place: Placement) -> Iterator[CheckResult]:
    if place.state is PlacementState.COPY:
        refusal = place.refusal
        yield error(CheckName.PLACEMENT, refusal.summary, refusal.detail, refusal.fix)
    elif place.state is PlacementState.MOVED and place.recorded:
        summary = f"the project was moved here from {place.recorded.folder}"
        yield note(CheckName.PLACEMENT, summary, "the next apply records that")


def _lock(found: ProjectFacts) -> Iterator[CheckResult]:
    name = CheckName.LOCK
    match found.lock:
        case Unknown() as why:
            yield unknown(name, "the lock cannot be read", why)
        case Present(status):
            match status.holder:
                case HolderState.ALIVE:
                    yield note(name, f"locked by {found.holder}", "another command is at work")
                case HolderState.DEAD:
                    summary = f"a killed command left its lock: {found.holder}"
                    yield warning(name, summary, "the next command takes it over", "reconciler doctor --fix", Cure.LOCK)
                case HolderState.UNKNOWN:
                    fix = f"if it has certainly stopped working: reconciler unlock {status.info.id}"
                    detail = "nothing here shows whether it still works"
                    yield warning(name, f"locked by {found.holder}", detail, fix)


def _running(found: ProjectFacts) -> Iterator[CheckResult]:
    """Agents outside of tmux, and sessions that no manifest declares."""
    if isinstance(found.snapshot, Unknown):
        yield unknown(CheckName.ORPHANS, "the running agents could not be looked at", found.snapshot)
    if not isinstance(found.snapshot, Present):
        return
    snapshot = found.snapshot.value
    if isinstance(found.stored, Unknown) or isinstance(snapshot.tmux, Unknown):
        why = "tmux could not be asked" if isinstance(snapshot.tmux, Unknown) else "the registry cannot be read"
        yield unknown(CheckName.ORPHANS, "it is not known which agents still run", Unknown(why))
        return
    yield from _orphans(snapshot)
    yield from _strangers(found)


def _orphans(snapshot: Snapshot) -> Iterator[CheckResult]:
    name = CheckName.ORPHANS
    outside = {str(address): pid for address, pid in snapshot.orphans.items()}
    for address, pid in sorted(outside.items()):
        if isinstance(pid, Unknown):
            yield unknown(name, f"{address}: it is not known whether its process still runs", pid)
        if isinstance(pid, Present):
            detail = "its tmux session is gone, so it is not started again before that process ends"
            fix = f"look at it (ps -fp {pid.value}); to end it: kill {pid.value}"
            yield warning(name, f"{address}: its process {pid.value} runs outside of tmux", detail, fix)
    for address, used in sorted((str(address), pid) for address, pid in snapshot.elsewhere.items()):
        if address not in outside:
            detail = "two processes must not write into one conversation"
            fix = f"look at it (ps -fp {used}); to end it: kill {used}"
            yield warning(name, f"{address}: process {used} uses its conversation", detail, fix)


def _strangers(found: ProjectFacts) -> Iterator[CheckResult]:
    lineage = found.stored.value.record.lineage if isinstance(found.stored, Present) else ""
    lost = sorted(set(_lost_rows(found, lineage)))
    if lost:
        summary = f"{counted(len(lost), 'session')} of this project without a row in the registry"
        yield warning(CheckName.SESSIONS, summary, some(lost), "reconciler refresh; then reconciler adopt")
    known = {each.session for each in found.unmanaged} - set(lost)
    if known:
        summary = f"{counted(len(known), 'session')} that look like agents and are in no manifest"
        yield note(CheckName.SESSIONS, summary, some(sorted(known)), "reconciler unmanaged; reconciler adopt")


def _lost_rows(found: ProjectFacts, lineage: str) -> Iterator[str]:
    """The sessions with the tags of this registry that the registry does not have."""
    tmux = found.snapshot.value.tmux if isinstance(found.snapshot, Present) else None
    recorded = found.stored.value.record.sessions if isinstance(found.stored, Present) else {}
    addresses = {str(row.address) for row in recorded.values()}
    if not isinstance(tmux, Present) or not lineage:
        return
    for pane in tmux.value.panes:
        if pane.lineage == lineage and pane.session not in recorded and pane.address not in addresses:
            yield pane.session
