"""An apply of the past as text: what it did, in the past tense. What only the plan says is told as of that time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .documents.change import ResourceChangeDoc
from .documents.generation import GenerationDoc
from .text import accepted_text, change_body, counted, diagnostic_text, plan_summary, short_id, symbols_text

_DONE = {
    ("create",): "created",
    ("resume",): "resumed",
    ("update",): "updated in-place",
    ("delete", "create"): "replaced",
    ("delete",): "destroyed",
    ("import",): "imported",
    ("forget",): "forgotten",
    ("defer",): "deferred",
}
_REASONS = {
    "session_gone": "its session was gone",
    "agent_exited": "the agent had exited",
    "spec_changed": "its manifest block had changed",
    "session_renamed": "its session was renamed, the agent kept running",
    "unrecorded": "it ran and was managed by this project, but the registry had no row for it",
    "not_declared": "no manifest declared it",
    "not_running": "it was not running",
    "busy": "it was busy",
    "waiting_for_permission": "it waited for a permission",
    "state_unknown": "nothing showed whether it was at work",
}


def past_text(document: GenerationDoc, *, full: bool = False) -> Iterator[str]:
    """What the apply did to each address, and what it left as it was."""
    plan = document["plan"]
    pending = [change for change in plan["resource_changes"] if change["actions"] != ["no-op"]]
    still = [change for change in plan["resource_changes"] if change["actions"] == ["no-op"]]
    yield from _found([drift["message"] for drift in plan["resource_drift"]])
    if plan["accepted"]:
        yield from (*accepted_text(plan["accepted"]), "")
    if pending:
        yield from (*symbols_text(pending), "")
    ends = _ends(document)
    for change in pending:
        yield from _change_text(change, ends.get(change["address"]), finished=document["result"] is not None, full=full)
    if still:
        yield from (
            f"{counted(still)} stayed as they were." if len(still) > 1 else f"{counted(still)} stayed as it was.",
            "",
        )
    if plan["diagnostics"]:
        yield from ("It said:", "")
        yield from (line for each in plan["diagnostics"] for line in (*diagnostic_text(each), ""))
    yield plan_summary(plan["summary"]).replace("Plan: ", "Planned: ", 1)


def _found(messages: list[str]) -> Iterator[str]:
    if messages:
        yield "Sessions or files had changed outside of reconciler since the apply before:"
        yield ""
        yield from (f"  # {message}" for message in messages)
        yield ""


def _ends(document: GenerationDoc) -> dict[str, Mapping[str, Any]]:
    """The last event of each address that says how its action ended."""
    events: Iterable[Mapping[str, Any]] = document["result"]["events"] if document["result"] else ()
    return {
        str(each.get("address")): each for each in events if each.get("type") not in {"action_start", "action_waiting"}
    }


def _change_text(
    change: ResourceChangeDoc, end: Mapping[str, Any] | None, *, finished: bool, full: bool
) -> Iterator[str]:
    yield f"  # {change['address']} {_heading(change, end, finished=finished)}"
    then = f"then: {change['note']}" if change["note"] else ""
    because = "; ".join(filter(None, (_REASONS.get(change["reason"], ""), then)))
    if because:
        yield f"  # ({because})"
    yield from change_body(change, full=full)
    yield ""


def _heading(change: ResourceChangeDoc, end: Mapping[str, Any] | None, *, finished: bool) -> str:
    """What became of the action, as far as an event says so."""
    deed = _DONE[tuple(change["actions"])]
    conversation = change["conversation"]
    if change["reason"] == "made_by_hand":
        deed = "taken over"
    if change["actions"] == ["resume"] and conversation:
        deed = f"resumed (conversation {short_id(conversation['id'])})"
    if end is None:
        return f"was to be {deed}, and this apply did not come to it" if finished else f"was to be {deed}"
    message = f": {end['message']}" if end.get("message") else ""
    match end.get("type"):
        case "action_failed":
            return f"could not be {deed}{message}"
        case "action_skipped":
            return f"was not {deed}{message}" if deed != "deferred" else f"was deferred{message}"
        case "prompt_unverified":
            return f"was {deed}, not verified{message}"
        case _:
            return f"was {deed}"
