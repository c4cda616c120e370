"""What the real CLIs tell their hooks, and in which process and pane they run them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from clis import CLAUDE_NEW, CLAUDE_OLD, CODEX, GEMINI, Cli
from real_project import AGENT, RealProject
from waiting import wait_until

PROMPT = "Remember the word larch."
# Codex asks about new hooks at its start; what comes up there is another test's.
TRUSTING = replace(CODEX, args=("--dangerously-bypass-hook-trust",))


@pytest.mark.parametrize("cli", [CLAUDE_OLD, CLAUDE_NEW, TRUSTING, GEMINI], ids=str)
def test_a_hook_leaves_a_note_about_the_process_in_its_pane(project: RealProject, cli: Cli):
    project.run("job", "hooks", "install", cli.name, "-C", "lab", "--registry-dir", str(project.root / ".mam/jobs"))
    project.begin(cli)
    project.ask(cli, PROMPT)
    (path,) = wait_until(lambda: list(project.root.glob(".mam/jobs/.conversations/*.json")))
    note = json.loads(path.read_text())
    pane = project.pane(AGENT)
    assert (note["type"], note["pane_id"]) == (cli.name, pane.id)
    assert note["conversation"] == project.agent()["conversation"]
    assert note["cwd"] == str(project.folder)
    project.stop()
