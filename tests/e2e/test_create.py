"""An agent is created with everything that the manifest says, and verified before it counts."""

from __future__ import annotations

from pathlib import Path

from project import Project, arguments, environment
from waiting import wait_until


def test_an_agent_gets_its_name_folder_environment_command_and_first_prompt(project: Project):
    review = {"role": "reviewer", "args": ["--model", "big"], "env": {"COLOUR": "sky blue"}, "prompt": "Read, wait."}
    project.declare(review={"type": "claude", **review})
    said = project.apply()
    assert "Apply complete! Resources: 2 added, 0 changed, 0 destroyed." in said
    assert list(project.live()) == ["lab-reviewer-review"]
    pane = project.pane("lab-reviewer-review")
    assert (pane.dead, pane.cwd) == (False, str(project.root / "lab"))
    assert environment(pane.pid)["COLOUR"] == "sky blue"
    assert arguments(pane.pid)[-5:] == ["--session-id", pane.conversation, "--model", "big", "Read, wait."]
    wait_until(lambda: project.transcripts() == {pane.conversation: ["Read, wait."]})


def test_a_session_is_tagged_and_recorded_as_it_really_is(project: Project):
    project.declare(claude={})
    project.apply()
    pane, recorded = project.pane("lab-creator-claude"), project.recorded()
    assert (pane.lineage, pane.address) == (recorded["lineage"], "agent.lab.claude")
    assert recorded["workspaces"]["lab"]["agent_identities"]["claude"]["session_id"] == pane.conversation
    row = recorded["sessions"][pane.session]
    assert (row["status"], row["pane"]["id"], row["pane"]["pid"]) == ("running", pane.id, pane.pid)
    server = int(project.tmux("display-message", "-p", "#{pid}"))
    assert (row["server"]["pid"], row["server"]["socket"]) == (server, str(project.socket))
    assert project.registry.stat().st_mode & 0o777 == 0o600


def test_a_command_that_exits_at_once_is_an_error_that_shows_its_last_words(project: Project):
    project.declare(claude={"env": {"STANDIN_EXIT": "3"}})
    said = project.apply(code=3)  # its folder was made
    assert "agent.lab.claude: Failed: claude exited at once, with status 3" in said
    assert "    | boom: the stand-in was told to fail" in said
    assert "Not done: agent.lab.claude." in said
    assert project.live() == {}
    wait_until(lambda: not project.processes())
    assert project.row("lab-creator-claude")["status"] == "terminated"
    project.apply(code=1)  # nothing but the failure is left to do
    assert list(project.actions()) == ["agent.lab.claude"]


def test_an_agent_whose_program_is_missing_fails_and_the_others_start(project: Project):
    types = {"ghost": {"command": ["no-such-program"]}}
    project.write({"lab": {"path": ".", "agents": {"ghost": {}, "claude": {}}}}, agent_types=types)
    assert "Warning: no-such-program is not on the agent's PATH" in project.run("plan")
    said = project.apply(code=3)
    assert "agent.lab.ghost: Failed: no-such-program exited at once, with status" in said
    assert list(project.live()) == ["lab-creator-claude"]
    assert project.row("lab-creator-ghost")["status"] == "terminated"


def test_agents_start_after_what_they_depend_on(project: Project):
    project.declare(first={"type": "claude", "depends_on": ["second"]}, second={"type": "claude"})
    project.apply()
    births = {name: _started(pane.pid) for name, pane in project.live().items()}
    assert births["lab-creator-second"] < births["lab-creator-first"]


def test_an_agent_waits_for_what_failed(project: Project):
    broken = {"type": "claude", "env": {"STANDIN_EXIT": "1"}}
    project.declare(first={"type": "claude", "depends_on": ["second"]}, second=broken)
    said = project.apply(code=3)
    assert "agent.lab.first: Skipped: not done: it needs agent.lab.second" in said
    assert "Not done: agent.lab.second, agent.lab.first." in said
    assert project.live() == {}


def _started(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
