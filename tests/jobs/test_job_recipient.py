"""Who is meant by the words on a command line."""

from __future__ import annotations

import pytest

from reconciler.agents.catalogue import catalogue
from reconciler.jobs.recipient import KnownAgents, addressee
from reconciler.kinds.agent.case import Case
from reconciler.model.address import agent_address
from reconciler.model.errors import ReconcilerError, Unreachable, UsageError
from reconciler.model.observed import ABSENT, Present, Unknown
from reconciler.model.record import Identity, SessionRow
from reconciler.model.snapshot import Pane, Server, TmuxState

PROFILES = catalogue([])


def pane(session, number, **facts):
    return Pane(session, f"${number}", f"%{number}", 100 + number, "node", "/w", **facts)


def case(workspace, name, cli, live=ABSENT):
    row = SessionRow(f"{workspace}-creator-{name}", workspace, name, type=cli)
    return Case(agent_address(workspace, name), None, row, Identity("c1"), PROFILES[cli], live)


A = pane("a-creator-claude", 1)
B = pane("b-creator-claude", 2)
DEAD = pane("b-creator-review", 3, dead=True)
STRANGERS = (pane("stranger", 12), pane("stranger", 5))
CASES = [
    case("a", "claude", "claude", Present(A)),
    case("b", "claude", "claude", Present(B)),
    case("b", "review", "codex", Present(DEAD)),
    case("b", "gone", "gemini"),
    case("b", "smith", "qwen", Present(pane("b-creator-smith", 4))),
]
PANES = (A, B, DEAD, pane("b-creator-smith", 4), *STRANGERS)
ROSTER = KnownAgents({each.address: each for each in CASES}, Present(TmuxState(Server("s", 1, 1), PANES)), PROFILES)


@pytest.mark.parametrize(
    ("agent", "session", "pane_id", "cli"),
    [
        ("a-creator-claude", "", "%1", "claude"),
        ("agent.b.claude", "", "%2", "claude"),
        ("smith", "", "%4", "qwen"),
        ("qwen", "", "%4", "qwen"),
        ("qwen-code", "", "%4", "qwen"),
        ("smi", "", "%4", "qwen"),
        ("b.smi", "", "%4", "qwen"),
        ("a", "", "%1", "claude"),
        ("anybody", "tmux:b-creator-claude", "%2", "claude"),
        ("codex-cli", "tmux:stranger", "%5", "codex"),
        ("codex", "stranger", "%5", "codex"),
    ],
)
def test_one_live_agent_is_meant(agent, session, pane_id, cli):
    found = addressee(agent, session, ROSTER)
    assert (found.pane.pane_id, found.profile.name) == (pane_id, cli)


@pytest.mark.parametrize(
    ("agent", "session", "kind", "words"),
    [
        ("claude", "", UsageError, "claude matches 2 names"),
        ("claude-code", "", UsageError, "claude-code matches 2 names"),
        ("b", "", UsageError, "b matches 4 names"),
        ("creator", "", UsageError, "creator matches 5 names"),
        ("gem", "", UsageError, "there is no agent gem"),
        ("opencode", "", UsageError, "no agent runs opencode"),
        ("stran", "", UsageError, "there is no agent stran"),
        ("review", "", ReconcilerError, "has ended"),
        ("gone", "", ReconcilerError, "b-creator-gone does not exist"),
        ("claude", "tmux:b-creator-gone", ReconcilerError, "b-creator-gone does not exist"),
        ("claude", "tmux:nowhere", ReconcilerError, "nowhere does not exist"),
        ("nobody", "", UsageError, "there is no agent nobody"),
        ("nobody", "tmux:stranger", UsageError, "no CLI is called nobody"),
    ],
)
def test_nobody_is_guessed(agent, session, kind, words):
    with pytest.raises(kind, match=words) as error:
        addressee(agent, session, ROSTER)
    assert error.value.fix


def test_several_that_are_meant_are_listed():
    with pytest.raises(UsageError) as error:
        addressee("claude", "", ROSTER)
    assert error.value.detail == "agent.a.claude  a-creator-claude\nagent.b.claude  b-creator-claude"


@pytest.mark.parametrize("cli", ["codex", "opencode"])
def test_the_name_of_a_cli_is_never_a_part_of_another_name(cli):
    """It is also the default, which nobody typed."""
    cases = [case(cli, "smith", "qwen", Present(pane(f"{cli}-creator-smith", 4)))]
    panes = (pane(f"{cli}-creator-smith", 4),)
    roster = KnownAgents({each.address: each for each in cases}, Present(TmuxState(Server("s", 1, 1), panes)), PROFILES)
    with pytest.raises(UsageError, match=f"no agent runs {cli}"):
        addressee(cli, "", roster)


def test_an_agent_that_can_be_resumed_is_offered_that():
    with pytest.raises(ReconcilerError) as error:
        addressee("gone", "", ROSTER)
    assert error.value.fix == "start it: reconciler resume b-creator-gone"


def test_without_tmux_nothing_is_said_about_anybody():
    with pytest.raises(Unreachable):
        addressee("a-creator-claude", "", KnownAgents(ROSTER.cases, Unknown("broken"), PROFILES))
