"""Do what `adopt --write` promises: look, ask, write each file atomically, then import the live sessions.

The registry is written first, then the manifests; then the live sessions are imported. After an interruption, the next
run does the rest.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from reconciler.app.adopt.document import document_of_adoption
from reconciler.app.adopt.logins import make_safe
from reconciler.app.adopt.sources import AdoptionSources
from reconciler.app.adopt.view import AdoptionView, look_for_adoption
from reconciler.app.plan.apply import Work, entered, first_line
from reconciler.app.plan.events import (
    AdoptionConcluded,
    AdoptionFound,
    ApplyEnded,
    ApplyEvent,
    Began,
    Diagnosed,
    FileReported,
    InfoMessage,
    Numbering,
    Question,
    WalkBegan,
    WalkEnded,
)
from reconciler.app.plan.make import Planned, make_plan
from reconciler.app.plan.options import ApplyOptions
from reconciler.app.plan.plans import document_of
from reconciler.app.plan.prepared import Prepared
from reconciler.app.plan.walk import WalkState, walk
from reconciler.app.project.edits import expect_unchanged, write_manifests
from reconciler.app.project.manifests import display_path, in_project
from reconciler.app.project.noted import note_settled
from reconciler.app.project.project import Project
from reconciler.model.address import Address
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.errors import ReconcilerError
from reconciler.model.manifest_edit import Edit
from reconciler.model.moment import for_file_name
from reconciler.plan.request import Request
from reconciler.plan.totals import Totals
from reconciler.plan.verdict import Verdict
from reconciler.render.document import diagnostic_document
from reconciler.state import registry as state
from reconciler.state.lock import hold

_OPERATION = "adopt"


@dataclass(slots=True)
class _Adoption:
    """One adoption under the lock: what was found, the options, and the results so far.

    Copies of replaced files go to the folder `kept`; `rows` is the number of registry rows to complete.
    """

    at: Project
    seen: AdoptionView
    options: ApplyOptions
    numbering: Numbering
    who: str
    lineage: str
    rows: int
    kept: str
    totals: Totals = field(default_factory=Totals)
    files: list[str] = field(default_factory=list)


def adopt_everything(at: Project, sources: AdoptionSources, options: ApplyOptions) -> Work:
    """Adopt what the sources know, and yield an event for each thing that happens; `ApplyEnded` comes last.

    The project's lock is held until the iterator ends or is closed. A ReconcilerError first becomes events, and is
    then raised.
    """
    numbering = Numbering(at.now)
    yield Began(first_line(at, numbering))
    try:
        with hold(at.lock, _OPERATION, options.lock_timeout) as held:
            yield from entered(at, Request(operation=_OPERATION), options, held)
            seen = look_for_adoption(at, sources)
            document = document_of_adoption(at, seen)
            yield AdoptionFound(numbering.line(type="adoption", adoption=in_project(at, document)), document)
            lineage = seen.stored.record.lineage or uuid.uuid4().hex
            rows = document["summary"]["complete"]
            work = _Adoption(
                at=at,
                seen=seen,
                options=options,
                numbering=numbering,
                who=held.info.who,
                lineage=lineage,
                rows=rows,
                kept=os.path.join(at.kept, f"before-adopt-{for_file_name(at.now())}"),
            )
            yield from _ask_and_write(work)
    except ReconcilerError as error:
        for each in error.diagnostics:
            shown = diagnostic_document(each)
            line = numbering.line(type="diagnostic", diagnostic=in_project(at, shown))
            yield Diagnosed(line, shown, raised=True)
        yield _ended(numbering, Totals(), int(error.exit_code))
        raise


def _ask_and_write(work: _Adoption) -> Iterator[ApplyEvent]:
    """Refuse if there are errors, ask the user, then write."""
    if work.seen.diagnostics:
        yield _ended(work.numbering, work.totals, int(Verdict.REFUSED.exit_code))
        return
    if not work.seen.plan.changes_something:
        yield _ended(work.numbering, work.totals, int(Verdict.DONE.exit_code))
        return
    if not work.options.auto_approve and not work.options.approve(Question()):
        yield _ended(work.numbering, work.totals, int(Verdict.DECLINED.exit_code), declined=True)
        return
    expect_unchanged(work.at, work.seen.edits)
    yield from _write(work)


def _write(work: _Adoption) -> Iterator[ApplyEvent]:
    yield from _write_registry(work)
    yield from _write_manifests(work)
    yield from _note_project(work)
    yield from _import_sessions(work)
    yield from _secure_records(work)
    yield AdoptionConcluded(tuple(_counts(work)), tuple(work.totals.left))
    yield _ended(work.numbering, work.totals, int(work.totals.verdict.exit_code))


# --- files ------------------------------------------------------------------------------------


def _write_registry(work: _Adoption) -> Iterator[ApplyEvent]:
    at, plan = work.at, work.seen.plan

    def complete() -> None:
        state.complete(at.registry, work.seen.stored, plan.edits, new_lineage=work.lineage)

    if plan.rows or plan.edits:
        yield _write_file(work, at.registry_path, complete, "completed")


def _write_manifests(work: _Adoption) -> Iterator[ApplyEvent]:
    """Write all edits of a manifest at once. If the registry could not be written, no manifest is written."""
    edits: dict[str, list[Edit]] = {}
    for edit in work.seen.edits:
        edits.setdefault(edit.path, []).append(edit)
    if work.totals.remaining:
        work.totals.remaining += map(display_path, edits)
        return
    for path, own in edits.items():
        yield _write_file(work, path, partial(write_manifests, work.at, own), "written")


def _write_file(work: _Adoption, path: str, write: Callable[[], None], done: str) -> FileReported:
    """Keep a copy of the file, write it, and report the result."""
    try:
        kept = _keep_copy(work, path)
        write()
    except ReconcilerError as error:
        return _report_failure(work, path, error)
    return _report_success(work, path, kept, done)


def _report_failure(work: _Adoption, path: str, error: ReconcilerError) -> FileReported:
    work.totals.counts["failed"] += 1
    work.totals.remaining.append(display_path(path))
    message = "; ".join(filter(None, (error.summary, error.detail)))
    return FileReported(work.numbering.line(type="file_failed", file=_named(work, path), message=message))


def _report_success(work: _Adoption, path: str, kept: str, done: str) -> FileReported:
    work.totals.counts["done"] += 1
    work.files.append(path)
    line = work.numbering.line(type="file_written", file=_named(work, path), kept=kept, message=done)
    return FileReported(line)


def _named(work: _Adoption, path: str) -> str:
    """The file as documents name it."""
    return in_project(work.at, {"file": display_path(path)})["file"]


def _keep_copy(work: _Adoption, path: str) -> str:
    """Copy the file, and return the path of the copy; empty if there is no file yet."""
    at = work.at
    if not os.path.lexists(path):
        return ""
    inside = os.path.relpath(path, at.root)
    target = os.path.join(work.kept, os.path.basename(path) if inside.startswith(os.pardir) else inside)
    at.files.make_folder(at.kept, 0o700)
    at.files.make_folder(os.path.dirname(target), 0o700)
    at.files.copy(path, target)
    return display_path(target)


def _note_project(work: _Adoption) -> Iterator[ApplyEvent]:
    """Note the project for commands with `--all`, before sessions are imported."""
    if warning := note_settled(work.at, work.seen.stored.record, work.lineage):
        yield from _report(work, [warning])


def _secure_records(work: _Adoption) -> Iterator[ApplyEvent]:
    """Make job records safe. No copy is kept, because it would contain the password."""
    for change in work.seen.records:
        try:
            make_safe(work.at, change)
        except ReconcilerError as error:
            yield _report_failure(work, change.path, error)
        else:
            yield _report_success(work, change.path, "", "made safe")


# --- live sessions ----------------------------------------------------------------------------


def _import_sessions(work: _Adoption) -> Iterator[ApplyEvent]:
    """Import all live sessions with one plan. Sessions that are no longer possible are left out and reported."""
    imports = work.seen.plan.imports
    if work.totals.remaining:
        work.totals.remaining += [str(address) for address in imports]
        return
    planned = _plan_imports(work, imports) if imports else None
    while planned and planned.plan.errors:
        refused = {error.address for error in planned.plan.errors}
        left = {address: session for address, session in imports.items() if str(address) not in refused}
        left = left if len(left) < len(imports) else {}
        work.totals.remaining += [str(address) for address in imports if address not in left]
        yield from _report(work, planned.plan.errors)
        imports = left
        planned = _plan_imports(work, imports) if imports else None
    if planned:
        yield from _carry_out(work, planned)


def _plan_imports(work: _Adoption, imports: Mapping[Address, str]) -> Planned:
    return make_plan(work.at, Request(imports=imports, operation=_OPERATION), lineage=work.lineage)


def _report(work: _Adoption, errors: Iterable[Diagnostic]) -> Iterator[Diagnosed]:
    for error in errors:
        document = diagnostic_document(error)
        line = work.numbering.line(type="diagnostic", diagnostic=in_project(work.at, document))
        yield Diagnosed(line, document)


def _carry_out(work: _Adoption, planned: Planned) -> Iterator[ApplyEvent]:
    at = work.at
    prepared = Prepared(
        at=at,
        planned=planned,
        document=document_of(at, planned),
        options=work.options,
        numbering=work.numbering,
        who=work.who,
    )
    if at.registry_path not in work.files and (kept := _keep_copy(work, at.registry_path)):
        yield InfoMessage(f"Note: the previous registry is kept as {kept}")
    yield WalkBegan(len(planned.plan.pending))
    yield from walk(prepared, WalkState(planned.stored, work.totals))
    yield WalkEnded()


def _counts(work: _Adoption) -> Iterator[str]:
    """What was done, as short texts with a number each."""
    plan, counts = work.seen.plan, work.totals.counts
    written = any(edit.path in work.files for edit in work.seen.edits)
    declared = sum(not agent.declared for agent in plan.agents) + bool(plan.broker) if written else 0
    rows = work.rows if work.at.registry_path in work.files else 0
    yield f"{declared} declared"
    yield f"{counts['imported']} imported"
    safe = sum(change.path in work.files for change in work.seen.records)
    yield from ([f"{rows} row{'s' if rows > 1 else ''} completed"] if rows else [])
    yield from ([f"{safe} made safe"] if safe else [])


def _ended(numbering: Numbering, totals: Totals, code: int, *, declined: bool = False) -> ApplyEnded:
    fields = {
        "summary": totals.summary,
        "changed": totals.changed,
        "remaining": totals.left,
        "exit_code": code,
        "generation": None,
    }
    return ApplyEnded(numbering.line(type="summary", **fields), code, declined)
