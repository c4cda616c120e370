"""Jobs from one host to another, over a broker and over a NATS server: real queues, real tmux, stand-in agents."""

from __future__ import annotations

import json
import os
import signal
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from away import SESSION, Host
from broker.jetstream import PASSWORD, JetStream, JetStreamKnobs
from broker.mosquitto import SECRETS, Knobs, Mosquitto, private
from delegating import ended
from project import Project, command_lines, environment, runs
from waiting import wait_until

A_AND_B = """\
user hermes
topic readwrite python/mqtt/jobs/#

user claude-worker
topic write python/mqtt/jobs/+/events
topic readwrite python/mqtt/jobs/hosts/b/jobs/+
topic readwrite python/mqtt/jobs/hosts/b/cancels/+
topic write python/mqtt/jobs/hosts/b/dead/+
"""


@pytest.fixture(params=["mqtt", "nats"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Mosquitto | JetStream]:
    """The queue between the hosts."""
    folder = tmp_path / "queue"
    folder.mkdir()
    knobs = Knobs(acl=A_AND_B), JetStreamKnobs(tls=True, login=True)
    server = Mosquitto(folder, knobs[0]) if request.param == "mqtt" else JetStream(folder, knobs[1])
    server.write()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def hosts(backend) -> Iterator[tuple[Host, Host]]:
    """Host `a`, which submits, and host `b`, which has agents; everything of them has ended afterwards."""
    with ExitStack() as stack:
        made = [_host(stack, name, backend) for name in ("a", "b")]
        yield made[0], made[1]


def _host(stack: ExitStack, name: str, server: Mosquitto | JetStream) -> Host:
    home = Path(stack.enter_context(TemporaryDirectory(prefix=f"rc-{name}-", dir="/tmp")))
    root = home / "project"
    root.mkdir()
    project = Project(root, home, home / "t")
    if isinstance(server, JetStream):
        private(home / "password", PASSWORD)
        login = {"username": "runner", "password_file": str(home / "password"), "ca_certs": server.path("ca.crt")}
        host = Host(name, project, {"backend": "nats", "server": server.server.url, **login}, {})
    else:
        user = "hermes" if name == "a" else "claude-worker"
        login = {"MQTT_BROKER": "localhost", "MQTT_PORT": str(server.port), "MQTT_TLS": "1", "MQTT_USERNAME": user}
        host = Host(
            name, project, {}, {**login, "MQTT_PASSWORD": SECRETS[user], "MQTT_CA_CERTS": server.path("ca.crt")}
        )
    stack.callback(_end, host)
    host.declare()
    return host


@pytest.fixture
def pair(hosts: tuple[Host, Host]) -> tuple[Host, Host]:
    """The same, with an idle agent and a runner on `b`."""
    hosts[1].with_agents()
    hosts[1].runner()
    return hosts


only_nats = pytest.mark.parametrize("backend", ["nats"], indirect=True)
only_mqtt = pytest.mark.parametrize("backend", ["mqtt"], indirect=True)


def _end(host: Host) -> None:
    host.kill()
    host.project.tmux("kill-server")
    wait_until(lambda: not [os.kill(pid, signal.SIGKILL) for pid in host.project.processes() if runs(pid)])


def test_a_job_goes_to_an_agent_of_another_host_and_its_result_comes_back(pair) -> None:
    a, b = pair
    submitted = a.submit("--host", "b", "--agent", "claude")
    job = b.once(status="delivered")
    b.say(job, "started")
    a.once(status="running", host="b")
    b.say(job, "completed", "all done")
    code, out, err = ended(submitted)
    assert (code, out.splitlines()[0]) == (0, f"{job['id']}  completed: all done"), err
    assert f"{job['id']}  queued for b" in err
    assert b.typed("do it") == 1
    assert a.record()["delivery"] == {"verdict": "submitted"}
    wait_until(lambda: f"{job['id']}  ended: completed" in b.said())
    assert "b " in a.run("job", "list")
    assert "b for a" in b.run("job", "list")
    assert job["auth_token"] not in b.said() + out + err


def test_nobody_sees_the_token(pair) -> None:
    a, b = pair
    submitted = a.submit("--host", "b", "--json")
    job = b.once(status="delivered")
    known = command_lines() + b"".join(json.dumps(environment(pid)).encode() for pid in b.project.processes())
    assert job["auth_token"].encode() not in known
    kept = [path for path in b.jobs.rglob("*") if path.is_file() and job["auth_token"] in path.read_text()]
    assert {path.name for path in kept} == {f"{job['id']}.json", "order.json"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}
    b.say(job, "completed")
    assert job["auth_token"] not in "".join(ended(submitted)[1:])


def test_a_job_waits_for_a_runner_and_until_then_it_is_not_claimed(hosts) -> None:
    a, b = hosts
    b.with_agents()
    submitted = a.submit("--host", "b")
    job = a.record()
    wait_until(lambda: "b: not claimed" in a.run("job", "status", "--job", job["id"]))
    b.runner()
    b.say(b.once(status="delivered"), "completed")
    assert ended(submitted)[0] == 0


def test_a_job_that_no_host_claims_in_time_is_taken_back(hosts) -> None:
    a, b = hosts
    assert ended(a.submit("--host", "b", "--timeout", "1"))[0] == 8
    assert "not claimed" in a.run("job", "list")
    b.with_agents()
    b.runner()
    assert ended(a.submit("--host", "b", "--timeout", "1", "--agent", "nobody"))[0] in {7, 8}
    assert b.typed("do it") == 0
    assert len(b.records()) <= 1, "the first one was never seen there"


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("echo broken; exit 3", 1)], ids=["passes", "fails"])
def test_the_result_is_checked_where_the_work_is(pair, script, code) -> None:
    a, b = pair
    check = b.project.root / "lab" / "check.sh"
    check.write_text(f"#!/bin/sh\n{script}\n")
    check.chmod(0o755)
    submitted = a.submit("--host", "b", "--validate", "check.sh", "--workdir", "lab")
    b.say(b.once(status="delivered"), "completed", "done")
    assert ended(submitted)[0] == code
    wait_until(lambda: (a.record()["validated"], b.record()["validated"]) == ((0, 0) if not code else (3, 3)))


def test_an_agent_that_fails_or_is_silent_is_told_with_its_own_code(pair) -> None:
    a, b = pair
    submitted = a.submit("--host", "b")
    b.say(b.once(status="delivered"), "error", "no such file")
    code, out, _ = ended(submitted)
    assert (code, "error: no such file" in out) == (1, True)
    assert ended(a.submit("--host", "b", "--idle-timeout", "1", prompt="again"))[0] == 9
    assert a.record()["result"]["ending"] == "idle_timeout"


def test_what_cannot_be_delivered_is_a_dead_letter_that_can_be_tried_again(pair) -> None:
    a, b = pair
    code, out, _ = ended(a.submit("--host", "b", "--agent", "nobody"))
    assert (code, "there is no agent nobody" in out) == (7, True)
    letter = wait_until(lambda: json.loads(a.run("job", "dead", "list", "--json"))["letters"])[0]
    assert (letter["to_host"], letter["host"], letter["origin"], letter["agent"]) == ("b", "b", "a", "nobody")
    assert letter["id"] in a.run("job", "dead", "list")
    b.with_agents(claude={}, nobody={"type": "claude"})
    again = a.start("job", "dead", "retry", letter["id"])
    job = b.once(status="delivered", retry_of=letter["id"])
    assert job["id"] != letter["id"]
    b.say(job, "completed")
    assert ended(again)[0] == 0
    assert "no dead letter" in a.run("job", "dead", "list")
    a.run("job", "dead", "drop", letter["id"], code=64)


def test_an_agent_with_a_question_gets_nothing_and_the_job_waits(hosts) -> None:
    a, b = hosts
    b.with_agents()
    b.project.type(SESSION, "please ask")
    wait_until(lambda: "Do you want to" in b.project.screen(SESSION))
    b.runner()
    submitted = a.submit("--host", "b", "--timeout", "60")
    job = a.once(host="b")
    wait_until(lambda: f"{job['id']}  waits: {SESSION}" in b.said())
    assert b.record()["delivery"] is None
    assert b.typed("do it") == 0
    assert "cancelled" in a.run("job", "cancel", "--job", job["id"])
    assert ended(submitted)[0] == 1
    b.once(status="cancelled")
    assert b.typed("do it") == 0


def test_a_claimed_job_is_cancelled_where_it_is_done(pair) -> None:
    a, b = pair
    submitted = a.submit("--host", "b")
    job = b.once(status="delivered")
    assert "its agent on b may still be working" in a.run("job", "cancel", "--job", job["id"])
    assert ended(submitted)[0] == 1
    assert b.once(status="cancelled")["result"]["detail"] == "cancelled on a"
    assert a.record()["status"] == "cancelled"


def test_a_job_that_nobody_claimed_is_taken_back(hosts) -> None:
    a, b = hosts
    submitted = a.submit("--host", "b")
    job = wait_until(a.records)[0]
    wait_until((a.jobs / job["id"] / "order.json").exists)
    assert "taken back: no host had claimed it" in a.run("job", "cancel", "--job", job["id"])
    assert ended(submitted)[0] == 1
    b.with_agents()
    b.runner()
    assert ended(a.submit("--host", "b", "--agent", "nobody"))[0] == 7
    assert job["id"] not in {each["id"] for each in b.records()}


def test_a_permission_is_told_here_and_answered_there(pair) -> None:
    a, b = pair
    submitted = a.submit("--host", "b", prompt="please ask")
    job = wait_until(lambda: (found := a.record()) and found["permission"] and found)
    assert f"on b: reconciler job answer --job {job['id']}" in a.run("job", "answer", "--job", job["id"], code=7)
    b.once(permission=job["permission"])
    asked = b.run("job", "answer", "--job", job["id"])
    request = next(word for word in asked.split() if len(word) == 32)
    b.run("job", "answer", "--job", job["id"], "--request", request, "deny")
    b.say(b.record(), "completed")
    assert ended(submitted)[0] == 0


def test_a_runner_that_was_killed_goes_on_and_types_nothing_twice(pair) -> None:
    a, b = pair
    submitted = a.submit("--host", "b")
    job = b.once(status="delivered")
    b.kill()
    b.say(job, "progress", "half")
    b.runner()
    a.once(status="running")
    b.kill()
    b.say(job, "completed", "all done")
    b.runner()
    code, out, _ = ended(submitted)
    assert (code, "completed: all done" in out) == (0, True)
    assert b.typed("do it") == 1


def test_a_runner_that_was_killed_before_it_typed_types_later(hosts) -> None:
    a, b = hosts
    b.with_agents()
    b.project.type(SESSION, "please ask")
    wait_until(lambda: "Do you want to" in b.project.screen(SESSION))
    b.runner()
    submitted = a.submit("--host", "b")
    wait_until(lambda: "waits:" in b.said())
    b.kill()
    b.project.tmux("send-keys", "-t", f"={SESSION}:", "Escape")
    wait_until(lambda: "Do you want to" not in b.project.screen(SESSION))
    b.runner()
    b.say(b.once(status="delivered"), "completed")
    assert ended(submitted)[0] == 0
    assert b.typed("do it") == 1


def test_the_queue_is_away_for_a_while(pair, backend) -> None:
    a, b = pair
    submitted = a.submit("--host", "b")
    job = b.once(status="delivered")
    backend.stop()
    b.say(job, "completed", "meanwhile")
    b.once(status="completed")
    backend.start()
    code, out, _ = ended(submitted)
    assert (code, "completed: meanwhile" in out) == (0, True)


def test_a_detached_job_is_followed_in_the_background(pair) -> None:
    a, b = pair
    code, _, err = ended(a.submit("--host", "b", "--detach"))
    assert code == 0, err
    job = b.once(status="delivered")
    b.say(job, "completed", "all done")
    assert a.once(status="completed")["host"] == "b"


def test_a_job_is_waited_for_and_tried_again(pair) -> None:
    a, b = pair
    submitted = a.submit("--host", "b")
    job = b.once(status="delivered")
    submitted.send_signal(signal.SIGINT)
    assert ended(submitted)[0] == 130
    b.say(job, "error", "not today")
    assert "not today" in a.run("job", "wait", "--job", job["id"], code=1)
    again = a.start("job", "retry", job["id"])
    b.say(b.once(status="delivered", retry_of=job["id"]), "completed")
    assert ended(again)[0] == 0
    assert b.typed("do it") == 2


def test_one_runner_works_in_a_project(pair) -> None:
    assert "another runner works in this project" in pair[1].run("runner", code=6)


def test_a_runner_ends_when_it_is_told_to(pair) -> None:
    b = pair[1]
    b.runners[0].send_signal(signal.SIGTERM)
    assert b.runners[0].wait(30) == 0
    assert "Stopped: SIGTERM" in b.said()


# --- pools ------------------------------------------------------------------------------------


@only_nats
def test_any_idle_agent_of_a_pool_does_a_job(hosts) -> None:
    a, b = hosts
    agents = {"one": {"type": "claude"}, "two": {"type": "claude"}, "mine": {"type": "claude", "pool": "no"}}
    b.with_agents(**agents)
    b.runner("--pool", "claude")
    submitted = [a.submit("--pool", "claude", prompt=f"task {number}") for number in range(3)]
    done: set[str] = set()
    wait_until(lambda: [job["status"] for job in b.records()] == ["delivered"] * 2)
    for _ in range(3):
        job = wait_until(lambda: next((j for j in b.records() if j["status"] == "delivered"), None))
        b.say(job, "completed")
        wait_until(lambda job=job: any(j["id"] == job["id"] and j["status"] == "completed" for j in b.records()))
        done.add(job["agent_session"])
    assert [ended(each)[0] for each in submitted] == [0, 0, 0]
    assert [b.typed(f"task {number}") for number in range(3)] == [1, 1, 1]
    assert done == {"tmux:lab-creator-one", "tmux:lab-creator-two"}


@only_nats
def test_a_runner_claims_no_job_of_a_pool_without_an_idle_agent(hosts) -> None:
    a, b = hosts
    b.with_agents(mine={"type": "claude", "pool": "no"})
    b.runner("--pool", "claude")
    assert ended(a.submit("--pool", "claude", "--timeout", "3"))[0] == 8
    assert b.records() == []


@only_mqtt
def test_a_broker_has_no_pools(hosts) -> None:
    a, b = hosts
    assert "--pool needs jobs.backend: nats" in a.run("job", "submit", "--prompt", "x", "--pool", "claude", code=64)
    assert "--pool needs jobs.backend: nats" in b.run("runner", "--pool", "claude", code=64)
    assert a.records() == []


# --- what cannot be right ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "web.example"], "'web.example' cannot be the name of a host"),
        (["--host", "a/b"], "cannot be the name of a host"),
        (["--host", "a+"], "cannot be the name of a host"),
        (["--host", "b\x1b[2J"], "cannot be the name of a host"),
        (["--pool", "host-b"], "cannot be the name of a pool"),
        (["--host", "b", "--pool", "claude"], "--host and --pool cannot be combined"),
        (["--pool", "claude", "--agent", "claude"], "--agent and --pool cannot be combined"),
        (["--host", "b", "--agent-session", "tmux:x"], "--agent-session and --host cannot be combined"),
        (["--host", "b", "--dry-run"], "--dry-run and --host cannot be combined"),
        (["--host", "b", "--workdir", "/srv/x"], "is a path, which means nothing on another host"),
        (["--host", "b", "--validate", "/srv/x"], "means nothing on another host"),
        (["--host", "b", "--validate", "../x"], "means nothing on another host"),
        (["--host", "b", "--agent", "human"], "a person"),
    ],
)
@only_mqtt
def test_bad_words_are_one_error_and_nothing_is_sent(hosts, words, said) -> None:
    a, _ = hosts
    shown = a.run("job", "submit", "--prompt", "x", *words, code=64)
    assert said in shown
    assert "\x1b" not in shown
    assert a.records() == []


@only_mqtt
def test_a_prompt_that_is_too_long_to_travel_is_refused_before_anything_is_written(hosts) -> None:
    a, _ = hosts
    (a.project.root / "long").write_text("x" * 65_400)
    assert "too long for another host" in a.run("job", "submit", "@long", "--host", "b", code=64)
    assert a.records() == []


@only_mqtt
def test_without_tls_or_login_no_token_is_sent(hosts) -> None:
    a, _ = hosts
    for change in ({"MQTT_TLS": "0"}, {"MQTT_USERNAME": "", "MQTT_PASSWORD": ""}):
        said = a.run("job", "submit", "--prompt", "x", "--host", "b", code=7, MQTT_BROKER="192.0.2.1", **change)
        assert "they hold a secret, and it has no TLS or no login" in said
    assert a.records() == []


def test_a_project_without_a_broker_says_what_to_declare(hosts) -> None:
    a, _ = hosts
    a.settings = {}
    a.declare()
    without = dict.fromkeys(a.env, "")
    said = a.run("job", "submit", "--prompt", "x", "--host", "b", code=64, **without)
    assert "need a broker that all of them reach" in said
    assert "backend: nats" in said


# --- whatever dies ----------------------------------------------------------------------------


@only_nats
def test_of_many_jobs_none_is_lost_and_none_typed_twice_while_runners_and_the_server_are_killed(hosts, backend) -> None:
    a, b = hosts
    agents = {f"claude{number}": {"type": "claude"} for number in range(3)}
    b.with_agents(**agents)
    b.runner("--pool", "claude")
    count = 9
    submitted = [a.submit("--pool", "claude", prompt=f"task-{number}.") for number in range(count)]
    killed: list[str] = []

    def round_is_over() -> bool:
        open_jobs = [job for job in b.records() if job["status"] in {"delivered", "running"}]
        for job in open_jobs:
            b.say(job, "completed")
        done = sum(job["status"] == "completed" for job in b.records())
        if done >= 3 and not killed:
            killed.append("runner")
            b.kill()
            b.runner("--pool", "claude")
        if done >= 6 and len(killed) < 2:
            killed.append("server")
            backend.kill()
            backend.start()
        return all(each.poll() is not None for each in submitted)

    wait_until(round_is_over)
    assert [ended(each)[0] for each in submitted] == [0] * count
    assert [b.typed(f"task-{number}.") for number in range(count)] == [1] * count
    assert killed == ["runner", "server"]
    assert json.loads(a.run("job", "dead", "list", "--json"))["letters"] == []
