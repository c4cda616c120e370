"""Agents that end after their start looked good."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from in_memory import Project

from reconciler.model.event import ActionDone, ActionFailed
from reconciler.model.snapshot import Pane
from reconciler.ports.world import Failure, NewSession

AGENTS = {"first": {"type": "claude"}, "second": {"type": "claude", "depends_on": ["first"]}}
MANIFEST = {"version": 1, "workspaces": {"w": {"path": "w", "agents": AGENTS}}}


def test_one_that_ended_while_another_one_started_is_told_with_its_last_words() -> None:
    project = Project()
    tmux, start = project.world.tmux, project.world.tmux.start

    def watched(sessions: Sequence[NewSession]) -> Iterator[Pane | Failure]:
        if [each.name for each in sessions] == ["w-creator-second"]:
            tmux.screens[tmux.pane("w-creator-first").pane_id] = "no such model"
            tmux.exit_agent("w-creator-first", 2)
        return start(sessions)

    tmux.start = watched  # type: ignore[method-assign]
    told = project.apply(project.plan(MANIFEST))

    [failed] = [event for event in told if isinstance(event, ActionFailed)]
    assert (str(failed.address), failed.detail) == ("agent.w.first", "no such model")
    assert failed.message == "claude ended right after its start, with status 2"
    assert "agent.w.second" in {str(event.address) for event in told if isinstance(event, ActionDone)}
    assert project.registry["sessions"]["w-creator-first"]["status"] == "terminated"
    assert list(tmux._panes) == ["w-creator-second"]


def test_one_that_shows_nothing_yet_is_watched_until_it_does() -> None:
    project = Project()
    world, waits = project.world, []
    pause, start = world.clock.wait, world.tmux.start

    def started(sessions: Sequence[NewSession]) -> Iterator[Pane | Failure]:
        for pane in start(sessions):
            assert isinstance(pane, Pane)
            world.tmux.screens[pane.pane_id] = ""
            yield pane

    def wait(seconds: float) -> None:
        pause(seconds)
        waits.append(seconds)
        if sum(waits) > 1:
            world.tmux.exit_agent("w-creator-claude", 2)

    world.tmux.start, world.clock.wait = started, wait  # type: ignore[method-assign]
    told = project.apply(project.plan({"version": 1, "workspaces": {"w": {"path": "w", "agents": {"claude": {}}}}}))

    [failed] = [event for event in told if isinstance(event, ActionFailed)]
    assert failed.message == "claude exited at once, with status 2"


def test_one_that_never_shows_anything_is_not_waited_for_for_ever() -> None:
    project = Project()
    project.world.tmux.screens = _Blank()
    began = project.world.clock.monotonic()
    told = project.apply(project.plan({"version": 1, "workspaces": {"w": {"path": "w", "agents": {"claude": {}}}}}))
    assert not [event for event in told if isinstance(event, ActionFailed)]
    assert project.world.clock.monotonic() - began < 5


class _Blank(dict[str, str]):
    """Screens that stay empty."""

    def __setitem__(self, key: str, value: str) -> None:
        super().__setitem__(key, "")
