"""The JSON document of a plan."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from msgspec import Struct, to_builtins

from reconciler import __version__
from reconciler.model.action import Action, Verb
from reconciler.model.address import Address
from reconciler.model.change import Change
from reconciler.model.conversation import Conversation, ConversationMode
from reconciler.model.diagnostic import Diagnostic, Place
from reconciler.model.plan import AcceptedDrift, Drift, Plan, Unmanaged
from reconciler.model.project_identity import ProjectIdentity, ShortNames

from .deep import deep_document, item_documents
from .shape import shape_of

if TYPE_CHECKING:
    from reconciler.model.step import Step

    from .documents.change import ChangeDoc, ConversationDoc, Modes, ResourceChangeDoc, StepDoc, Verbs
    from .documents.common import AtDoc, DiagnosticDoc
    from .documents.drift import AcceptedDoc, DriftDoc, DriftFactsDoc
    from .documents.plan import OptionsDoc, PlanDoc, SummaryDoc, UnmanagedDoc

from .documents import FORMAT_VERSION

_UNNAMED, _NO_NAMES = ProjectIdentity(), ShortNames()


class Whose(Struct, frozen=True):
    """The project that a document is about, and the names that only its host has."""

    identity: ProjectIdentity = _UNNAMED
    names: ShortNames = _NO_NAMES


NOBODYS = Whose()


def plan_document(plan: Plan, options: OptionsDoc, whose: Whose = NOBODYS) -> PlanDoc:
    """The plan as published; the same plan of the same project always gives the same document."""
    document: PlanDoc = {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "at": at_document(whose.identity),
        "options": options,
        "lineage": plan.lineage,
        "serial": plan.serial,
        "manifest_digest": plan.manifest_digest,
        "digest": "",
        "shape": "",
        "basis": "",
        "summary": summary(plan.actions),
        "resource_changes": [resource_change(plan, action) for action in plan.actions],
        "resource_drift": [drift_item(plan, drift) for drift in plan.drift],
        "learned": learned_items(plan),
        "accepted": [accepted_item(plan, each) for each in plan.accepted],
        "unmanaged": [_unmanaged(session) for session in plan.unmanaged],
        "diagnostics": [diagnostic_document(diagnostic) for diagnostic in plan.diagnostics],
    }
    changes, drift = document["resource_changes"], document["resource_drift"]
    document["shape"] = shape_of(changes, drift, document["diagnostics"], whose.names)
    document["basis"] = _basis(plan, document)
    document["digest"] = content_digest(document)
    return document


def at_document(identity: ProjectIdentity) -> AtDoc:
    """Whose a document is, as published."""
    return cast("AtDoc", to_builtins(identity))


def content_digest(document: PlanDoc) -> str:
    """The digest over the whole content of a plan: any edit of the document changes it."""
    return _sha256({key: value for key, value in document.items() if key != "digest"})


def essence(document: PlanDoc) -> list[object]:
    """The parts of a plan that decide what is done, and for which machine, folder, registry and manifests.

    A machine may lack an id, and containers may share one, so its name counts, too. Files and notes are left out:
    they decide nothing.
    """
    changes = [change for change in document["resource_changes"] if change["actions"] != ["no-op"]]
    pending = [_essential(change) for change in changes]
    head = [document["lineage"], document["serial"], document["manifest_digest"], document["options"]]
    return [*head, place_of(document), document["summary"], pending]


def place_of(document: PlanDoc) -> list[str]:
    """The machine, its name, and the project folder that a plan is for; empty for plans before format 1.3."""
    at = document.get("at")
    return [at["machine"], at["host"], at["project"]] if at else []


_ASIDE = frozenset({"note", "file", "line"})


def _essential(change: ResourceChangeDoc) -> dict[str, object]:
    """The change without `items`: they repeat the lists, and older saved plans do not have them."""
    fields = [{key: value for key, value in field.items() if key != "items"} for field in change["changes"]]
    return {**{key: value for key, value in change.items() if key not in _ASIDE}, "changes": fields}


def _basis(plan: Plan, document: PlanDoc) -> str:
    """The digest over everything that matters, including the live facts behind each decision."""
    live: list[object] = [action.basis for action in plan.pending]
    drift = [] if plan.pending else [drift_facts(drift) for drift in plan.all_drift]
    return _sha256([essence(document), live, drift])


def _sha256(content: object) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def learned_items(plan: Plan) -> list[DriftDoc]:
    """The drift of classes C and I, which the registry only learns, as published."""
    return [drift_item(plan, drift) for drift in plan.learned if not drift.silent]


def summary(actions: Iterable[Action]) -> SummaryDoc:
    """How many actions of each sort the plan has."""
    verbs = [action.verb for action in actions]
    resumed = [a for a in actions if a.conversation and a.conversation.mode is ConversationMode.RESUME]
    return {
        "add": sum(verb in {Verb.CREATE, Verb.RESUME, Verb.REPLACE} for verb in verbs),
        "change": verbs.count(Verb.UPDATE),
        "destroy": sum(verb in {Verb.DELETE, Verb.REPLACE} for verb in verbs),
        "import": verbs.count(Verb.IMPORT),
        "forget": verbs.count(Verb.FORGET),
        "resume": len(resumed),
        "deferred": verbs.count(Verb.DEFER),
    }


def resource_change(plan: Plan, action: Action) -> ResourceChangeDoc:
    """What happens to one address, as published."""
    place = _place(plan, action.address)
    change: ResourceChangeDoc = {
        "address": str(action.address),
        "kind": action.address.kind,
        "session": action.session or None,
        "actions": ["delete", "create"] if action.verb is Verb.REPLACE else [cast("Verbs", action.verb.value)],
        "reason": action.reason.value,
        "note": action.note,
        "changes": [change_document(change) for change in action.changes],
        "steps": [_step(step) for step in action.steps],
        "conversation": _conversation(action.conversation),
        "file": place.file,
        "line": place.line,
    }
    if action.after:
        change["after"] = [str(address) for address in action.after]
    return change


def _place(plan: Plan, address: Address | None) -> Place:
    """The manifest line that declares the address, else the registry file."""
    found = plan.places.get(address) if address else None
    return found or Place(plan.registry)


def change_document(change: Change) -> ChangeDoc:
    """A difference as published, without sensitive values."""
    document: ChangeDoc = {
        "path": change.path,
        "op": change.op,  # type: ignore[typeddict-item] # one of the three, by construction
        "before": None if change.sensitive else change.before,
        "after": None if change.sensitive else change.after,
        "sensitive": change.sensitive,
    }
    if isinstance(change.before, list) and isinstance(change.after, list) and not change.sensitive:
        document["items"] = item_documents(change.path, change.before, change.after)
    return document


def _conversation(conversation: Conversation | None) -> ConversationDoc | None:
    if conversation is None:
        return None
    mode: Modes = conversation.mode.value
    return {"mode": mode, "id": conversation.id or None}


def _step(step: Step) -> StepDoc:
    return {"do": step.do, "target": step.target}


def drift_item(plan: Plan, drift: Drift) -> DriftDoc:
    """One difference between the registry and the live world, as published."""
    place = _place(plan, drift.address)
    return {**drift_facts(drift), "file": place.file, "line": place.line}


def drift_facts(drift: Drift) -> DriftFactsDoc:
    """A difference between registry and live world as published, without its place."""
    facts: DriftFactsDoc = {
        "class": drift.kind,
        "session": drift.session,
        "address": str(drift.address) if drift.address else None,
        "message": drift.message,
        "before": drift.before,
        "after": drift.after,
        "path": drift.path,
    }
    if drift.changes is not None:
        facts["changes"] = [deep_document(each) for each in drift.changes]
    return facts


def accepted_item(plan: Plan, accepted: AcceptedDrift) -> AcceptedDoc:
    """An accepted drift, as published."""
    by = accepted.by
    return {
        "drift": drift_item(plan, accepted.drift),
        "until": by.until,
        "owner": by.owner,
        "why": by.why,
        "file": by.place.file,
        "line": by.place.line,
    }


def _unmanaged(session: Unmanaged) -> UnmanagedDoc:
    return {
        "session": session.session,
        "workspace": session.workspace,
        "role": session.role,
        "agent": session.agent,
        "command": session.command,
        "cwd": session.cwd,
        "pid": session.pid,
    }


def diagnostic_document(diagnostic: Diagnostic) -> DiagnosticDoc:
    """A diagnostic as published."""
    place = diagnostic.place
    return {
        "severity": diagnostic.severity.value,
        "summary": diagnostic.summary,
        "detail": diagnostic.detail,
        "address": diagnostic.address,
        "file": place.file if place else "",
        "line": place.line if place else 0,
        "column": place.column if place else 0,
        "fix": diagnostic.fix,
    }
