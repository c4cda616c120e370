from __future__ import annotations

import pytest
from in_memory import Planned, Project
from msgspec.structs import replace

from reconciler.agents.catalogue import catalogue
from reconciler.kinds.agent.case import cases
from reconciler.kinds.agent.rows import AUTO
from reconciler.kinds.agent.status import AgentStatus, statuses
from reconciler.kinds.agent.status_group import ended_by_itself
from reconciler.model.activity import Activity, LiveAgent
from reconciler.model.address import agent_address
from reconciler.model.desired import Desired, Socket
from reconciler.model.moment import to_second
from reconciler.model.observed import Present
from reconciler.model.record import SessionRow, Status

AGENTS = {name: {"type": "claude"} for name in ("runs", "exited", "gone", "taken")}
MANIFEST = {"version": 1, "workspaces": {"w": {"path": "w", "agents": AGENTS}}}
NOTHING = Desired("lab", Socket(), {}, {}, {}, "")


def _statuses(planned: Planned) -> dict[str, AgentStatus]:
    """As the registry and tmux have it, without any manifest."""
    found = cases(NOTHING, planned.record, planned.snapshot, catalogue([]), planned.options)
    return {each.address.agent: each for each in statuses(found, planned.record, planned.snapshot)}


def test_every_recorded_agent_has_a_line_that_says_how_it_is() -> None:
    project = Project()
    project.apply(project.plan(MANIFEST))
    tmux = project.world.tmux
    tmux.exit_agent("w-creator-exited", 3)
    tmux.kill_session("w-creator-gone")
    tmux.change("w-creator-taken", lineage="", address="")
    found = _statuses(project.plan(MANIFEST))
    assert {name: each.live for name, each in found.items()} == {
        "runs": "alive",
        "exited": "exited",
        "gone": "gone",
        "taken": "foreign",
    }
    assert found["exited"].note == "exited with status 3"
    assert found["runs"].pid == tmux.pane("w-creator-runs").pid
    assert found["gone"].pid is None
    assert found["gone"].conversation
    groups = {name: each.group for name, each in found.items()}
    assert groups == {"runs": "running", "exited": "trouble", "gone": "trouble", "taken": "trouble"}


def test_an_archived_agent_keeps_its_line() -> None:
    project = Project()
    project.apply(project.plan(MANIFEST))
    project.apply(project.plan({"version": 1}))
    found = _statuses(project.plan({"version": 1}))
    assert {each.status for each in found.values()} == {"archived"}
    assert {each.live for each in found.values()} == {"gone"}
    assert {each.group for each in found.values()} == {"stopped"}
    assert {each.state_since for each in found.values()} == {to_second(project.world.clock.now())}


def test_an_unknown_tmux_makes_every_agent_unknown() -> None:
    project = Project()
    project.apply(project.plan(MANIFEST))
    project.world.tmux.unknown = "timed out"
    found = _statuses(project.plan(MANIFEST))
    assert {(each.live, each.note) for each in found.values()} == {("unknown", "timed out")}


def _seen(live: LiveAgent, printed: int = 1_750_000_000) -> AgentStatus:
    """An agent that is in this state; its window printed last at `printed`."""
    project = Project()
    project.apply(project.plan(MANIFEST))
    planned = project.plan(MANIFEST)
    address = agent_address("w", "runs")
    tmux = planned.snapshot.tmux.value
    last_output = {pane.pane_id: printed for pane in tmux.panes}
    snapshot = replace(planned.snapshot, tmux=Present(replace(tmux, last_output=last_output)), agents={address: live})
    found = cases(NOTHING, planned.record, snapshot, catalogue([]), planned.options)
    return next(each for each in statuses(found, planned.record, snapshot) if each.address == address)


@pytest.mark.parametrize(
    ("live", "group", "since", "waits_for"),
    [
        (LiveAgent(Activity.IDLE), "idle", "2025-06-15T15:06:40Z", ""),
        (LiveAgent(Activity.IDLE, since=1_750_000_060), "idle", "2025-06-15T15:07:40Z", ""),
        (LiveAgent(Activity.WAITING), "needs_you", "2025-06-15T15:06:40Z", "permission"),
        (LiveAgent(Activity.DIALOG, dialog="trust"), "needs_you", "2025-06-15T15:06:40Z", "trust"),
        (LiveAgent(Activity.BUSY), "working", "", ""),  # it prints all the time
        (LiveAgent(Activity.BUSY, since=1_750_000_000), "working", "2025-06-15T15:06:40Z", ""),
        (LiveAgent(), "running", "", ""),
    ],
)
def test_a_state_has_a_group_and_a_time_where_one_is_known(
    live: LiveAgent, group: str, since: str, waits_for: str
) -> None:
    found = _seen(live)
    assert (found.group, found.state_since, found.waits_for) == (group, since, waits_for)


def test_a_window_that_never_printed_gives_no_time() -> None:
    assert _seen(LiveAgent(Activity.IDLE), printed=0).state_since == ""


@pytest.mark.parametrize(
    ("status", "mode", "ended", "wanted", "trouble"),
    [
        ("running", "", "", False, True),
        ("terminated", "", "", True, True),  # a start that was cut short
        ("terminated", AUTO, "2026-01-01T00:00:00Z", True, True),
        ("terminated", AUTO, "2026-01-01T00:00:00Z", False, False),
        ("terminated", "user", "2026-01-01T00:00:00Z", True, False),
        ("stopped", "", "2026-01-01T00:00:00Z", True, False),
    ],
)
def test_an_end_that_nobody_meant_is_trouble(status: str, mode: str, ended: str, wanted: bool, trouble: bool) -> None:
    row = SessionRow("s", "w", "a", status=Status(status), terminated_at=ended, termination_mode=mode)
    assert ended_by_itself(row, wanted=wanted) is trouble


def test_a_shell_has_no_way_to_show_its_state_and_a_claude_has() -> None:
    types = catalogue([])
    assert not types["shell"].shows_activity
    assert all(profile.shows_activity for name, profile in types.items() if name != "shell")
