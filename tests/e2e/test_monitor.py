"""The monitor from the command line: real tmux, a real broker, stand-in agents."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from broker.mosquitto import SECRETS, Knobs, Mosquitto, running
from delegating import SESSION, Lab
from project import SCHEMAS, SECONDS, arguments, pids
from waiting import wait_until

OTHER = "lab-creator-sh"
HOOKS = ("show-hooks", "-g"), ("show-hooks", "-gw")
PUBLIC = Knobs(anonymous=True, acl=None, tls=False)


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with running(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture
def lab(project, broker):
    return Lab(project, broker)


@pytest.fixture
def agents(project):
    """Two agents that run, and the server on which they do."""
    project.declare(claude={}, sh={"type": "shell"})
    project.apply()
    return project


def once(project, *words, code=0):
    return json.loads(project.run("monitor", "--once", "--emit-diff", *words, code=code).splitlines()[0])


def found(document):
    return [(each["class"], each["session"]) for each in document["drifts"]]


def status(project, session):
    return project.recorded()["sessions"].get(session, {}).get("status")


@contextmanager
def monitor(project, *words, **env):
    """A running monitor that has made its first pass; it is ended with the block."""
    process = project.start("monitor", *words, **env)
    try:
        wait_until(lambda: process.poll() is not None or bells(project))
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=SECONDS)


def bells(project):
    """The clients that wait for the project's server to say something."""
    return [pid for pid in pids() if {"wait-for", str(project.socket)} <= set(arguments(pid))]


def hooks(project):
    return [line for words in HOOKS for line in project.tmux(*words).splitlines() if "reconciler-" in line]


def ended(process, number=None):
    if number:
        process.send_signal(number)
    out, err = process.stdout.read(), process.stderr.read()  # and not `communicate`: some lines were read already
    return process.wait(SECONDS), out, err


def tree(folder: Path):
    paths = sorted([folder, *folder.rglob("*")])
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_mode, _content(path)) for path in paths}


def _content(path: Path):
    return path.read_bytes() if path.is_file() and not path.is_symlink() else b""


# --- one look ---------------------------------------------------------------------------------


def test_one_look_prints_one_document_and_writes_what_is_true(agents):
    agents.tmux("kill-session", "-t", f"={OTHER}")
    agents.tmux("new-session", "-d", "-s", "shop-creator-agy", "sleep", "1000")
    document = once(agents)
    assert sorted(found(document)) == [("A", OTHER), ("B", "shop-creator-agy")]
    jsonschema.validate(document, json.loads((SCHEMAS / "monitor-diff.schema.json").read_text()))
    gone, stranger = agents.row(OTHER), agents.row("shop-creator-agy")
    assert (gone["status"], gone["termination_mode"], bool(gone["terminated_at"])) == (
        "terminated",
        "auto-detected",
        True,
    )
    assert (stranger["status"], stranger["last_visible_status"]) == ("running", "running")
    assert stranger["last_visible_note"] == "auto-registered"
    before = agents.registry.read_bytes()
    assert found(once(agents)) == []
    assert agents.registry.read_bytes() == before


def test_a_look_for_a_worker_is_one_look_also_without_once(agents):
    (document,) = agents.run("monitor", "--emit-diff", "--dry-run").splitlines()
    assert json.loads(document)["drifts"] == []


def test_the_folder_for_what_was_told_can_be_chosen(agents):
    agents.tmux("kill-session", "-t", f"={OTHER}")
    folder = agents.home / "told"
    agents.run("monitor", "--once", AGENT_SESSIONS_STATE_DIR=str(folder))
    assert [path.name for path in folder.iterdir()] == ["lab.state"]
    assert not (agents.root / ".cache").exists()


@pytest.mark.parametrize(
    "words", [("--once", "--emit-diff", "--notify"), ("--emit-diff", "--timeout", "0.1")], ids=" ".join
)
def test_a_dry_run_writes_nothing_at_all(agents, words):
    """Modes do not stop root, so the folders are compared, and every opening for writing ends the process."""
    agents.tmux("kill-session", "-t", f"={OTHER}")
    for path in (agents.root, *agents.root.rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)
    before = tree(agents.root)
    command = [sys.executable, str(Path(__file__).with_name("watched.py")), "monitor", "--dry-run", *words]
    done = subprocess.run(
        command, check=False, cwd=agents.root, env=agents.env, capture_output=True, text=True, timeout=SECONDS
    )
    assert (done.returncode, "Error" in done.stderr) == (0, False)
    assert found(json.loads(done.stdout)) == [("A", OTHER)]
    assert tree(agents.root) == before
    assert hooks(agents) == []


def test_a_project_without_a_manifest_is_watched_by_its_registry(project):
    """As an older tool left it: one session lives, one is gone, and one was ended for good."""
    project.tmux("-f", "/dev/null", "new-session", "-d", "-s", "lab-creator-claude", "sleep", "1000")
    project.registry.parent.mkdir()
    project.registry.write_text(
        "# the seed's form\nsessions:\n"
        "  lab-creator-claude: {workspace: lab, agent: claude, status: running, claude_session_id_own: null}\n"
        "  lab-creator-agy: {workspace: lab, agent: agy, status: running, pane: {pid: 201132, cmd: agy}}\n"
        "  lab-creator-codex: {workspace: lab, agent: codex, status: stopped, resumable: true}\n"
    )
    link = project.home / f"tmux-{os.getuid()}"
    link.mkdir(mode=0o700)
    (link / "lab").symlink_to(project.socket)
    env = {"TMUX_TMPDIR": str(project.home), "TMUX_SERVER_NAME": "lab"}
    said = project.run("monitor", "--once", "--emit-diff", **env)
    assert found(json.loads(said.splitlines()[0])) == [("A", "lab-creator-agy")]
    assert "tmux gone (was pane 201132, cmd agy). Marked terminated." in said
    assert project.registry.read_text().startswith("# the seed's form\n")
    rows = project.recorded()["sessions"]
    assert {name: row["status"] for name, row in rows.items()} == {
        "lab-creator-claude": "running",
        "lab-creator-agy": "terminated",
        "lab-creator-codex": "stopped",
    }
    assert rows["lab-creator-codex"]["resumable"] is True


def test_a_session_that_was_stopped_stays_so(agents):
    agents.run("stop", OTHER)
    before = agents.registry.read_bytes()
    assert found(once(agents)) == []
    assert agents.registry.read_bytes() == before


def test_tmux_that_cannot_be_asked_is_no_drift(agents):
    binary = agents.home / "bin" / "tmux"
    binary.parent.mkdir()
    binary.write_text("#!/bin/sh\necho 'server version is too old for client' >&2; exit 1\n")
    binary.chmod(0o755)
    path = f"{binary.parent}:{agents.env['PATH']}"
    done = agents.attempt("monitor", "--once", "--emit-diff", PATH=path)
    document = json.loads(done.stdout)
    assert (done.returncode, found(document), document["in_sync"]) == (1, [], False)
    assert document["diagnostics"][0]["summary"] == "tmux could not be asked"
    assert status(agents, OTHER) == "running"


def test_a_look_asks_tmux_with_one_process(agents):
    real, log = shutil.which("tmux", path=agents.env["PATH"]), agents.home / "asked"
    binary = agents.home / "bin" / "tmux"
    binary.parent.mkdir()
    binary.write_text(f'#!/bin/sh\necho "$@" >>{log}\nexec {real} "$@"\n')
    binary.chmod(0o755)
    agents.run("monitor", "--once", PATH=f"{binary.parent}:{agents.env['PATH']}")
    assert len(log.read_text().splitlines()) == 1


# --- watching ---------------------------------------------------------------------------------


def test_events_of_tmux_wake_the_monitor_long_before_its_time(agents):
    with monitor(agents, "--interval", "1h"):
        agents.tmux("kill-session", "-t", f"={OTHER}")
        wait_until(lambda: status(agents, OTHER) == "terminated")
        agents.tmux("new-session", "-d", "-s", "shop-creator-agy", "sleep", "1000")
        wait_until(lambda: status(agents, "shop-creator-agy") == "running")


def test_the_registry_and_the_notes_of_a_cli_wake_it_too(agents):
    with monitor(agents, "--interval", "1h") as process:
        text = agents.registry.read_text()
        agents.registry.write_text(text.replace("    status: running", "    status: terminated", 1))
        wait_until(lambda: agents.registry.read_text().count("    status: running") == 2)
        assert process.poll() is None


def test_without_any_event_a_pass_comes_in_its_time(agents):
    with monitor(agents, "--interval", "1s"):
        for line in hooks(agents):
            agents.tmux("set-hook", "-gu", line.split()[0])
        agents.tmux("kill-session", "-t", f"={OTHER}")
        wait_until(lambda: status(agents, OTHER) == "terminated")


def test_it_is_no_terminal_keeps_no_server_alive_and_watches_the_next_one(agents):
    with monitor(agents, "--interval", "1h"):
        attached = agents.tmux("list-sessions", "-F", "#{session_attached}").split()
        assert attached == ["0", "0"]
        assert agents.tmux("list-clients").strip() == ""
        for session in (OTHER, SESSION):
            agents.tmux("kill-session", "-t", f"={session}")
        wait_until(lambda: "no server" in agents_error(agents))
        wait_until(lambda: status(agents, SESSION) == "terminated")
        agents.apply()
        wait_until(lambda: hooks(agents))
        agents.tmux("kill-session", "-t", f"={OTHER}")
        wait_until(lambda: status(agents, OTHER) == "terminated")


def agents_error(project):
    command = ["tmux", "-S", str(project.socket), "list-sessions"]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=project.env).stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)], ids=["SIGTERM", "SIGINT"])
def test_a_signal_leaves_nothing_behind(agents, number, code):
    with monitor(agents, "--interval", "1h") as process:
        wait_until(lambda: len(hooks(agents)) == 6)
        returned, _, err = ended(process, number)
    assert (returned, signal.Signals(number).name in err) == (code, True)
    assert hooks(agents) == []
    assert bells(agents) == []
    assert not list(agents.registry.parent.rglob("lock*"))
    assert found(once(agents)) == []


def test_there_is_one_monitor_a_project_and_others_look_beside_it(agents):
    with monitor(agents, "--interval", "1h") as first:
        assert f"the project is monitored by pid {first.pid}" in agents.run("monitor", code=6)
        assert found(once(agents)) == []
        agents.run("monitor", "--dry-run", "--timeout", "0.1")
        first.kill()
        first.wait()
        with monitor(agents, "--interval", "1h") as second:  # the dead hold nothing
            wait_until(lambda: bells(agents))
            assert second.poll() is None


def test_a_killed_monitor_loses_nothing_and_its_successor_tells_nothing_twice(agents):
    with monitor(agents, "--interval", "1h", "--emit-diff") as first:
        agents.tmux("kill-session", "-t", f"={OTHER}")
        assert found(json.loads(first.stdout.readline())) == [("A", OTHER)]
        state = agents.root / ".cache" / "tmux-agent-orchestrate-monitor" / "lab.state"
        wait_until(lambda: json.loads(state.read_text())["pending"] == [])
        first.kill()
        first.wait()
    agents.tmux("new-session", "-d", "-s", "shop-creator-agy", "sleep", "1000")
    with monitor(agents, "--interval", "1h", "--emit-diff") as second:
        assert found(json.loads(second.stdout.readline())) == [("B", "shop-creator-agy")]


def test_a_time_limit_ends_it(agents):
    done = agents.attempt("monitor", "--timeout", "0.2")
    assert (done.returncode, "0.2 s are over" in done.stderr) == (0, True)


# --- job events -------------------------------------------------------------------------------


def note(project, session=SESSION):
    return project.row(session)["last_visible_note"]


@contextmanager
def listening(lab, *words, **env):
    with monitor(lab.project, "--interval", "1h", "--subscribe", *words, **env) as process:
        lines = []
        while not any("Listening" in line for line in lines):
            lines.append(process.stderr.readline())
            assert lines[-1], "".join(lines)
        yield process


def test_a_genuine_event_reaches_the_registry_and_ends_no_session(lab):
    lab.with_agent()
    with listening(lab):
        lab.submit("--detach").communicate(timeout=SECONDS)
        job = lab.job()
        lab.say(job, "completed", "all done")
        wait_until(lambda: note(lab.project) == f"job {job['id']} completed")
    assert lab.job()["status"] == "completed"
    assert status(lab.project, SESSION) == "running"
    assert not lab.project.pane(SESSION).dead


def test_what_is_not_genuine_is_dropped_and_counted(lab):
    lab.with_agent()
    job = None
    with listening(lab) as process:
        lab.submit("--detach").communicate(timeout=SECONDS)
        job = lab.job()
        event = {"job_id": job["id"], "event": "completed", "detail": "", "timestamp": job["created_at"]}
        for payload in (json.dumps(event), json.dumps({**event, "hmac": "0" * 64}), "{"):
            publish(lab, job["topic"], payload)
        publish(lab, "python/mqtt/jobs/nobody/events", json.dumps(event))
        told = [process.stderr.readline()]
        while "foreign_topic" not in told[-1]:  # the last of them has been heard
            assert process.poll() is None
            told.append(process.stderr.readline())
        assert f"{job['id']}  dropped a message: unsigned\n" in told
        assert "no job of ours  dropped a message: foreign_topic\n" in told
        process.send_signal(signal.SIGSTOP)  # the follower in the background is the first to record the genuine event
        lab.say(job, "started")
        wait_until(lambda: lab.job()["status"] == "running")
        process.send_signal(signal.SIGCONT)
        while "started" not in told[-1]:
            assert "replayed" not in told[-1]
            told.append(process.stderr.readline())
            assert told[-1], told
        _, _, err = ended(process, signal.SIGTERM)
    assert re.search(r"^Dropped messages: 1 foreign_topic, 1 forged, 1 malformed, 1 unsigned\.$", err, re.MULTILINE)
    assert lab.job()["status"] == "running"


def publish(lab, topic, payload):
    """As somebody who may publish, and has no token."""
    connection = ["-h", "localhost", "-p", str(lab.broker.port), "--cafile", lab.broker.path("ca.crt")]
    login = ["-u", "claude-worker", "-P", SECRETS["claude-worker"]]
    command = ["mosquitto_pub", *connection, *login, "-q", "1", "-t", topic, "-m", payload]
    subprocess.run(command, check=True, timeout=SECONDS)


def test_on_a_private_broker_an_ended_job_may_stop_its_agent(lab):
    lab.with_agent()
    with listening(lab, "--auto-stop"):
        lab.submit("--detach").communicate(timeout=SECONDS)
        job = lab.job()
        lab.say(job, "completed")
        wait_until(lambda: status(lab.project, SESSION) == "stopped")
    row = lab.project.row(SESSION)
    assert (row["stopped_reason"], row["resumable"]) == (f"job {job['id']} completed", True)


def test_a_public_broker_is_warned_of_and_stops_nobody(agents, tmp_path):
    with running(tmp_path, PUBLIC) as public:
        env = {"MQTT_BROKER": "localhost", "MQTT_PORT": str(public.port)}
        done = agents.attempt("monitor", "--subscribe", "--timeout", "0.1", **env)
        assert (done.returncode, "has no TLS" in done.stderr, "forged" in done.stderr) == (0, True, True)
        refused = agents.run("monitor", "--subscribe", "--auto-stop", "--timeout", "0.1", code=7, **env)
        assert "--auto-stop is refused" in refused


def test_a_long_silence_ends_it(lab):
    lab.declare()
    with listening(lab, "--idle-timeout", "0.5") as process:
        code, _, err = ended(process)
    assert (code, "no message for 0.5 s" in err) == (0, True)


REFUSALS = {"connect error": None, "refused CONNACK": {"MQTT_USERNAME": "hermes", "MQTT_PASSWORD": "wrong"}}


@pytest.mark.parametrize("login", REFUSALS.values(), ids=REFUSALS)
def test_without_a_broker_it_polls_and_tries_again(agents, tmp_path, login):
    broker = Mosquitto(tmp_path, replace(PUBLIC, anonymous=login is None))
    broker.write()
    if login:
        broker.start()
    env = {"MQTT_BROKER": "localhost", "MQTT_PORT": str(broker.port), "RECONCILE_POLL_INTERVAL": "0.5", **(login or {})}
    try:
        with monitor(agents, "--interval", "1h", "--subscribe", "--idle-timeout", "0.1", **env) as process:
            wait_until(lambda: "no job events" in process.stderr.readline())
            for line in hooks(agents):
                agents.tmux("set-hook", "-gu", line.split()[0])
            agents.tmux("kill-session", "-t", f"={OTHER}")
            wait_until(lambda: status(agents, OTHER) == "terminated")
            assert process.poll() is None
            if not login:
                broker.start()
                code, _, err = ended(process)
                assert (code, "Listening" in err, "no message for 0.1 s" in err) == (0, True, True)
    finally:
        broker.stop()


# --- the service ------------------------------------------------------------------------------


def test_a_service_is_written_and_removed_and_nothing_else(project):
    before = tree(project.home)
    said = project.run("monitor", "install", "--user", "--interval", "45s", MQTT_PASSWORD="s3cret")
    [unit] = (project.home / ".config/systemd/user").iterdir()
    assert all(words in said for words in (str(unit), "systemctl --user enable --now", "loginctl enable-linger"))
    assert "s3cret" not in unit.read_text()
    assert '"monitor" "--interval" "45"' in unit.read_text()
    assert "already there" in project.run("monitor", "install", "--user", "--interval", "45s")
    unit.write_text(unit.read_text() + "# mine\n")
    assert "was changed by hand" in project.run("monitor", "uninstall", "--user", code=7)
    unit.write_text(unit.read_text().removesuffix("# mine\n"))
    assert "is removed" in project.run("monitor", "uninstall", "--user")
    assert set(tree(project.home)) - set(before) == {str(folder) for folder in list(unit.parents)[:3]}


def test_a_service_does_not_print_one_document_and_end(project):
    said = project.run("monitor", "install", "--user", "--emit-diff", code=64)
    assert "add --interval 30s" in said
    project.run("monitor", "install", "--user", "--emit-diff", "--interval", "30s")
