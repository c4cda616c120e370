"""A live session is taken into the manifests' care, and runs on."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest
from project import CLI, Project
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
    assert (row["status"], row["managed"], row["claude_session_id_own"]) == ("running", True, None)
    assert project.identities("lab") == {"claude": {"session_id": ID, "previous": []}}
    assert "No drift." in project.run("drift"), "nothing was said yet, so nothing is missing"
    assert project.actions() == {}
    project.run("destroy", "--auto-approve")
    assert project.live() == {}


def test_what_cannot_be_adopted_is_left_alone(project: Project):
    project.write({"lab": {"path": ".", "agents": {"claude": {}, "other": {"type": "claude"}}}})
    project.apply("--target", "agent.lab.claude")
    before = project.live()
    assert "there is no session nowhere" in project.run("import", "agent.lab.other", "nowhere", code=1)
    said = project.run("import", "agent.lab.other", "lab-creator-claude", code=7)
    assert "session lab-creator-claude belongs to another agent" in said
    assert "there is no agent.lab.nobody" in project.run("import", "agent.lab.nobody", "any", code=64)
    assert project.live() == before


def test_generated_manifests_declare_what_is_unmanaged(project: Project):
    project.write({}, agent_types={"ticker": {"command": ["sleep", "1000"]}})
    _remember(project, reviewer="clock", **{"1": "2"})
    _manual(project, "web-creator-claude", "claude")
    _manual(project, "web-creator-ticker", "sleep", "1000")
    _manual(project, "web-dev-server", "sleep", "1000")
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
        "web-creator-ticker",
        "web-1-2",
    }
    generated = project.run("import", "--generate")
    (project.root / "manifests").mkdir()
    (project.root / "manifests" / "adopted.yaml").write_text(generated)
    assert "Valid: 2 files, 1 workspace, 5 agents." in project.run("validate")
    for line in generated.splitlines():
        if "# adopt with: reconciler " in line:
            project.run(*shlex.split(line.partition("# adopt with: reconciler ")[2]))
    assert project.actions() == {}
    after = project.live()
    assert {pane.pid for pane in after.values()} == {pane.pid for pane in before.values()}
    assert after["private"] == before["private"]
    assert json.loads(project.run("unmanaged", "--json")) == {"unmanaged": []}


@pytest.mark.parametrize("redirected", ["> manifests/adopted.yaml", ">> manifests/adopted.yaml"])
def test_a_generated_manifest_may_be_redirected_to_where_manifests_are(project: Project, redirected: str):
    project.write({})
    _manual(project, "web-creator-claude", "sleep", "1000")
    generated = project.run("import", "--generate")
    (project.root / "manifests").mkdir()
    said = _redirected(project, f"import --generate {redirected}")
    assert said.returncode == 0, said.stderr
    assert (project.root / "manifests" / "adopted.yaml").read_text() == generated
    project.run("validate")


def test_the_first_manifest_of_a_project_may_be_a_generated_one(project: Project):
    project.write({})
    (project.root / "reconciler.yaml").unlink()
    said = _redirected(project, "import --generate > reconciler.yaml")
    assert said.returncode == 0, said.stderr
    assert (project.root / "reconciler.yaml").read_text() == "version: 1\nworkspaces: {}\n"


def test_what_another_command_empties_is_a_mistake_as_before(project: Project):
    """All that the manifest declared would be ended."""
    project.declare(claude={})
    project.apply()
    before = project.live()
    said = _redirected(project, "apply --auto-approve > reconciler.yaml")
    assert said.returncode != 0
    assert "the manifest is empty" in said.stderr
    (project.root / "manifests").mkdir()
    (project.root / "manifests" / "cut.yaml").touch()
    said = _redirected(project, "import --generate > reconciler.yaml")
    assert "manifests/cut.yaml" in said.stderr
    assert project.live() == before


def _redirected(project: Project, line: str) -> subprocess.CompletedProcess[str]:
    script = f"{shlex.join(CLI)} {line}"
    return subprocess.run(
        ["sh", "-c", script], check=False, cwd=project.root, env=project.env, capture_output=True, text=True
    )


def _remember(project: Project, **types: str) -> None:
    """Archived rows of agents with these roles and types: what they are called is known from then on."""
    rows = {
        f"old-{role}-{kind}": {"workspace": "old", "agent": kind, "role": role, "status": "archived"}
        for role, kind in types.items()
    }
    project.registry.parent.mkdir()
    project.registry.write_text(json.dumps({"sessions": rows}))


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


def test_a_conversation_is_never_bound_to_two_agents(project: Project):
    project.declare(claude={"prompt": "hello"}, two={"type": "claude", "prompt": "hi"})
    project.apply()
    wait_until(lambda: len(list(project.home.glob(".claude/projects/*/*.jsonl"))) == 2)
    project.run("refresh")
    held = project.row("lab-creator-two")["two_session_id_own"]
    project.reboot()
    _manual(project, "mywork", "claude", "--resume", held)
    wait_until(lambda: project.activity(project.pane("mywork").pid) == "idle")
    before = project.registry.read_bytes()

    said = project.run("import", "agent.lab.claude", "mywork", code=7)

    assert "session mywork holds the conversation of agent.lab.two" in said
    assert "reconciler import agent.lab.two mywork" in said
    assert project.registry.read_bytes() == before
    project.run("import", "agent.lab.two", "mywork")
    assert project.pane("lab-creator-two").conversation == held


def test_a_bare_shell_is_never_taken_for_an_agent(project: Project):
    project.declare(claude={})
    project.apply()
    project.reboot()
    _manual(project, "lab-creator-claude", "sh")
    wait_until(lambda: "sh" in project.tmux("list-panes", "-a", "-F", "#{pane_current_command}").split())

    told = project.run("plan", code=7)
    said = project.run("import", "agent.lab.claude", "lab-creator-claude", code=7)

    assert "end that session" in told
    assert "reconciler import" not in told
    assert "session lab-creator-claude runs only sh" in said
    assert project.pane("lab-creator-claude").lineage == ""


def test_a_shell_that_has_started_the_agent_can_be_imported(project: Project):
    project.tmux(
        "new-session", "-d", "-s", "mine", "-c", str(project.root), "sh", "-c", f"claude --session-id {ID}; true"
    )
    wait_until(lambda: project.activity(_child(project.pane("mine").pid)) == "idle")
    project.declare(claude={})

    project.run("import", "agent.lab.claude", "mine")

    assert project.pane("lab-creator-claude").conversation == ID


def _child(pid: int) -> int:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else 0
