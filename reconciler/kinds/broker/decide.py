"""What to do about one wanted broker: create it, update it, start it, record it."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from msgspec import Struct
from msgspec.structs import replace

from reconciler.kinds.decision import Decision, nothing
from reconciler.model.action import Action, Reason, Verb
from reconciler.model.broker import Broker, Effect, HandEdit, Survey, Target
from reconciler.model.change import Change
from reconciler.model.drift_class import DriftClass
from reconciler.model.observed import ABSENT, Observed, Present, Unknown
from reconciler.model.plan import Drift
from reconciler.model.record import BrokerRow, Json, RowEdit, Section
from reconciler.model.step import ConvergeBroker, Step, StopBroker, WriteRows

from .edited import edit_words
from .leave import clauses, how_to_end, not_readable

_BY_HAND = {
    Target.DOCKER: {
        Effect.RELOAD: "then: docker compose kill --signal HUP",
        Effect.RESTART: "then: docker compose up --detach --force-recreate",
    },
    Target.SYSTEMD: {
        Effect.RELOAD: "then: systemctl reload the unit",
        Effect.RESTART: "then: systemctl restart the unit",
    },
}


class BrokerCase(Struct, frozen=True):
    """All that is known about one wanted broker."""

    spec: Broker
    row: BrokerRow | None
    found: Observed[Survey]
    old_process: Observed[int] = ABSENT
    """The pid of the broker that runs as `row` says, when the manifest now has another folder or target."""


def decide(case: BrokerCase) -> Decision:
    """Decide what a declared broker needs."""
    spec = case.spec
    match case.found, case.old_process:
        case (Unknown(reason), _) | (_, Unknown(reason)):
            return not_readable(spec.address, reason, spec.place)
        case Present(survey), _:
            return _needed(case, survey)
    return nothing(spec.address)


def decide_files(spec: Broker, survey: Survey) -> Decision:
    """Decide what the files of a broker need. The registry is not changed, and a stopped broker is not started."""
    if survey.runs is False:
        survey = replace(survey, effect=Effect.NOTHING, reasons=(), runs=None, problems=(), basis="")
    if survey.problems:
        return _unusable(spec, survey)
    reason = _reason(survey)
    if reason is Reason.NONE:
        return nothing(spec.address)
    return Decision(_converging(spec, survey, reason), survey.left_alone)


def _needed(case: BrokerCase, survey: Survey) -> Decision:
    spec = case.spec
    if survey.problems:
        return _unusable(spec, survey)
    reason, edits = _reason(survey), _row_edits(case)
    if reason is Reason.NONE:
        return _recorded(case, survey, edits) if edits else nothing(spec.address)
    converging = _converging(spec, survey, reason)
    action = replace(
        converging,
        steps=(*_end_old_process(case), *_rows(edits), *converging.steps),
        note=clauses(converging.note, _left_behind(case, survey)),
        basis=f"{survey.basis} {_pid(case.old_process)}",
    )
    return Decision(action, survey.left_alone)


def _unusable(spec: Broker, survey: Survey) -> Decision:
    action = nothing(spec.address, reason=Reason.WITHHELD, note=survey.problems[0].summary).action
    return Decision(action, survey.problems)


def _converging(spec: Broker, survey: Survey, reason: Reason) -> Action:
    return Action(
        address=spec.address,
        verb=Verb.UPDATE if survey.made else Verb.IMPORT if survey.by_hand else Verb.CREATE,
        reason=reason,
        changes=survey.changes if survey.made or survey.by_hand else _declared(spec),
        steps=(ConvergeBroker(spec.address, _effect(survey)),),
        note=_note(spec, survey),
        basis=survey.basis,
    )


def _recorded(case: BrokerCase, survey: Survey, edits: tuple[RowEdit, ...]) -> Decision:
    """Record a broker that is in order, when the registry has no row for it or another one."""
    verb, reason = (Verb.UPDATE, Reason.SPEC_CHANGED) if case.row else (Verb.IMPORT, Reason.UNRECORDED)
    steps, basis = (*_end_old_process(case), *_rows(edits)), str(_pid(case.old_process))
    return Decision(
        Action(
            address=case.spec.address,
            verb=verb,
            reason=reason,
            changes=_row_changes(case),
            steps=steps,
            note=_left_behind(case, survey),
            basis=basis,
        )
    )


def _row_edits(case: BrokerCase) -> tuple[RowEdit, ...]:
    """The edit that brings the registry row up to date; none when it is."""
    spec = case.spec
    name, target = spec.address.workspace, spec.target.value
    if case.row == BrokerRow(name, spec.directory, target):
        return ()
    return (
        RowEdit(section=Section.BROKERS, name=name, fields={"dir": spec.directory, "target": target, "managed": True}),
    )


def _row_changes(case: BrokerCase) -> tuple[Change, ...]:
    if case.row is None:
        return ()
    fields: tuple[tuple[str, Json, Json], ...] = (
        ("dir", case.row.directory, case.spec.directory),
        ("target", case.row.target, case.spec.target.value),
        ("managed", case.row.managed, True),
    )
    return tuple(Change(path, "replace", before, after) for path, before, after in fields if before != after)


def _end_old_process(case: BrokerCase) -> tuple[Step, ...]:
    """End the process of the recorded folder: it may hold the ports, and no row would lead to it any more."""
    if case.row is None or not isinstance(case.old_process, Present):
        return ()
    return (StopBroker(case.spec.address, case.row.directory),)


def _left_behind(case: BrokerCase, survey: Survey) -> str:
    """A note about the broker in the recorded folder or target, when the manifest now has another one."""
    row, spec, ends = case.row, case.spec, isinstance(case.old_process, Present)
    if row is None or (row.directory, row.target) == (spec.directory, spec.target):
        return ""
    by_hand = "" if row.target == Target.PROCESS else how_to_end(row)
    if row.directory == spec.directory:
        return "its process of this user ends" if ends else by_hand
    has_secrets = survey.made or survey.by_hand
    new_secrets = "" if has_secrets else "it gets new keys and passwords: to keep them, move the folder first"
    stays = "ends, and its files stay" if ends else "keeps its files"
    return clauses(f"the one in {row.directory} {stays}", by_hand, new_secrets)


def _rows(edits: tuple[RowEdit, ...]) -> tuple[Step, ...]:
    return (WriteRows(edits),) if edits else ()


def _pid(process: Observed[int]) -> int:
    return process.value if isinstance(process, Present) else 0


def _reason(survey: Survey) -> Reason:
    if not survey.made:
        return Reason.MADE_BY_HAND if survey.by_hand else Reason.DECLARED
    if survey.edited:
        return Reason.EDITED
    if survey.changes or survey.effect is not Effect.NOTHING:
        return Reason.SPEC_CHANGED
    return Reason.NOT_RUNNING if survey.runs is False else Reason.NONE


def _effect(survey: Survey) -> str:
    return "start" if survey.runs is False else survey.effect.value


def _note(spec: Broker, survey: Survey) -> str:
    """A note about the effect on connected clients, and the reasons for it."""
    if not survey.made:
        by_hand = how_to_start(spec)
        keeps = f"keeps {', '.join(survey.keeps)}" if survey.keeps else ""
        return clauses(keeps, f"then: {by_hand}" if by_hand else "it starts")
    by_hand = _BY_HAND.get(spec.target, {}).get(survey.effect, "")
    what = {"nothing": "", "reload": "it reloads", "restart": "it restarts", "start": "it starts"}[_effect(survey)]
    edited = (f"changed by hand: {path}" for path in survey.edited)
    return clauses(by_hand or what, *survey.reasons, *survey.due, *edited)


def how_to_start(spec: Broker) -> str:
    """The command that starts a broker with new files; empty for the target `process`, which apply starts."""
    match spec.target:
        case Target.DOCKER:
            return f"docker compose --project-directory {quote(spec.directory)} up --detach"
        case Target.SYSTEMD:
            return f"sudo systemctl enable --now {quote(f'{spec.directory}/{spec.address.workspace}.service')}"
        case Target.PROCESS:
            return ""


def _declared(spec: Broker) -> tuple[Change, ...]:
    """The fields of a new broker, as a plan shows them."""
    ports = ", ".join(f"{each.port}{' with client certificates' if each.mtls else ''}" for each in spec.listeners)
    users = tuple(Change(f"users.{user.name}", "add", None, user.role.value) for user in spec.users)
    head = (("host", spec.host), ("port", ports), ("dir", spec.directory), ("target", spec.target.value))
    return (*(Change(path, "add", None, value) for path, value in head), *users)


def drifts(spec: Broker, found: Observed[Survey]) -> Iterator[Drift]:
    """The drift of a broker: files edited by hand, certificates due, and a broker that does not run (J, K, L)."""
    if not isinstance(found, Present) or not found.value.made:
        return
    survey, name = found.value, str(spec.address)
    for path in survey.edited:
        edit = next((each for each in survey.hand_edits if each.path == path), None)
        message = f"{name}: {path} was changed by hand{_what(edit)}."
        yield Drift(
            kind=DriftClass.BROKER_EDITED,
            session="",
            address=spec.address,
            message=message,
            before="as written",
            after="changed",
            path=path,
            changes=edit.changes if edit else None,
        )
    for reason in survey.due:
        message = f"{name}: certificate due: {reason}."
        yield Drift(
            kind=DriftClass.CERTIFICATE_DUE,
            session="",
            address=spec.address,
            message=message,
            before="valid",
            after="due",
            path="certificates",
        )
    if survey.runs is False:
        yield Drift(
            kind=DriftClass.BROKER_DOWN,
            session="",
            address=spec.address,
            message=f"{name}: it does not run.",
            before="running",
            after="stopped",
            path="process",
        )


def _what(edit: HandEdit | None) -> str:
    if edit is None:
        return ""
    return f": {edit_words(edit)}"
