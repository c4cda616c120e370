"""An agent is stopped gracefully; its conversation and its row are kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading

from project import Project, pids, runs
from waiting import wait_until

from reconciler.ports.processes import RealProcesses
from reconciler.ports.processes_by_proc import session_of

POLITE = {"type": "claude", "prompt": "hello", "env": {"STANDIN_IGNORE": "TERM,HUP"}}  # only `/exit` ends it


def test_agents_that_are_not_to_run_are_told_to_quit(project: Project):
    project.declare(stopped=POLITE, archived=POLITE, removed=POLITE)
    project.apply()
    before = project.live()
    wait_until(lambda: {project.activity(pane.pid) for pane in before.values()} == {"idle"})
    project.declare(stopped=POLITE | {"state": "stopped"}, archived=POLITE | {"state": "archived"})
    assert project.actions() == {
        "agent.lab.stopped": "update",
        "agent.lab.archived": "update",
        "agent.lab.removed": "delete",
    }
    project.apply("--max-destroy", "3")
    assert project.live() == {}
    assert not any(runs(pane.pid) for pane in before.values())
    assert [project.row(f"lab-creator-{name}")["status"] for name in ("stopped", "archived", "removed")] == [
        "stopped",
        "archived",
        "archived",
    ]
    assert list(project.transcripts().values()) == [["hello"]] * 3
    assert project.actions() == {}
    project.run("plan", "--detailed-exitcode", code=0)


def test_an_agent_that_is_wanted_again_goes_on_with_its_conversation(project: Project):
    project.declare(claude={"prompt": "hello"})
    project.apply()
    conversation = project.pane("lab-creator-claude").conversation
    wait_until(project.transcripts)
    project.write({"lab": {"path": "lab", "agents": {}}})
    project.apply("--max-destroy", "1")
    assert project.row("lab-creator-claude")["status"] == "archived"
    project.declare(claude={"prompt": "hello"})
    assert f"will be resumed (conversation {conversation[:8]}...)" in project.run("plan")
    project.apply()
    assert project.pane("lab-creator-claude").conversation == conversation
    assert project.transcripts() == {conversation: ["hello"]}


def test_dependents_are_stopped_first(project: Project):
    first = {"type": "claude", "depends_on": ["second"]}
    project.declare(first=first, second={"type": "claude"}, third={"type": "claude"})
    project.apply()
    said = project.run("destroy", "--auto-approve")
    assert said.index("agent.lab.first: Destroyed") < said.index("agent.lab.second: Destroyed")


def test_an_agent_that_does_not_listen_is_ended_and_one_that_cannot_be_is_named(project: Project):
    """Waits as long as agents are given: the one test here that takes many seconds."""
    deaf = {"type": "claude", "env": {"STANDIN_IGNORE": "QUIT,TERM"}}
    stubborn = {"type": "claude", "env": {"STANDIN_IGNORE": "QUIT,TERM,HUP"}}
    project.declare(deaf=deaf, stubborn=stubborn)
    project.apply()
    before = project.live()
    said = project.run("destroy", "--auto-approve", code=3)
    pid = before["lab-creator-stubborn"].pid
    assert f"agent.lab.stubborn: Failed: process {pid} did not end" in said
    assert "Not done: agent.lab.stubborn" in said
    assert "agent.lab.deaf: Destroyed" in said
    assert project.live() == {}
    assert [runs(before["lab-creator-deaf"].pid), runs(pid)] == [False, True]
    os.kill(pid, signal.SIGKILL)


def test_what_an_agent_starts_while_it_is_stopped_ends_with_it_and_resume_is_not_refused(project: Project):
    """As a CLI does whose launcher is ended while it starts the program proper."""
    late = "trap '' HUP; trap 'sleep 1000 & exit' TERM; while :; do sleep 0.1; done"
    project.write(
        {"lab": {"path": "lab", "agents": {"late": {}}}}, agent_types={"late": {"command": ["sh", "-c", late]}}
    )
    project.apply()
    leader = project.pane("lab-creator-late").pid
    project.run("stop", "lab-creator-late")
    assert [pid for pid in pids() if session_of(pid) == leader and runs(pid)] == []
    project.run("resume", "lab-creator-late")
    project.run("stop", "lab-creator-late")


def test_a_process_that_has_the_conversation_of_a_stopped_agent_is_waited_for(project: Project):
    project.declare(claude={"prompt": "hello"})
    project.apply()
    wait_until(project.transcripts)
    conversation = project.pane("lab-creator-claude").conversation
    project.run("stop", "lab-creator-claude")
    left = subprocess.Popen(["sleep", "4"])
    started = RealProcesses().started(left.pid)
    note = {"pid": left.pid, "sessionId": conversation, "procStart": str(started.value), "status": "idle"}
    (project.home / ".claude" / "sessions" / f"{left.pid}.json").write_text(json.dumps(note))
    reaper = threading.Thread(target=left.wait)
    reaper.start()
    said = project.run("resume", "lab-creator-claude")
    reaper.join()
    assert f"Waiting up to 10 s for agent.lab.claude: process {left.pid} uses its conversation" in said
    assert project.pane("lab-creator-claude").conversation == conversation
