from __future__ import annotations

from in_memory import Planned, Project

from reconciler.agents.catalogue import catalogue
from reconciler.kinds.agent.case import cases
from reconciler.kinds.agent.status import AgentStatus, statuses
from reconciler.model.desired import Desired, Socket

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


def test_an_archived_agent_keeps_its_line() -> None:
    project = Project()
    project.apply(project.plan(MANIFEST))
    project.apply(project.plan({"version": 1}))
    found = _statuses(project.plan({"version": 1}))
    assert {each.status for each in found.values()} == {"archived"}
    assert {each.live for each in found.values()} == {"gone"}


def test_an_unknown_tmux_makes_every_agent_unknown() -> None:
    project = Project()
    project.apply(project.plan(MANIFEST))
    project.world.tmux.unknown = "timed out"
    found = _statuses(project.plan(MANIFEST))
    assert {(each.live, each.note) for each in found.values()} == {("unknown", "timed out")}
