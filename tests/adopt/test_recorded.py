"""What a registry and a tmux server know of agents, as findings."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.adopt.live import LiveView, live_agents
from reconciler.adopt.recorded import RegistryView, recorded_agents
from reconciler.model.address import agent_address
from reconciler.model.adoption import Findings, FoundAgent
from reconciler.model.desired import Agent, Desired, RunState, Socket
from reconciler.model.diagnostic import Place
from reconciler.model.snapshot import Pane, Server, TmuxState
from reconciler.state.rows import record_from

NAME = "lab-creator-claude"
PLACE = Place(".hermes/agent-sessions.yaml")


def pane(session: str = NAME, **rest: Any) -> Pane:
    said = {"session": session, "session_id": "$0", "pane_id": "%0", "pid": 7, "command": "claude", "cwd": "/live"}
    return Pane(**{**said, **rest})


def findings(row: dict[str, Any], *panes: Pane, name: str = NAME, **data: Any) -> Findings:
    whole = {"sessions": {name: {"workspace": "lab", "agent": "claude", "status": "running", **row}}, **data}
    return recorded_agents(RegistryView(record_from(whole), {each.session: each for each in panes}, PLACE))


def agent(row: dict[str, Any], *panes: Pane, name: str = NAME, **data: Any) -> FoundAgent:
    (found,) = findings(row, *panes, name=name, **data).agents
    return found


GRACEFUL = {"status": "stopped", "termination_mode": "graceful"}
BY_MANIFEST = {"status": "stopped", "stopped_reason": "manifest", "spec": {"type": "claude"}}


@pytest.mark.parametrize(
    ("row", "live", "state", "said"),
    [
        ({"status": "running"}, True, RunState.RUNNING, ""),
        ({"status": "running"}, False, RunState.RUNNING, "its session is gone: the next `apply` starts it again"),
        ({"status": "terminated"}, False, RunState.RUNNING, "its session is gone: the next `apply` starts it again"),
        (GRACEFUL, False, RunState.RUNNING, f"stopped by hand: it stays stopped until `reconciler resume {NAME}`"),
        (GRACEFUL, True, RunState.RUNNING, "recorded as stopped, but it runs"),
        (BY_MANIFEST, False, RunState.STOPPED, ""),
        ({"status": "archived"}, False, RunState.ARCHIVED, ""),
        ({"status": "archived"}, True, RunState.RUNNING, "recorded as archived, but it runs"),
    ],
)
def test_the_state_that_a_row_gets_in_a_manifest(row: dict[str, Any], live: bool, state: RunState, said: str) -> None:
    found = agent(row, *([pane()] if live else []))
    assert (found.live, found.state) == (live, state)
    assert found.notes == ((said,) if said else ())


DEAD = pane(dead=True)
GONE = "its session is gone: the next `apply` starts it again"


@pytest.mark.parametrize(
    ("panes", "occupied", "said"),
    [
        ({}, {NAME}, f"another session is called {NAME} (see below): `apply` refuses until you end or rename"),
        ({}, {"other"}, GONE),
        ({NAME: DEAD}, {}, "its session is there, but the agent in it has exited: the next `apply` starts it again"),
    ],
)
def test_a_note_says_what_became_of_the_session(panes: dict[str, Pane], occupied: set[str], said: str) -> None:
    record = record_from({"sessions": {NAME: {"workspace": "lab", "agent": "claude", "status": "running"}}})
    (found,) = recorded_agents(RegistryView(record, panes, PLACE, frozenset(occupied))).agents
    assert found.notes[0].startswith(said)
    assert found.comments == ()


@pytest.mark.parametrize(
    ("row", "data", "conversation", "known_by"),
    [
        ({"claude_session_id_own": "a"}, {}, "a", "recorded in claude_session_id_own"),
        ({}, {"agent_identities": {"claude": {"session_id": "b"}}}, "b", "recorded in agent_identities"),
        (
            {"claude_session_id_own": "a"},
            {"workspaces": {"lab": {"agent_identities": {"claude": {"session_id": "c"}}}}},
            "c",
            "recorded in workspaces.lab.agent_identities",
        ),
        ({}, {}, "", ""),
    ],
)
def test_where_a_conversation_is_recorded(
    row: dict[str, Any], data: dict[str, Any], conversation: str, known_by: str
) -> None:
    found = agent(row, **data)
    assert (found.conversation, found.known_by) == (conversation, known_by)


def test_of_rows_with_one_address_each_has_the_conversation_that_it_says_itself() -> None:
    def row(**rest: str) -> dict[str, str]:
        return {"workspace": "lab", "agent": "claude", "status": "terminated", **rest}

    sessions = {
        "lab-qa-claude": row(role="qa"),
        "lab-dev-claude": row(claude_session_id_own="b"),
        "lab-creator-claude": row(),
    }
    workspaces = {"lab": {"agent_identities": {"claude": {"session_id": "a"}}}}
    record = record_from({"sessions": sessions, "workspaces": workspaces})
    found = recorded_agents(RegistryView(record, {}, PLACE)).agents
    assert {each.row: each.conversation for each in found} == {
        "lab-qa-claude": "",
        "lab-dev-claude": "b",
        "lab-creator-claude": "a",
    }


@pytest.mark.parametrize(
    ("row", "data", "panes", "path"),
    [
        ({"pane": {"cwd": "/old"}}, {"workspaces": {"lab": {"path": "/space"}}}, [pane()], "/space"),
        ({"pane": {"cwd": "/old"}, "spec": {"cwd": "/spec"}}, {}, [pane()], "/spec"),
        ({"pane": {"cwd": "/old"}}, {}, [pane()], "/live"),
        ({"pane": {"cwd": "/old"}}, {}, [], "/old"),
        ({}, {}, [], ""),
    ],
)
def test_the_folder_is_the_one_that_is_recorded_before_the_one_it_is_in_now(
    row: dict[str, Any], data: dict[str, Any], panes: list[Pane], path: str
) -> None:
    assert agent(row, *panes, **data).path == path


def test_a_role_is_read_from_the_name_where_the_row_has_none() -> None:
    assert agent({}, name="lab-dev-claude").role == "dev"
    assert agent({"role": "qa"}, name="lab-dev-claude").role == "qa"
    assert agent({}, name="something-else").role == "creator"


def test_a_session_is_found_under_the_name_that_tmux_gives_it() -> None:
    found = agent({"workspace": "my.proj"}, pane("my_proj-creator-claude"), name="my.proj-creator-claude")
    assert (found.session, found.live, found.row) == ("my_proj-creator-claude", True, "my.proj-creator-claude")


def test_what_it_was_started_with_comes_along_and_a_secret_does_not() -> None:
    spec = {"type": "claude", "args": ["--model", "opus"], "env": {"A": "1", "TOKEN": "hmac-sha256:00"}}
    found = agent({"spec": spec, "protect": True})
    assert (found.args, dict(found.env), found.ignore, found.protect) == (
        ("--model", "opus"),
        {"A": "1"},
        ("env",),
        True,
    )
    assert "TOKEN: {from_env: TOKEN}" in found.comments[-1]


def test_rows_that_only_found_themselves_are_left_alone_once_their_sessions_are_gone() -> None:
    row = {"managed": False}
    assert agent(row, pane()).live
    told = findings(row)
    assert told.agents == ()
    assert "undeclared session, which has ended" in told.left_alone[0].why


def test_a_session_that_another_project_took_over_is_left_to_it() -> None:
    told = findings({}, pane(lineage="other", address="agent.x.claude"), lineage="mine")
    assert told.agents == ()
    assert told.left_alone[0].why.startswith("it is tagged agent.x.claude by another project")
    assert agent({}, pane(lineage="mine"), lineage="mine").live


def live(*panes: Pane, declared: bool = False) -> Findings:
    spec = Agent(agent_address("lab", "claude"), NAME, "claude", "creator", "/lab")
    desired = Desired("p", Socket(), {}, {spec.address: spec} if declared else {}, {}, "")
    state = TmuxState(Server("default", 1, 0), panes)
    return live_agents(LiveView(desired, record_from({"lineage": "mine"}), state, frozenset({"claude", "shell"})))


def test_of_a_tmux_server_only_what_is_named_like_ours_is_found() -> None:
    told = live(pane(), pane("notes"), pane("a-b-c"), pane("lab-creator-shell", command="bash"))
    assert {each.session for each in told.agents} == {NAME, "lab-creator-shell"}
    assert told.left_alone == ()


def test_sessions_of_other_projects_are_told_of_where_they_are_named_like_ours() -> None:
    told = live(pane(lineage="other", address="agent.lab.claude"), pane("notes", lineage="other", address="agent.n.x"))
    assert told.agents == ()
    assert [left.what for left in told.left_alone] == [f"session {NAME}"]


def test_a_session_with_the_name_of_a_declared_agent_and_without_tags_may_be_it() -> None:
    (found,) = live(pane(), declared=True).agents
    assert (found.session, found.path, found.live) == (NAME, "/lab", True)
    assert live(pane(lineage="mine", address="agent.lab.claude"), declared=True).agents == ()
