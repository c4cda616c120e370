"""What relies on the end of an agent is not done when the agent has not ended."""

from __future__ import annotations

from in_memory import Project
from ruamel.yaml import YAML

from reconciler.model.event import ActionDone, ActionFailed, ActionSkipped
from reconciler.model.plan import Mode
from reconciler.plan.request import Request

EVERYTHING = Request()
DESTROY = Request(mode=Mode.DESTROY)


def _applied(text: str) -> tuple[Project, dict]:
    project, manifest = Project(), YAML(typ="safe").load(text)
    project.apply(project.plan(manifest))
    return project, manifest


def _deaf(project: Project, session: str) -> None:
    """Its process ends for nobody."""
    project.world.processes.stubborn.add(project.world.tmux.pane(session).pid)
    project.world.tmux.quits.clear()


def _told(project: Project, manifest: dict, request: Request = EVERYTHING) -> dict[str, str]:
    """What an apply said of each address: done, or why not."""
    told = project.apply(project.plan(manifest, request))
    failed = {str(each.address): each.message for each in told if isinstance(each, ActionFailed | ActionSkipped)}
    return failed | {str(each.address): "done" for each in told if isinstance(each, ActionDone)}


def test_a_workspace_stays_under_an_agent_that_has_not_ended():
    project, manifest = _applied(
        "{version: 1, workspaces: {w: {path: w, agents: {a: {type: claude}}}, "
        "v: {path: v, agents: {b: {type: claude}}}}}"
    )
    _deaf(project, "w-creator-a")

    told = _told(project, manifest, DESTROY)

    assert "did not end" in told["agent.w.a"]
    assert told["workspace.w"] == "not done: it needs agent.w.a to end first"
    assert (told["agent.v.b"], told["workspace.v"]) == ("done", "done")
    assert "/lab/w" in project.world.files.folders
    assert "/lab/v" not in project.world.files.folders
    assert project.registry["workspaces"]["w"]["managed"]


def test_a_worktree_stays_under_an_agent_that_has_not_ended():
    project = Project()
    project.world.files.add_repo("/repo", "main")
    manifest = YAML(typ="safe").load(
        "{version: 1, workspaces: {w: {path: w, git: {repo: /repo, branch: wt}, agents: {a: {type: claude}}}}}"
    )
    project.apply(project.plan(manifest))
    _deaf(project, "w-creator-a")

    told = _told(project, manifest, DESTROY)

    assert told["workspace.w"] == "not done: it needs agent.w.a to end first"
    assert "/lab/w" in project.world.files.worktrees


def test_a_workspace_that_is_only_forgotten_waits_for_its_agents_too():
    project, manifest = _applied("{version: 1, workspaces: {w: {path: w, agents: {a: {type: claude}}}}}")
    project.world.files.put("/lab/w/work", b"")
    _deaf(project, "w-creator-a")

    told = _told(project, manifest, DESTROY)

    assert told["workspace.w"] == "not done: it needs agent.w.a to end first"
    assert project.registry["workspaces"]["w"]["managed"]


def test_who_is_needed_by_an_agent_that_has_not_ended_goes_on():
    project, manifest = _applied(
        "{version: 1, workspaces: {w: {path: w, agents: {a: {type: claude}, b: {type: claude, depends_on: [a]}}}}}"
    )
    _deaf(project, "w-creator-b")

    told = _told(project, manifest, DESTROY)

    assert told["agent.w.a"] == "not done: it needs agent.w.b to end first"
    assert not project.world.tmux.pane("w-creator-a").dead


def test_nobody_starts_in_a_conversation_whose_agent_has_not_ended():
    project, manifest = _applied("{version: 1, workspaces: {w: {path: w, agents: {a: {type: claude}}}}}")
    project.world.files.put("/home/u/.claude/projects/-lab-w/id-1.jsonl", b'{"type":"user"}')
    _deaf(project, "w-creator-a")
    manifest["workspaces"]["w"]["agents"] = {"b": {"type": "claude", "resume": "id-1"}}

    told = _told(project, manifest)

    assert "did not end" in told["agent.w.a"]
    assert told["agent.w.b"] == "not done: it needs agent.w.a to leave its conversation"
    assert [session.name for session in project.world.tmux.started] == ["w-creator-a"]


def test_a_process_that_may_not_be_ended_is_one_failure_and_not_that_of_all():
    project, manifest = _applied(
        "{version: 1, workspaces: {w: {path: w, agents: {a: {type: claude}, b: {type: claude}}}}}"
    )
    project.world.tmux.quits.clear()
    project.world.processes.foreign.add(project.world.tmux.pane("w-creator-a").pid)

    told = _told(project, manifest, DESTROY)

    assert "another user" in told["agent.w.a"]
    assert told["agent.w.b"] == "done"
