"""The monitor's card, on a board of the real hermes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.clock import FakeClock
from install import CACHE
from kanban import board
from waiting import PATIENCE, wait_until

from reconciler.model.drift_class import DriftClass
from reconciler.model.plan import Drift
from reconciler.model.watch import Notice, Pass
from reconciler.monitor.sink import SinkFailed
from reconciler.monitor.sinks.card import AUTHOR, Card, Hermes
from reconciler.skills.texts import skills

AT = "2026-06-25T03:19:24Z"
DRIFT = Drift(
    DriftClass.SESSION_GONE, "lab-creator-claude", None, "lab-creator-claude: tmux gone.", "running", "terminated"
)
QUIET, NEWS = Pass(1, AT, 0.1), Pass(1, AT, 0.1, drifts=(DRIFT,), news=(Notice(DRIFT, 1),))
VERSION = "0.19.0"
PAGE = Path(__file__).parents[2] / "docs" / "sinks.md"


@pytest.fixture(scope="session")
def hermes():
    """The program, from PyPI, installed once."""
    folder = CACHE / f"hermes-agent@{VERSION}"
    if not (folder / "ready").exists():
        _install(folder)
    return folder / "bin" / "hermes"


def _install(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    pip = [folder / "bin" / "pip", "install", "--quiet", f"hermes-agent=={VERSION}"]
    done = subprocess.run(pip, capture_output=True, text=True, check=False, timeout=900)
    if done.returncode:
        pytest.skip(f"hermes-agent {VERSION} cannot be installed: {done.stderr.strip()[-300:]}")
    (folder / "ready").touch()


def test_a_card_is_commented_kept_alive_and_blocked_when_its_user_says_so(hermes, tmp_path):
    card, clock = board(tmp_path, str(hermes), os.environ["PATH"]), FakeClock()
    sink = card.sink(clock)
    assert sink.tell(NEWS) == ""
    assert card.comments() == [(AUTHOR, "A  lab-creator-claude: tmux gone.")]
    assert card.heartbeats() == []

    card.run("claim", card.task)
    clock.wait(30)
    assert sink.tell(QUIET) == ""
    assert card.heartbeats() == [f"alive, 1 drifts detected, last at {AT}"]

    card.run("comment", card.task, "stop", "--author", AUTHOR)
    clock.wait(30)
    assert sink.tell(QUIET) == ""

    card.run("comment", card.task, "stop monitoring")
    clock.wait(30)
    reason = sink.tell(QUIET)
    assert reason.startswith("stop-requested by user at 20")
    assert card.card()["task"]["status"] == "blocked"
    assert card.comments()[-1][1] == f"BLOCKED: {reason}"

    card.run("unblock", card.task)
    assert card.sink(clock).tell(QUIET) == ""


def test_a_card_that_is_not_there_is_a_failure(hermes, tmp_path):
    card = board(tmp_path, str(hermes), os.environ["PATH"])
    with pytest.raises(SinkFailed) as error:
        Card(Hermes(card.program, "t_nope", card.env), FakeClock()).tell(NEWS)
    assert "no such task" in error.value.detail
    refused = Hermes(card.program, "t_nope", card.env)
    for attempt in (lambda: refused.comment("x"), lambda: refused.heartbeat("x"), lambda: refused.block("x")):
        with pytest.raises(SinkFailed):
            attempt()


def test_the_card_of_the_page_can_be_made(hermes, tmp_path):
    page = PAGE.read_text()
    (recipe,) = re.findall(r"^\$ (hermes kanban create .*?)^```$", page, re.MULTILINE | re.DOTALL)
    card = board(tmp_path, str(hermes), f"{hermes.parent}:{os.environ['PATH']}")
    done = subprocess.run(["sh", "-c", recipe], cwd=tmp_path, env=card.env, capture_output=True, text=True, check=True)
    made = json.loads(card.run("show", done.stdout.split()[1], "--json"))["task"]
    assert (made["title"], made["status"]) == ("agent-sessions monitor", "ready")
    assert (made["skills"], made["workspace_path"]) == (["tmux-agent-orchestrate-monitor"], str(tmp_path))
    assert "Run `reconciler monitor` in this workspace" in made["body"]


def test_the_card_of_the_scripts_is_refused_today(hermes, tmp_path):
    card = board(tmp_path, str(hermes), os.environ["PATH"])
    words = [str(hermes), "kanban", "create", "--title", "agent-sessions monitor"]
    done = subprocess.run(words, env=card.env, capture_output=True, text=True, check=False)
    assert "unrecognized arguments: --title" in done.stderr


def test_a_monitor_that_a_worker_starts_ends_with_the_card_of_the_worker(hermes, tmp_path):
    card = board(tmp_path, str(hermes), f"{hermes.parent}:{os.environ['PATH']}")
    card.run("claim", card.task)
    card.run("comment", card.task, "we can stop for today")
    registry = tmp_path / ".hermes" / "agent-sessions.yaml"
    registry.write_text("sessions: {lab-creator-claude: {workspace: lab, agent: claude, status: running}}\n")
    run = str(json.loads(card.run("runs", card.task, "--json"))[0]["id"])
    env = {**card.env, "HERMES_KANBAN_TASK": card.task, "HERMES_KANBAN_RUN_ID": run, "TMUX_TMPDIR": str(tmp_path)}
    words = [sys.executable, "-m", "reconciler", "-C", str(tmp_path), "monitor"]
    worker = subprocess.Popen(words, env=env, stderr=subprocess.PIPE, text=True)
    try:
        # the answer, and the drift
        wait_until(lambda: worker.poll() is not None or [who for who, _ in card.comments()].count(AUTHOR) == 2)
        card.run("comment", card.task, "stop")
        _, said = worker.communicate(timeout=PATIENCE)  # it looks every half minute
    finally:
        worker.kill()
    assert (worker.returncode, "stop-requested by user at 20" in said) == (0, True)
    assert card.card()["task"]["status"] == "blocked"
    assert [author for author, _ in card.comments()].count(AUTHOR) == 2


@pytest.mark.parametrize("skill", skills(), ids=lambda skill: skill.name)
def test_hermes_shows_a_skill_outside_of_its_board_too(hermes, tmp_path, skill):
    code = "import sys; from agent.skill_utils import parse_frontmatter as parse, skill_matches_environment as shown;"
    code += "print(shown(parse(sys.stdin.read())[0]))"
    words = [str(hermes.parent / "python"), "-c", code]
    env = {"HOME": str(tmp_path), "HERMES_HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(words, input=skill.text, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
