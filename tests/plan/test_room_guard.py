"""A plan that starts more agents than the tmux server can hold."""

from __future__ import annotations

import pytest

from reconciler.model.action import Action, Verb
from reconciler.model.address import agent_address
from reconciler.model.conversation import Conversation, ConversationMode
from reconciler.model.diagnostic import Severity
from reconciler.model.observed import ABSENT, Observed, Present
from reconciler.model.plan import Mode, Plan
from reconciler.model.snapshot import OpenFileLimit, Pane, Server, TmuxState, TmuxTarget
from reconciler.model.step import StartSession, Step, StopSession
from reconciler.plan.guard import more_agents, too_many_starts


def starting(number: int) -> Step:
    new = Conversation("", ConversationMode.NEW)
    address = agent_address("w", f"a{number}")
    return StartSession(f"w-a{number}", address, "claude", "/w", ("claude",), (), (), new, {})


def stopping(number: int) -> Step:
    return StopSession(f"w-a{number}", TmuxTarget(f"${number}", f"%{number}", number))


def plan(*steps: tuple[Step, ...]) -> Plan:
    actions = (Action(agent_address("w", f"a{n}"), Verb.CREATE, steps=each) for n, each in enumerate(steps))
    return Plan(Mode.NORMAL, "", 0, "", tuple(actions))


def live(alive: int, dead: int = 0) -> Observed[TmuxState]:
    ended = range(alive, alive + dead)
    panes = [Pane(f"w-a{n}", f"${n}", f"%{n}", n, "x", "/w", dead=n in ended) for n in range(alive + dead)]
    return Present(TmuxState(Server("x", 1, 1), tuple(panes)))


def test_what_starts_counts_and_what_ends_for_it_counts_against():
    assert more_agents(plan(*[(starting(n),) for n in range(5)]), ABSENT) == 5
    assert more_agents(plan(*[(stopping(n), starting(n)) for n in range(5)]), live(5)) == 0
    assert more_agents(plan(*[(stopping(n),) for n in range(5)]), live(5)) == -5


def test_an_agent_that_has_exited_makes_no_room_when_its_pane_goes():
    assert more_agents(plan(*[(stopping(n), starting(n)) for n in range(5)]), live(2, dead=3)) == 3


@pytest.mark.parametrize(
    ("more", "limit", "used", "refused"),
    [(984, 1024, 8, False), (985, 1024, 8, True), (1, 1024, 1000, True), (1, 40, 8, True), (10_000, 65_536, 8, False)],
)
def test_as_many_start_as_the_server_may_open_files_and_some_stay_free(more, limit, used, refused):
    assert (too_many_starts(more, OpenFileLimit(limit, used, 7)) is not None) is refused


def test_the_refusal_names_the_numbers_and_a_way_out():
    running, new = too_many_starts(60, OpenFileLimit(64, 20, 4242, 1024)), too_many_starts(60, OpenFileLimit(64, 16))

    assert running.severity is new.severity is Severity.REFUSAL
    assert running.summary == "the tmux server cannot hold 60 more agents"
    assert "(pid 4242) may open 64 files, and 20 are open" in running.detail
    assert "there is room for 12 more" in running.detail
    assert "prlimit --pid 4242 --nofile=1024:" in running.fix
    assert "as root: prlimit --pid 4242" in too_many_starts(60, OpenFileLimit(64, 20, 4242, 64)).fix
    assert "ulimit -H -n" in new.fix
