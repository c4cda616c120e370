"""The work of apply and destroy: lock, plan, ask, walk, record. Everything that happens is yielded as an event."""

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
from reconciler.app.project.identity import identity_now
from reconciler.app.project.manifests import display_path, in_project, remember_looks
from reconciler.app.project.noted import NoteRequest, forget_unborn, note_project
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
from reconciler.plan.saved import Basis, stale, unapproved, unexpected
from reconciler.plan.totals import Totals
from reconciler.plan.verdict import Verdict, refusal
from reconciler.render.document import at_document, diagnostic_document, essence, place_of
from reconciler.render.documents import EVENTS_VERSION
from reconciler.render.documents.event import EventDoc
from reconciler.render.documents.plan import PlanDoc
from reconciler.render.edits import edit_document, restore_document, unfinished_text
from reconciler.state.lock import HeldLock, hold

Work: TypeAlias = Generator[ApplyEvent, None, None]

_MANY = 200  # agents: about as many as a tmux server can have with the smallest usual limit of 256 open files


def work(at: Project, request: Request, options: ApplyOptions, saved: PlanDoc | None = None) -> Work:
    """Carry out the request, or the saved plan, and yield each event; `ApplyEnded` comes last.

    The project's lock is held until the iterator ends or is closed. A ReconcilerError is yielded as events, then
    raised.
    """
    numbering = Numbering(at.now)
    yield Began(first_line(at, numbering))
    try:
        with hold(at.lock, request.operation, options.lock_timeout) as held:
            yield from entered(at, request, options, held)
            planned = yield from _planned_after_tidying(at, request)
            prepared = Prepared(at, planned, document_of(at, planned), options, numbering, held.info.who)
            if error := _unfit(saved, prepared):
                raise error
            yield from _told(prepared)
            yield from _decided(prepared, asks=saved is None and not options.auto_approve)
    except ReconcilerError as error:
        for diagnostic in error.diagnostics:
            yield _diagnosed(at, diagnostic, numbering, raised=True)
        yield _ended(numbering, Totals(), error.exit_code)
        raise


def first_line(at: Project, numbering: Numbering) -> EventDoc:
    """The first line of every apply: the versions, and whose apply it is."""
    whose = at_document(identity_now(at))
    return numbering.line(type="version", tool_version=__version__, format_version=EVENTS_VERSION, at=whose)


def entered(at: Project, request: Request, options: ApplyOptions, held: HeldLock) -> Iterator[InfoMessage]:
    """Check that work may begin in this project; yield notes for the user."""
    if held.note:
        yield InfoMessage(f"Note: {held.note}")
    if moved := refuse_copy(at):
        yield InfoMessage(f"Note: {moved}")
    at.clear_up()
    confirmations.refuse_meanwhile(at, request)
    if options.confirm_within:
        confirmations.require_earlier_generation(at)


def _planned_after_tidying(at: Project, request: Request) -> Generator[ApplyEvent, None, Planned]:
    """Remove what killed commands left on the tmux server, then make the plan."""
    lineage = uuid.uuid4().hex
    planned = make_plan(at, request, lineage=lineage)
    if not planned.world.tmux.tidy():
        return planned
    yield InfoMessage("Note: ended a tmux session or client that a killed reconciler command left behind")
    return make_plan(at, request, lineage=lineage)


def _unfit(saved: PlanDoc | None, prepared: Prepared) -> ReconcilerError | None:
    """Why the saved or the expected plan cannot be applied; None if it can."""
    if saved is None:
        return unexpected(prepared.options.expect, prepared.document["digest"])
    return unapproved(prepared.options.digest, saved["digest"]) or stale(_basis(saved), _basis(prepared.document))


def _basis(document: PlanDoc) -> Basis:
    head = (document["lineage"], document["serial"], document["manifest_digest"])
    return Basis(*head, place=tuple(place_of(document)), work=essence(document), facts=document.get("basis"))


def _told(prepared: Prepared) -> Iterator[ApplyEvent]:
    """The events that show the plan and the edits of manifests."""
    document, numbering = prepared.document, prepared.numbering
    yield PlanMade(numbering.line(type="plan", plan=document), document)
    for edit in prepared.edits:
        yield _edit_told(prepared.at, edit, numbering)


def _edit_told(at: Project, edit: Edit | Restore, numbering: Numbering) -> ManifestEdited | ManifestRestored:
    if isinstance(edit, Edit):
        document = edit_document(edit.address, edit.place, edit.new)
        return ManifestEdited(numbering.line(type="manifest_edit", **in_project(at, document)), document)
    restored = restore_document(display_path(edit.path), edit.generation, change_of(edit), display_path(edit.kept))
    return ManifestRestored(numbering.line(type="manifest_restore", **in_project(at, restored)), restored)


def _diagnosed(at: Project, diagnostic: Diagnostic, numbering: Numbering, *, raised: bool = False) -> Diagnosed:
    document = diagnostic_document(diagnostic)
    return Diagnosed(numbering.line(type="diagnostic", diagnostic=in_project(at, document)), document, raised)


# --- between the plan and the work ------------------------------------------------------------


def _decided(prepared: Prepared, *, asks: bool) -> Iterator[ApplyEvent]:
    """Refuse the plan, or ask for approval and carry it out."""
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
        confirmations.over(prepared.at)  # a rollback decides about the waiting apply
    yield from _noted(prepared)
    if plan.pending or plan.all_drift or prepared.edits:
        yield from _done(prepared)
        return
    remember_looks(prepared.at, prepared.planned.loaded)
    _remember_manifests(prepared)
    yield _ended(numbering, Totals(), Verdict.DONE.exit_code)


def _noted(prepared: Prepared) -> Iterator[Diagnosed]:
    """Note the project before it has sessions, so that a killed apply leaves none that `--all` does not find."""
    planned = prepared.planned
    if prepared.changes_something or planned.stored.text:
        record, socket = planned.stored.record, planned.world.tmux.socket_path
        known = NoteRequest(record, planned.options.lineage, socket, prepared.changes_something)
        if warning := note_project(prepared.at, known):
            yield _diagnosed(prepared.at, warning, prepared.numbering)


def _no_room(prepared: Prepared) -> Generator[InfoMessage, None, Diagnostic | None]:
    """A refusal if the tmux server has no room for the new agents. Raises if tmux is missing."""
    seen, world = prepared.planned.snapshot.tmux, prepared.planned.world
    more = more_agents(prepared.plan, seen)
    if more <= 0:
        return None
    room = world.tmux.room(seen.value.server.pid if isinstance(seen, Present) else 0)
    if isinstance(room, Present):
        return too_many_starts(more, room.value)
    if isinstance(room, Unknown) and more >= _MANY:
        yield InfoMessage(f"Note: cannot tell whether the tmux server has room for {more} more agents: {room.reason}")
    return None


def _stopping(prepared: Prepared) -> tuple[Diagnostic, ...]:
    """The errors that stop the whole apply; a rollback still restores the manifests."""
    plan = prepared.plan
    only_manifests = prepared.planned.request.goes_back and bool(prepared.edits)
    return plan.general_errors if only_manifests else plan.blocking_errors


def _refused(prepared: Prepared, errors: Iterable[Diagnostic], guard: Diagnostic | None) -> Iterator[ApplyEvent]:
    if guard:
        yield _diagnosed(prepared.at, guard, prepared.numbering)
    verdict = refusal(errors)
    totals = Totals(remaining=[str(action.address) for action in prepared.plan.pending])
    yield _ended(prepared.numbering, totals, verdict.exit_code)


def _is_approved(prepared: Prepared, *, asks: bool) -> bool:
    """Whether the plan was approved beforehand, or the user agrees now."""
    options = prepared.options
    if not options.approved:
        return not asks or options.approve(Question())
    others = tuple(beyond(prepared.plan, options.approved))
    return not others or options.approve(Question(tuple(sorted(options.approved)), others))


# --- the work ---------------------------------------------------------------------------------


def _done(prepared: Prepared) -> Iterator[ApplyEvent]:
    """Store the generation, carry out the plan, and store the result."""
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
        if not walked.stored.text:
            forget_unborn(at)
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
    """Store manifests that changed without an effect, so that a rollback restores them, too."""
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
        "changed": totals.changed,
        "remaining": totals.left,
        "exit_code": int(code),
        "generation": generation.number if generation else None,
    }
    return ApplyEnded(numbering.line(type="summary", **said), int(code), declined)
