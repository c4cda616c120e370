"""What to do about one broker: make it, bring it up to date, start it, end it, or let it go.

The registry tells which brokers are ours to end: it has a row before one runs, and until it has ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from shlex import quote

from reconciler.kinds.decision import Complaint, Decision, nothing, withheld
from reconciler.model.action import Action, Change, Reason, Verb
from reconciler.model.address import Address
from reconciler.model.broker import Broker, Effect, Survey, Target
from reconciler.model.diagnostic import Place, Severity
from reconciler.model.observed import ABSENT, Absent, Observed, Present, Unknown
from reconciler.model.plan import Drift
from reconciler.model.record import BrokerRow, Json, RowEdit, Section
from reconciler.model.step import ConvergeBroker, Step, StopBroker, WriteRows

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


@dataclass(frozen=True, slots=True)
class BrokerCase:
    """All that is known about one wanted broker.

    `left` is the process that runs as `row` says, when the manifest has another folder or target now.
    """

    spec: Broker
    row: BrokerRow | None
    found: Observed[Survey]
    left: Observed[int] = ABSENT

    @property
    def moved(self) -> bool:
        """Whether its folder is another one than recorded."""
        return self.row is not None and self.row.directory != self.spec.directory


def decide(case: BrokerCase) -> Decision:
    """What a declared broker needs."""
    spec = case.spec
    match case.found, case.left:
        case (Unknown(reason), _) | (_, Unknown(reason)):
            return _unseen(spec.address, reason, spec.place)
        case Present(survey), _:
            return _needed(case, survey)
    return nothing(spec.address)


def _unseen(address: Address, reason: str, place: Place | None = None) -> Decision:
    complaint = Complaint(f"cannot look at {address}", reason, "nothing is done about it until it can be")
    return withheld(address, Severity.ERROR, complaint, place)


def _needed(case: BrokerCase, survey: Survey) -> Decision:
    spec = case.spec
    if survey.problems:
        action = nothing(spec.address, reason=Reason.WITHHELD, note=survey.problems[0].summary).action
        return Decision(action, survey.problems)
    reason, edits = _reason(survey), _row_edits(case)
    if reason is Reason.NONE:
        return _recorded(case, edits) if edits else nothing(spec.address)
    action = Action(
        spec.address,
        Verb.UPDATE if survey.made else Verb.CREATE,
        reason,
        survey.changes if survey.made else _declared(spec),
        (*_end_left(case), *_rows(edits), ConvergeBroker(spec.address, _effect(survey))),
        note=_and(_note(spec, survey), _left_behind(case, survey)),
        basis=f"{survey.basis} {_pid(case.left)}",
    )
    return Decision(action)


def _recorded(case: BrokerCase, edits: tuple[RowEdit, ...]) -> Decision:
    """A broker in order of which the registry says something else, or nothing."""
    verb, reason = (Verb.UPDATE, Reason.SPEC_CHANGED) if case.row else (Verb.IMPORT, Reason.UNRECORDED)
    steps = (*_end_left(case), *_rows(edits))
    return Decision(Action(case.spec.address, verb, reason, _row_changes(case), steps, basis=str(_pid(case.left))))


def _row_edits(case: BrokerCase) -> tuple[RowEdit, ...]:
    """What the registry must learn."""
    spec = case.spec
    name, target = spec.address.workspace, spec.target.value
    if case.row == BrokerRow(name, spec.directory, target):
        return ()
    return (RowEdit(Section.BROKERS, name, {"dir": spec.directory, "target": target, "managed": True}),)


def _row_changes(case: BrokerCase) -> tuple[Change, ...]:
    if case.row is None:
        return ()
    fields: tuple[tuple[str, Json, Json], ...] = (
        ("dir", case.row.directory, case.spec.directory),
        ("target", case.row.target, case.spec.target.value),
        ("managed", case.row.managed, True),
    )
    return tuple(Change(path, "replace", before, after) for path, before, after in fields if before != after)


def _end_left(case: BrokerCase) -> tuple[Step, ...]:
    """It may have the ports, and nobody would look at it any more."""
    leaves = case.row is not None and isinstance(case.left, Present)
    return (StopBroker(case.spec.address, case.row.directory),) if leaves and case.row else ()


def _left_behind(case: BrokerCase, survey: Survey) -> str:
    """What becomes of the folder that the broker had before."""
    if not (case.row and case.moved):
        return ""
    anew = "" if survey.made else ", and it gets new keys and passwords: to keep them, move the folder first"
    return f"its files in {case.row.directory} stay{anew}"


def _rows(edits: tuple[RowEdit, ...]) -> tuple[Step, ...]:
    return (WriteRows(edits),) if edits else ()


def _pid(process: Observed[int]) -> int:
    return process.value if isinstance(process, Present) else 0


def _and(*clauses: str) -> str:
    return "; ".join(filter(None, clauses))


def _reason(survey: Survey) -> Reason:
    if not survey.made:
        return Reason.DECLARED
    if survey.edited:
        return Reason.EDITED
    if survey.changes or survey.effect is not Effect.NOTHING:
        return Reason.SPEC_CHANGED
    return Reason.NOT_RUNNING if survey.runs is False else Reason.NONE


def _effect(survey: Survey) -> str:
    return "start" if survey.runs is False else survey.effect.value


def _note(spec: Broker, survey: Survey) -> str:
    """What it means for those who are connected, and why."""
    by_hand = _BY_HAND.get(spec.target, {}).get(survey.effect, "")
    what = {"nothing": "", "reload": "it reloads", "restart": "it restarts", "start": "it starts"}[_effect(survey)]
    told = (*survey.reasons, *survey.due, *(f"changed by hand: {path}" for path in survey.edited))
    return _and(by_hand or what, *(told if survey.made else ()))


def _declared(spec: Broker) -> tuple[Change, ...]:
    """What a new broker is made of, as a plan shows it."""
    ports = ", ".join(f"{each.port}{' with client certificates' if each.mtls else ''}" for each in spec.listeners)
    users = tuple(Change(f"users.{user.name}", "add", None, user.role.value) for user in spec.users)
    head = (("host", spec.host), ("port", ports), ("dir", spec.directory), ("target", spec.target.value))
    return (*(Change(path, "add", None, value) for path, value in head), *users)


def remove(row: BrokerRow, process: Observed[int], *, kept_by: str, reason: Reason) -> Decision:
    """What to do about a recorded broker that no manifest declares, or that is to be destroyed.

    Its files stay, whatever becomes of it. `kept_by` is the declared broker that has them now.
    """
    if isinstance(process, Unknown):
        return _unseen(row.address, process.reason)
    forget = WriteRows((RowEdit(Section.BROKERS, row.name, remove=True),))
    if kept_by or isinstance(process, Absent):
        note = f"its files are those of {kept_by} now" if kept_by else _and(_how_it_ends(row), _files_stay(row))
        return Decision(Action(row.address, Verb.FORGET, reason, steps=(forget,), note=note))
    change = Change("process", "remove", "running")
    steps = (StopBroker(row.address, row.directory), forget)
    basis = str(process.value)
    return Decision(Action(row.address, Verb.DELETE, reason, (change,), steps, note=_files_stay(row), basis=basis))


def _files_stay(row: BrokerRow) -> str:
    return f"its files, keys and data stay in {row.directory}"


def _how_it_ends(row: BrokerRow) -> str:
    """What a user does to end what runs it; nothing for a process of this user, of which there is none."""
    match row.target:
        case Target.DOCKER:
            return f"end it with: docker compose --project-directory {quote(row.directory)} down"
        case Target.SYSTEMD:
            return f"end it with: sudo systemctl disable --now {row.name}"
    return "it does not run"


def end(spec: Broker, found: Observed[Survey]) -> Decision:
    """What the destruction of a broker takes that runs, and that the registry does not know."""
    if not isinstance(found, Present) or not found.value.runs:
        return nothing(spec.address)
    row = BrokerRow(spec.address.workspace, spec.directory)
    change = Change("process", "remove", "running")
    steps = (StopBroker(spec.address, spec.directory),)
    return Decision(Action(spec.address, Verb.DELETE, Reason.REQUESTED, (change,), steps, note=_files_stay(row)))


def drifts(spec: Broker, found: Observed[Survey]) -> Iterator[Drift]:
    """Classes J, K and L: files edited by hand, certificates due, and a broker that does not run."""
    if not isinstance(found, Present) or not found.value.made:
        return
    survey, name = found.value, str(spec.address)
    for path in survey.edited:
        message = f"{name}: {path} was changed by hand."
        yield Drift("J", "", spec.address, message, "as written", "changed", path=path)
    for reason in survey.due:
        message = f"{name}: certificate due: {reason}."
        yield Drift("K", "", spec.address, message, "valid", "due", path="certificates")
    if survey.runs is False:
        yield Drift("L", "", spec.address, f"{name}: it does not run.", "running", "stopped", path="process")
