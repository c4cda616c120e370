"""What to do about a broker that no manifest declares, or that the user wants to destroy.

The registry shows which brokers are ours: it has a row for each, from before its first start until after its end.
"""

from __future__ import annotations

from shlex import quote

from reconciler.kinds.decision import Decision, nothing, withheld
from reconciler.model.action import Action, Reason, Verb
from reconciler.model.address import Address
from reconciler.model.broker import Broker, Survey, Target
from reconciler.model.change import Change
from reconciler.model.diagnostic import Place, Severity
from reconciler.model.observed import Absent, Observed, Present, Unknown
from reconciler.model.problem import Problem
from reconciler.model.record import BrokerRow, RowEdit, Section
from reconciler.model.step import Step, StopBroker, WriteRows


def remove(row: BrokerRow, process: Observed[int], *, kept_by: str, reason: Reason) -> Decision:
    """Decide about a recorded broker that no manifest declares, or that the user wants to destroy.

    Its files always stay. `kept_by` is the declared broker that uses the same folder now.
    """
    if isinstance(process, Unknown):
        return not_readable(row.address, process.reason)
    forget = WriteRows((RowEdit(Section.BROKERS, row.name, remove=True),))
    if kept_by or isinstance(process, Absent):
        note = (
            f"its files are those of {kept_by} now" if kept_by else clauses(how_to_end(row), _files_stay(row.directory))
        )
        return Decision(Action(address=row.address, verb=Verb.FORGET, reason=reason, steps=(forget,), note=note))
    return Decision(_ending(StopBroker(row.address, row.directory), reason, (forget,), str(process.value)))


def end(spec: Broker, found: Observed[Survey]) -> Decision:
    """Decide how to destroy a declared broker that the registry does not have: end it if it runs."""
    if not isinstance(found, Present) or not found.value.runs:
        return nothing(spec.address)
    return Decision(_ending(StopBroker(spec.address, spec.directory), Reason.REQUESTED, (), found.value.basis))


def _ending(stop: StopBroker, reason: Reason, afterwards: tuple[Step, ...], basis: str) -> Action:
    return Action(
        address=stop.address,
        verb=Verb.DELETE,
        reason=reason,
        changes=(Change("process", "remove", "running"),),
        steps=(stop, *afterwards),
        note=_files_stay(stop.directory),
        basis=basis,
    )


def _files_stay(directory: str) -> str:
    return f"its files, keys and data stay in {directory}"


def how_to_end(row: BrokerRow) -> str:
    """What the user types to end the container or the unit. For the target `process`, nothing runs any more."""
    match row.target:
        case Target.DOCKER:
            return f"end the container: docker compose --project-directory {quote(row.directory)} down"
        case Target.SYSTEMD:
            return f"end the unit: sudo systemctl disable --now {row.name}"
    return "it does not run"


def not_readable(address: Address, reason: str, place: Place | None = None) -> Decision:
    """Leave a broker alone whose files or process cannot be read."""
    problem = Problem(f"cannot look at {address}", reason, "correct that, then plan again; until then it is left alone")
    return withheld(address, Severity.ERROR, problem, place)


def clauses(*parts: str) -> str:
    """Join the clauses to one note; empty ones are left out."""
    return "; ".join(filter(None, parts))
