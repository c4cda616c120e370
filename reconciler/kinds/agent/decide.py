"""What to do about one agent.

The functions return early: each case that settles the answer is tested in turn, and its result names the reason.
"""

from __future__ import annotations

from msgspec.structs import replace

from reconciler.kinds.decision import Decision, nothing, withheld
from reconciler.model.action import Action, Reason, Verb
from reconciler.model.change import Change
from reconciler.model.conversation import Conversation, ConversationMode
from reconciler.model.desired import Agent, RunState
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.model.problem import Problem
from reconciler.model.record import SessionRow, Status
from reconciler.model.snapshot import Pane, TmuxTarget
from reconciler.model.step import RenameSession, Step, TagSession, WriteRows

from . import rows
from .adopt import advice, what_it_is, whose, why_not_adopted
from .case import Case, Facts, PlanOptions, relocated, runs_untagged, session_name, settled
from .conversation import continued, found_from_here
from .delete import delete
from .preconditions import unset, without_folder, without_program
from .spec import differences
from .steps import basis, cleared, in_use, kept, launch, needs, new_fields, orphaned, stop, trusted

_MAKE_READABLE = "make its files readable, or leave it out with --exclude, then plan again"


def decide(case: Case, facts: Facts, options: PlanOptions) -> Decision:
    """Decide what this agent needs."""
    if settled(case, options):
        return nothing(case.address, session=case.session)
    if isinstance(case.pane, Unknown):
        summary = f"cannot tell whether {case.address} is running"
        problem = Problem(summary, case.pane.reason, "reconciler leaves it alone until that is known")
        return withheld(case.address, Severity.ERROR, problem, case.place)
    if options.destroy or case.spec is None or case.address in options.deletes:
        return _end(case, case.pane, facts, options)
    if case.address in options.imports:
        return _adopt(case, case.spec, facts, options)
    if case.spec.state is not RunState.RUNNING:
        return _rest(case, case.spec, case.pane, facts, options)
    return _run(case, case.spec, case.pane, facts, options)


# --- wanted: running --------------------------------------------------------------------------


def _run(case: Case, spec: Agent, pane: Absent | Present[Pane], facts: Facts, options: PlanOptions) -> Decision:
    if case.foreign_pane is not None:
        return _foreign_session(case, case.foreign_pane, facts, options)
    if isinstance(pane, Absent):
        return _start_absent(case, spec, facts, options)
    if pane.value.dead:
        return _start(case, pane.value, Reason.AGENT_EXITED, facts, options)
    if case.row is None:
        return Decision(_record_again(case, spec, pane.value, facts, options))
    changes = differences(case.row.started_with, case.wanted) if case.row.started_with and case.wanted else ()
    changes += _back_to_goal(case, spec, pane.value, facts)
    if changes or case.address in options.replace:
        return _restart(case, pane.value, changes, facts, options)
    return Decision(_relabel(case, spec, case.row, pane.value, options), _relocated(case, pane.value))


def _back_to_goal(case: Case, spec: Agent, live: Pane, facts: Facts) -> tuple[Change, ...]:
    """The change back to the conversation of a rollback, if that is stored and the manifest names no other one."""
    held = facts.live.conversation or live.conversation or case.identity.session_id
    stored = isinstance(facts.artifact, Present) and facts.artifact.value.resumable
    if not case.goal or held in {None, case.goal} or spec.resume != "auto" or not stored:
        return ()
    return (Change("conversation", "replace", held, case.goal),)


def _start_absent(case: Case, spec: Agent, facts: Facts, options: PlanOptions) -> Decision:
    """Start an agent that does not run, unless a user stopped or archived it with a command."""
    if case.row and rows.rests_by_hand(case.row) and case.address not in options.resumed_by_hand:
        return _rests_on(case, spec, case.row, options)
    was_running = case.row is not None and case.row.status in {Status.RUNNING, Status.TERMINATED}
    return _start(case, None, Reason.SESSION_GONE if was_running else Reason.DECLARED, facts, options)


def _rests_on(case: Case, spec: Agent, row: SessionRow, options: PlanOptions) -> Decision:
    """Leave the agent at rest. Its labels are still recorded: `protect` has to hold when its block is removed."""
    changes = _replaced(*_label_values(row, spec))
    if not changes:
        return nothing(case.address, session=spec.session, reason=Reason.BY_HAND, note=_how_it_rests(row))
    return Decision(
        Action(
            address=case.address,
            verb=Verb.UPDATE,
            reason=Reason.LABEL_CHANGED,
            changes=changes,
            steps=(WriteRows(rows.labels_at_rest(spec, row, options.now)),),
            session=spec.session,
            note=_how_it_rests(row),
            basis="absent",
        )
    )


def _how_it_rests(row: SessionRow) -> str:
    """How it was put to rest, with the user's reason; `stop` and `archive` record the same words when none is given."""
    how = f"{row.status} by hand"
    why = "" if row.stopped_reason in {"", how} else f" ({row.stopped_reason})"
    return f"{how}{why}; `reconciler resume {row.session}` brings it back"


def _foreign_session(case: Case, foreign_pane: Pane, facts: Facts, options: PlanOptions) -> Decision:
    belongs = f": it belongs to {whose(foreign_pane, facts, options.lineage)}" if foreign_pane.lineage else ""
    problem = Problem(
        f"session {foreign_pane.session} exists and is not ours{belongs}",
        what_it_is(foreign_pane, facts),
        advice(case, foreign_pane, facts, options.lineage),
    )
    return withheld(case.address, Severity.REFUSAL, problem, case.place)


def _start(case: Case, remains: Pane | None, reason: Reason, facts: Facts, options: PlanOptions) -> Decision:
    """Start the agent, after ending what remains of its session."""
    conversation = unset(case) or without_folder(case, facts) or continued(case, facts)
    if isinstance(conversation, Problem):
        return withheld(case.address, Severity.ERROR, conversation, case.place)
    if not options.force:  # with --force, the CLI may try to find its conversation from another folder
        conversation = found_from_here(case, conversation, facts, lives=False)
    if conversation.mode.refuses:
        return _refused_conversation(case, remains, conversation, facts)
    clearing: tuple[Step, ...] = (cleared(case, remains),) if remains else ()
    resumes = conversation.mode is ConversationMode.RESUME
    action = Action(
        address=case.address,
        verb=Verb.RESUME if resumes else Verb.CREATE,
        reason=reason,
        changes=new_fields(case) if case.row is None else (),
        steps=(
            *clearing,
            *kept(case, conversation, facts),
            *trusted(case, facts),
            launch(case, conversation, facts, options),
        ),
        conversation=conversation,
        needs=needs(case),
        session=case.session,
        note=_exit_note(remains),
        basis=basis(remains, conversation),
    )
    return Decision(action, _warnings(case, conversation, facts))


def _warnings(case: Case, conversation: Conversation, facts: Facts) -> tuple[Diagnostic, ...]:
    """What the user should know before a start."""
    return (
        *_missing_executable(case, facts),
        *_fragile(case, conversation, facts),
        *_resumed_elsewhere(case, conversation, facts),
        *_trust_has_no_effect(case, facts),
        *_budget_cannot_be_checked(case),
        *_behind_wrapper(case, facts),
        *_missing_path(case, facts),
    )


def _resumed_elsewhere(case: Case, conversation: Conversation, facts: Facts) -> tuple[Diagnostic, ...]:
    """Warn when it is not known that the CLI finds the conversation from another folder than it began in."""
    resumes = conversation.mode is ConversationMode.RESUME
    if not resumes or not facts.moved_from or case.profile is None or case.profile.storage.follows(facts.version):
        return ()
    summary = f"{case.profile.name} may not find conversation {conversation.id} from another folder"
    fix = f"if it does not: move the folder back, or start a new conversation with {_fresh(case)}"
    detail = f"it began in {facts.moved_from}"
    return (
        Diagnostic(
            severity=Severity.WARNING,
            summary=summary,
            detail=detail,
            fix=fix,
            address=str(case.address),
            place=case.place,
        ),
    )


def _missing_path(case: Case, facts: Facts) -> tuple[Diagnostic, ...]:
    """Warn about folders in `path` that are not there: a program in them will not be found."""
    missing = [folder for folder in case.spec.path if folder in facts.absent] if case.spec else []
    return tuple(
        Diagnostic(
            severity=Severity.WARNING,
            summary=f"{folder} is not a folder",
            detail=f"{case.address} has it in `path`",
            fix="correct `path`, or make the folder",
            address=str(case.address),
            place=case.place,
        )
        for folder in missing
    )


def _behind_wrapper(case: Case, facts: Facts) -> tuple[Diagnostic, ...]:
    """Warn about each thing that the agent's wrapper hides."""
    if facts.hidden is None or case.profile is None:
        return ()
    fix = "docs/manifest.md, `wrap`, says what each wrapper hides"
    return tuple(
        Diagnostic(
            severity=Severity.WARNING,
            summary=warning,
            fix=fix,
            address=str(case.address),
            place=case.place,
        )
        for warning in facts.hidden.warnings
    )


def _trust_has_no_effect(case: Case, facts: Facts) -> tuple[Diagnostic, ...]:
    if case.spec is None or not case.spec.trust or case.profile is None:
        return ()
    if case.profile.trust.can_be_given and (case.profile.trust.args or not facts.store_is_hidden):
        return ()
    summary = f"{case.profile.name} has no known setting for trusting a folder"
    if facts.hidden and facts.store_is_hidden:
        summary = f"the settings of {case.profile.name} are out of sight behind {facts.hidden.by}"
    fix = f"if it asks: reconciler attach {case.session}, and answer"
    return (
        Diagnostic(
            severity=Severity.WARNING,
            summary=summary,
            detail="`trust: true` has no effect",
            fix=fix,
            address=str(case.address),
            place=case.place,
        ),
    )


def _budget_cannot_be_checked(case: Case) -> tuple[Diagnostic, ...]:
    if case.spec is None or case.spec.budget is None or case.profile is None or case.profile.counts_tokens:
        return ()
    return (
        Diagnostic(
            severity=Severity.WARNING,
            summary=f"the budget of {case.address} is never used up",
            detail=f"it is not known how {case.profile.name} stores tokens",
            fix="remove `budget`; `reconciler types` shows the types whose tokens are counted",
            address=str(case.address),
            place=case.spec.budget.place,
        ),
    )


def _refused_conversation(case: Case, live: Pane | None, conversation: Conversation, facts: Facts) -> Decision:
    """Defer a start that could mix up or lose a conversation. The user decides; the other agents go on."""
    if conversation.mode is ConversationMode.UNKNOWN and isinstance(facts.artifact, Unknown):
        summary = f"cannot tell whether conversation {conversation.id} can be resumed"
        problem = Problem(summary, facts.artifact.reason, _MAKE_READABLE)
        decision = withheld(case.address, Severity.ERROR, problem, case.place)
        return replace(decision, action=replace(decision.action, conversation=conversation))
    reason, note = _why_refused(case, live, conversation, facts)
    return Decision(
        Action(
            address=case.address,
            verb=Verb.DEFER,
            reason=reason,
            conversation=conversation,
            session=case.session,
            note=note,
            basis=basis(live, conversation),
        )
    )


def _why_refused(case: Case, live: Pane | None, conversation: Conversation, facts: Facts) -> tuple[Reason, str]:
    match conversation.mode:
        case ConversationMode.REFUSE_ELSEWHERE:
            return Reason.ELSEWHERE, _in_use_elsewhere(case, facts.elsewhere)
        case ConversationMode.REFUSE_MISSING:
            return Reason.MISSING, _missing(case, live, conversation.id, facts.missing_store)
        case ConversationMode.REFUSE_MOVED:
            return Reason.MOVED, _moved(case, live, conversation.id, facts)
        case _:
            return Reason.AMBIGUOUS, _ambiguous(case, live, facts.unclaimed)


def _missing(case: Case, live: Pane | None, conversation: str, store: str) -> str:
    gone = f"conversation {conversation} was stored once, and its file is not there now: put it back"
    if store and case.profile:
        gone = (
            f"{store}, where {case.profile.name} stored conversation {conversation}, is missing or empty: put it back"
        )
    if live is not None and not live.dead:
        start_new = f"`reconciler stop {live.session}`, then {_fresh(case)}"
        return f"{gone} (a disk that is not mounted?), or start a new conversation: {start_new}"
    return (
        f"{gone} (a disk that is not mounted, a folder that was moved?) and apply again; or type {_fresh(case)} "
        f"for a new one, or pass --session-id ID for another one"
    )


def _moved(case: Case, live: Pane | None, conversation: str, facts: Facts) -> str:
    cli = case.profile.name if case.profile else ""
    finds = "does not find" if case.profile and case.profile.storage.follows(facts.version) is False else "may not find"
    began = f"conversation {conversation} began in {facts.moved_from}, and {cli} {finds} it from another folder"
    stop_first = f"`reconciler stop {live.session}` and " if live is not None and not live.dead else ""
    return (
        f"{began}: move the folder back, start a new conversation with {stop_first}{_fresh(case)}, "
        "or pass --force to try it anyway"
    )


def _fresh(case: Case) -> str:
    return f"`reconciler resume {case.session} --fresh`"


def _in_use_elsewhere(case: Case, pid: int) -> str:
    survivor = case.profile.shutdown.survives_kill if case.profile else ""
    return (
        f"process {pid} uses its conversation outside its session; a second process would mix the conversation up: "
        f"end it with `kill {pid}`, then apply again" + (f" (known to keep running: {survivor})" if survivor else "")
    )


def _ambiguous(case: Case, live: Pane | None, found: tuple[str, ...]) -> str:
    if live is not None and not live.dead:
        return (
            f"nothing proves which conversation it has: type `reconciler stop {live.session}`, which asks it, "
            f"then `reconciler resume {live.session}`"
        )
    ids = found[0] if len(found) == 1 else f"one of {', '.join(found)}"
    return (
        f"nothing proves which conversation it had; it may be {ids}: "
        f"type `reconciler resume {case.session} --session-id ID`, or pass --fresh for a new one"
    )


def _exit_note(remains: Pane | None) -> str:
    if remains is None:
        return ""
    if remains.dead_signal:
        return f"it was ended by signal {remains.dead_signal}"
    return "" if remains.dead_status is None else f"it exited with status {remains.dead_status}"


def _missing_executable(case: Case, facts: Facts) -> tuple[Diagnostic, ...]:
    problem = without_program(case, facts)
    if problem is None:
        return ()
    return (
        Diagnostic(
            severity=Severity.WARNING,
            summary=problem.summary,
            detail=problem.detail,
            fix=problem.fix,
            address=str(case.address),
            place=case.place,
        ),
    )


def _fragile(case: Case, conversation: Conversation, facts: Facts) -> tuple[Diagnostic, ...]:
    """Warn when the CLI itself can lose the conversation that it resumes, or an earlier one of the folder."""
    resumes = conversation.mode is ConversationMode.RESUME
    if case.profile is None or not case.profile.storage.fragile_resume or not (resumes or facts.deleted_by_start):
        return ()
    loss = "can lose a conversation that it resumes" if resumes else "deletes the turns of a resumed conversation"
    summary = f"{case.profile.name} {loss}"
    fix = "reconciler keeps a copy under .hermes/kept"
    why = case.profile.storage.fragile_resume
    return (
        Diagnostic(
            severity=Severity.WARNING, summary=summary, detail=why, fix=fix, address=str(case.address), place=case.place
        ),
    )


def _restart(case: Case, live: Pane, changes: tuple[Change, ...], facts: Facts, options: PlanOptions) -> Decision:
    """End the agent and start it again, in the same conversation if it has one."""
    conversation = unset(case) or without_folder(case, facts) or continued(case, facts)
    if isinstance(conversation, Problem):
        return withheld(case.address, Severity.ERROR, conversation, case.place)
    if not options.force:
        conversation = found_from_here(case, conversation, facts, lives=True)
    if conversation.mode.refuses:
        return _refused_conversation(case, live, conversation, facts)
    if case.guest:
        return Decision(_defer_guest(case, live, changes))
    if in_use(case, facts, options):
        return Decision(_defer(case, live, changes, facts))
    no_program = without_program(case, facts)
    if no_program and not options.force:  # with --force, a program that only the agent's own shell finds may be tried
        detail, fix = f"{case.address} keeps running, because its new start would fail", f"{no_program.fix}; or --force"
        problem = replace(no_program, detail=detail, fix=fix)
        return withheld(case.address, Severity.REFUSAL, problem, case.place)
    action = Action(
        address=case.address,
        verb=Verb.REPLACE,
        reason=Reason.SPEC_CHANGED if changes else Reason.REQUESTED,
        changes=changes,
        steps=(
            stop(case, live, facts),
            *kept(case, conversation, facts),
            *trusted(case, facts),
            launch(case, conversation, facts, options),
        ),
        conversation=conversation,
        needs=needs(case),
        session=case.session,
        basis=basis(live, conversation),
    )
    return Decision(action, _warnings(case, conversation, facts))


def _relocated(case: Case, live: Pane) -> tuple[Diagnostic, ...]:
    where = relocated(case, live)
    if not where:
        return ()
    fix = f"to give it its own session again: reconciler stop {case.session}, then reconciler resume {case.session}"
    summary, detail = f"{case.address} runs in session {live.session}", f"{where} by hand"
    return (
        Diagnostic(
            severity=Severity.WARNING,
            summary=summary,
            detail=detail,
            fix=fix,
            address=str(case.address),
            place=case.place,
        ),
    )


def _defer_guest(case: Case, live: Pane, changes: tuple[Change, ...]) -> Action:
    """Defer a restart when the session is not the agent's alone: ending the session would end more than it."""
    where = relocated(case, live) or f"its session {live.session} holds another agent, too"
    note = f"{where}: end the agent there with `reconciler stop {case.session}`, then apply again"
    return Action(
        address=case.address,
        verb=Verb.DEFER,
        reason=Reason.GUEST,
        changes=changes,
        session=case.session,
        note=note,
        basis=basis(live),
    )


def _defer(case: Case, live: Pane, changes: tuple[Change, ...], facts: Facts) -> Action:
    reason, note = facts.in_use_because
    return Action(
        address=case.address,
        verb=Verb.DEFER,
        reason=reason,
        changes=changes,
        session=session_name(case, live),
        note=note,
        basis=basis(live),
    )


def _relabel(case: Case, spec: Agent, row: SessionRow, live: Pane, options: PlanOptions) -> Action:
    """Change what needs no restart: the session's name, and the labels in the registry."""
    renaming = () if case.guest else _renaming(live.target, live.session, spec)
    name_before = live.session if renaming else row.session
    changes = _replaced(
        ("session", name_before, spec.session),
        ("role", row.role, spec.role),
        *_label_values(row, spec),
        ("managed", row.managed, True),
    )
    if not changes:
        return nothing(case.address, session=spec.session).action
    return Action(
        address=case.address,
        verb=Verb.UPDATE,
        reason=Reason.SESSION_RENAMED if renaming else Reason.LABEL_CHANGED,
        changes=changes,
        steps=(*renaming, WriteRows(rows.labels(spec, row, options.now))),
        session=spec.session,
        basis=basis(live),
    )


_LABELS = {"protect", "depends_on"}


def _label_values(row: SessionRow, spec: Agent) -> tuple[tuple[str, str | bool, str | bool], ...]:
    """The labels that only the registry has, before and after."""
    needs = ", ".join(row.depends_on), ", ".join(map(str, spec.depends_on))
    return ("protect", row.protect, spec.protect), ("depends_on", *needs)


def _renaming(at: TmuxTarget, name: str, spec: Agent) -> tuple[Step, ...]:
    """The step that renames a live session to its declared name; none when it has that name."""
    return () if name == spec.session else (RenameSession(at, name, spec.session),)


def _replaced(*fields: tuple[str, str | bool, str | bool]) -> tuple[Change, ...]:
    return tuple(Change(path, "replace", before, after) for path, before, after in fields if before != after)


def _record_again(case: Case, spec: Agent, live: Pane, facts: Facts, options: PlanOptions) -> Action:
    """Write a new row for a session that carries our tags and has lost its row."""
    row = WriteRows(rows.adopted(case, spec, live, facts, options.now))
    return Action(
        address=case.address,
        verb=Verb.IMPORT,
        reason=Reason.UNRECORDED,
        changes=_replaced(("session", live.session, spec.session)),
        steps=(*_renaming(live.target, live.session, spec), row),
        session=spec.session,
        basis=basis(live),
    )


# --- wanted: stopped or archived --------------------------------------------------------------


def _rest(case: Case, spec: Agent, pane: Absent | Present[Pane], facts: Facts, options: PlanOptions) -> Decision:
    wanted = Status(spec.state.value)
    if case.orphan:
        return withheld(case.address, Severity.REFUSAL, orphaned(case.orphan), case.place)
    if isinstance(pane, Present):
        change = Change("state", "replace", "exited" if pane.value.dead else "running", wanted.value)
        draft = Action(address=case.address, verb=Verb.UPDATE, reason=Reason.STATE_CHANGED, changes=(change,))
        return Decision(_ended(case, pane.value, draft, facts, options))
    if case.row is None:
        return _never_ran(case, spec, wanted, options)
    if case.foreign_pane and case.row.status is Status.RUNNING and runs_untagged(case.row, case.foreign_pane):
        # An older tool started it, without our tags. It would run on while the registry says that it is at rest.
        return _foreign_session(case, case.foreign_pane, facts, options)
    changes = _replaced(
        ("state", case.row.status.value, wanted.value),
        *_label_values(case.row, spec),
        ("managed", case.row.managed, True),
        ("by_hand", rows.rests_by_hand(case.row) or case.address not in options.stopped_by_hand, True),
    )
    if not changes:
        return nothing(case.address, session=spec.session, note=wanted.value)
    is_label = {change.path for change in changes} <= _LABELS
    step = WriteRows(
        rows.labels_at_rest(spec, case.row, options.now) if is_label else rows.at_rest(case, wanted, options)
    )
    return Decision(
        Action(
            address=case.address,
            verb=Verb.UPDATE,
            reason=Reason.LABEL_CHANGED if is_label else Reason.STATE_CHANGED,
            changes=changes,
            steps=(step,),
            session=spec.session,
            basis="absent",
        )
    )


def _never_ran(case: Case, spec: Agent, wanted: Status, options: PlanOptions) -> Decision:
    """Decide about an agent that never ran and must not run: only a user's command has to be recorded."""
    if case.address not in options.stopped_by_hand:
        return nothing(case.address, session=spec.session, note=wanted.value)
    return Decision(
        Action(
            address=case.address,
            verb=Verb.UPDATE,
            reason=Reason.STATE_CHANGED,
            changes=(Change("state", "add", None, wanted.value),),
            steps=(WriteRows(rows.at_rest(case, wanted, options)),),
            session=spec.session,
            note=f"it has never run; it stays {wanted.value} until you type `reconciler resume {spec.session}`",
            basis="absent",
        )
    )


# --- no longer wanted -------------------------------------------------------------------------


def _end(case: Case, pane: Absent | Present[Pane], facts: Facts, options: PlanOptions) -> Decision:
    """End an agent that no manifest declares, or that the user wants to destroy or delete."""
    if case.address in options.deletes:
        return delete(case, pane, facts, options)
    reason = Reason.REQUESTED if options.destroy else Reason.NOT_DECLARED
    gone = isinstance(pane, Absent)
    if gone and (case.row is None or case.row.status is Status.ARCHIVED):
        return nothing(case.address, session=case.session)
    if case.protected:
        return _protected(case, options)
    if case.orphan:
        return withheld(case.address, Severity.REFUSAL, orphaned(case.orphan), case.place)
    if isinstance(pane, Present):
        change = Change("session", "remove", session_name(case, pane.value))
        draft = Action(address=case.address, verb=Verb.DELETE, reason=reason, changes=(change,))
        return Decision(_ended(case, pane.value, draft, facts, options))
    step = WriteRows(rows.at_rest(case, Status.ARCHIVED, options))
    session = "is not ours" if case.foreign_pane else "is already gone"
    note = f"its session {session}; its conversation and its registry row stay"
    return Decision(
        Action(
            address=case.address,
            verb=Verb.FORGET,
            reason=reason,
            changes=(),
            steps=(step,),
            session=case.session,
            note=note,
            basis="absent",
        )
    )


def _protected(case: Case, options: PlanOptions) -> Decision:
    fix = "set `protect: false` in its manifest block, apply, then remove it"
    if options.destroy:
        problem = Problem(
            f"{case.address} is protected", "destroy would end it", f"{fix}; or leave it out with --exclude"
        )
        return withheld(case.address, Severity.REFUSAL, problem, case.place)
    summary = f"{case.address} is protected and stays"
    detail = "no manifest declares it any more; without `protect`, apply would end it"
    warning = Diagnostic(
        severity=Severity.WARNING,
        summary=summary,
        detail=detail,
        fix=f"declare it again, {fix}",
        address=str(case.address),
    )
    kept = nothing(case.address, session=case.session, reason=Reason.PROTECTED, note="protected: stays")
    return Decision(kept.action, (warning,))


def _ended(case: Case, live: Pane, draft: Action, facts: Facts, options: PlanOptions) -> Action:
    """The draft with the steps that stop the agent, end its session and record the end."""
    if not live.dead and in_use(case, facts, options):
        return _defer(case, live, draft.changes, facts)
    resting = Status(case.spec.state.value) if case.spec and draft.verb is Verb.UPDATE else Status.ARCHIVED
    ending = cleared(case, live) if live.dead else stop(case, live, facts)
    known = case.identity.session_id
    unrecorded = rows.adopted(case, case.spec, live, facts, options.now) if case.spec and not case.row else ()
    edits = (*unrecorded, *rows.at_rest(case, resting, options), *rows.captured(case, facts))
    return replace(
        draft,
        steps=(ending, WriteRows(edits)),
        needs=needs(case),
        session=session_name(case, live),
        ends_session=draft.verb is Verb.DELETE and not live.dead,
        note=f"conversation {known} stays" if known else "",
        basis=basis(live),
    )


# --- adopting ---------------------------------------------------------------------------------


def _adopt(case: Case, spec: Agent, facts: Facts, options: PlanOptions) -> Decision:
    name, pane = options.imports[case.address], case.pane_to_import
    problem = why_not_adopted(case, facts, name)
    if problem is not None or pane is None:
        # A session that does not exist is a mistake of the user's, not something that a guard protects.
        missing = pane is None and isinstance(case.pane, Absent)
        severity = Severity.ERROR if missing else Severity.REFUSAL
        return withheld(case.address, severity, problem or Problem(f"there is no session {name}"), case.place)
    if case.foreign_pane is not None and case.foreign_pane.session != name:
        return _foreign_session(case, case.foreign_pane, facts, options)
    return Decision(_import(case, spec, pane, facts, options))


def _import(case: Case, spec: Agent, pane: Pane, facts: Facts, options: PlanOptions) -> Action:
    conversation = facts.live.conversation
    tagged = replace(pane.target, lineage=options.lineage, address=str(case.address))
    return Action(
        address=case.address,
        verb=Verb.IMPORT,
        reason=Reason.REQUESTED,
        changes=_replaced(("session", pane.session, spec.session)),
        steps=(
            TagSession(pane.target, pane.session, case.address, conversation),
            *_renaming(tagged, pane.session, spec),
            WriteRows(rows.adopted(case, spec, pane, facts, options.now)),
        ),
        session=spec.session,
        note=_conversation_note(conversation, case.identity.session_id or ""),
        basis=basis(pane),
    )


def _conversation_note(proved: str, recorded: str) -> str:
    if proved:
        return f"conversation {proved}"
    if recorded:
        return f"nothing shows which conversation it has; the recorded one, {recorded}, stays"
    return "its conversation is not known"
