"""A change of what an agent was started with restarts it; a label changes in place."""

from __future__ import annotations

from project import Project, arguments, environment
from waiting import wait_until

TWIN = {
    "command": ["claude"],
    "new": ["--session-id", "{session_id}"],
    "resume": ["--resume", "{session_id}"],
    "artifacts": ["~/.claude/projects/*/{session_id}.jsonl"],
    "quit": "/exit",
}


def test_a_changed_spec_restarts_the_agent_into_the_same_conversation(project: Project):
    agent = {"type": "claude", "prompt": "hello"}
    _write(project, "lab", args=agent, env=agent, type=agent)
    project.apply()
    before = project.live()
    wait_until(lambda: len(project.transcripts()) == 4)
    changed = {
        "args": agent | {"args": ["--verbose"]},
        "env": agent | {"env": {"A": "b"}},
        "type": agent | {"type": "twin"},
    }
    _write(project, "elsewhere", **changed)
    said = project.run("plan")
    assert '~ args = [] -> ["--verbose"]' in said
    assert '+ env.A = "b"' in said
    assert '~ type = "claude" -> "twin"' in said
    assert f'~ cwd = "{project.root}/lab" -> "{project.root}/elsewhere"' in said
    assert "Plan: 5 to add, 0 to change, 4 to destroy. (4 conversations resume)" in said
    conversation = before["lab-creator-args"].conversation
    assert "-/+ lab-creator-args" in said
    assert f"# agent.lab.args must be replaced (resumes conversation {conversation[:8]}...)" in said
    project.apply()
    after = project.live()
    for name, pane in after.items():
        assert pane.conversation == before[name].conversation
        assert pane.pid != before[name].pid
        assert f"--resume {pane.conversation}" in " ".join(arguments(pane.pid))
    assert environment(after["lab-creator-env"].pid)["A"] == "b"
    assert after["moving-creator-cwd"].cwd == str(project.root / "elsewhere")
    assert list(project.transcripts().values()) == [["hello"]] * 4
    assert project.actions() == {}


def test_labels_change_in_place(project: Project):
    project.declare(claude={})
    project.apply()
    before = project.pane("lab-creator-claude")
    project.declare(claude={"role": "reviewer", "protect": True})
    said = project.run("plan")
    assert "~ protect = false -> true" in said
    assert "(its session is renamed, the agent keeps running)" in said
    assert "Plan: 0 to add, 1 to change, 0 to destroy." in said
    project.apply()
    assert project.live() == {"lab-reviewer-claude": before._replace(session="lab-reviewer-claude")}
    assert list(project.recorded()["sessions"]) == ["lab-reviewer-claude"]
    assert project.row("lab-reviewer-claude")["protect"] is True
    assert project.actions() == {}


def test_an_ignored_difference_is_not_acted_on(project: Project):
    project.declare(claude={"args": ["--verbose"], "ignore": ["args"]})
    project.apply()
    project.declare(claude={"args": ["--model", "big"], "ignore": ["args"]})
    assert project.actions() == {}
    project.declare(claude={"args": ["--model", "big"]})
    assert project.actions() == {"agent.lab.claude": "delete/create"}


def test_a_replacement_can_be_asked_for(project: Project):
    project.declare(claude={}, other={"type": "claude"})
    project.apply()
    before = project.live()
    said = project.apply("--replace", "agent.lab.claude")
    assert "agent.lab.claude: Replaced" in said
    assert project.pane("lab-creator-claude").pid != before["lab-creator-claude"].pid
    assert project.pane("lab-creator-other") == before["lab-creator-other"]


def _write(project: Project, folder: str, **agents: object) -> None:
    """Three agents that stay where they are, and one in a workspace that may move."""
    cwd = {"type": "claude", "prompt": "hello"}
    workspaces = {"lab": {"path": "lab", "agents": agents}, "moving": {"path": folder, "agents": {"cwd": cwd}}}
    project.write(workspaces, agent_types={"twin": TWIN})
