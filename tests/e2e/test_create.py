"""An agent is created with everything that the manifest says, and verified before it counts."""

from __future__ import annotations

import re
from pathlib import Path

from project import STANDINS, Project, arguments, environment
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


def test_a_command_that_exits_before_it_has_shown_anything_is_an_error_too(project: Project):
    project.declare(claude={"env": {"STANDIN_EXIT": "2", "STANDIN_DELAY": "1"}})
    said = project.apply(code=3)
    # on a busy machine it has been seen alive before it ends
    assert re.search(r"claude (exited at once|ended right after its start), with status 2", said)
    assert "    | boom: the stand-in was told to fail" in said


def test_an_older_codex_is_started_without_the_switch_that_it_refuses(project: Project):
    program = project.home / "bin" / "codex"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nSTANDIN_CODEX=old exec {STANDINS}/codex "$@"\n')
    program.chmod(0o755)
    old = {"type": "codex", "env": {"PATH": f"{program.parent}:{project.env['PATH']}"}}
    project.declare(old=old, new={"type": "codex"})
    project.apply()
    assert "--no-daemon" not in arguments(project.pane("lab-creator-old").pid)
    assert "--no-daemon" in arguments(project.pane("lab-creator-new").pid)
    assert project.actions() == {}


def test_a_cli_is_asked_for_its_version_once_and_only_when_it_is_to_be_started(project: Project):
    asked = project.home / "asked"
    program = project.home / "bin" / "codex"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo x >>{asked}\nexec {STANDINS}/codex "$@"\n')
    program.chmod(0o755)
    path = {"PATH": f"{program.parent}:{project.env['PATH']}"}
    project.declare(one={"type": "codex"})
    project.run("plan", **path)
    project.run("status", **path)
    assert not asked.exists()
    project.apply(**path)
    project.run("plan", "--detailed-exitcode", **path)
    project.declare(one={"type": "codex"}, two={"type": "codex"}, three={"type": "codex"})
    project.apply(**path)
    assert asked.read_text() == "x\n"
    program.write_text(program.read_text() + "\n")
    project.declare(one={"type": "codex"}, two={"type": "codex"}, three={"type": "codex"}, four={"type": "codex"})
    project.apply(**path)
    assert asked.read_text() == "x\nx\n"


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
