"""The monitor with others beside standard output."""

from __future__ import annotations

import json

import pytest
from kanban import standin

from reconciler.cli.commands.monitor import _words
from reconciler.cli.work.monitor import Manner
from reconciler.monitor.sinks.catalogue import Wanted


@pytest.fixture
def lab(project):
    project.declare(sh={"type": "shell"}, other={"type": "shell"})
    project.apply()
    return project


def test_everybody_is_told_of_one_look_before_it_ends(lab):
    lab.tmux("kill-session", "-t", "=lab-creator-sh")
    heard, numbers = lab.root / "heard", lab.root / "x.prom"
    done = lab.attempt("monitor", "--once", "--json", "--sink", f"exec:tee {heard}", "--sink", f"file:{numbers}")
    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(line)["type"] for line in done.stdout.splitlines()] == ["version", "drift"]
    assert [each["session"] for each in json.loads(heard.read_text())["news"]] == ["lab-creator-sh"]
    assert "reconciler_passes_total 1" in numbers.read_text()


def test_a_stop_on_the_card_ends_the_monitor_in_order(lab):
    board = standin(lab.home)
    board.run("comment", board.task, "stop monitoring")
    env = {"PATH": f"{lab.home}:{lab.env['PATH']}", "HERMES_HOME": board.env["HERMES_HOME"]}
    said = lab.run("monitor", "--interval", "100ms", "--card", board.task, **env)
    assert "The monitor ends: stop-requested by user at 2026-" in said
    assert board.card()["task"]["status"] == "blocked"


@pytest.mark.parametrize(
    "words",
    [
        ("--dry-run", "--sink", "exec:true"),
        ("--dry-run", "--card", "t_1"),
        ("--emit-diff", "--json"),
        ("--sink", "mail:me"),
    ],
)
def test_words_that_exclude_each_other_or_mean_nothing_are_wrong_usage(project, words):
    project.declare()
    done = project.attempt("monitor", "--once", *words)
    assert (done.returncode, done.stdout) == (64, "")
    assert not project.registry.exists()


def test_a_service_tells_whom_its_command_line_named():
    wanted = Wanted(("exec:a b", "mqtt:lab"), "t_1", notify=True)
    words = _words(Manner(as_json=True, others=wanted), "jobs")
    assert words == ["--json", "--notify", "--sink", "exec:a b", "--sink", "mqtt:lab", "--card", "t_1"]
