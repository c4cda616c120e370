"""create and delete: the manifest, the session and the stored conversation go together."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest
from project import CLI, Project, runs
from waiting import PATIENCE, wait_until

from reconciler.app.project.edits import addition, write_manifests
from reconciler.app.project.project import find_project
from reconciler.model.address import agent_address
from reconciler.model.errors import StalePlan

SESSION = "lab-creator-claude"


def _lab(project: Project, agents: str = "agents: {}  # none yet") -> Path:
    """A manifest as people write it."""
    path = project.root / "reconciler.yaml"
    path.write_text(
        f"# our lab\nversion: 1\ntmux: {{socket_path: {project.socket}}}\n\n"
        f"workspaces:\n    lab:   # the only one\n        path: lab\n        {agents}\n"
    )
    path.chmod(0o640)
    return path


def test_an_agent_is_created_and_deleted_and_the_manifest_is_as_before(project: Project):
    manifest = _lab(project)
    before = manifest.read_bytes()
    said = project.run("create", "lab", "--prompt", "hello ${you}", "--auto-approve")
    assert 'claude: {prompt: "hello $${you}"}' in said
    assert manifest.read_bytes() == before.replace(
        b"agents: {}  # none yet\n", b'agents:  # none yet\n            claude: {prompt: "hello $${you}"}\n'
    )
    assert manifest.stat().st_mode & 0o777 == 0o640
    assert project.pane(SESSION).address == "agent.lab.claude"
    wait_until(project.transcripts)
    assert next(iter(project.transcripts().values()))[0] == "hello ${you}"
    assert project.actions() == {}

    pid, (transcript,) = project.pane(SESSION).pid, project.home.glob(".claude/projects/*/*.jsonl")
    said = project.run("delete", SESSION, "--yes")
    assert f"its conversation stays in {transcript}" in said
    assert manifest.read_bytes() == before
    assert not runs(pid)
    assert transcript.exists()
    assert project.recorded()["sessions"] == {}
    assert project.actions() == {}


def test_without_anybody_to_ask_the_word_that_agrees_is_told(project: Project):
    project.declare(claude={})
    project.apply()
    assert "-> pass --yes\n" in project.run("delete", "lab-creator-claude", code=64)
    assert "-> pass --auto-approve\n" in project.run("destroy", code=64)


def test_a_new_workspace_is_declared_where_its_folder_is_to_be(project: Project):
    manifest = _lab(project)
    project.run("create", "shop", "--agent", "codex", "--name", "review", "--auto-approve")
    project.run("create", "yard", "--path", str(project.home / "yard"), "--auto-approve")
    assert manifest.read_text().endswith(
        "    shop:\n        path: shop\n        agents:\n            review: {type: codex}\n"
        f"    yard:\n        path: {project.home}/yard\n        agents:\n            claude: {{}}\n"
    )
    assert {pane.cwd for pane in project.live().values()} == {f"{project.root}/shop", f"{project.home}/yard"}
    told = project.run("create", "yard", "--path", "elsewhere", "--name", "b", "--agent", "claude", code=64)
    assert "workspace yard already has the path" in told
    assert "b: {" not in manifest.read_text()


def test_a_workspace_that_nobody_declares_comes_into_the_first_manifest(project: Project):
    (project.root / "manifests").mkdir()
    (project.root / "manifests" / "tmux.yaml").write_text(f"version: 1\ntmux: {{socket_path: {project.socket}}}\n")
    project.run("create", "lab", "--auto-approve")
    written = (project.root / "manifests" / "tmux.yaml").read_text()
    assert written.endswith("workspaces:\n  lab:\n    path: lab\n    agents:\n      claude: {}\n")
    assert not (project.root / "reconciler.yaml").exists()


def test_the_manifest_that_declares_the_workspace_is_the_one_that_is_edited_through_its_link(project: Project):
    first = _lab(project, "agents: {claude: {state: stopped}}")
    real = project.home / "shop.yaml"
    real.write_text("version: 1\nworkspaces: {shop: {path: shop, agents: {}}}\n")
    (project.root / "manifests").mkdir()
    link = project.root / "manifests" / "shop.yaml"
    link.symlink_to(real)
    before = first.read_bytes()
    project.run("create", "shop", "--auto-approve")
    assert link.is_symlink()
    assert real.read_text() == "version: 1\nworkspaces: {shop: {path: shop, agents: {claude: {}}}}\n"
    assert first.read_bytes() == before


def test_what_is_declared_already_is_refused_with_its_place(project: Project):
    manifest = _lab(project, "agents: {claude: {}}")
    before = manifest.read_bytes()
    assert "reconciler.yaml:8:" in project.run("create", "lab", "--auto-approve", code=7)
    assert manifest.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("lab", "--agent", "clade"), 1),
        (("lab", "--name", "a b"), 64),
        (("lab",), 64),  # nobody to ask
    ],
)
def test_what_is_invalid_or_not_approved_leaves_the_manifest_alone(project: Project, words, code):
    manifest = _lab(project)
    before = manifest.read_bytes()
    approved = () if words == ("lab",) else ("--auto-approve",)
    project.run("create", *words, *approved, code=code)
    assert (manifest.read_bytes(), project.live()) == (before, {})


def _answered(project: Project, answer: str, *words: str) -> int:
    """The exit code of the command, after somebody at a terminal has answered."""
    ours, theirs = pty.openpty()
    done = subprocess.Popen([*CLI, *words], cwd=project.root, env=project.env, stdin=theirs, stdout=subprocess.DEVNULL)
    os.write(ours, f"{answer}\n".encode())
    code = done.wait(PATIENCE)
    os.close(ours)
    os.close(theirs)
    return code


def test_who_does_not_say_yes_changes_nothing(project: Project):
    manifest = _lab(project)
    before = manifest.read_bytes()
    assert _answered(project, "no", "create", "lab") == 1
    assert (manifest.read_bytes(), project.live()) == (before, {})
    assert _answered(project, "yes", "create", "lab") == 0
    pane = project.live()
    assert _answered(project, "no", "delete", SESSION) == 1
    assert project.live() == pane


def test_a_start_that_fails_says_what_the_manifest_says_now(project: Project):
    _lab(project)
    said = project.run("create", "lab", "--auto-approve", code=3, PATH="/usr/bin:/bin")
    assert "reconciler.yaml:9:13 now declares agent.lab.claude: `reconciler apply` continues" in said
    assert project.actions() == {"agent.lab.claude": "create"}


def test_an_agent_that_others_need_is_not_deleted(project: Project):
    project.declare(claude={}, b={"type": "claude", "depends_on": ["claude"]})
    project.apply()
    before = project.files()
    assert "agent.lab.b depends on `claude`" in project.run("delete", SESSION, "--yes", code=1)
    assert set(project.live()) == {SESSION, "lab-creator-b"}
    assert project.files()["project/reconciler.yaml"] == before["project/reconciler.yaml"]


def test_the_protected_and_the_busy_stay_and_so_does_the_manifest(project: Project):
    project.declare(claude={"protect": True}, b={"type": "claude", "prompt": "hang"})
    project.apply()
    manifest = (project.root / "reconciler.yaml").read_bytes()
    wait_until(lambda: project.activity(project.pane("lab-creator-b").pid) == "busy")
    for session in (SESSION, "lab-creator-b"):
        project.run("delete", session, "--yes", code=7)
    assert len(project.live()) == 2
    assert (project.root / "reconciler.yaml").read_bytes() == manifest


def _spoken(project: Project) -> Path:
    """Two agents that were talked to; the transcript of the first."""
    project.declare(claude={"prompt": "hello"}, other={"type": "claude", "prompt": "hello"})
    project.apply()
    wait_until(lambda: len(project.transcripts()) == 2)
    (path,) = project.home.glob(f".claude/projects/*/{project.pane(SESSION).conversation}.jsonl")
    return path


def test_a_purge_lists_what_goes_and_deletes_that_alone(project: Project):
    transcript = _spoken(project)
    before = project.files().keys()
    lines = project.run("delete", SESSION, "--purge-conversation", "--yes", "--json").splitlines()
    told = [json.loads(line) for line in lines]
    (change,) = [each for each in told[1]["plan"]["resource_changes"] if each["address"] == "agent.lab.claude"]
    assert change["changes"][-1]["before"]["path"] == str(transcript)
    assert [step["do"] for step in change["steps"]] == ["stop_session", "delete_artifact", "write_registry"]
    assert [line["type"] for line in told if line["type"] == "manifest_edit"] == ["manifest_edit"]
    gone = {name for name in before - project.files().keys() if "/projects/" in name}
    assert gone == {str(transcript.relative_to(project.home))}
    assert set(project.live()) == {"lab-creator-other"}


def test_a_purge_of_what_a_link_leads_to_is_refused_and_nothing_is_done(project: Project):
    transcript = _spoken(project)
    project.run("stop", SESSION)
    elsewhere = project.home / "precious.jsonl"
    transcript.rename(elsewhere)
    transcript.symlink_to(elsewhere)
    manifest = (project.root / "reconciler.yaml").read_bytes()
    assert "is a symbolic link" in project.run("delete", SESSION, "--purge-conversation", "--yes", code=7)
    assert elsewhere.exists()
    assert (project.root / "reconciler.yaml").read_bytes() == manifest

    folder = transcript.parent
    transcript.unlink()
    elsewhere.rename(transcript)
    folder.rename(project.home / "moved")
    folder.symlink_to(project.home / "moved")
    assert "is not deleted" in project.run("delete", SESSION, "--purge-conversation", "--yes", code=7)
    assert len(list((project.home / "moved").iterdir())) == 2

    folder.unlink()
    (project.home / "moved").rename(folder)
    (project.home / ".claude").rename(project.home / "dotfiles")
    (project.home / ".claude").symlink_to(project.home / "dotfiles")
    project.run("delete", SESSION, "--purge-conversation", "--yes")  # the CLI's own folder may be linked as a whole
    assert len(list(project.home.glob("dotfiles/projects/*/*.jsonl"))) == 1


def test_a_row_of_a_shared_database_is_left_to_its_cli(project: Project):
    project.declare(one={"type": "opencode", "prompt": "hello"})
    project.apply()
    wait_until(lambda: project.json("conversations")["conversations"])
    conversation = project.json("conversations")["conversations"][0]
    assert conversation["started"]
    project.run("stop", "lab-creator-one")
    project.run("resume", "lab-creator-one", "--session-id", conversation["id"])
    said = project.run("delete", "lab-creator-one", "--purge-conversation", "--yes", code=7)
    assert f"opencode session delete {conversation['id']}" in said
    assert set(project.live()) == {"lab-creator-one"}


def test_several_agents_leave_one_manifest_together(project: Project):
    manifest = _lab(project, "agents: {}")
    before = manifest.read_bytes()
    for name in ("a", "b"):
        project.run("create", "lab", "--name", name, "--auto-approve")
    said = project.run("delete", "lab-creator-a", "agent.lab.b", "--yes")
    assert "reconciler.yaml:10: the block of agent.lab.b will be removed" in said
    assert (manifest.read_bytes(), project.live()) == (before, {})


def test_a_manifest_that_has_changed_meanwhile_is_not_written_over(project: Project):
    manifest = _lab(project)
    at = find_project(str(project.root), "")
    edit = addition(at, agent_address("lab", "claude"), {}, "lab")
    manifest.write_text("version: 1\n")
    with pytest.raises(StalePlan, match="has changed meanwhile"):
        write_manifests(at, [edit])
    assert manifest.read_text() == "version: 1\n"


def test_a_relative_program_is_looked_for_in_the_agents_folder_and_the_plan_says_which(project: Project):
    program = project.root / "bin" / "echoer"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o755)
    types = {"echoer": {"command": ["./bin/echoer"]}, "above": {"command": ["../bin/echoer"]}}
    project.write({"first": {"path": "."}}, agent_types=types)

    said = project.run("create", "second", "--agent", "echoer", "--auto-approve", code=3)
    assert f"./bin/echoer cannot be run (looked for in {project.root}/second)" in said
    assert "now declares agent.second.echoer" in said
    assert "`reconciler delete agent.second.echoer` undoes it" in said

    for workspace, kind in (("first", "echoer"), ("third", "above")):
        said = project.run("create", workspace, "--agent", kind, "--auto-approve")
        assert "cannot be run" not in said
    assert {"first-creator-echoer", "third-creator-above"} <= set(project.live())
