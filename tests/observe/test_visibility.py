"""Which checks a system does not allow is said, and only where it matters."""

from __future__ import annotations

import pytest
from fakes.processes import FakeProcesses

from reconciler.agents.claude import PROFILE as CLAUDE
from reconciler.agents.codex import PROFILE as CODEX
from reconciler.agents.cursor_agent import PROFILE as CURSOR
from reconciler.agents.profile import Profile
from reconciler.agents.subject import AgentEnvironment
from reconciler.model.activity import LiveAgent
from reconciler.model.snapshot import Pane
from reconciler.observe.agent_view import AgentView
from reconciler.observe.visibility import unseen_locks, unseen_processes


def _view(profile: Profile, *, dead: bool = False) -> AgentView:
    pane = Pane("w-creator-a", "$1", "%1", 7, "node", "/lab", dead=dead)
    return AgentView(None, profile, AgentEnvironment("/lab", "/home/u", {}), pane, LiveAgent())


def test_agents_that_prove_their_conversation_by_a_lock_get_one_warning_for_all():
    processes = FakeProcesses(hides_locks=True)
    (warning,) = unseen_locks([_view(CODEX), _view(CURSOR), _view(CODEX)], processes)
    assert "(codex, cursor-agent)" in warning.summary
    assert "hooks install codex" in warning.fix


@pytest.mark.parametrize(
    ("views", "hides"),
    [([_view(CODEX)], False), ([_view(CLAUDE)], True), ([_view(CODEX, dead=True)], True), ([], True)],
    ids=["the locks are told", "nothing is proved by locks", "nothing lives", "there is no agent"],
)
def test_nothing_is_said_where_nothing_rests_on_locks(views, hides):
    assert not list(unseen_locks(views, FakeProcesses(hides_locks=hides)))


def test_a_blind_system_is_said_to_be_one_and_says_how_to_see():
    (warning,) = unseen_processes(FakeProcesses(why_blind="psutil is not installed"))
    assert "psutil is not installed" in warning.detail
    assert warning.fix == "pip install psutil"
    assert not list(unseen_locks([_view(CODEX)], FakeProcesses(hides_locks=True, why_blind="it is")))
    assert unseen_processes(FakeProcesses()) == ()
