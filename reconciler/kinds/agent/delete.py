"""What `delete` does with one agent, and when it refuses."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.kinds.decision import Decision, nothing, withheld
from reconciler.model.action import Action, Reason, Verb
from reconciler.model.change import Change
from reconciler.model.diagnostic import Severity
from reconciler.model.observed import Absent, Present
from reconciler.model.problem import Problem
from reconciler.model.snapshot import Pane
from reconciler.model.step import DeleteArtifact, Step, WriteRows

from . import rows
from .case import Case, Facts, PlanOptions, session_name
from .purge import parts_to_delete, size_and_time, stored_paths
from .steps import basis, cleared, in_use, needs, orphaned, stop


def delete(case: Case, pane: Absent | Present[Pane], facts: Facts, options: PlanOptions) -> Decision:
    """End the agent and forget it. Its conversations stay, unless the options ask for a purge."""
    live = pane.value if isinstance(pane, Present) else None
    obstacle = _obstacle(case, live, facts, options)
    if obstacle:
        return withheld(case.address, Severity.REFUSAL, obstacle, case.place)
    parts = parts_to_delete(case, facts) if options.purge else ()
    if isinstance(parts, Problem):
        return withheld(case.address, Severity.REFUSAL, parts, case.place)
    deletions = tuple(DeleteArtifact(part.path, part.root) for part in parts)
    steps = (*_ending(case, live, facts), *deletions, *_forgetting(case, options))
    if not steps:
        return nothing(case.address, session=case.session, note="the registry has nothing about it")
    gone = (Change("session", "remove", session_name(case, live)),) if live else ()
    purged = tuple(Change("artifact", "remove", size_and_time(part)) for part in parts)
    action = Action(
        address=case.address,
        verb=Verb.DELETE if live or parts else Verb.FORGET,
        reason=Reason.REQUESTED,
        changes=(*gone, *purged),
        steps=steps,
        needs=needs(case),
        session=session_name(case, live) if live else case.session,
        note="" if parts else _what_stays(facts),
        ends_session=live is not None and not live.dead,
        basis=basis(live),
    )
    return Decision(action)


def _obstacle(case: Case, live: Pane | None, facts: Facts, options: PlanOptions) -> Problem | None:
    if case.protected:
        fix = "set `protect: false` in its manifest block, apply, then delete it"
        return Problem(f"{case.address} is protected", "delete would end and forget it", fix)
    if facts.elsewhere:
        return orphaned(facts.elsewhere)
    if live and not live.dead and in_use(case, facts, options):
        fix = f"wait until it is idle, or end it first: reconciler stop {session_name(case, live)} --now"
        return Problem(f"{case.address} is in use", facts.in_use_because[1], fix)
    return None


def _ending(case: Case, live: Pane | None, facts: Facts) -> Iterator[Step]:
    if live:
        yield cleared(case, live) if live.dead else stop(case, live, facts)


def _forgetting(case: Case, options: PlanOptions) -> Iterator[Step]:
    edits = rows.forgotten(case, purged=options.purge)
    if edits:
        yield WriteRows(edits)


def _what_stays(facts: Facts) -> str:
    paths = stored_paths(facts)
    return f"its conversation stays in {', '.join(paths)}" if paths else ""
