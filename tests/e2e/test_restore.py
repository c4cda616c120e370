"""What was lost is seen by one plan and brought back, with its conversation, by one apply."""

from __future__ import annotations

import os
import signal

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
