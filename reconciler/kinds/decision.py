"""What a kind decides about one address."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.action import Action, Reason, Verb
from reconciler.model.address import Address
from reconciler.model.diagnostic import Diagnostic, Place, Severity
from reconciler.model.problem import Problem


class Decision(Struct, frozen=True):
    """What to do about one address, and the messages for the user about it."""

    action: Action
    diagnostics: tuple[Diagnostic, ...] = ()
    needs_server: bool = False
    """True when nothing is done because no tmux server can be started."""


def nothing(address: Address, *, session: str = "", reason: Reason = Reason.NONE, note: str = "") -> Decision:
    """Leave the address as it is."""
    return Decision(Action(address=address, verb=Verb.NOOP, reason=reason, session=session, note=note))


def withheld(address: Address, severity: Severity, problem: Problem, place: Place | None = None) -> Decision:
    """Leave the address as it is, and report the problem. An ERROR or a REFUSAL stops the whole plan."""
    diagnostic = Diagnostic(
        severity=severity,
        summary=problem.summary,
        detail=problem.detail,
        fix=problem.fix,
        address=str(address),
        place=place,
    )
    return Decision(
        Action(address=address, verb=Verb.NOOP, reason=Reason.WITHHELD, note=problem.summary), (diagnostic,)
    )


def held_back(address: Address, severity: Severity, problem: Problem, place: Place | None = None) -> Decision:
    """Defer the address, and report the problem. Unlike `withheld`, the rest of the plan goes on."""
    decision = withheld(address, severity, problem, place)
    return replace(decision, action=replace(decision.action, verb=Verb.DEFER))
