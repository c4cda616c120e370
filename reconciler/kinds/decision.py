"""The answer of a kind about one address."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.action import Action, Reason, Verb
from reconciler.model.address import Address
from reconciler.model.diagnostic import Diagnostic, Place, Severity
from reconciler.model.problem import Problem


class Decision(Struct, frozen=True):
    """What to do about one address, and what to tell the user about it.

    With `needs_server`, nothing is done because no tmux server can be started.
    """

    action: Action
    diagnostics: tuple[Diagnostic, ...] = ()
    needs_server: bool = False


def nothing(address: Address, *, session: str = "", reason: Reason = Reason.NONE, note: str = "") -> Decision:
    """Leave the address as it is."""
    return Decision(Action(address=address, verb=Verb.NOOP, reason=reason, session=session, note=note))


def withheld(address: Address, severity: Severity, problem: Problem, place: Place | None = None) -> Decision:
    """Leave the address as it is and say what is in the way."""
    said = Diagnostic(
        severity=severity,
        summary=problem.summary,
        detail=problem.detail,
        fix=problem.fix,
        address=str(address),
        place=place,
    )
    return Decision(Action(address=address, verb=Verb.NOOP, reason=Reason.WITHHELD, note=problem.summary), (said,))


def held_back(address: Address, severity: Severity, problem: Problem, place: Place | None = None) -> Decision:
    """Put the address off and say what is in the way; unlike what is withheld, it stops nothing else."""
    found = withheld(address, severity, problem, place)
    return replace(found, action=replace(found.action, verb=Verb.DEFER))
