"""The user's latest action wins for five seconds over what a look says."""

from __future__ import annotations

from datetime import timedelta

import pytest
from in_memory import Project

from reconciler.model.plan import Mode
from reconciler.plan.request import Request

MANIFEST = {"version": 1, "workspaces": {"w": {"path": "w", "agents": {"claude": {}}}}}


@pytest.mark.parametrize(
    ("mode", "seconds", "classes"),
    [("user", 4, []), ("user", 5, ["B"]), ("auto-detected", 0, ["B"])],
)
def test_a_session_that_was_just_stopped_by_hand_is_not_found_running(mode, seconds, classes) -> None:
    project = Project()
    project.apply(project.plan(MANIFEST))
    row = project.registry["sessions"]["w-creator-claude"]
    row |= {"status": "stopped", "termination_mode": mode}
    project.world.clock.wait(seconds)
    drift = project.plan(MANIFEST, Request(mode=Mode.REFRESH_ONLY)).plan.drift
    assert [each.kind for each in drift if each.kind == "B"] == classes


@pytest.mark.parametrize(("ahead", "classes"), [(86400, ["B"]), (5, ["B"]), (2, [])])
def test_a_time_that_a_clock_wrote_which_was_ahead_silences_nothing(ahead: float, classes: list[str]) -> None:
    project = Project()
    project.apply(project.plan(MANIFEST))
    row = project.registry["sessions"]["w-creator-claude"]
    then = (project.world.clock.now() + timedelta(seconds=ahead)).strftime("%Y-%m-%dT%H:%M:%SZ")
    row |= {"status": "stopped", "termination_mode": "user", "updated_at": then, "terminated_at": then}
    drift = project.plan(MANIFEST, Request(mode=Mode.REFRESH_ONLY)).plan.drift
    assert [each.kind for each in drift if each.kind == "B"] == classes


@pytest.mark.parametrize("mode", [None, "auto-detected", "graceful", "user"])
@pytest.mark.parametrize(("seconds", "classes"), [(4, []), (-4, []), (5, ["B"]), (-5, ["B"])])
def test_a_fresh_end_is_not_found_running_however_it_was_written(mode, seconds: int, classes: list[str]) -> None:
    project = Project()
    project.apply(project.plan(MANIFEST))
    row = project.registry["sessions"]["w-creator-claude"]
    then = (project.world.clock.now() - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    row |= {"status": "terminated", "termination_mode": mode, "updated_at": "2020-01-01T00:00:00Z"}
    row["terminated_at"] = then
    drift = project.plan(MANIFEST, Request(mode=Mode.REFRESH_ONLY)).plan.drift
    assert [each.kind for each in drift if each.kind == "B"] == classes
