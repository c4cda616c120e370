"""A project file of another tool becomes a manifest, its agents are started, and every conversation goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest
from project import Project, arguments, git
from waiting import wait_until

FIRST = "b3a7c0de-1111-4222-8333-444455556666"
SECOND = "c3a7c0de-2222-4222-8333-444455556666"
TMUXP = f"""\
session_name: site
start_directory: ./site
environment: {{MODE: strict}}
windows:
- window_name: writer
  layout: main-vertical
  panes:
  - shell_command: [cd ., exec claude --resume {FIRST}]
- window_name: reader
  panes:
  - {{start_directory: ./docs, shell_command: bash -lc "claude -r {SECOND} --model opus"}}
- window_name: logs
  panes: [tail -f log, null]
"""
TMUXINATOR = f"""\
name: site
root: <%= ENV["HOME"] %>/project/site
pre_window: export MODE=strict
windows:
- writer: claude --resume {FIRST}
- docs:
    root: docs
    layout: main-vertical
    panes:
    - reader: [clear, 'claude -r {SECOND} --model opus']
    - vim
- logs: tail -f log
"""


class OtherTools(Project):
    """A project of another tool: no manifest, no registry, the default tmux server."""

    @property
    def env(self) -> dict[str, str]:
        return {**super().env, "TMUX_TMPDIR": str(self.home / "s")}

    def stored(self, conversation: str, folder: str) -> None:
        """A conversation of Claude Code that ended some time ago."""
        cwd = self.root / folder
        cwd.mkdir(parents=True, exist_ok=True)
        key = "".join(each if each.isalnum() else "-" for each in str(cwd))
        file = self.home / ".claude" / "projects" / key / f"{conversation}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = [
            {"type": kind, "sessionId": conversation, "cwd": str(cwd), "message": {"role": kind, "content": "hi"}}
            for kind in ("user", "assistant")
        ]
        file.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))


@pytest.fixture
def others(project: Project) -> Iterator[OtherTools]:
    folder = project.home / "s" / f"tmux-{os.getuid()}"
    folder.mkdir(parents=True, mode=0o700)
    made = OtherTools(project.root, project.home, folder / "default")
    yield made
    made.tmux("kill-server")


@pytest.mark.parametrize(
    ("tool", "file", "text"), [("tmuxp", "site.yaml", TMUXP), ("tmuxinator", "site.yml", TMUXINATOR)]
)
def test_a_project_file_is_adopted_applied_and_restored_with_every_id(
    others: OtherTools, tool: str, file: str, text: str
):
    others.stored(FIRST, "site")
    others.stored(SECOND, "site/docs")
    path = others.root / file
    path.write_text(text)
    before = path.read_bytes()

    shown = others.run("adopt", "--from", tool, file)
    assert not (others.root / "reconciler.yaml").exists()
    assert "`layout`" in shown
    assert "`tail -f log`" in shown
    others.run("adopt", "--from", tool, file, "--write", "--auto-approve")
    assert path.read_bytes() == before
    assert others.actions() == {"agent.site.writer": "resume", "agent.site-docs.reader": "resume"}

    others.apply()
    assert sorted(others.live()) == ["site-creator-writer", "site-docs-creator-reader"]
    ids = {name: others.identities(name) for name in ("site", "site-docs")}
    assert ids["site"]["writer"]["session_id"] == FIRST
    assert ids["site-docs"]["reader"]["session_id"] == SECOND
    assert others.actions() == {}

    others.reboot()
    others.apply()
    for session, conversation in {"site-creator-writer": FIRST, "site-docs-creator-reader": SECOND}.items():
        words = arguments(others.pane(session).pid)
        assert words[words.index("--resume") + 1] == conversation
    assert {name: others.identities(name) for name in ids} == ids


def test_a_session_of_claude_squad_that_runs_is_taken_over_with_its_conversation(others: OtherTools):
    repo, tree = others.home / "repo", others.home / ".claude-squad" / "worktrees" / "fix"
    repo.mkdir()
    git(repo, "init", "-q")
    git(repo, "-c", "user.name=u", "-c", "user.email=u@h", "commit", "-q", "--allow-empty", "-m", "one")
    git(repo, "worktree", "add", "-q", "-b", "u/fix", str(tree))
    worktree = {"repo_path": str(repo), "worktree_path": str(tree), "branch_name": "u/fix"}
    instance = {"title": "fix it", "path": str(repo), "status": 1, "program": "claude", "worktree": worktree}
    state = others.home / ".claude-squad" / "state.json"
    state.write_text(json.dumps({"help_screens_seen": 0, "instances": [instance]}))
    command = f"exec claude --session-id {FIRST}"
    others.tmux("new-session", "-d", "-s", "claudesquad_fixit", "-c", str(tree), command)
    pid = others.pane("claudesquad_fixit").pid
    wait_until(lambda: others.activity(pid) == "idle")
    others.type("claudesquad_fixit", "hello")
    wait_until(lambda: list(others.home.glob(f".claude/projects/*/{FIRST}.jsonl")))
    wait_until(lambda: others.activity(pid) == "idle")

    others.run("adopt", "--from", "claude-squad", "--write", "--auto-approve")

    assert {session: pane.pid for session, pane in others.live().items()} == {"fix-it-creator-claude": pid}
    assert others.identities("fix-it")["claude"]["session_id"] == FIRST
    assert others.actions() == {}
