"""The levers of the fakes, which tests of other rooms pull."""

from __future__ import annotations

import pytest
from fakes.world import FakeWorld

from reconciler.model.observed import ABSENT, Present, Unknown
from reconciler.ports.world import NewSession


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld()


def start(world, name="a", argv=("claude", "--resume")):
    [pane] = world.tmux.start([NewSession(name, "/tmp", argv)])  # noqa: S108 - not a real one
    return pane


def test_a_server_can_be_made_unknowable(world):
    start(world)
    world.tmux.unknown = "tmux did not answer within 10 s"

    assert world.tmux.look() == Unknown("tmux did not answer within 10 s")


def test_a_session_ends_with_its_process_unless_that_is_stubborn(world):
    obeying, stubborn = start(world, "a"), start(world, "b")
    world.processes.stubborn.add(stubborn.pid)

    world.tmux.end([obeying.target, stubborn.target])
    world.processes.terminate(stubborn.pid)

    assert world.tmux.look() == ABSENT
    assert world.processes.started(obeying.pid) == ABSENT
    assert isinstance(world.processes.started(stubborn.pid), Present)


def test_a_terminated_agent_leaves_a_dead_pane(world):
    pane = start(world)

    world.processes.terminate(pane.pid)

    assert (world.tmux.pane("a").dead, world.tmux.pane("a").dead_signal) == (True, "15")


def test_quitting_is_typed(world):
    pane = start(world)

    assert world.tmux.type_line(pane.target, "/quit\n")
    assert world.tmux.typed == [(pane.pane_id, "/quit")]
    assert world.tmux.pane("a").dead_status == 0


def test_a_command_can_be_made_to_fail_at_once(world):
    world.tmux.exits["claude"] = (1, "No conversation found")

    pane = start(world)

    assert world.tmux.pane("a").dead_status == 1
    assert world.tmux.screen(pane.pane_id) == "No conversation found"


def test_ids_start_again_after_a_reboot(world):
    first = start(world)
    world.tmux.kill_server()

    assert start(world).pane_id == first.pane_id
    assert world.processes.started(first.pid) == ABSENT


def test_foreign_sessions_and_changes_by_hand_are_seen(world):
    world.tmux.add("mine", "vim", attached=True)
    world.tmux.change("mine", title="busy", cwd="/elsewhere")

    pane = world.tmux.pane("mine")
    assert (pane.command, pane.attached, pane.title, pane.cwd, pane.lineage) == ("vim", True, "busy", "/elsewhere", "")
