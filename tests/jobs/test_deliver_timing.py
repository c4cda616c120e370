"""No dialog is answered by a prompt, whenever it comes up.

A question of a turn, whoever began that, never meets the Enter: the CLI shows that it works before it asks. Out
of the blue, one moment is nobody's to guard: tmux has decided, and the Enter reaches the CLI a turn of tmux's loop
later. That was 11 in 6,500 of these timings on a machine with several times the load that it can carry.
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

from reconciler.jobs.glance import glance

TIMINGS = int(os.environ.get("RECONCILER_TIMINGS", "40"))
CLIS = ["claude", "codex", "gemini", "qwen"] * 2
ANSWERED = "answered by the prompt"
LATEST = 0.4  # seconds after the start of a delivery, which takes about 0.2


@pytest.fixture(scope="module")
def stage():
    with staged() as made:
        yield made


def surprised(agent):
    return [said for said in agent.said() if said.startswith("surprised")]


def is_asking(agent):
    return glance(agent.to, agent.stage.world).is_asking


def one_timing(agent, number, seconds, origin):
    """A dialog, or the turn that leads to it, begins so many seconds after a delivery; what became of both."""
    until_free(agent)
    answered = len(surprised(agent))

    def ask():
        Event().wait(seconds)
        os.kill(agent.pid(), origin)

    delivery, _ = side_by_side(lambda do: do(), (lambda: agent.deliver(f"prompt {number}", QUICK),), (ask,))
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


def many_timings(agent, seed, origin):
    chosen = random.Random(seed)  # noqa: S311 - timings, the same in every run
    return Counter(one_timing(agent, n, chosen.uniform(0, LATEST), origin) for n in range(-(-TIMINGS // len(CLIS))))


@pytest.mark.parametrize(("origin", "most"), [(signal.SIGUSR2, 0), (signal.SIGUSR1, 1 + TIMINGS // 500)])
def test_no_dialog_is_answered_by_a_prompt_at_any_moment(stage, origin, most):
    agents = [stage.agent(f"{origin.name}-{number}", cli) for number, cli in enumerate(CLIS)]

    verdicts = sum(side_by_side(many_timings, *((agent, seed, origin) for seed, agent in enumerate(agents))), Counter())

    print(origin.name, dict(verdicts))  # noqa: T201 - with -s, how the dialogs met the deliveries
    assert verdicts.total() >= TIMINGS
    assert verdicts["typed_not_submitted"], "the dialogs did not meet the deliveries"
    assert verdicts[ANSWERED] <= most
