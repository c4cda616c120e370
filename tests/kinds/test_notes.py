"""A note that a user wrote into a row stays, whatever becomes of the agent."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from in_memory import Project

from reconciler.kinds.agent import notes
from reconciler.kinds.agent.notes import note_fields
from reconciler.model.address import agent_address
from reconciler.model.job import JOB_ID, JobStatus
from reconciler.model.plan import Mode
from reconciler.model.record import SessionRow, Status
from reconciler.plan.request import Request

MANIFEST = {"version": 1, "workspaces": {"w": {"path": "w", "agents": {"claude": {}}}}}
STOPPED = {"version": 1, "workspaces": {"w": {"path": "w", "agents": {"claude": {"state": "stopped"}}}}}
GONE = {"version": 1, "workspaces": {"w": {"path": "w", "agents": {}}}}
AGENT, SESSION = agent_address("w", "claude"), "w-creator-claude"
OF_A_USER = "working on the header"


def refreshed(project: Project) -> None:
    project.apply(project.plan(MANIFEST, Request(mode=Mode.REFRESH_ONLY)))


def killed(project: Project) -> None:
    project.world.tmux.kill_session(SESSION)
    refreshed(project)


def exited(project: Project) -> None:
    project.world.processes.exit(project.world.tmux.pane(SESSION).pid, 3)
    refreshed(project)


def found_running(project: Project) -> None:
    project.registry["sessions"][SESSION]["status"] = "stopped"
    refreshed(project)


def stopped(project: Project) -> None:
    project.apply(project.plan(STOPPED))


def archived(project: Project) -> None:
    project.apply(project.plan(GONE))


def started_again(project: Project) -> None:
    killed(project)
    project.apply(project.plan(MANIFEST))


def failed_to_start(project: Project) -> None:
    killed(project)
    project.world.tmux.exits |= {"claude": (1, "")}
    project.apply(project.plan(MANIFEST))


def imported(project: Project) -> None:
    project.world.tmux.kill_session(SESSION)
    project.world.tmux.add("old", command="claude")
    project.apply(project.plan(MANIFEST, Request(imports={AGENT: "old"})))


@pytest.mark.parametrize(
    ("happens", "status", "ours"),
    [
        (killed, "terminated", "tmux gone"),
        (exited, "terminated", "exited, status 3"),
        (found_running, "running", "found running"),
        (stopped, "stopped", "stopped by reconciler"),
        (archived, "archived", "archived by reconciler"),
        (started_again, "running", "started by reconciler"),
        (failed_to_start, "terminated", "start failed: claude exited at once, with status 1"),
        (imported, "running", "imported"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.parametrize("note", [OF_A_USER, "started by reconciler"])
def test_a_note_is_replaced_only_when_reconciler_wrote_it(
    note: str, happens: Callable[[Project], None], status: str, ours: str
) -> None:
    project = Project()
    project.apply(project.plan(MANIFEST))
    project.registry["sessions"][SESSION]["last_visible_note"] = note
    happens(project)
    row = project.registry["sessions"][SESSION]
    assert row["status"] == status
    assert row["last_visible_note"] == (OF_A_USER if note == OF_A_USER else ours)


@pytest.mark.parametrize(
    "note",
    [
        "",
        notes.STARTING,
        notes.RESUMED,
        notes.IMPORTED,
        notes.FOUND_RUNNING,
        notes.REGISTERED,
        notes.TMUX_GONE,
        notes.PANE_GONE,
        notes.LEFT_BEHIND,
        notes.at_rest(Status.STOPPED),
        notes.exited("signal TERM"),
        notes.exited("signal 9"),
        notes.exited("unknown status"),
        notes.start_failed("two\nlines"),
        notes.no_trace_of_prompt("it is at its prompt"),
        notes.prompt_not_looked_for("tmux cannot be asked"),
        *(f"job 0b1c2d3e {status}" for status in JobStatus),
        "job a_b-C waits for a permission",
    ],
)
def test_what_reconciler_notes_may_be_replaced(note: str) -> None:
    assert note_fields(SessionRow(SESSION, "w", "claude", note=note), "new") == {"last_visible_note": "new"}


@pytest.mark.parametrize(
    "note",
    [
        "job hunting",
        "job 7 is for ann",
        "job 7 blocked",
        "tmux gone again, ask ann",
        "exited, status 3: look at the log",
        "stopped by reconciler, I think",
        "Starting",
        " ",
    ],
)
def test_what_only_begins_like_a_note_of_reconciler_is_kept(note: str) -> None:
    assert note_fields(SessionRow(SESSION, "w", "claude", note=note), "new") == {}


def test_the_id_in_a_note_is_that_of_a_job():
    assert JOB_ID.pattern in notes._OF_A_JOB
