from __future__ import annotations

from datetime import UTC, datetime

import pytest
from jsonschema import Draft7Validator
from msgspec.structs import replace

from reconciler.kinds.agent.status import AgentStatus
from reconciler.kinds.agent.status_group import StatusGroup
from reconciler.model.address import agent_address
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.render.status import age, status_document, status_text
from reconciler.state.schemas import load_schema

NOW = datetime(2026, 1, 3, tzinfo=UTC)
RUNNING = AgentStatus(
    agent_address("w", "claude"),
    "w-creator-claude",
    "claude",
    "running",
    "alive",
    state="idle",
    conversation="b3a7f00d-1111-2222-3333-444455556666",
    pid=7,
    since="2026-01-01T00:00:00Z",
    note="waits",
    group=StatusGroup.IDLE,
    state_since="2026-01-02T19:00:00Z",
)
GONE = AgentStatus(agent_address("w", "review"), "w-reviewer-review", "claude", "terminated", "gone")


def test_each_agent_is_one_line_under_a_heading() -> None:
    assert list(status_text(status_document([RUNNING, GONE], ()), NOW)) == [
        "SESSION            AGENT            STATUS      LIVE   STATE  CONVERSATION  AGE  GROUP    FOR  NOTE",
        "w-creator-claude   claude           running     alive  idle   b3a7f00d      2d   idle     5h   waits",
        "w-reviewer-review  review (claude)  terminated  gone   -      -             -    stopped  -",
    ]


def test_a_state_that_its_type_cannot_show_is_a_dash() -> None:
    shell = replace(RUNNING, state="unknown", shows_state=False)
    gemini = replace(RUNNING, state="unknown", shows_state=True)
    rows = status_text(status_document([shell, gemini], ()), NOW)
    assert [line[line.index("alive") :].split()[1] for line in list(rows)[1:]] == ["-", "unknown"]


def test_without_agents_there_is_a_hint() -> None:
    (line,) = status_text(status_document((), ()), NOW)
    assert "reconciler init" in line


@pytest.mark.parametrize("live", ["alive", "exited", "gone", "unknown", "foreign"])
def test_the_document_is_as_published(live: str) -> None:
    agent = AgentStatus(agent_address("w", "claude"), "s", "claude", "declared", live)
    said = Diagnostic(Severity.ERROR, "tmux could not be asked", "timed out")
    Draft7Validator(load_schema("status")).validate(status_document([agent, RUNNING], [said]))


@pytest.mark.parametrize(
    ("since", "shown"),
    [
        ("2026-01-02T23:59:20Z", "40s"),
        ("2026-01-02T23:48:00Z", "12m"),
        ("2026-01-02T19:00:00Z", "5h"),
        ("2025-12-31T00:00:00Z", "3d"),
        ("2026-01-02T20:00:00+01:00", "5h"),
        ("2026-01-03T00:00:05Z", "0s"),
        ("2026-01-04T00:00:00Z", "-"),  # a clock was ahead
        (None, "-"),
        ("2026-01-02T19:00:00", "5h"),  # other tools write times without a zone
        ("yesterday", "-"),
    ],
)
def test_an_age_is_told_in_the_largest_unit_that_fits(since: str | None, shown: str) -> None:
    assert age(since, NOW) == shown
