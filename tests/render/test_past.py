"""A generation is told in the past: what was planned, and what became of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.render.past import past_text

PLANS = {path.stem: json.loads(path.read_text("utf-8")) for path in (Path(__file__).parent / "golden").glob("*.json")}
FUTURE = ("will be", "will no", "will perform", "must be", "is deferred", "Nothing can be applied", "changes:")


def generation(plan: dict[str, Any], events: list[dict[str, str]] | None) -> dict[str, Any]:
    """What is stored of an apply with this plan; without events, it was killed."""
    return {"plan": plan, "result": None if events is None else {"events": events}}


def said(plan: dict[str, Any], events: list[dict[str, str]] | None) -> str:
    return "\n".join(past_text(generation(plan, events)))


def pending(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [change for change in plan["resource_changes"] if change["actions"] != ["no-op"]]


@pytest.mark.parametrize("full", [False, True], ids=["", "full"])
@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_no_heading_speaks_of_the_future(plan: dict[str, Any], full: bool) -> None:
    events = [{"type": "action_complete", "address": change["address"]} for change in pending(plan)]
    lines = list(past_text(generation(plan, events), full=full))
    notes = [f"then: {change['note']}" for change in plan["resource_changes"] if change["note"]]
    messages = "\n".join(json.dumps(each) for each in (plan["diagnostics"], plan["resource_drift"]))
    own = [line for line in lines if not any(note in line for note in notes) and line.strip(" #->") not in messages]
    assert [line for line in own if any(word in line for word in FUTURE)] == []
    for change in pending(plan):
        assert any(line.startswith(f"  # {change['address']} was ") for line in lines)


@pytest.mark.parametrize(
    ("event", "heading"),
    [
        ({"type": "action_complete"}, "was created"),
        ({"type": "action_failed", "message": "it exited"}, "could not be created: it exited"),
        ({"type": "action_skipped", "message": "interrupted"}, "was not created: interrupted"),
        ({"type": "prompt_unverified", "message": "no trace"}, "was created, not verified: no trace"),
    ],
)
def test_what_became_of_an_action_is_what_its_event_says(event: dict[str, str], heading: str) -> None:
    plan = next(plan for plan in PLANS.values() if any(each["actions"] == ["create"] for each in pending(plan)))
    address = next(change["address"] for change in pending(plan) if change["actions"] == ["create"])
    started = {"type": "action_start", "address": address}
    text = said(plan, [started, {"address": address, **event}, {"type": "action_waiting", "address": address}])
    assert f"  # {address} {heading}" in text.splitlines()


def test_what_nobody_saw_the_end_of_is_not_called_done() -> None:
    plan = next(plan for plan in PLANS.values() if any(each["actions"] == ["create"] for each in pending(plan)))
    address = next(change["address"] for change in pending(plan) if change["actions"] == ["create"])
    assert f"  # {address} was to be created, and this apply did not come to it" in said(plan, []).splitlines()
    assert f"  # {address} was to be created" in said(plan, None).splitlines()
