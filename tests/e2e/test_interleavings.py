"""Two agents of one CLI in one folder never get each other's conversation, whatever happens in whichever order.

The variable RECONCILER_INTERLEAVINGS says how many pairs shall be tried; every seed tries 16 of them.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable

import pytest
from heard import Conversation
from interleaving import continued, end, families, lab, play
from mixups import Complaint, lost, mixed, owners_of, shared, stolen, unowned
from project import Project
from waiting import wait_until

PAIRS = 16  # in one project: two of each CLI
ROUNDS = 5
SEEDS = range(1, 1 - -int(os.environ.get("RECONCILER_INTERLEAVINGS", PAIRS)) // PAIRS)
MINE, YOURS = "agent.w.a", "agent.w.b"
SAID = Conversation("gemini", "x", (f"I am {MINE}, line 1", f"I am {MINE}, line 2"))
BOTH = Conversation("gemini", "x", (f"I am {MINE}, line 1", f"I am {YOURS}, line 1"))
CLEARED = Conversation("claude", "x", ("<command-name>/clear</command-name>", f"I am {MINE}, line 1"))


@pytest.mark.parametrize("seed", SEEDS, ids="seed{}".format)
def test_nobody_gets_the_conversation_of_another(project: Project, seed: int):
    pairs = lab(project, seed, PAIRS)
    rebooted = pairs.dice("reboot").randrange(2, ROUNDS + 1)
    for number in range(1, ROUNDS + 1):
        play(pairs, number, reboots=number == rebooted)
    end(pairs)
    assert continued(pairs), "nothing was resumed, so nothing could be mixed up"
    sys.stdout.write(f"seed {seed}: {continued(pairs)} continued, {dict(pairs.counts)}\n")


@pytest.mark.parametrize(
    "complaints",
    [
        mixed([BOTH]),
        shared({"x": {MINE, YOURS}}),
        stolen([BOTH._replace(lines=BOTH.lines[1:])], {"x": {MINE}}),
        lost({f"I am {MINE}, line 3"}, [SAID]),
        unowned([SAID], {}),
        unowned([CLEARED._replace(lines=CLEARED.lines[1:])], {}),
    ],
)
def test_every_mix_up_would_be_seen(complaints: Iterable[Complaint]):
    assert [address for _, address in complaints] == [MINE]


@pytest.mark.parametrize(
    "complaints",
    [
        mixed([SAID, SAID._replace(cli="claude")]),
        shared({"x": {MINE}, "y": {YOURS}}),
        stolen([SAID], {"x": {MINE}, "y": {YOURS}}),
        stolen([SAID], {}),
        lost({SAID.lines[0]}, [SAID]),
        unowned([SAID], {"x": {MINE}}),
        unowned([CLEARED, SAID._replace(cli="codex")], {}),
    ],
)
def test_what_is_in_order_is_no_mix_up(complaints: Iterable[Complaint]):
    assert list(complaints) == []


def test_an_agent_owns_what_it_has_what_it_had_and_what_its_session_has():
    identities = {"a": {"session_id": "1", "previous": ["2"]}, "b": {"session_id": None, "previous": []}}
    sessions = {"w-creator-b": {"workspace": "w", "agent": "b", "b_session_id_own": "3"}}
    record = {"workspaces": {"w": {"agent_identities": identities}}, "sessions": sessions}
    assert owners_of(record) == {"1": {MINE}, "2": {MINE}, "3": {YOURS}}


@pytest.mark.parametrize("cli", ["codex", "gemini"])
def test_nothing_is_started_beside_the_child_of_a_launcher_that_was_killed(project: Project, cli: str):
    made = lab(project, 1, 0)
    project.declare(one={"type": cli, "prompt": "hello", "env": {"STANDIN_IGNORE": "HUP", "SPEAKER": MINE}})
    project.apply()
    wait_until(lambda: project.pane("lab-creator-one").pid in families(made)[MINE] and len(families(made)[MINE]) == 2)
    os.kill(project.pane("lab-creator-one").pid, signal.SIGKILL)
    wait_until(lambda: project.pane("lab-creator-one").dead)
    (child,) = families(made)[MINE]
    project.attempt("apply", "--auto-approve")
    assert families(made)[MINE] == [child]
