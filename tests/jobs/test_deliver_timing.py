"""No dialog is answered by a prompt, whenever it comes up.

Most CLIs have keys of their own that submit, and no question takes those for an answer. Of the others, a question of
a turn, whoever began that, never meets the Enter: the CLI shows that it works before it asks. Out of the blue, one
moment is nobody's to guard there: tmux has decided, and the Enter reaches the CLI a turn of tmux's loop later.
"""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from threading import Event

import pytest
from stage import QUICK, side_by_side, staged, until_free
from waiting import wait_until

from reconciler.jobs.agent_state import observe_agent
from reconciler.jobs.deliver import deliver
from reconciler.ports.world import World

TIMINGS = int(os.environ.get("RECONCILER_TIMINGS", "40"))
OWN_KEYS = ["claude", "codex", "qwen", "copilot"]
ENTER_ONLY = ["gemini", "opencode"]
BY_A_TURN, OUT_OF_THE_BLUE = signal.SIGUSR2, signal.SIGUSR1
ANSWERED = "answered by the prompt"
LATEST = 0.4  # seconds: Enter comes about 0.2 after the start, and after the paste


@pytest.fixture(scope="module")
def stage():
    with staged() as made:
        yield made


def surprised(agent):
    return [said for said in agent.said() if said.startswith("surprised")]


def is_asking(agent):
    return observe_agent(agent.to, agent.stage.world).is_asking


class Watched:
    """A tmux that tells when something was pasted."""

    def __init__(self, tmux):
        self.tmux = tmux
        self.pasted = Event()

    def __getattr__(self, name):
        return getattr(self.tmux, name)

    def paste(self, *arguments):
        typed = self.tmux.paste(*arguments)
        self.pasted.set()
        return typed


def one_timing(agent, number, seconds, origin):
    """A dialog, or the turn that leads to it, begins at a moment of a delivery; what became of both.

    That moment is so many seconds after the start, and every other time after the paste, as Enter is.
    """
    until_free(agent)
    answered = len(surprised(agent))
    tmux = Watched(agent.stage.world.tmux)

    def hand_over():
        try:
            return deliver(f"prompt {number}", agent.to, _with_tmux(agent.stage.world, tmux), QUICK)
        finally:
            tmux.pasted.set()

    def ask():
        if number % 2:
            tmux.pasted.wait()
        Event().wait(seconds)
        os.kill(agent.pid(), origin)

    delivery, _ = side_by_side(lambda do: do(), (hand_over,), (ask,))
    wait_until(lambda: is_asking(agent) or len(surprised(agent)) > answered)
    if len(surprised(agent)) > answered:
        return ANSWERED
    agent.keys("Escape")
    wait_until(lambda: len(surprised(agent)) > answered)
    assert surprised(agent)[-1] == "surprised: False", (seconds, delivery)
    said = f"prompt {number}" in agent.said()
    assert not said or delivery.verdict in {"submitted", "unverified"}, (seconds, delivery)
    agent.keys("C-u")
    return str(delivery.verdict)


def many_timings(agent, seed, origin, number):
    chosen = random.Random(seed)  # noqa: S311 - timings, the same in every run
    return Counter(one_timing(agent, n, chosen.uniform(0, LATEST), origin) for n in range(number))


@pytest.mark.parametrize(
    ("clis", "origin", "most"),
    [
        (OWN_KEYS, BY_A_TURN, 0),
        (OWN_KEYS, OUT_OF_THE_BLUE, 0),
        (ENTER_ONLY, BY_A_TURN, 0),
        (ENTER_ONLY, OUT_OF_THE_BLUE, 2 + TIMINGS // 200),
    ],
    ids=["own keys, by a turn", "own keys, out of the blue", "Enter, by a turn", "Enter, out of the blue"],
)
def test_no_dialog_is_answered_by_a_prompt_at_any_moment(stage, clis, origin, most):
    agents = [stage.agent(f"{origin.name}-{cli}-{number}", cli) for cli in clis for number in range(2)]
    number = -(-TIMINGS // len(agents))

    rows = ((agent, seed, origin, number) for seed, agent in enumerate(agents))
    verdicts = sum(side_by_side(many_timings, *rows), Counter())

    print(clis, origin.name, dict(verdicts))  # noqa: T201 - with -s, how the dialogs met the deliveries
    assert verdicts.total() >= TIMINGS
    assert verdicts["typed_not_submitted"], "the dialogs did not meet the deliveries"
    assert verdicts[ANSWERED] <= most


def _with_tmux(world, tmux):
    return World(tmux, world.processes, world.files, world.clock, world.brokers)
