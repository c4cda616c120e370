"""What agent CLIs tell their hooks, as the hooks run it, against a real Mosquitto."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from broker.mosquitto import Mosquitto, running
from jobs.desk import block, desk, opened
from jobs.stage import PROFILES
from msgspec.structs import replace
from waiting import PATIENCE

from reconciler.agents.hooks import HookScope
from reconciler.agents.subject import AgentEnvironment
from reconciler.jobs.hooks import wiring
from reconciler.jobs.instructions import instructions
from reconciler.jobs.outbox import outbox_of, waiting
from reconciler.jobs.record import update
from reconciler.jobs.report import HookInput, report
from reconciler.jobs.sign import SeenEvents, verify_hmac
from reconciler.model.event_kind import EventKind
from reconciler.model.job import JobStatus
from reconciler.ports.mqtt import connect

WORK = "/nowhere/work"
SESSION = "b3a7c0de-1111-4222-8333-444455556666"
COMMON = {"session_id": SESSION, "transcript_path": "/nowhere/t.jsonl", "cwd": WORK}
ASKED = {"tool_name": "Bash", "tool_input": {"command": "touch played", "description": "d"}}
# What each CLI tells at the start of a turn, at a question, and at the end of the turn.
TURNS = {
    "claude": (
        {"hook_event_name": "UserPromptSubmit", "prompt_id": "p", "permission_mode": "default"},
        {"hook_event_name": "PermissionRequest", **ASKED, "permission_suggestions": []},
        {"hook_event_name": "Stop", "last_assistant_message": "done", "stop_hook_active": False},
    ),
    "codex": (
        {"hook_event_name": "UserPromptSubmit", "turn_id": "t", "model": "m"},
        {"hook_event_name": "PermissionRequest", **ASKED, "turn_id": "t"},
        {"hook_event_name": "Stop", "turn_id": "t", "last_assistant_message": None},
    ),
    "gemini": (
        {"hook_event_name": "BeforeAgent", "timestamp": "2026-06-25T03:19:24Z"},
        {
            "hook_event_name": "Notification",
            "notification_type": "ToolPermission",
            "message": "Tool Shell requires confirmation",
            "details": {"type": "exec", "title": "Confirm Shell Command", "command": "touch played"},
        },
        {"hook_event_name": "AfterAgent", "prompt_response": "done"},
    ),
}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with running(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture
def records(tmp_path):
    return desk(tmp_path)


def delegated(records, broker, port=0):
    """A job that has been delivered to the session `agent`, and whose broker is perhaps at another port."""
    way = {**block(broker), "port": port or broker.port}
    job = opened(records, broker=way, workdir=WORK, agent_session="tmux:agent")
    return update(records, job.id, lambda job: replace(job, status=JobStatus.DELIVERED))


def told(job, text="do it"):
    return {"prompt": instructions(job.id, text, "publish")}


# Loaded by Python before the program: a hook takes as long as this machine needs.
PATIENT = f"""
import signal
real = signal.setitimer
signal.setitimer = lambda which, seconds, *more: real(which, seconds and {PATIENCE}, *more)
"""


@pytest.fixture(scope="module", autouse=True)
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("patient")
    (folder / "sitecustomize.py").write_text(PATIENT)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONPATH", str(folder))
        yield


def hook(records, cli, payload, cwd="/", **environment):
    """Run what the settings of the CLI say, as the CLI does; what it printed."""
    wired = wiring(PROFILES[cli], HookScope.PROJECT, AgentEnvironment(WORK, "/nowhere", {}), records.folder)
    given = payload if isinstance(payload, bytes) else json.dumps({**COMMON, **payload}).encode()
    env = {**{name: value for name, value in os.environ.items() if "TMUX" not in name}, **environment}
    how = {"cwd": cwd, "env": env, "timeout": PATIENCE}
    done = subprocess.run(["sh", "-c", wired.command], input=given, capture_output=True, check=False, **how)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == wired.hooks.reply


def report_of(records, cli, payload):
    """The same without a process of its own, and outside of tmux."""
    return report(records, PROFILES[cli].hooks, HookInput({**COMMON, **payload}, ""))


def heard(bus, job, records, count):
    seen, events = SeenEvents({}), []
    for _ in range(count):
        events.append(verify_hmac(bus.receive(PATIENCE), job, seen, records.clock.now()))
        seen.add(events[-1])
    assert bus.receive(0) is None
    return [(event.event, event.detail) for event in events]


def queued(records, job):
    return [kept.kind for kept in waiting(outbox_of(records, job.id))]


@pytest.mark.parametrize("cli", TURNS)
def test_a_turn_becomes_three_signed_events(broker, records, cli):
    job = delegated(records, broker)
    start, question, end = TURNS[cli]
    with closing(connect(broker.connection("hermes"))) as bus:
        bus.subscribe(job.topic)

        hook(records, cli, {**start, **told(job)})
        hook(records, cli, question)
        hook(records, cli, end)

        assert heard(bus, job, records, 3) == [
            (EventKind.STARTED, "prompt taken"),
            (EventKind.PERMISSION_REQUIRED, "exec:touch played" if cli == "gemini" else "Bash:touch played"),
            (EventKind.PROGRESS, "turn ended"),
        ]


@pytest.mark.parametrize(
    "payload",
    [
        {"hook_event_name": "UserPromptSubmit", "prompt": "something else"},
        {"hook_event_name": "UserPromptSubmit", "prompt": "what of 20260625T031924123-0c7e5a9b1d2f3a4b?"},
        {"hook_event_name": "SessionStart", "source": "startup"},
        {"hook_event_name": "Stop"},
        {"hook_event_name": "PermissionRequest", **ASKED},
        {"hook_event_name": 7, "prompt": None},
    ],
    ids=str,
)
def test_what_is_about_no_job_is_not_told(broker, records, payload):
    job = delegated(records, broker, broker.closed_port)

    report_of(records, "claude", payload)

    assert queued(records, job) == []


def test_another_notification_is_no_question(broker, records):
    job = delegated(records, broker, broker.closed_port)
    report_of(records, "gemini", {**TURNS["gemini"][0], **told(job)})

    report_of(records, "gemini", {"hook_event_name": "Notification", "notification_type": "Other"})

    assert queued(records, job) == [EventKind.STARTED]


def test_who_only_talks_about_a_job_does_not_work_on_it(broker, records):
    job = delegated(records, broker, broker.closed_port)

    report_of(records, "claude", {**TURNS["claude"][0], **told(job), "cwd": "/elsewhere"})
    report_of(records, "claude", {**TURNS["claude"][2], "cwd": "/elsewhere"})

    assert queued(records, job) == []


@pytest.mark.parametrize("payload", [b"", b"not json", b"[]", b"\xff"])
def test_garbage_is_taken_in_silence(records, payload):
    hook(records, "gemini", payload)


def test_the_tmux_session_tells_agents_in_one_folder_apart(broker, records, tmux_socket):
    job = delegated(records, broker, broker.closed_port)
    panes = {}
    for name in ("agent", "other"):
        command = [
            "tmux",
            "-S",
            tmux_socket.path,
            "-f",
            "/dev/null",
            "new-session",
            "-dP",
            "-F",
            "#{pane_id}",
            "-s",
            name,
        ]
        done = subprocess.run([*command, "sleep", "1000"], check=True, capture_output=True, text=True)
        panes[name] = done.stdout.strip()
    tmux = f"{tmux_socket.path},1,0"

    hook(records, "claude", {**TURNS["claude"][0], **told(job)}, TMUX=tmux, TMUX_PANE=panes["other"])
    assert queued(records, job) == []
    hook(records, "claude", {**TURNS["claude"][0], **told(job), "cwd": "/x"}, TMUX=tmux, TMUX_PANE=panes["agent"])
    assert queued(records, job) == [EventKind.STARTED]


def test_each_session_tells_of_its_own_job(broker, records):
    jobs = [delegated(records, broker, broker.closed_port) for _ in range(2)]
    for job in jobs:
        report_of(records, "claude", {**TURNS["claude"][0], **told(job), "session_id": job.id})

    report_of(records, "claude", {**TURNS["claude"][1], "session_id": jobs[1].id})

    assert [queued(records, job) for job in jobs] == [
        [EventKind.STARTED],
        [EventKind.STARTED, EventKind.PERMISSION_REQUIRED],
    ]


def test_a_job_that_has_ended_is_not_told_of_any_more(broker, records):
    job = delegated(records, broker, broker.closed_port)
    report_of(records, "claude", {**TURNS["claude"][0], **told(job)})
    update(records, job.id, lambda job: replace(job, status=JobStatus.CANCELLED))

    report_of(records, "claude", TURNS["claude"][2])
    report_of(records, "claude", {**TURNS["claude"][0], **told(job)})

    assert queued(records, job) == [EventKind.STARTED]
    assert list((Path(records.folder) / ".sessions").iterdir()) == []


def test_a_broker_that_does_not_answer_does_not_hold_the_agent_up(broker, records):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        mute.settimeout(PATIENCE)
        job = delegated(records, broker, mute.getsockname()[1])
        wired = wiring(PROFILES["claude"], HookScope.PROJECT, AgentEnvironment(WORK, "/nowhere", {}), records.folder)
        env = {name: value for name, value in os.environ.items() if "TMUX" not in name}
        with subprocess.Popen(shlex.split(wired.command), stdin=subprocess.PIPE, env=env) as running_hook:
            running_hook.stdin.write(json.dumps({**COMMON, **TURNS["claude"][0], **told(job)}).encode())
            running_hook.stdin.close()
            with closing(mute.accept()[0]):  # it waits for an answer, and its time is up
                running_hook.send_signal(signal.SIGALRM)
                assert running_hook.wait(PATIENCE) == 0

    assert queued(records, job) == [EventKind.STARTED]


def test_an_open_standard_input_does_not_hold_the_agent_up(records):
    read_end, write_end = os.pipe()
    wired = wiring(PROFILES["gemini"], HookScope.PROJECT, AgentEnvironment(WORK, "/nowhere", {}), records.folder)
    command, hasty = shlex.split(wired.command), {**os.environ, "PYTHONPATH": ""}
    done = subprocess.run(command, stdin=read_end, capture_output=True, check=False, env=hasty, timeout=PATIENCE)
    os.close(read_end)
    os.close(write_end)

    assert (done.returncode, done.stdout) == (0, b"{}")


def test_no_alarm_is_left_for_the_end_of_the_interpreter_which_it_would_kill(records):
    program = (
        "import signal, sys\n"
        "from reconciler.cli.commands.job_hooks import hook\n"
        "code = hook('gemini', sys.argv[1])\n"
        "sys.exit(f'{code} {signal.getitimer(signal.ITIMER_REAL)}')"
    )
    command = [sys.executable, "-P", "-c", program, records.folder]
    done = subprocess.run(command, input=b"", capture_output=True, check=False, timeout=PATIENCE)
    assert done.stderr == b"0 (0.0, 0.0)\n"


def test_a_file_in_the_agents_folder_is_not_taken_for_ours(broker, records, tmp_path):
    (tmp_path / "reconciler.py").write_text("raise SystemExit(9)")
    job = delegated(records, broker, broker.closed_port)

    hook(records, "claude", {**TURNS["claude"][0], **told(job)}, cwd=tmp_path)

    assert queued(records, job) == [EventKind.STARTED]
