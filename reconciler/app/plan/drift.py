"""The work of drift: look, compare, tell. Nothing is written but the reports."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconciler.agents.catalogue import catalogue
from reconciler.app.plan.make import make_plan
from reconciler.app.plan.outputs import Output, publish
from reconciler.app.plan.request import Request
from reconciler.app.project.manifests import load_manifests, shown
from reconciler.app.project.project import Project
from reconciler.kinds.agent.case import Wish
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.errors import ReconcilerError
from reconciler.model.exit_code import ExitCode
from reconciler.model.moment import to_second
from reconciler.model.plan import Mode, Plan
from reconciler.model.record import Record
from reconciler.model.snapshot import Snapshot
from reconciler.observe import recorded_as_live
from reconciler.plan.alarm import strict
from reconciler.plan.diff import Sources, diff
from reconciler.plan.offline import offline, unseen
from reconciler.plan.scope import EVERYTHING
from reconciler.render.drift import drift_document, drift_text
from reconciler.render.form import Form
from reconciler.render.shape import DriftsDoc
from reconciler.render.terminal import show
from reconciler.render.text import diagnostic_text
from reconciler.state.registry import read


@dataclass(frozen=True, slots=True)
class Question:
    """Which classes of drift, and whether what no apply has done yet is told too; `offline` by files alone."""

    letters: frozenset[str]
    intent: bool = False
    offline: bool = False


def drift(at: Project, question: Question, output: Output) -> int:
    """The whole of `reconciler drift`."""
    try:
        document = _offline(at, question) if question.offline else _live(at, question)
    except ReconcilerError as error:
        if not output.machine_reads:
            raise
        publish(at, drift_document(_failed(error.diagnostics)), output, list)
        return error.exit_code
    _tell(at, document, output)
    if any(each["severity"] != "warning" for each in document["diagnostics"]):
        return ExitCode.ERROR
    return ExitCode.OK if document["in_sync"] else ExitCode.CHANGES


def _failed(diagnostics: Sequence[Diagnostic]) -> Plan:
    return Plan(Mode.REFRESH_ONLY, "", 0, "", diagnostics=tuple(diagnostics))


def _live(at: Project, question: Question) -> DriftsDoc:
    """One look; the manifests are held against the same one."""
    seen = make_plan(at, Request(mode=Mode.REFRESH_ONLY))
    desired = seen.loaded.desired
    sources = Sources(desired, seen.stored.record, seen.snapshot, catalogue(desired.agent_types.values()))
    found = _only(question.letters, strict(seen.plan, sources, seen.wish))
    if not question.intent:
        return drift_document(found)
    return drift_document(found, replace(diff(sources, seen.wish, EVERYTHING), registry=found.registry))


def _offline(at: Project, question: Question) -> DriftsDoc:
    """No tmux, no processes: manifests, registry and the broker's files."""
    from reconciler.broker.offline import survey

    desired = load_manifests(at, ()).desired
    record = read(at.registry).record
    if record == Record():
        fix = "commit it, or look where the agents are: `reconciler drift`"
        raise ReconcilerError(f"there is no registry at {shown(at.registry_path)}", fix=fix)
    brokers = {address: survey(spec) for address, spec in desired.brokers.items()}
    seen = recorded_as_live(record, Snapshot(brokers=brokers))
    sources = offline(Sources(desired, record, seen, catalogue(desired.agent_types.values())))
    wish = Wish(lineage=record.lineage, now=to_second(at.now()))
    plan = replace(diff(sources, wish, EVERYTHING), registry=shown(at.registry_path))
    return drift_document(_only(question.letters, plan), plan, tuple(unseen(desired, seen)))


def _only(letters: frozenset[str], plan: Plan) -> Plan:
    """The plan with these classes of drift alone; what an acceptance is for was judged by all of them."""
    return replace(
        plan,
        drift=tuple(each for each in plan.drift if each.kind in letters),
        learned=tuple(each for each in plan.learned if each.kind in letters),
        accepted=tuple(each for each in plan.accepted if each.drift.kind in letters),
    )


def _tell(at: Project, document: DriftsDoc, output: Output) -> None:
    """Show it; messages go to standard error, unless the screen holds them already."""
    publish(at, document, output, lambda: drift_text(document))
    if output.as_json or output.on_screen or output.form is Form.GITHUB:
        return
    for diagnostic in document["diagnostics"]:
        show(diagnostic_text(diagnostic), sys.stderr, at.env)
