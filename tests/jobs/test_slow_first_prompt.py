"""How long an agent may take until something shows that it took its first prompt."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from fakes.clock import FakeClock
from fakes.world import FakeWorld

from reconciler.agents.catalogue import catalogue
from reconciler.agents.subject import AgentEnvironment
from reconciler.jobs.agent_state import Recipient
from reconciler.jobs.first_prompt import FirstPrompt, FirstPromptTimeouts, not_taken
from reconciler.model.address import agent_address

EMPTY, IDLE, BUSY = "\n  \n", "Ask anything...\nctrl+p commands", "esc interrupt"
STARTS = "Loading plugins"
PATIENCE = FirstPromptTimeouts(start=60, most=20, idle=12)


class Script(FakeClock):
    """A clock that changes what a pane shows when its time has come."""

    def __init__(self, world: FakeWorld, pane_id: str, shows: Mapping[float, str]) -> None:
        super().__init__()
        self.screens, self.pane_id, self.shows = world.tmux.screens, pane_id, shows
        self.screens[pane_id] = shows[0]

    def wait(self, seconds: float) -> None:
        super().wait(seconds)
        self.screens[self.pane_id] = self.shows[max(at for at in self.shows if at <= self.elapsed)]


def missed(shows: Mapping[float, str]) -> tuple[list[str], float]:
    """Why a prompt of Kilo's is not taken, and after how many seconds that is known."""
    world = FakeWorld()
    pane = world.tmux.add("lab-creator-it", command="kilo", cwd="/lab")
    world.clock = Script(world, pane.pane_id, shows)
    to = Recipient(pane, catalogue([])["kilo"], AgentEnvironment("/lab", "/home/u", {}), "", "/lab/handed")
    found = not_taken([FirstPrompt(agent_address("lab", "it"), "hello", to, 0)], world, PATIENCE)
    return [each.why for each in found], world.clock.elapsed


@pytest.mark.parametrize(
    "shows",
    [
        {0: EMPTY, 25: BUSY},  # as Kilo on a busy machine
        {0: EMPTY, 24: IDLE, 26: BUSY},
        {0: EMPTY, 50: STARTS, 65: BUSY},
        {0: IDLE, 9: BUSY},  # as OpenCode
        {0: STARTS, 15: BUSY},
    ],
)
def test_a_cli_that_starts_slowly_has_the_time_for_it(shows: Mapping[float, str]) -> None:
    assert missed(shows)[0] == []


@pytest.mark.parametrize(
    ("shows", "why", "after"),
    [
        ({0: EMPTY}, "its screen is still empty", 60),
        ({0: STARTS}, "it is not working, and its stored conversation does not have the prompt", 20),
        ({0: EMPTY, 30: STARTS}, "it is not working, and its stored conversation does not have the prompt", 50),
        ({0: IDLE}, "it is not working, and its stored conversation does not have the prompt", 12),
        ({0: EMPTY, 30: IDLE}, "it is not working, and its stored conversation does not have the prompt", 42),
    ],
)
def test_a_prompt_that_nothing_shows_is_missed_after_a_while(shows: Mapping[float, str], why: str, after: int) -> None:
    reasons, seconds = missed(shows)
    assert reasons == [why]
    assert after <= seconds < after + 1
