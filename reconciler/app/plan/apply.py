"""The work of apply and destroy: lock, plan, ask, walk, record; everything that happens is told as an event."""

from __future__ import annotations

import os
import uuid
from collections.abc import Generator, Iterable, Iterator
from typing import TypeAlias

from reconciler import __version__
from reconciler.app.plan import confirmations, generations
from reconciler.app.plan.events import (
    ApplyEnded,
    ApplyEvent,
    Began,
    Concluded,
    ConfirmationAwaited,
    Diagnosed,
    InfoMessage,
    ManifestEdited,
    ManifestRestored,
    Numbering,
    PlanMade,
    Question,
    WalkBegan,
    WalkEnded,
)
from reconciler.app.plan.make import Planned, make_plan
from reconciler.app.plan.options import ApplyOptions
from reconciler.app.plan.plans import document_of
from reconciler.app.plan.prepared import Prepared
from reconciler.app.plan.walk import WalkState, walk
from reconciler.app.project.copies import refuse_copy
from reconciler.app.project.edits import change_of, write_manifests
from reconciler.app.project.manifests import display_path, remember_looks
from reconciler.app.project.project import Project
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.errors import ReconcilerError
from reconciler.model.generation import Author, Confirmation, Generation, GenerationResult
from reconciler.model.manifest_edit import Edit, Restore
from reconciler.model.moment import to_second
from reconciler.model.observed import Present, Unknown
from reconciler.model.plan import Mode
from reconciler.plan.approval import beyond
from reconciler.plan.guard import more_agents, too_many_endings, too_many_starts
from reconciler.plan.request import Request
from reconciler.plan.saved import Basis, stale, unapproved
from reconciler.plan.verdict import Totals, Verdict, refusal
from reconciler.render.document import diagnostic_document, essence
from reconciler.render.documents.common import EVENTS_VERSION
from reconciler.render.documents.plan import PlanDoc
from reconciler.render.edits import edit_document, restore_document, unfinished_text
from reconciler.state.lock import Held, hold

Work: TypeAlias = Generator[ApplyEvent, None, None]

_MANY = 200  # agents: a server with the smallest usual limit, 256 files, holds about as many


def work(at: Project, request: Request, options: ApplyOptions, saved: PlanDoc | None = None) -> Work:
    """Do what the request, or the saved plan, asks, and tell each thing that happens; `ApplyEnded` comes last.

    The project's lock is held until the iterator is at its end, or closed. A ReconcilerError is told as events, and
    then raised.
    """
    numbering = Numbering(at.now)
    yield Began(numbering.line(type="version", tool_version=__version__, format_version=EVENTS_VERSION))
    try:
        with hold(at.lock, request.operation, options.lock_timeout) as held:
            yield from entered(at, request, options, held)
            planned = yield from _planned_after_tidying(at, request)
            prepared = Prepared(at, planned, document_of(planned), options, numbering, held.info.who)
            if saved is not None and (error := _unfit(saved, prepared)):
                raise error
            yield from _told(prepared)
            yield from _decided(prepared, asks=saved is None and not options.auto_approve)
    except ReconcilerError as error:
        for diagnostic in error.diagnostics:
            yield _diagnosed(diagnostic, numbering, raised=True)
        yield _ended(numbering, Totals(), error.exit_code)
        raise


def entered(at: Project, request: Request, options: ApplyOptions, held: Held) -> Iterator[InfoMessage]:
    """See that work may begin here."""
    if held.note:
        yield InfoMessage(f"Note: {held.note}")
    if moved := refuse_copy(at):
        yield InfoMessage(f"Note: {moved}")
    at.clear_up()
    confirmations.refuse_meanwhile(at, request)
    if options.confirm_within:
        confirmations.way_back(at)


def _planned_after_tidying(at: Project, request: Request) -> Generator[ApplyEvent, None, Planned]:
    """The plan, once what killed commands left on its tmux server is gone: it may have been in the way."""
    lineage = uuid.uuid4().hex
    planned = make_plan(at, request, lineage=lineage)
    if not planned.world.tmux.tidy():
        return planned
    yield InfoMessage("Note: a session or client of reconciler that a killed command left on the tmux server was ended")
    return make_plan(at, request, lineage=lineage)


def _unfit(saved: PlanDoc, prepared: Prepared) -> ReconcilerError | None:
    """Why the saved plan may not be applied; None when it may."""
    return unapproved(prepared.options.digest, saved["digest"]) or stale(_basis(saved), _basis(prepared.document))


def _basis(document: PlanDoc) -> Basis:
    head = (document["lineage"], document["serial"], document["manifest_digest"])
    return Basis(*head, work=essence(document), facts=document.get("basis"))


def _told(prepared: Prepared) -> Iterator[ApplyEvent]:
    """What would be done, and written."""
    document, numbering = prepared.document, prepared.numbering
    yield PlanMade(numbering.line(type="plan", plan=document), document)
    for edit in prepared.edits:
        yield _edit_told(edit, numbering)


def _edit_told(edit: Edit | Restore, numbering: Numbering) -> ManifestEdited | ManifestRestored:
    if isinstance(edit, Edit):
        told = edit_document(edit.address, edit.place, edit.new)
        return ManifestEdited(numbering.line(type="manifest_edit", **told), told)
    restored = restore_document(display_path(edit.path), edit.generation, change_of(edit), display_path(edit.kept))
    return ManifestRestored(numbering.line(type="manifest_restore", **restored), restored)


def _diagnosed(diagnostic: Diagnostic, numbering: Numbering, *, raised: bool = False) -> Diagnosed:
    document = diagnostic_document(diagnostic)
    return Diagnosed(numbering.line(type="diagnostic", diagnostic=document), document, raised)


# --- between the plan and the work ------------------------------------------------------------


def _decided(prepared: Prepared, *, asks: bool) -> Iterator[ApplyEvent]:
    """Refuse, ask, and do it."""
    plan, numbering = prepared.plan, prepared.numbering
    guard = too_many_endings(plan, prepared.planned.stored.record, prepared.options.max_destroy)
    guard = guard or (yield from _no_room(prepared))
    if stopping := (*_stopping(prepared), *((guard,) if guard else ())):
        yield from _refused(prepared, stopping, guard)
        return
    if prepared.changes_something and not _is_approved(prepared, asks=asks):
        yield _ended(numbering, Totals(), Verdict.DECLINED.exit_code, declined=True)
        return
    if prepared.planned.request.goes_back and not prepared.planned.request.automatic:
        confirmations.over(prepared.at)  # whoever goes back has answered
    if plan.pending or plan.all_drift or prepared.edits:
        yield from _done(prepared)
        return
    remember_looks(prepared.at, prepared.planned.loaded)
    _remember_manifests(prepared)
    yield _ended(numbering, Totals(), Verdict.DONE.exit_code)


def _no_room(prepared: Prepared) -> Generator[InfoMessage, None, Diagnostic | None]:
    """A refusal when the tmux server cannot hold what would be started; raises when there is no tmux for that."""
    seen, world = prepared.planned.snapshot.tmux, prepared.planned.world
    more = more_agents(prepared.plan, seen)
    if more <= 0:
        return None
    room = world.tmux.room(seen.value.server.pid if isinstance(seen, Present) else 0)
    if isinstance(room, Present):
        return too_many_starts(more, room.value)
    if isinstance(room, Unknown) and more >= _MANY:
        yield InfoMessage(f"Note: whether the tmux server can hold {more} more agents is not known: {room.reason}")
    return None


def _stopping(prepared: Prepared) -> tuple[Diagnostic, ...]:
    """The errors that stop it all; who goes back gets the manifests back even where nothing else can be done."""
    plan = prepared.plan
    only_manifests = prepared.planned.request.goes_back and bool(prepared.edits)
    return plan.general_errors if only_manifests else plan.blocking_errors


def _refused(prepared: Prepared, errors: Iterable[Diagnostic], guard: Diagnostic | None) -> Iterator[ApplyEvent]:
    if guard:
        yield _diagnosed(guard, prepared.numbering)
    verdict = refusal(errors)
    totals = Totals(remaining=[str(action.address) for action in prepared.plan.pending])
    yield _ended(prepared.numbering, totals, verdict.exit_code)


def _is_approved(prepared: Prepared, *, asks: bool) -> bool:
    """Whether it may be done: it was said beforehand, or the user agrees now."""
    options = prepared.options
    if not options.approved:
        return not asks or options.approve(Question())
    others = tuple(beyond(prepared.plan, options.approved))
    return not others or options.approve(Question(tuple(sorted(options.approved)), others))


# --- the work ---------------------------------------------------------------------------------


def _done(prepared: Prepared) -> Iterator[ApplyEvent]:
    """Keep what is about to be done, do it, and keep what became of it."""
    at, planned = prepared.at, prepared.planned
    generation = _begun(prepared) if prepared.is_a_generation else None
    confirmation = confirmations.begin(at, generation, prepared.options.confirm_within)
    write_manifests(at, prepared.edits)
    walked = WalkState(planned.stored, Totals(left_undone=refusal(planned.plan.blocking_errors)))
    try:
        unfinished = tuple(unfinished_text(edit, display_path(edit.path)) for edit in prepared.edits)
        yield WalkBegan(len(planned.plan.pending), unfinished)
        yield from walk(prepared, walked)
        yield WalkEnded()
    finally:
        confirmation = confirmations.count_down(at, confirmation)
    remember_looks(at, planned.loaded)
    if generation:
        generations.finish(at, generation, _result(prepared, walked))
    yield _concluded(prepared, walked.totals)
    if confirmation:
        yield _awaited(confirmation, prepared.numbering)
    yield _ended(prepared.numbering, walked.totals, walked.totals.verdict.exit_code, generation)


def _begun(prepared: Prepared) -> Generation:
    author = Author(prepared.who, os.getcwd(), prepared.options.terminal)
    return generations.begin(prepared.at, prepared.planned, prepared.document, author)


def _remember_manifests(prepared: Prepared) -> None:
    """Manifests that were changed without an effect are what is gone back to all the same."""
    if prepared.is_a_generation:
        generation = _begun(prepared)
        generations.finish(prepared.at, generation, _result(prepared, WalkState(prepared.planned.stored)))


def _result(prepared: Prepared, walked: WalkState) -> GenerationResult:
    return GenerationResult(
        finished=to_second(prepared.at.now()),
        exit_code=int(walked.totals.verdict.exit_code),
        summary=walked.totals.summary,
        remaining=tuple(walked.totals.left),
        events=tuple(walked.lines),
        agents=generations.agents_then(walked.stored.record),
        brokers=generations.rendered(prepared.at, prepared.planned.loaded.desired),
    )


def _concluded(prepared: Prepared, totals: Totals) -> Concluded:
    plan = prepared.plan
    written = dict.fromkeys(each.session for each in plan.all_drift if each.edits and not each.silent)
    return Concluded(
        verdict=totals.verdict,
        counts={"done": totals.counts["done"], **totals.summary},
        remaining=tuple(totals.left),
        destroyed_all=plan.mode is Mode.DESTROY,
        written=tuple(written) if plan.mode is Mode.REFRESH_ONLY else (),
    )


def _awaited(confirmation: Confirmation, numbering: Numbering) -> ConfirmationAwaited:
    said = {"generation": confirmation.generation, "back_to": confirmation.back_to, "deadline": confirmation.deadline}
    return ConfirmationAwaited(numbering.line(type="confirmation", **said), confirmation)


def _ended(
    numbering: Numbering, totals: Totals, code: int, generation: Generation | None = None, *, declined: bool = False
) -> ApplyEnded:
    said = {
        "summary": totals.summary,
        "remaining": totals.left,
        "exit_code": int(code),
        "generation": generation.number if generation else None,
    }
    return ApplyEnded(numbering.line(type="summary", **said), int(code), declined)
