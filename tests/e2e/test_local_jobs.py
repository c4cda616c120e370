"""Jobs without any broker: events go through files of this machine, and nothing of the network is touched."""

from __future__ import annotations

import json
import shlex
import signal
import stat
import subprocess
from typing import Any

import pytest
from delegating import SESSION, ended
from project import CLI, SECONDS, Project
from waiting import wait_until

from reconciler.ports.local_bus import LocalBus

# Any socket but one of this machine ends the process: that is how we hear of it, wherever it is opened.
NO_NETWORK = """
import os, socket, sys

def refuse(event, args):
    if event == "socket.getaddrinfo" or event == "socket.connect" and isinstance(args[1], tuple):
        with open(os.environ["NETWORK_LOG"], "a") as log:
            log.write(f"{event} {args} {sys.argv}\\n")
        raise OSError("there is no network")

sys.addaudithook(refuse)
"""
_HEARD = {"accepted", "dropped"}
READY = "? for shortcuts"


class Offline:
    """A project whose commands write down whatever they want of the network."""

    def __init__(self, project: Project) -> None:
        self.project = project
        site = project.home / "site"
        site.mkdir()
        (site / "sitecustomize.py").write_text(NO_NETWORK)
        self.log = project.home / "network"
        self.env = {"PYTHONPATH": str(site), "NETWORK_LOG": str(self.log)}
        self.jobs = project.root / ".mam" / "jobs"

    def run(self, *words: str, code: int = 0, **env: str) -> str:
        return self.project.run(*words, code=code, **self.env, **env)

    def start(self, *words: str) -> subprocess.Popen[str]:
        return self.project.start(*words, **self.env)

    def with_agent(self) -> None:
        self.project.declare(claude={})
        self.project.apply()
        wait_until(lambda: READY in self.project.screen(SESSION))

    def job(self) -> dict[str, Any]:
        """The newest record, once there is one."""
        paths = wait_until(lambda: sorted(self.jobs.glob("*.json")))
        return json.loads(paths[-1].read_text())

    def told(self, job: dict[str, Any]) -> str:
        path = self.project.root / "delegate_job_logs" / job["id"] / "instructions.txt"
        wait_until(path.exists)
        return path.read_text()

    def say(self, job: dict[str, Any], event: str, detail: str = "") -> None:
        """The very command that the agent was told, in another folder and a bare environment."""
        line = next(line for line in self.told(job).splitlines() if f"--event {event}" in line)
        command = [*shlex.split(line.partition(": ")[2]), *(["--detail", detail] if detail else [])]
        words = [word for word in command if not word.startswith("'<")][: command.index(event) + 1]
        words += ["--detail", detail] if detail else []
        env = {"PATH": "/usr/bin:/bin", **self.env}
        done = subprocess.run(words, check=False, cwd="/", env=env, capture_output=True, text=True, timeout=SECONDS)
        assert done.returncode == 0, done.stderr

    def untouched(self) -> bool:
        return not self.log.exists()


@pytest.fixture
def offline(project: Project) -> Offline:
    return Offline(project)


def test_the_network_log_sees_who_asks_for_it(offline: Offline) -> None:
    offline.project.declare()
    words = ("job", "submit", "--agent", "human", "--prompt", "x")
    offline.run(*words, code=4, MQTT_BROKER="broker.hivemq.com")
    assert "socket" in offline.log.read_text()


def test_a_job_goes_to_its_agent_and_its_result_comes_back(offline: Offline) -> None:
    offline.with_agent()
    submitted = offline.start("job", "submit", "--agent", SESSION, "--prompt", "do it")
    wait_until(lambda: offline.job()["status"] == "delivered")
    job = offline.job()
    assert job["broker"] == {"local": True}
    offline.say(job, "started")
    offline.say(job, "permission_required", "Bash:touch it")
    wait_until(lambda: offline.job()["permission"])
    offline.say(job, "completed", "all done")
    code, out, err = ended(submitted)
    assert code == 0, err
    assert out.splitlines()[-1].endswith(job["id"])
    assert "completed: all done" in err
    assert "Warning" not in err
    assert "all intact" in offline.run("job", "logs", job["id"], "--verify")
    assert offline.untouched()
    files = [path for path in offline.jobs.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_a_detached_job_is_followed_in_the_background_and_waited_for(offline: Offline) -> None:
    offline.project.declare()
    offline.run("job", "submit", "--agent", "human", "--prompt", "do it", "--detach")
    job = offline.job()
    waiting = offline.start("job", "wait", "--job", job["id"])
    offline.say(job, "started")
    wait_until(lambda: offline.job()["status"] == "running")
    offline.say(job, "completed", "done")
    assert ended(waiting)[0] == 0
    wait_until(lambda: not (offline.jobs / ".follower" / "state.json").exists())
    assert "this machine" in (offline.jobs / ".follower" / "log").read_text()
    assert "completed: done" in offline.run("job", "wait", "--job", job["id"])
    assert offline.untouched()


def test_who_comes_late_gets_the_result_and_a_cancelled_job_ends(offline: Offline) -> None:
    offline.project.declare()
    for end in ("completed", "cancel"):
        submitted = offline.start("job", "submit", "--agent", "human", "--prompt", "do it")
        wait_until(lambda: offline.jobs.exists() and "pending" in {self["status"] for self in _records(offline)})
        job = next(each for each in _records(offline) if each["status"] == "pending")
        offline.told(job)
        submitted.send_signal(signal.SIGINT)
        assert ended(submitted)[0] == 130
        if end == "completed":
            offline.say(job, "completed", "late")
            assert "late" in offline.run("job", "wait", "--job", job["id"])
        else:
            offline.run("job", "cancel", "--job", job["id"])
            assert "cancelled" in offline.run("job", "wait", "--job", job["id"], code=1)
    assert offline.untouched()


def test_a_forged_event_and_a_replayed_one_do_not_count(offline: Offline) -> None:
    offline.project.declare()
    submitted = offline.start("job", "submit", "--agent", "human", "--prompt", "do it")
    job = offline.job()
    offline.told(job)
    offline.say(job, "progress", "half")
    spool = offline.jobs / job["id"] / "events.spool"
    wait_until(lambda: offline.job()["status"] == "running")
    line = spool.read_bytes()
    spool.write_bytes(line + line)
    forged = json.dumps({"job_id": job["id"], "event": "completed", "hmac": "0" * 64}, separators=(",", ":"))
    LocalBus(str(offline.jobs)).publish(job["topic"], forged.encode(), retain=True)
    wait_until(lambda: _audit(offline, job).count('"dropped"') == 2)
    now = offline.job()
    assert (now["status"], now["result"]) == ("running", None)
    offline.say(job, "error", "gave up")
    code, out, err = ended(submitted)
    assert (code, "dropped a message: forged" in err, "dropped a message: replayed_id" in err) == (1, True, True)
    assert (out + err).count("half") == 1  # shown once, although it is in the file twice
    told = [json.loads(entry) for entry in _audit(offline, job).splitlines()]
    heard = [(each["what"], each.get("event") or each.get("reason")) for each in told if each["what"] in _HEARD]
    assert heard == [
        ("accepted", "progress"),
        ("dropped", "replayed_id"),
        ("dropped", "forged"),
        ("accepted", "error"),
    ]
    ids = [each["id"] for each in told if each["what"] == "accepted"]
    assert len(ids) == len(set(ids)) == 2
    assert offline.job()["result"]["detail"] == "gave up"


def test_the_monitor_hears_events_and_may_stop_agents(offline: Offline) -> None:
    offline.with_agent()
    submitted = offline.start("job", "submit", "--agent", SESSION, "--prompt", "do it")
    wait_until(lambda: offline.job()["status"] == "delivered")
    job, heard = offline.job(), offline.project.home / "heard"
    with heard.open("w") as said:
        words = [*CLI, "monitor", "--subscribe", "--auto-stop"]
        env = {**offline.project.env, **offline.env}
        monitor = subprocess.Popen(words, cwd=offline.project.root, env=env, stdout=said, stderr=said)
    wait_until(lambda: "Listening to job events." in heard.read_text() or monitor.poll() is not None)
    offline.say(job, "completed", "all done")
    assert ended(submitted)[0] == 0
    wait_until(lambda: "Apply complete" in heard.read_text())
    assert SESSION not in offline.project.live()
    monitor.send_signal(signal.SIGINT)
    monitor.wait(SECONDS)
    assert "Warning" not in heard.read_text()
    assert offline.untouched()


def test_hooks_report_through_files_too(offline: Offline) -> None:
    offline.with_agent()
    offline.run("job", "submit", "--agent", SESSION, "--prompt", "do it", "--detach")
    job = offline.job()
    payload = {
        "hook_event_name": "UserPromptSubmit",
        "session_id": "s",
        "cwd": str(offline.project.root / "lab"),
        "prompt": offline.told(job),
    }
    where = offline.project.pane(SESSION)
    env = {**offline.project.env, **offline.env, "TMUX": f"{offline.project.socket},1,0", "TMUX_PANE": where.id}
    subprocess.run(
        [*CLI, "job", "hook", "claude", "--registry-dir", str(offline.jobs)],
        input=json.dumps(payload),
        text=True,
        env=env,
        cwd=offline.project.root / "lab",
        check=True,
        timeout=SECONDS,
    )
    wait_until(lambda: offline.job()["status"] == "running")
    offline.say(job, "completed")
    assert offline.untouched()


def test_a_broker_that_is_named_later_takes_no_job_away(offline: Offline) -> None:
    offline.project.declare()
    offline.run("job", "submit", "--agent", "human", "--prompt", "do it", "--detach")
    job = offline.job()
    env = {"MQTT_BROKER": "127.0.0.1", "MQTT_PORT": "1"}
    offline.run("job", "publish", "--job", job["id"], "--event", "completed", **env)
    assert "completed" in offline.run("job", "wait", "--job", job["id"], **env)
    assert offline.untouched()


def _records(offline: Offline) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(offline.jobs.glob("*.json"))]


def _audit(offline: Offline, job: dict[str, Any]) -> str:
    return (offline.project.root / "delegate_job_logs" / job["id"] / "events.jsonl").read_text()
