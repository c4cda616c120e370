"""What to do about one broker: make it, bring it up to date, start it, or end it."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.kinds.decision import Complaint, Decision, nothing, withheld
from reconciler.model.action import Action, Change, Reason, Verb
from reconciler.model.broker import Broker, Effect, Survey, Target
from reconciler.model.diagnostic import Severity
from reconciler.model.observed import Absent, Observed, Present, Unknown
from reconciler.model.plan import Drift
from reconciler.model.step import ConvergeBroker, StopBroker

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


def decide(spec: Broker, found: Observed[Survey]) -> Decision:
    """What a declared broker needs."""
    match found:
        case Present(survey):
            return _needed(spec, survey)
        case Unknown(reason):
            complaint = Complaint(f"cannot look at {spec.address}", reason, "nothing is done about it until it can be")
            return withheld(spec.address, Severity.ERROR, complaint, spec.place)
        case Absent():
            return nothing(spec.address)


def _needed(spec: Broker, survey: Survey) -> Decision:
    if survey.problems:
        action = nothing(spec.address, reason=Reason.WITHHELD, note=survey.problems[0].summary).action
        return Decision(action, survey.problems)
    reason = _reason(survey)
    if reason is Reason.NONE:
        return nothing(spec.address)
    action = Action(
        spec.address,
        Verb.UPDATE if survey.made else Verb.CREATE,
        reason,
        survey.changes if survey.made else _declared(spec),
        (ConvergeBroker(spec.address, _effect(survey)),),
        note=_note(spec, survey),
        basis=survey.basis,
    )
    return Decision(action)


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
    return "; ".join(part for part in (by_hand or what, *(told if survey.made else ())) if part)


def _declared(spec: Broker) -> tuple[Change, ...]:
    """What a new broker is made of, as a plan shows it."""
    ports = ", ".join(f"{each.port}{' with client certificates' if each.mtls else ''}" for each in spec.listeners)
    users = tuple(Change(f"users.{user.name}", "add", None, user.role.value) for user in spec.users)
    head = (("host", spec.host), ("port", ports), ("dir", spec.directory), ("target", spec.target.value))
    return (*(Change(path, "add", None, value) for path, value in head), *users)


def end(spec: Broker, found: Observed[Survey]) -> Decision:
    """What the destruction of a broker takes: its process ends, its files stay."""
    if not isinstance(found, Present) or not found.value.runs:
        return nothing(spec.address)
    change = Change("process", "remove", "running")
    note = f"its files stay in {spec.directory}"
    steps = (StopBroker(spec.address),)
    return Decision(Action(spec.address, Verb.DELETE, Reason.REQUESTED, (change,), steps, note=note))


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
