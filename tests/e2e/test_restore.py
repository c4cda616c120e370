"""What was lost is seen by one plan and brought back, with its conversation, by one apply."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from project import Project
from waiting import wait_until

HEARD, SILENT = "lab-creator-heard", "lab-creator-silent"


def test_after_the_end_of_the_server_everything_comes_back(project: Project):
    project.declare(heard={"type": "claude", "prompt": "remember me"}, silent={"type": "claude"})
    project.apply()
    before = project.live()
    conversation = before[HEARD].conversation
    wait_until(lambda: project.transcripts() == {conversation: ["remember me"]})
    project.reboot()
    said = project.run("plan")
    assert f"# agent.lab.heard will be resumed (conversation {conversation[:8]}...)" in said
    assert "# agent.lab.silent will be started fresh (no conversation yet)" in said
    assert "Plan: 2 to add, 0 to change, 0 to destroy. (1 conversation resumes)" in said
    project.apply()
    after = project.live()
    assert {pane.pid for pane in after.values()}.isdisjoint(pane.pid for pane in before.values())
    assert after[SILENT].conversation == before[SILENT].conversation
    project.type(HEARD, "and this")
    wait_until(lambda: project.transcripts() == {conversation: ["remember me", "and this"]})
    assert project.actions() == {}


def test_agents_that_ended_come_back_and_the_others_are_left_alone(project: Project):
    agent = {"type": "claude", "prompt": "hello"}
    project.declare(killed=agent, left=agent, well=agent)
    project.apply()
    before = project.live()
    wait_until(lambda: len(project.transcripts()) == 3)
    os.kill(before["lab-creator-killed"].pid, signal.SIGKILL)
    project.type("lab-creator-left", "/exit")
    wait_until(lambda: sum(pane.dead for pane in project.live().values()) == 2)
    assert project.actions() == {"agent.lab.killed": "resume", "agent.lab.left": "resume"}
    said = project.run("plan")
    assert "(it was ended by signal 9" in said
    assert "(it exited with status 0" in said
    project.apply()
    after = project.live()
    assert {name: pane.conversation for name, pane in after.items()} == {
        name: pane.conversation for name, pane in before.items()
    }
    assert not any(pane.dead for pane in after.values())
    assert after["lab-creator-well"] == before["lab-creator-well"]
    assert list(project.transcripts().values()) == [["hello"]] * 3


def test_a_conversation_in_which_nothing_can_be_resumed_is_left_for_a_new_one(project: Project):
    """Claude 2.1.197 leaves a transcript of two lines, and takes its id for neither purpose."""
    project.declare(claude={"env": {"STANDIN_CLAUDE": "old"}})
    project.apply()
    first = project.pane("lab-creator-claude").conversation
    project.type("lab-creator-claude", "/exit")
    wait_until(lambda: project.transcripts() == {first: []})
    wait_until(lambda: project.pane("lab-creator-claude").dead)
    assert "will be started fresh (its conversation holds nothing to resume; a new one starts)" in project.run("plan")
    project.apply()
    second = project.pane("lab-creator-claude").conversation
    identity = project.recorded()["workspaces"]["lab"]["agent_identities"]["claude"]
    assert identity == {"session_id": second, "previous": [first]}
    assert second != first


def test_the_plan_says_what_has_happened_to_a_session_that_is_gone(project: Project):
    project.declare(claude={}, other={"type": "claude"})
    project.apply()
    project.lose("lab-creator-claude")
    drift = project.plan()["resource_drift"]
    assert [(each["class"], each["address"], each["after"]) for each in drift] == [
        ("A", "agent.lab.claude", "terminated")
    ]
    assert project.actions() == {"agent.lab.claude": "create"}


@pytest.mark.parametrize("cli", ["claude", "gemini", "codex"])
def test_no_agent_starts_over_a_conversation_whose_file_is_away(project: Project, cli: str):
    project.declare(one={"type": cli, "prompt": "hello"})
    project.apply()
    wait_until(lambda: project.run("refresh") and project.row("lab-creator-one").get("resumable"))
    held = project.identities("lab")["one"]["session_id"]
    store = project.home / f".{cli}"
    project.tmux("kill-server")
    project.run("refresh")
    store.rename(project.home / "away")

    assert project.actions() == {"agent.lab.one": "defer"}
    said = project.apply(code=7)

    assert f"{store}, where {cli} stored conversation {held}, is missing or empty: put it back" in said
    assert "`reconciler resume lab-creator-one --fresh`" in said
    assert (project.live(), project.identities("lab")["one"]["session_id"]) == ({}, held)
    (project.home / "away").rename(store)
    assert project.actions() == {"agent.lab.one": "resume"}


def test_the_user_may_begin_anew_where_a_conversation_is_away(project: Project):
    project.declare(claude={"prompt": "hello"})
    project.apply()
    wait_until(lambda: project.run("refresh") and project.row("lab-creator-claude")["resumable"])
    held = project.identities("lab")["claude"]["session_id"]
    project.tmux("kill-server")
    (project.home / ".claude").rename(project.home / "away")

    project.run("resume", "lab-creator-claude", "--fresh")

    assert project.identities("lab")["claude"]["previous"] == [held]
    assert project.pane("lab-creator-claude").conversation not in {"", held}


def test_a_living_agent_is_not_ended_for_a_program_that_is_not_there(project: Project):
    project.declare(claude={"env": {"A": "1"}})
    project.apply()
    before = project.live()
    project.declare(claude={"env": {"A": "2"}})

    said = project.apply(code=7, PATH=_without_agents(project))

    assert "claude is not on the agent's PATH" in said
    assert "agent.lab.claude keeps running, because its new start would fail" in said
    assert project.live() == before


def _without_agents(project: Project) -> str:
    """The search path, but for the folder that the agents' programs are in."""
    return os.pathsep.join(each for each in project.env["PATH"].split(os.pathsep) if not Path(each, "claude").exists())


def test_a_renamed_project_folder_ends_no_agent_whose_conversation_is_not_found_from_there(project: Project):
    old = {"type": "claude", "prompt": "hello", "env": {"STANDIN_CLAUDE": "old"}}
    project.declare(gemini={"prompt": "hello"}, old=old, new={"type": "claude", "prompt": "hello"})
    project.apply()
    for name in ("gemini", "old", "new"):
        wait_until(lambda session=f"lab-creator-{name}": project.run("refresh") and project.row(session)["resumable"])
    before = project.live()
    at = project.root / "lab"
    at.rename(project.root / "moved")
    project.write(
        {"lab": {"path": "moved", "agents": {"gemini": {"prompt": "hello"}, "old": old, "new": {"type": "claude"}}}}
    )

    agents = {address: what for address, what in project.actions().items() if address.startswith("agent.")}
    assert agents == {"agent.lab.gemini": "defer", "agent.lab.old": "defer", "agent.lab.new": "delete/create"}
    said = project.apply(code=3)

    assert "and gemini does not find it from another folder: move the folder back" in said, said
    after = project.live()
    assert {name: after[name].pid for name in ("lab-creator-gemini", "lab-creator-old")} == {
        name: before[name].pid for name in ("lab-creator-gemini", "lab-creator-old")
    }
    assert after["lab-creator-new"].conversation == before["lab-creator-new"].conversation
