"""An apply that is cut off between any two of its events: the next one goes on where it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from in_memory import Project

from reconciler.model.plan import Mode
from reconciler.model.snapshot import Pane
from reconciler.plan.request import Request
from reconciler.ports.world import Failure, NewSession

Manifest = Mapping[str, Any]
NOTHING: Manifest = {"version": 1}
MAIN, MOVED = {"version": 1, "broker": {}}, {"version": 1, "broker": {"dir": "elsewhere"}}
OTHER: Manifest = {"version": 1, "broker": {"name": "other"}}
RENAMED: Manifest = {"version": 1, "broker": {"name": "new", "dir": ".hermes/broker"}}
AGENT: Manifest = {"version": 1, "workspaces": {"w": {"path": "w", "agents": {"claude": {}}}}}
CHANGES = {
    "declared": (NOTHING, MAIN),
    "removed": (MAIN, NOTHING),
    "moved": (MAIN, MOVED),
    "renamed": (MAIN, RENAMED),
    "replaced by another": (MAIN, OTHER),
}


def _before(manifest: Manifest, after: Manifest) -> Project:
    project = Project()
    project.apply(project.plan(manifest))
    if after is MOVED:
        project.world.brokers.surveys.clear()  # nothing is in the other folder
    return project


@pytest.mark.parametrize(("before", "after"), CHANGES.values(), ids=CHANGES)
def test_whatever_was_done_of_a_change_the_next_apply_does_the_rest(before: Manifest, after: Manifest) -> None:
    whole = _before(before, after)
    events = len(whole.apply(whole.plan(after))) + 4  # the checkpoints are not told
    for done in range(events):
        project = _before(before, after)
        project.apply(project.plan(after), events=done)
        project.apply(project.plan(after))
        assert project.plan(after).plan.in_sync
        assert project.registry["brokers"] == whole.registry["brokers"]
        assert project.world.brokers.processes == whole.world.brokers.processes


def test_what_a_cut_off_apply_had_started_ends_with_its_block() -> None:
    for done in range(6):
        project = _before(NOTHING, MAIN)
        project.apply(project.plan(MAIN), events=done)
        project.apply(project.plan(NOTHING))
        assert project.world.brokers.processes == {}
        assert not project.registry.get("brokers")


def test_the_id_of_a_conversation_is_in_the_registry_before_its_agent_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project()
    start, seen = project.world.tmux.start, []

    def started(sessions: Sequence[NewSession]) -> Iterator[Pane | Failure]:
        seen.append(project.registry["workspaces"]["w"]["agent_identities"]["claude"]["session_id"])
        return start(sessions)

    monkeypatch.setattr(project.world.tmux, "start", started)
    project.apply(project.plan(AGENT))
    assert seen == ["id-1"]


def test_a_destroy_that_was_cut_off_is_gone_on_with() -> None:
    for done in range(6):
        project = _before(MAIN, MAIN)
        project.apply(project.plan(MAIN, Request(mode=Mode.DESTROY)), events=done)
        project.apply(project.plan(NOTHING))
        assert project.world.brokers.processes == {}
        assert not project.registry["brokers"]
