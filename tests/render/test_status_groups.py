"""The agents in groups, as a terminal shows them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from reconciler.kinds.agent.notes import STARTED, at_rest
from reconciler.kinds.agent.status import AgentStatus
from reconciler.kinds.agent.status_group import StatusGroup
from reconciler.model.address import agent_address
from reconciler.model.record import Status
from reconciler.model.sgr import SGR, without_colours
from reconciler.render.status import status_document
from reconciler.render.status_groups import agent_lines, grouped_text

NOW = datetime(2026, 1, 3, tzinfo=UTC)
ASKS = AgentStatus(
    agent_address("site", "claude"),
    "site-creator-claude",
    "claude",
    "running",
    "alive",
    state="waiting",
    note=STARTED,
    group=StatusGroup.NEEDS_YOU,
    state_since="2026-01-02T23:57:00Z",
    waits_for="permission",
)
STUCK = replace(ASKS, address=agent_address("site", "codex"), type="codex", state="dialog", waits_for="trust")
WORKS = replace(ASKS, address=agent_address("site", "fix"), state="busy", waits_for="", group=StatusGroup.WORKING)
RESTS = replace(WORKS, address=agent_address("shop", "claude"), live="gone", status="archived", state="")
RESTS = replace(RESTS, group=StatusGroup.STOPPED, note=at_rest(Status.ARCHIVED))
LOST = replace(RESTS, address=agent_address("shop", "agy"), group=StatusGroup.TROUBLE, status="running", state_since="")
LOST = replace(LOST, note="lost: apply starts it again", type="agy")
ALL = [RESTS, LOST, ASKS, STUCK, WORKS]


def rows(agents: list[AgentStatus], width: int = 80) -> list[str]:
    return list(grouped_text(status_document(agents, ())["agents"], NOW, width))


def test_those_that_need_you_come_first_and_each_group_has_a_symbol_and_a_word() -> None:
    assert list(map(without_colours, rows(ALL))) == [
        "5 agents: 2 need you, 1 working, 1 stopped, 1 in trouble",
        "▲ needs you  site.claude          3m  asks for a permission",
        "▲            site.codex           3m  waits at the trust dialog",
        "● working    site.fix (claude)    3m",
        "■ stopped    shop.claude          3m  archived",
        "✗ trouble    shop.agy              -  lost: apply starts it again",
        "-> reconciler answer site.claude",
        "-> reconciler attach site.codex",
        "-> reconciler explain shop.agy",
    ]


def test_one_agent_is_counted_as_one() -> None:
    assert without_colours(rows([ASKS])[0]) == "1 agent: 1 needs you"


@pytest.mark.parametrize("width", [60, 80, 100])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    long = replace(LOST, note="its folder is missing: " + "漢字" * 40)
    line = without_colours(rows([long], width)[1])
    assert line.endswith("…")
    assert width - 2 <= len(line) + sum(character in "漢字" for character in line) <= width


def test_a_name_is_never_cut() -> None:
    long = replace(LOST, address=agent_address("a" * 90, "agy"))
    assert f"{'a' * 90}.agy" in rows([long], 40)[1]


def test_text_of_others_cannot_colour_or_steer() -> None:
    hostile = replace(LOST, note="\x1b[31mred\x1b]0;title\x07\u202eafter", waits_for="")
    line = rows([hostile])[1]
    assert r"\x1b[31mred\x1b]0;title\x07\u202eafter" in line
    assert SGR.findall(line) == SGR.findall(rows([LOST])[1])


def test_lines_of_several_projects_can_be_aligned() -> None:
    (line,) = agent_lines(status_document([ASKS], ())["agents"], NOW, 80, names=30)
    assert without_colours(line).index("asks") == 13 + 30 + 2 + 4 + 2


def test_each_group_of_the_schema_is_shown() -> None:
    schema = json.loads((Path(__file__).parents[2] / "schemas/status.schema.json").read_text())
    groups = schema["definitions"]["StatusRow"]["properties"]["group"]["enum"]
    assert set(groups) == {each.value for each in StatusGroup}
    for group in StatusGroup:
        assert len(rows([replace(WORKS, group=group)])) >= 2
