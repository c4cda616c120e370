"""Each invariant is seen broken once: what the campaign would not notice is not held by it."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from campaign import share, trial
from campaign.hook import Fault
from campaign.invariants import IN_THE_END, Case, violations
from campaign.lab import declare, lab
from campaign.operations import APPLY, OPERATIONS, A, B
from campaign.scene import File, Process, Scene, Session, look

ID, OTHER = "b3a7c0de-1111-4222-8333-444455556666", "c0dec0de-1111-4222-8333-444455556666"
REGISTRY: dict[str, Any] = {
    "version": 1,
    "lineage": "x",
    "serial": 1,
    "workspaces": {"lab": {"path": "/lab", "agent_identities": {"a": {"session_id": ID}}}},
    "sessions": {A: {"workspace": "lab", "agent": "a", "status": "running"}},
}
JOB, TOKEN = "20260625T031924123-0c7e5a9b1d2f3a4b", "0" * 64
RECORD: dict[str, Any] = {
    "id": JOB,
    "prompt": "do it",
    "agent": "human",
    "agent_session": "",
    "workdir": "/",
    "timeout": 60,
    "idle_timeout": 60,
    "created_at": "2026-06-25T03:19:24.123Z",
    "updated_at": "2026-06-25T03:19:24.123Z",
    "topic": f"python/mqtt/jobs/{JOB}/events",
    "auth_token": TOKEN,
    "status": "pending",
    **dict.fromkeys(("permission", "delivery", "result", "validated")),
    **dict.fromkeys(("validate", "retry_of"), ""),
    **{key: {} for key in ("broker", "seen")},
    "retries": 0,
}
OURS, TAGS = "project/.hermes/agent-sessions.yaml", f"x agent.lab.a {ID}"


def scene(**changes: Any) -> Scene:
    """Two agents and a neighbour, with everything in order."""
    usual = {
        "registry": REGISTRY,
        "kept": REGISTRY,
        "server": 10,
        "ids": frozenset({ID}),
        "sessions": {
            A: Session(A, 11, "0", TAGS),
            B: Session(B, 12, "0", TAGS),
            "neighbour": Session("neighbour", 13, "0", "  "),
        },
        "processes": {11: Process(11, "1", ("sh", "/talker", "--new", ID)), 12: Process(12, "1", ("sleep", "1"))},
        "files": {OURS: File(0o600, "a", secret=False), "theirs.txt": File(0o644, "a", secret=False)},
        "jobs": {JOB: RECORD},
    }
    return Scene(**{**usual, **changes})


def case(*, code: int = 0, said: str = "Done.", killed: bool = False, **after: Any) -> Case:
    return Case(OPERATIONS["apply"], code, said, scene(), scene(**after), killed)


def without(name: str) -> dict[str, Session]:
    return {key: value for key, value in scene().sessions.items() if key != name}


def with_file(path: str, mode: int = 0o600, *, secret: bool = False) -> dict[str, File]:
    return {**scene().files, path: File(mode, "b", secret)}


def with_process(pid: int, *words: str) -> dict[int, Process]:
    return {**scene().processes, pid: Process(pid, "2", words)}


BROKEN: dict[str, tuple[str, Case]] = {
    "an exit code of no meaning": ("exit code", case(code=99)),
    "an end by a signal that nobody sent": ("exit code", case(code=-9)),
    "a traceback": ("no traceback", case(code=1, said="Traceback (most recent call last):\n  x")),
    "a failure without a word": ("says why", case(code=1, said="\n")),
    "an id that is gone": ("ids stay", case(ids=frozenset())),
    "a registry that is gone": ("registry is whole", case(registry=None)),
    "a registry that cannot be read": ("registry is whole", case(registry=ValueError("x"))),
    "a registry of another shape": ("registry is whole", case(registry={**REGISTRY, "serial": "one"})),
    "a copy of another shape": ("registry is whole", case(kept={**REGISTRY, "sessions": []})),
    "a neighbour that is gone": ("foreign sessions live", case(sessions=without("neighbour"))),
    "a neighbour with a tag": (
        "foreign sessions live",
        case(sessions={**scene().sessions, "neighbour": Session("neighbour", 13, "0", TAGS)}),
    ),
    "an agent whose process is gone": ("the living live", case(processes={12: scene().processes[12]})),
    "an agent with a later process of its pid": (
        "the living live",
        case(processes=with_process(11, "sh", "/talker", "--new", ID)),
    ),
    "a conversation in two processes": ("one process each", case(processes=with_process(14, "/talker", "--new", ID))),
    "a file of another that changed": ("others' files stay", case(files=with_file("theirs.txt"))),
    "a file of another that is gone": ("others' files stay", case(files={OURS: scene().files[OURS]})),
    "a file that appeared elsewhere": ("others' files stay", case(files=with_file("elsewhere"))),
    "a secret for all to read": ("secrets are private", case(files=with_file(f"{OURS}.x", 0o644, secret=True))),
    "a secret that was left": ("secrets are private", case(files=with_file("run/reconciler-a/b", secret=True))),
    "a job record that is gone": ("jobs are whole", case(jobs={})),
    "a job record that cannot be read": ("jobs are whole", case(jobs={JOB: ValueError("x")})),
    "a job record of another shape": ("jobs are whole", case(jobs={JOB: {**RECORD, "status": "done"}})),
    "a job that nobody called completed": ("completion is signed", case(jobs={JOB: {**RECORD, "status": "completed"}})),
    "a wait that succeeds too early": (
        "completion is signed",
        case()._replace(operation=share.EVERYTHING["job wait"]),
    ),
    "a prompt that was typed twice": ("told once", case(told={JOB: 2})),
    "a token in an audit": ("nothing leaks", case(leaks=("project/delegate_job_logs/x",))),
    "a token in the output": ("nothing leaks", case(said=f"token {TOKEN}")),
    "a temporary file": ("nothing is left", case(files=with_file("project/.hermes/.history.1a2b3c4d.tmp"))),
    "a lock": ("nothing is left", case(files=with_file("project/.hermes/lock"))),
    "a session that held the server": (
        "nothing is left",
        case(sessions={**scene().sessions, "_reconciler-1-ab": Session("_reconciler-1-ab", 15, "0", "  ")}),
    ),
    "a client": ("nothing is left", case(processes=with_process(16, "tmux", "-u", "-S", "/t", "-C", "attach"))),
    "an agent that was not started": ("the wanted live", case(sessions=without(B), processes=scene().processes)),
}


def test_a_world_in_order_breaks_nothing():
    assert violations(case(), IN_THE_END) == []


@pytest.mark.parametrize(("invariant", "broken"), BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_told_by_its_invariant(invariant: str, broken: Case):
    assert invariant in {each.partition(":")[0] for each in violations(broken, IN_THE_END)}


def test_every_invariant_is_seen_broken():
    assert {invariant for invariant, _ in BROKEN.values()} == set(IN_THE_END)


@pytest.mark.parametrize(
    ("name", "changes", "told"),
    [
        ("stop", {"ends": frozenset()}, "the living live: the agent of lab-creator-a"),
        ("create", {"writes": frozenset()}, "others' files stay: project/reconciler.yaml was changed"),
        ("stop", {"lives": frozenset({A, B})}, "again: the wanted live"),
    ],
)
def test_a_real_command_that_does_what_it_must_not_is_told(name: str, changes: dict[str, Any], told: str):
    wrong = trial.attempt(OPERATIONS[name]._replace(**changes), trial.NO_FAULT).wrong
    assert any(each.startswith(told) for each in wrong), wrong


def test_a_token_is_seen_wherever_it_is_beside_its_record():
    with lab() as project:
        folder = project.root / ".mam" / "jobs"
        folder.mkdir(parents=True)
        (folder / f"{JOB}.json").write_text(json.dumps(RECORD))
        (project.home / "worker.password").write_text("secret-of-a-worker")
        assert (look(project).jobs, look(project).leaks) == ({JOB: RECORD}, ())
        (project.root / "notes").write_text(f"the token is {TOKEN}")
        (project.home / "log").write_text("--password secret-of-a-worker")
        assert set(look(project).leaks) == {"project/notes", "log"}


def test_a_look_passes_over_what_goes_while_it_looks(monkeypatch: pytest.MonkeyPatch):
    with lab() as project:
        declare(project, "a")
        listed = [(str(project.root), [], ["reconciler.yaml", ".lock.1-2-1a2b3c4d.1a2b3c4d.tmp"])]
        monkeypatch.setattr(os, "walk", lambda _: listed)
        assert list(look(project).files) == ["project/reconciler.yaml"]
        monkeypatch.undo()


# --- the fault hook ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault("write", 3, "ENOSPC"), {1, 3}),
        (Fault("write", 10, "ENOSPC", lasting=True), {1, 3}),
        (Fault("tmux", 1, "EMFILE"), {1}),
        (Fault("write", 3, "SIGKILL"), {-9}),
        (Fault("tmux", 5, "SIGTERM"), {-15, 130, 143}),
    ],
    ids=str,
)
def test_the_fault_strikes_the_event_that_it_names(fault: Fault, code: set[int]):
    with lab() as project:
        declare(project, "a")
        done = trial.faulty(project, APPLY, fault)
        struck = [(kind, name) for kind, name, mark, _ in trial.events(project) if mark]
    assert done.returncode in code, done.stdout + done.stderr
    assert {kind for kind, _ in struck} == {fault.kind}
    assert len(struck) > 1 if fault.lasting else len(struck) == 1


def test_a_count_is_of_what_the_program_asks_for_and_of_no_import():
    with lab() as project:
        declare(project, "a")
        assert trial.faulty(project, ("status",), trial.NO_FAULT).returncode == 0
        told = [what for *_, what in trial.events(project)]
    assert any("reconciler.yaml" in what for what in told)
    assert not [what for what in told if ".pyc" in what or "__pycache__" in what]


def test_a_file_is_half_written_when_the_disk_is_full():
    with lab() as project:
        declare(project, "a")
        counted = [(name, what) for _, name, _, what in _events_of(project)]
        number = [name for name, _ in counted].index("write") + 1
        whole = int(counted[number - 1][1].split()[0])
        trial.faulty(project, APPLY, Fault("write", number, "SIGKILL"))
        sizes = [path.stat().st_size for path in project.home.rglob("*") if path.is_file()]
    assert whole // 2 in sizes


def _events_of(project: Any) -> list[list[str]]:
    """The writes of a first apply, with the project as it was before it."""
    with lab() as other:
        declare(other, "a")
        assert trial.faulty(other, APPLY, trial.NO_FAULT).returncode == 0
        assert look(project).registry is None
        return [each for each in trial.events(other) if each[0] == "write"]


@pytest.mark.parametrize("coarse", [1, 2, 3])
def test_the_shares_of_a_campaign_have_each_of_its_faults_once(monkeypatch: pytest.MonkeyPatch, coarse: int):
    counted = {("write", "write"): 100}
    monkeypatch.setattr(share, "COARSE", coarse)
    for kind in (share.FAULTS["write SIGKILL"], share.FAULTS["write EIO"], share.FAULTS["write SIGTERM"]):
        tried = []
        for number in range(1, coarse + 1):
            monkeypatch.setattr(share, "SHARE", number)
            tried += [fault.number for fault in share.numbers(kind, counted)]
        first = min(tried)
        assert first <= kind.every
        assert sorted(tried) == list(range(first, 101, kind.every))
