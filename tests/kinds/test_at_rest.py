"""When an agent ended, as its row has it once the agent rests; and which agents have no conversation yet."""

from __future__ import annotations

import pytest
from in_memory import Project

from reconciler.agents.catalogue import catalogue
from reconciler.kinds.agent.case import Case, unidentified
from reconciler.model.address import agent_address
from reconciler.model.observed import ABSENT
from reconciler.model.record import Identity

AGENT = {"version": 1, "workspaces": {"w": {"path": "w", "agents": {"claude": {}}}}}
NOW, THEN = "2026-01-01T00:00:00Z", "2020-01-01T00:00:00Z"
ADDRESS = agent_address("w", "claude")


def wanted(state: str) -> dict[str, object]:
    return {"version": 1, "workspaces": {"w": {"path": "w", "agents": {"claude": {"state": state}}}}}


@pytest.mark.parametrize(
    ("status", "before", "after"),
    [
        ("running", None, NOW),
        ("running", THEN, NOW),
        ("terminated", None, NOW),
        ("terminated", THEN, THEN),
        ("stopped", None, None),
        ("stopped", THEN, THEN),
    ],
)
def test_a_row_at_rest_tells_when_its_agent_ended(status: str, before: str | None, after: str | None) -> None:
    project = Project()
    project.apply(project.plan(AGENT))
    project.registry["sessions"]["w-creator-claude"] |= {"status": status, "terminated_at": before}
    if status != "running":
        project.world.tmux.kill_session("w-creator-claude")
    project.apply(project.plan(wanted("archived")))
    row = project.registry["sessions"]["w-creator-claude"]
    assert (row["status"], row["terminated_at"]) == ("archived", after)


@pytest.mark.parametrize(
    ("kind", "known", "expected"),
    [
        ("codex", "", True),
        ("codex", "c-1", False),
        ("claude", "", False),
        ("claude", "c-1", False),
        (None, "", False),
    ],
)
def test_only_an_agent_whose_cli_chooses_the_id_can_be_unidentified(
    kind: str | None, known: str, *, expected: bool
) -> None:
    profile = catalogue(())[kind] if kind else None
    case = Case(ADDRESS, None, None, Identity(known or None), profile, ABSENT)
    assert unidentified(case) is expected
