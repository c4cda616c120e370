"""A live session is taken into the manifests' care, and runs on."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from project import Project
from waiting import wait_until

ID = "b3a7c0de-1111-4222-8333-444455556666"


def test_an_adopted_agent_runs_on_under_its_new_name(project: Project):
    project.tmux("new-session", "-d", "-s", "my old one", "-c", str(project.root), "claude", "--session-id", ID)
    before = project.pane("my old one")
    wait_until(lambda: project.activity(before.pid) == "idle")
    project.write({"lab": {"path": ".", "agents": {"claude": {}}}})
    said = project.run("import", "agent.lab.claude", "my old one")
    assert "Apply complete! Resources: 1 imported, 0 added, 0 changed, 0 destroyed." in said
    pane = project.pane("lab-creator-claude")
    assert (pane.pid, pane.id, pane.dead) == (before.pid, before.id, False)
    assert (pane.address, pane.conversation) == ("agent.lab.claude", ID)
    assert pane.lineage == project.recorded()["lineage"]
    row = project.row("lab-creator-claude")
    assert (row["status"], row["managed"], row["claude_session_id_own"]) == ("running", True, ID)
    assert project.actions() == {}
    project.run("destroy", "--auto-approve")
    assert project.live() == {}


def test_what_cannot_be_adopted_is_left_alone(project: Project):
    project.write({"lab": {"path": ".", "agents": {"claude": {}, "other": {"type": "claude"}}}})
    project.apply("--target", "agent.lab.claude")
    before = project.live()
    assert "there is no session nowhere" in project.run("import", "agent.lab.other", "nowhere", code=7)
    said = project.run("import", "agent.lab.other", "lab-creator-claude", code=7)
    assert "session lab-creator-claude belongs to another agent" in said
    assert "there is no agent.lab.nobody" in project.run("import", "agent.lab.nobody", "any", code=64)
    assert project.live() == before


def test_generated_manifests_declare_what_is_unmanaged(project: Project):
    project.write({})
    _manual(project, "web-creator-claude", "claude")
    _manual(project, "web-reviewer-claude", "claude")
    _manual(project, "web-creator-clock", "sleep", "1000")
    _manual(project, "web-1-2", "sleep", "1000")
    _manual(project, "private", "sleep", "1000")
    before = project.live()
    listed = json.loads(project.run("unmanaged", "--json"))["unmanaged"]
    assert {each["session"] for each in listed} == {
        "web-creator-claude",
        "web-reviewer-claude",
        "web-creator-clock",
        "web-1-2",
    }
    generated = project.run("import", "--generate")
    (project.root / "manifests").mkdir()
    (project.root / "manifests" / "adopted.yaml").write_text(generated)
    assert "Valid: 2 files, 1 workspace, 4 agents." in project.run("validate")
    for line in generated.splitlines():
        if "# adopt with: reconciler " in line:
            project.run(*shlex.split(line.partition("# adopt with: reconciler ")[2]))
    assert project.actions() == {}
    after = project.live()
    assert {pane.pid for pane in after.values()} == {pane.pid for pane in before.values()}
    assert after["private"] == before["private"]
    assert json.loads(project.run("unmanaged", "--json")) == {"unmanaged": []}


def test_a_session_of_ours_that_lost_its_row_is_recorded_again(project: Project):
    project.declare(claude={}, other={"type": "claude"})
    project.apply()
    before = project.live()
    kept = project.registry.read_text()
    start, end = kept.index("  lab-creator-other:"), len(kept)
    project.registry.write_text(kept[:start] + kept[end:])
    assert project.actions() == {"agent.lab.other": "import"}
    project.apply()
    assert project.live() == before
    assert project.row("lab-creator-other")["pane"]["pid"] == before["lab-creator-other"].pid
    assert project.actions() == {}


def _manual(project: Project, session: str, *command: str) -> None:
    folder = Path(project.root / "web")
    folder.mkdir(exist_ok=True)
    project.tmux("new-session", "-d", "-s", session, "-c", str(folder), "env", *command)
