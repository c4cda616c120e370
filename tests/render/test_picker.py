"""The list from which `attach` lets the user pick an agent."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from reconciler.kinds.agent.status import AgentStatus
from reconciler.kinds.agent.status_group import StatusGroup
from reconciler.model.address import agent_address
from reconciler.model.sgr import without_colours
from reconciler.render.picker import Picker, numbered_lines, picker_lines, picker_of, press
from reconciler.render.status import status_document

NOW = datetime(2026, 1, 3, tzinfo=UTC)
IDLE = AgentStatus(
    agent_address("site", "codex"),
    "site-creator-codex",
    "codex",
    "running",
    "alive",
    state="idle",
    group=StatusGroup.IDLE,
)
ASKS = replace(IDLE, address=agent_address("shop", "claude"), session="shop-lead-claude", type="claude")
ASKS = replace(ASKS, group=StatusGroup.NEEDS_YOU, waits_for="permission")
GONE = replace(IDLE, address=agent_address("shop", "gone"), live="gone", group=StatusGroup.STOPPED)


def picker(*agents: AgentStatus) -> Picker:
    return picker_of(status_document(agents, ())["agents"])


def after(*keys: str, start: Picker | None = None) -> Picker:
    here = start or picker(IDLE, ASKS, GONE)
    for key in keys:
        here = press(here, key)
    return here


def names(of: Picker) -> list[str]:
    return [agent["address"].removeprefix("agent.") for agent in of.matching]


def test_it_lists_the_agents_that_have_a_session_and_first_those_that_need_you() -> None:
    assert names(after()) == ["shop.claude", "site.codex"]


@pytest.mark.parametrize(
    ("keys", "picked"),
    [
        (["enter"], "agent.shop.claude"),
        (["down", "enter"], "agent.site.codex"),
        (["down", "down", "down", "enter"], "agent.site.codex"),
        (["end", "home", "enter"], "agent.shop.claude"),
        (["page-down", "enter"], "agent.site.codex"),
        (["up", "enter"], "agent.shop.claude"),
        (["2"], "agent.site.codex"),
        (["3"], ""),  # there is no third one
        (["c", "o", "d", "enter"], "agent.site.codex"),
        (["C", "O", "D", "enter"], "agent.site.codex"),
        (["i", "d", "l", "enter"], "agent.site.codex"),  # the word of its group
        (["l", "e", "a", "d", "enter"], "agent.shop.claude"),  # a part of its session
        (["down", "c", "enter"], "agent.shop.claude"),  # what is typed marks the first one again
        (["x", "y", "enter"], ""),
        (["x", "y", "backspace", "clear", "enter"], "agent.shop.claude"),
        (["x", "2"], ""),  # a digit after other characters is a part of a name
        (["", "tab", "\x01", "enter"], "agent.shop.claude"),  # keys that do nothing
    ],
)
def test_a_key_picks(keys: list[str], picked: str) -> None:
    assert after(*keys).picked == picked


def test_words_may_stand_in_any_order() -> None:
    assert names(after(*"codex site")) == ["site.codex"]


def test_escape_leaves_without_picking() -> None:
    left = after("down", "escape")
    assert (left.left, left.picked) == (True, "")


def test_the_marked_agent_is_always_shown() -> None:
    many = picker(*(replace(IDLE, address=agent_address("w", f"a{number:02}")) for number in range(30)))
    for marked in (0, 9, 29):
        lines = list(map(without_colours, picker_lines(replace(many, marked=marked), NOW, 80, 12)))
        assert len(lines) == 11
        (line,) = [line for line in lines if line.startswith("→")]
        assert f"w.a{marked:02}" in line


def test_its_lines_fit_and_what_was_typed_is_harmless() -> None:
    lines = list(map(without_colours, picker_lines(after("c", "\u200b", "l"), NOW, 80, 24)))
    assert lines == [
        "Type to filter; pick with the arrow keys and Enter, or by number; Esc leaves.",
        "→ 1 ▲ needs you  shop.claude     -  asks for a permission",
        "> cl",
    ]
    assert max(map(len, lines)) < 80
    assert "no agent matches" in without_colours(picker_lines(after("x", "y"), NOW, 80, 24)[1])


def test_a_terminal_that_only_prints_gets_numbers() -> None:
    lines = list(map(without_colours, numbered_lines(after(), NOW, 80)))
    assert [line.split()[0] for line in lines] == ["1", "2"]
