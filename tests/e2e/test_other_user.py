"""What another user of this machine has put where our job records are: it is neither believed nor run."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from jobs.desk import opened
from project import Project, arguments

from reconciler.jobs.publish import publish
from reconciler.jobs.record import Records
from reconciler.model.job import EventKind
from reconciler.ports.clock import RealClock
from reconciler.ports.files import RealFiles

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user")

JOB_COMMANDS: dict[str, tuple[str, ...]] = {
    "submit": ("submit", "--agent", "human", "--prompt", "x", "--detach"),
    "list": ("list",),
    "status": ("status", "--job", "{job}"),
    "wait": ("wait",),
    "wait for it": ("wait", "--job", "{job}"),
    "publish": ("publish", "--job", "{job}", "--event", "completed"),
    "cancel": ("cancel", "--job", "{job}"),
    "answer": ("answer", "--job", "{job}"),
    "retry": ("retry", "{job}"),
    "prune": ("prune", "--older-than", "0s", "--yes"),
    "verify": ("verify", "--job", "{job}", "--validate", "{script}"),
    "follower": ("follower",),
}


@pytest.fixture(scope="module")
def other() -> Iterator[pwd.struct_passwd]:
    """A user who is there for these tests alone."""
    name = f"rc-{os.getpid()}-{os.urandom(2).hex()}"
    subprocess.run(["useradd", "--no-create-home", "--no-user-group", "--shell", "/bin/sh", name], check=True)
    yield pwd.getpwnam(name)
    subprocess.run(["userdel", name], check=True)


def planted(project: Project) -> str:
    """A job with all that could be believed: a script, an end, what was shown, a follower that was killed."""
    script = project.root / "check"
    script.write_text(f"#!/bin/sh\ntouch {project.home}/EXECUTED\n")
    project.write({})
    folder = records_of(project)
    env = {"DELEGATE_JOB_LOGS_DIR": str(project.root / "delegate_job_logs")}
    records = Records(str(folder), RealFiles(), RealClock(), env)
    nowhere = {"host": "127.0.0.1", "port": 1}
    job = opened(records, agent="human", validate=str(script), workdir=str(project.root), broker=nowhere).id
    publish(records, job, EventKind.COMPLETED)
    for name in (f"{job}/requests", ".follower"):
        (folder / name).mkdir(mode=0o700)
    (folder / job / "requests" / "0123456789abcdef.shown").write_text("{}")
    state = {"pid": 1, "started": 1, "boot": "-", "broker": "x:1", "root": str(project.root), "registry": "r"}
    (folder / ".follower" / "state.json").write_text(json.dumps(state))
    (folder / ".follower" / "log").write_text("")
    return job


def records_of(project: Project) -> Path:
    return project.root / ".mam" / "jobs"


def give(path: Path, to: pwd.struct_passwd) -> None:
    """All that is there belongs to the other user."""
    for each in (path, *path.rglob("*")):
        os.chown(each, to.pw_uid, to.pw_gid)


def words(command: str, job: str, project: Project) -> tuple[str, ...]:
    places = {"job": job, "script": str(project.root / "check")}
    return ("job", *(word.format(**places) for word in JOB_COMMANDS[command]))


def belongings(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Whose each file is, which one it is, and what it holds."""
    found = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(folder))] = (status.st_uid, status.st_ino, content)
    return found


def expect_nothing_of_theirs(project: Project) -> None:
    assert not (project.home / "EXECUTED").exists()
    assert not [pid for pid in project.processes() if "follower" in arguments(pid)]


def test_a_whole_folder_of_job_records_of_another_user_is_refused(project: Project, other: pwd.struct_passwd):
    job, folder = planted(project), records_of(project)
    give(folder, other)
    before, wrong = belongings(folder), []
    for command in JOB_COMMANDS:
        done = project.attempt(*words(command, job, project))
        if done.returncode != 7 or other.pw_name not in done.stderr:
            wrong.append(f"`job {command}` exits with {done.returncode}: {done.stdout}{done.stderr}")
    assert not wrong, "\n".join(wrong)
    assert belongings(folder) == before
    expect_nothing_of_theirs(project)


PARTS = {
    "the record": "{job}.json",
    "the job's folder": "{job}",
    "the outbox": "{job}/outbox",
    "what was shown": "{job}/requests",
}


@pytest.mark.parametrize("part", PARTS)
def test_a_job_of_which_a_part_is_of_another_user_is_refused(project: Project, other: pwd.struct_passwd, part: str):
    job, folder, wrong = planted(project), records_of(project), []
    shutil.rmtree(folder / ".follower")
    give(folder / PARTS[part].format(job=job), other)
    for command in ("list", "wait", "wait for it", "publish", "answer", "verify"):
        done = project.attempt(*words(command, job, project))
        if done.returncode != 1 or other.pw_name not in done.stderr:
            wrong.append(f"`job {command}` exits with {done.returncode}: {done.stdout}{done.stderr}")
    assert not wrong, "\n".join(wrong)
    expect_nothing_of_theirs(project)


@pytest.mark.parametrize("part", [".follower", ".follower/state.json"])
def test_a_follower_of_another_user_is_neither_believed_nor_started(
    project: Project, other: pwd.struct_passwd, part: str
):
    job, folder = planted(project), records_of(project)
    give(folder / part, other)
    before = belongings(folder / ".follower")
    assert job in project.run("job", "list"), "the records themselves are ours"
    for command in ("submit", "follower"):
        done = project.attempt(*words(command, job, project))
        assert (done.returncode, other.pw_name in done.stderr) == (7, True), done.stderr
    assert belongings(folder / ".follower") == before
    assert len(list(folder.glob("*.json"))) == 1
    expect_nothing_of_theirs(project)
