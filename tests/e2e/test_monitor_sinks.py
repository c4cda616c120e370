"""The monitor with others beside standard output."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from kanban import standin
from project import SECONDS
from waiting import wait_until

from reconciler.app.monitor.monitor import MonitorOptions
from reconciler.app.project.fences import MONITOR_STATE
from reconciler.cli.commands.monitor import NewsOutput, _words
from reconciler.monitor.sinks.catalogue import CARD_OF_WORKER, SinkOptions


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


def test_a_monitor_that_was_killed_in_an_outage_owes_nobody_anything(lab):
    """One sink hears it from the first monitor, one from the second, and both once."""
    well, ill, down = lab.root / "well", lab.root / "ill", lab.home / "down"
    script = lab.home / "tell"
    script.write_text(f"#!/bin/sh\n[ -e {down} ] && exit 1\nexec tee -a {ill}\n")
    script.chmod(0o755)
    down.touch()
    lab.tmux("kill-session", "-t", "=lab-creator-sh")
    words = ("--sink", f"exec:tee -a {well}", "--sink", f"exec:{script}")
    first = lab.start("monitor", "--interval", "1h", *words)
    try:
        wait_until(lambda: [sink for sink, _ in owed(lab)] == [f"exec:{script}"] and well.exists() and not pending(lab))
        # it warns after it has noted what it owes; its output ends with it, which fails here
        assert any(f"Warning: exec:{script} cannot be reached" in line for line in first.stderr)
    finally:
        first.kill()
        first.communicate(timeout=SECONDS)
    assert (heard(well), heard(ill), owed(lab)) == ([["sh"]], [], [(f"exec:{script}", ["sh"])])

    lab.tmux("kill-session", "-t", "=lab-creator-other")
    said = lab.run("monitor", "--once", *words)
    assert f"exec:{script} did not get everything; drifts that the next monitor will send: 2" in said
    down.unlink()
    lab.run("monitor", "--once", *words)
    lab.run("monitor", "--once", *words)
    assert heard(well) == [["sh"], ["other"]]
    assert heard(ill) == [["sh", "other"]]
    assert owed(lab) == []


def pending(lab):
    return [entry for text in texts(lab, "lab.state") for entry in json.loads(text)["pending"]]


def owed(lab):
    """What stands on disk: each sink, and the agents that it is still to be told of."""
    found = map(json.loads, texts(lab, "*.owed"))
    return [(each["sink"], agents(each["owed"])) for each in found]


def texts(lab, pattern):
    """The state files as they are now; one may go at any moment."""
    for path in (lab.root / MONITOR_STATE).glob(pattern):
        with suppress(FileNotFoundError):
            yield path.read_text()


def heard(path):
    """The agents in each document that a sink was given."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [agents(json.loads(line)["news"]) for line in lines]


def agents(entries):
    return [each["address"].rpartition(".")[2] for each in entries]


def test_a_stop_on_the_card_ends_the_monitor_in_order(lab):
    board = standin(lab.home)
    board.run("comment", board.task, "stop monitoring")
    env = {"PATH": f"{lab.home}:{lab.env['PATH']}", "HERMES_HOME": board.env["HERMES_HOME"]}
    said = lab.run("monitor", "--interval", "100ms", "--card", board.task, **env)
    assert "The monitor ends: stop-requested by user at 2026-" in said
    assert board.card()["task"]["status"] == "blocked"


def test_a_monitor_in_a_worker_reports_to_the_card_of_the_worker(lab):
    board, env = workers(lab)
    board.run("comment", board.task, "stop")
    lab.tmux("kill-session", "-t", "=lab-creator-sh")
    said = lab.run("monitor", "--interval", "100ms", **env)
    assert "The monitor ends: stop-requested by user at 2026-" in said
    assert any(body.startswith("A  lab-creator-sh: ") for _, body in board.comments())


@pytest.mark.parametrize("words", [("--once",), ("--emit-diff",), ("--timeout", "1", "--dry-run")])
def test_one_look_and_a_trial_leave_the_card_to_the_worker(lab, words):
    board, env = workers(lab)
    lab.tmux("kill-session", "-t", "=lab-creator-sh")
    lab.run("monitor", *words, **env)
    assert board.comments() == []
    assert board.calls() == ["init", "create", "show"]  # the last one is ours, of the line above


def test_a_card_that_is_named_comes_before_the_one_of_the_worker(lab):
    board, env = workers(lab)
    board.run("comment", board.task, "stop")
    lab.run("monitor", "--card", board.task, **{**env, CARD_OF_WORKER: "t_another"})
    assert board.card()["task"]["status"] == "blocked"


def test_a_worker_without_hermes_is_told_which_variable_asks_for_it(lab):
    done = lab.attempt("monitor", "--timeout", "1", **{CARD_OF_WORKER: "t_7e8a810b"})
    assert done.returncode == 64
    assert "HERMES_KANBAN_TASK: program not found: hermes" in done.stderr
    assert "HERMES_KANBAN_TASK= reconciler monitor" in done.stderr
    assert lab.attempt("monitor", "--timeout", "100ms", **{CARD_OF_WORKER: " "}).returncode == 0


def workers(lab):
    """A board with a card, and what a worker that has taken the card has in its environment."""
    board = standin(lab.home)
    path = f"{lab.home}:{lab.env['PATH']}"
    return board, {"PATH": path, "HERMES_HOME": board.env["HERMES_HOME"], CARD_OF_WORKER: board.task}


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
    wanted = SinkOptions(("exec:a b", "mqtt:lab"), "t_1", notify=True)
    words = _words(MonitorOptions(sinks=wanted), NewsOutput(as_json=True), "jobs")
    assert words == ["--json", "--notify", "--sink", "exec:a b", "--sink", "mqtt:lab", "--card", "t_1"]
