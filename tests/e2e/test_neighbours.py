"""Others use the same tmux server: what they call themselves changes nothing, and what is theirs stays.

The agents' panes may be split, moved and swapped by whoever sits at the server.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from project import Project, runs
from waiting import wait_until

SESSION, ADDRESS = "lab-creator-claude", "agent.lab.claude"
NAMING_ITSELF = "import os, sys; os.execv('/bin/sleep', [sys.argv[1], '1000'])"
SPLITTING = "sh -c 'tmux split-window -d \"sleep 1000\"; exec sleep 1000'"


class Place(NamedTuple):
    """Where a pane is, as tmux tells it."""

    session: str
    pid: int
    dead: str


def places(project: Project) -> dict[str, Place]:
    """Every pane, by its id."""
    rows = project.tmux("list-panes", "-a", "-F", "#{pane_id} #{session_name} #{pane_pid} #{pane_dead}").splitlines()
    fields = (row.split(" ") for row in rows)
    return {pane: Place(session, int(pid or 0), dead) for pane, session, pid, dead in fields}  # 3.8: no pid of the dead


def sessions(project: Project) -> set[str]:
    return set(project.tmux("list-sessions", "-F", "#{session_name}").split())


def started(project: Project, **agents: object) -> dict[str, tuple[str, Place]]:
    """The agents after an apply: the id of each pane, and where it is."""
    project.declare(**(agents or {"claude": {}}))
    project.apply()
    return {place.session: (pane, place) for pane, place in places(project).items()}


def status(project: Project, name: str = "claude") -> dict:
    [line] = [each for each in project.json("status", code=0)["agents"] if each["address"] == f"agent.lab.{name}"]
    return line


# --- names --------------------------------------------------------------------------------------


def _forged(project: Project, pid: int) -> str:
    """What a process would have to be called, to make rows of its own out of its name."""
    lineage = project.recorded()["lineage"]
    old = f"\n{SESSION}\x1f$2\x1f%2\x1f{pid}\x1fsleep\x1f/\x1f0\x1f\x1f\x1f1\x1f0\x1f{lineage}\x1f{ADDRESS}"
    new = f"\n<$2><%2><{pid}><0><><><1><0><1><1><3.3a><7><{lineage}><{ADDRESS}><></p><{SESSION}><sleep></><>\n<"
    return f"sleep{old}\x1f\x1fs\x1f1\x1f1\x1f3.3a\x1f\n{new}"


def test_no_program_makes_a_session_of_others_end_by_what_it_calls_itself(project: Project):
    _, place = started(project)[SESSION]
    project.tmux("new-session", "-d", "-s", "aevil", "sleep 1000")
    project.tmux("new-session", "-d", "-s", "precious", "sleep 1000")
    [precious] = [each for each in places(project).values() if each.session == "precious"]
    project.tmux("new-window", "-t", "=aevil:", sys.executable, "-c", NAMING_ITSELF, _forged(project, precious.pid))
    project.lose(SESSION)

    assert status(project)["live"] == "gone"
    project.run("stop", SESSION, "--now")

    assert sessions(project) == {"aevil", "precious"}
    assert runs(precious.pid)
    assert not runs(place.pid)


@pytest.mark.parametrize("name", ["x\ny", "x\x1fy", "x><y", "x\\037y"])
def test_the_agents_are_known_whatever_folder_others_work_in(project: Project, name: str):
    _, place = started(project)[SESSION]
    folder = project.home / name
    folder.mkdir()
    project.tmux("new-session", "-d", "-s", "foreign", "-c", str(folder), "sleep 1000")

    assert (status(project)["live"], status(project)["pid"]) == ("alive", place.pid)
    project.run("plan", "--detailed-exitcode", code=0)
    project.run("stop", SESSION, "--now")

    assert sessions(project) == {"foreign"}


# --- the pane that was started ---------------------------------------------------------------------


def test_an_agent_that_splits_its_window_at_once_is_the_pane_that_was_started(project: Project):
    splitting = ["-c", 'tmux split-window -d "sleep 1000"; tmux split-window -bd "sleep 1000"; exec sleep 1000']
    project.declare(team={"type": "shell", "args": splitting})

    project.apply()

    wait_until(lambda: len(places(project)) == 3)
    row = project.row("lab-creator-team")["pane"]
    assert places(project)[row["id"]].pid == row["pid"]
    assert (status(project, "team")["live"], status(project, "team")["pid"]) == ("alive", row["pid"])
    assert project.actions() == {}
    project.run("stop", "lab-creator-team", "--now")
    assert not runs(row["pid"])


def test_a_hook_that_opens_a_pane_beside_each_agent_harms_none(project: Project):
    (project.home / ".tmux.conf").write_text("set-hook -g after-new-session 'split-window -h \"sleep 1000\"'\n")

    _, place = started(project, claude={}, agy={})[SESSION]

    assert status(project)["live"] == status(project, "agy")["live"] == "alive"
    assert project.actions() == {}
    row = project.row(SESSION)["pane"]
    os.kill(row["pid"], 9)
    wait_until(lambda: project.tmux("run-shell", "true") == "" and places(project)[row["id"]].dead == "1")
    assert status(project)["note"] in {"exited with signal 9", "exited with unknown status"}  # 3.2 tells no signal
    assert place.session == SESSION


# --- panes that were moved -------------------------------------------------------------------------


def _join(project: Project, pane: str) -> None:
    project.tmux("join-pane", "-d", "-s", pane, "-t", "=mine:")


def _swap(project: Project, pane: str) -> None:
    project.tmux("swap-pane", "-d", "-s", pane, "-t", "=mine:")


def _break(project: Project, pane: str) -> None:
    project.tmux("break-pane", "-d", "-s", pane, "-t", "=mine:")


@pytest.mark.parametrize("move", [_join, _swap, _break])
def test_an_agent_whose_pane_was_moved_runs_on_and_is_told_of_where_it_is(project: Project, move):
    pane, place = started(project)[SESSION]
    project.tmux("new-session", "-d", "-s", "mine", "sleep 1000")
    beside = {each.pid for each in places(project).values() if each.session == "mine"}
    move(project, pane)
    assert places(project)[pane] == ("mine", place.pid, "0")

    seen = status(project)
    assert (seen["session"], seen["live"], seen["pid"]) == (SESSION, "alive", place.pid)
    assert seen["note"] == "its pane was moved to session mine"
    project.run("plan", "--detailed-exitcode", code=0)
    assert "its pane was moved to session mine by hand" in project.run("drift", code=2)
    project.apply()
    assert (project.row(SESSION)["status"], len([*project.live()])) == ("running", len(sessions(project)))
    assert [each.pid for each in places(project).values() if each.pid == place.pid] == [place.pid]

    project.run("stop", SESSION, "--now")

    assert not runs(place.pid)
    assert all(map(runs, beside))
    assert "mine" in sessions(project)  # with a dead pane, where there was no other in it
    assert project.row(SESSION)["status"] == "stopped"


def test_an_agent_whose_pane_was_moved_is_not_replaced(project: Project):
    pane, place = started(project)[SESSION]
    project.tmux("new-session", "-d", "-s", "mine", "sleep 1000")
    _join(project, pane)
    project.declare(claude={"args": ["--verbose"]})

    said = project.apply(code=7)

    assert "its pane was moved to session mine" in said
    assert runs(place.pid)


def test_an_agent_in_the_session_of_another_one_outlives_that_one(project: Project):
    agents = started(project, claude={}, agy={})
    (pane, claude), (_, agy) = agents[SESSION], agents["lab-creator-agy"]
    project.tmux("join-pane", "-d", "-s", pane, "-t", "=lab-creator-agy:")

    project.run("stop", "lab-creator-agy", "--now")

    assert (runs(claude.pid), runs(agy.pid)) == (True, False)
    assert status(project)["note"] == "its pane was moved to session lab-creator-agy"
    project.run("stop", SESSION, "--now")
    assert not runs(claude.pid)


# --- endings that fail -----------------------------------------------------------------------------


def test_two_agents_in_one_session_end_both(project: Project):
    agents = started(project, claude={}, agy={})
    (pane, claude), (_, agy) = agents[SESSION], agents["lab-creator-agy"]
    project.tmux("join-pane", "-d", "-s", pane, "-t", "=lab-creator-agy:")

    project.run("destroy", "--auto-approve")

    assert (runs(claude.pid), runs(agy.pid)) == (False, False)
    assert sessions(project) == set()


def test_the_folder_of_an_agent_stays_whose_session_tmux_does_not_end(project: Project, tmp_path: Path):
    _, place = started(project)[SESSION]
    real = shutil.which("tmux", path=project.env["PATH"])
    (tmp_path / "tmux").write_text(
        f'#!/bin/sh\ncase "$*" in *source-file*) echo "no, says tmux" >&2; exit 1;; esac\nexec {real} "$@"\n'
    )
    (tmp_path / "tmux").chmod(0o755)
    folder = os.readlink(f"/proc/{place.pid}/cwd")

    path = f"{tmp_path}:{project.env['PATH']}"
    said = project.run("destroy", "--auto-approve", code=1, PATH=path)

    assert f"not done: it needs {ADDRESS} to end first" in said
    assert "its session is still there: no, says tmux" in said
    assert Path(folder).is_dir()
    assert project.recorded()["workspaces"]["lab"]["managed"]
