"""The broker commands, as a user types them, with a real Mosquitto."""

from __future__ import annotations

import getpass
import json
import os
import pty
import shlex
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from broker.mosquitto import running as foreign
from conftest import mosquittos
from project import CLI, Project, command_lines
from waiting import PATIENCE, wait_until

from reconciler.app.brokers import proof
from reconciler.app.project.project import Project as At
from reconciler.cli.commands import broker
from reconciler.cli.show import brokers as show
from reconciler.model.broker import JOB_EVENTS, Connection
from reconciler.model.errors import ReconcilerError
from reconciler.ports.clock import RealClock
from reconciler.ports.mqtt import MqttBus, connect

TOPIC = "python/mqtt/jobs/1/events"


def folder(project: Project) -> Path:
    return project.root / ".hermes" / "broker"


def contents(project: Project) -> dict[str, tuple[bytes, int, int]]:
    """Every file of the broker: what it holds, who may read it, when it was written."""
    paths = [path for path in folder(project).rglob("*") if path.is_file()]
    kept = [path for path in paths if path.parent.name not in {"run", "data"}]
    return {str(path): (path.read_bytes(), path.stat().st_mode, path.stat().st_mtime_ns) for path in kept}


def running(project: Project, port: int, *words: str) -> None:
    project.run("broker", "init", "--port", str(port), *words)
    project.run("broker", "run", "--background")


def connection(project: Project, user: str) -> Connection:
    block = json.loads(project.attempt("broker", "env", user, "--format", "json", "--reveal").stdout)
    return Connection(**block)


@contextmanager
def login(of: Connection) -> Iterator[MqttBus]:
    with closing(connect(of)) as bus:
        yield bus


def password_entries(project: Project) -> dict[str, str]:
    lines = (folder(project) / "etc/mosquitto/passwd").read_text().splitlines()
    return dict(line.split(":", 1) for line in lines)


# --- from nothing -----------------------------------------------------------------------------


def test_three_commands_lead_from_nothing_to_a_proved_broker(project: Project, port: int):
    project.run("broker", "init", "--port", str(port))
    project.run("broker", "run", "--background")
    said = project.run("broker", "verify")
    assert "Verified: 34 passed, 0 failed, 1 skipped." in said


def test_a_second_init_changes_no_byte(project: Project, port: int):
    running(project, port)
    before = contents(project)
    assert "No changes." in project.run("broker", "init")
    assert "No changes." in project.run("broker", "init", "--port", str(port))
    assert contents(project) == before


def test_a_trial_shows_the_difference_and_writes_nothing(project: Project, port: int):
    project.run("broker", "init", "--port", str(port), "--dry-run")
    assert not folder(project).exists()
    project.run("broker", "init", "--port", str(port))
    before = contents(project)
    said = project.run("broker", "init", "--port", "18884", "--dry-run")
    assert '+ mosquitto.conf            = "listener 18884 127.0.0.1"' in said
    assert contents(project) == before


def test_other_options_change_the_settings_and_leave_what_is_not_said(project: Project, port: int):
    project.run("broker", "init", "--port", str(port), "--user", "one:observer", "--user", "two:worker")
    manifest = folder(project) / "broker.yaml"
    manifest.write_text(manifest.read_text().replace("host: localhost", "host: localhost  # mine"))
    secret = (folder(project) / "clients/one.password").read_bytes()
    project.run("broker", "init", "--name", "mqtt.internal", "--topic-prefix", "lab/")
    document = project.json("broker", "status", code=0)
    assert [user["name"] for user in document["users"]] == ["one", "two"]
    assert document["listeners"] == [{"port": port, "bind": "127.0.0.1", "mtls": False}]
    assert "host: localhost  # mine" in manifest.read_text()
    assert "topic write lab/jobs/+/events" in (folder(project) / "etc/mosquitto/acl").read_text()
    assert (folder(project) / "clients/one.password").read_bytes() == secret


def test_a_changed_setting_reaches_the_running_broker(project: Project, port: int):
    running(project, port)
    assert "The broker uses them." in project.run("broker", "init", "--mtls")
    said = project.run("broker", "verify")
    assert "pass mtls.no_certificate" in said
    assert "skip login.wrong_password" in said


def test_a_setting_that_fails_the_proof_is_taken_back(project: Project, port: int):
    running(project, port)
    manifest = (folder(project) / "broker.yaml").read_bytes()
    assert "the last good files are back" in project.run("broker", "init", "--host", "nowhere.invalid", code=1)
    assert (folder(project) / "broker.yaml").read_bytes() == manifest
    assert "No changes." in project.run("broker", "init")
    assert project.json("broker", "verify", code=0)["passed"]


def test_a_broker_can_be_made_anywhere_and_told_by_its_folder(project: Project, port: int):
    place = str(project.home / "a bus")
    project.run("broker", "init", place, "--port", str(port))
    project.run("broker", "run", place, "--background")
    assert project.json("broker", "verify", place, code=0)["passed"]
    assert "is stopped" in project.run("broker", "stop", place)


def test_a_moved_broker_says_how_to_make_its_files_anew(project: Project, port: int):
    project.run("broker", "init", "--port", str(port))
    trusted = (folder(project) / "ca/ca.crt").read_bytes()
    shutil.move(folder(project), project.home / "moved")
    moved = str(project.home / "moved")
    assert f"reconciler broker init {moved}" in project.run("broker", "status", moved, code=1)
    project.run("broker", "init", moved)
    project.run("broker", "run", moved, "--background")
    assert project.json("broker", "verify", moved, code=0)["passed"]
    assert Path(moved, "ca/ca.crt").read_bytes() == trusted


@pytest.mark.parametrize(("target", "file"), [("docker", "compose.yaml"), ("systemd", "main.service")])
def test_a_broker_that_something_else_runs_is_made_and_not_run(project: Project, port: int, target: str, file: str):
    project.run("broker", "init", "--port", str(port), "--target", target)
    assert (folder(project) / file).exists()
    assert f"is run by {target}" in project.run("broker", "run", "--background", code=64)
    assert f"is run by {target}" in project.run("broker", "status")
    assert project.attempt("broker", "verify").returncode == 4


# --- run --------------------------------------------------------------------------------------


def test_in_the_foreground_the_command_is_the_broker_and_holds_no_lock(project: Project, port: int):
    project.run("broker", "init", "--port", str(port))
    with project.start("broker", "run") as ours:
        wait_until(lambda: mosquittos(project) == [ours.pid])
        assert "Nothing is locked." in project.run("lock", "status")
        wait_until(lambda: project.attempt("broker", "stop").returncode == 0)
        ours.communicate(timeout=PATIENCE)
    assert mosquittos(project) == []


def test_a_bad_file_is_told_before_the_broker_reads_it(project: Project, port: int):
    running(project, port)
    (folder(project) / "etc/mosquitto/acl").write_text("nonsense\n")
    said = project.run("broker", "reload", code=1)
    assert "etc/mosquitto/acl:1" in said
    assert project.json("broker", "status")["running"]
    project.run("broker", "stop")
    assert "etc/mosquitto/acl:1" in project.run("broker", "run", "--background", code=1)


def test_a_reload_tells_whether_something_had_changed(project: Project, port: int):
    running(project, port)
    assert "nothing had changed" in project.run("broker", "reload")
    acl = folder(project) / "etc/mosquitto/acl"
    acl.write_text(acl.read_text() + "\nuser hermes\ntopic write lab/#\n")
    document = project.json("broker", "status")
    assert (document["edited"], document["waiting"]) == (["etc/mosquitto/acl"], "reload")
    assert "uses the changes" in project.run("broker", "reload")
    assert "broker.main is stopped." in project.run("broker", "stop")
    assert "broker.main was not running." in project.run("broker", "stop")


# --- users ------------------------------------------------------------------------------------


def test_a_user_comes_and_goes_while_others_stay_connected(project: Project, port: int):
    running(project, port)
    with login(connection(project, "claude-worker")) as other:
        project.run("broker", "user", "add", "ci", "--role", "worker")
        with login(connection(project, "ci")) as ci:
            ci.publish(TOPIC, b"hello")
        gone = connection(project, "ci")
        project.run("broker", "user", "remove", "ci", "--auto-approve")
        with pytest.raises(ReconcilerError):
            connect(gone)
        assert other.drops == 0


def test_a_rotated_password_shuts_the_old_one_out_and_nobody_else(project: Project, port: int):
    running(project, port)
    old, entries = connection(project, "hermes"), password_entries(project)
    with login(connection(project, "claude-worker")) as other:
        project.run("broker", "user", "rotate", "hermes")
        with pytest.raises(ReconcilerError):
            connect(old)
        with login(connection(project, "hermes")) as hermes:
            hermes.subscribe(JOB_EVENTS)
        assert other.drops == 0
    assert password_entries(project)["claude-worker"] == entries["claude-worker"]
    assert password_entries(project)["hermes"] != entries["hermes"]


def test_a_user_is_removed_after_a_yes_and_not_without(project: Project, port: int):
    project.run("broker", "init", "--port", str(port))
    assert "there is no terminal" in project.run("broker", "user", "remove", "hermes", code=64)
    assert _answered(project, "no") == 1
    assert "hermes" in password_entries(project)
    assert _answered(project, "yes") == 0
    assert "hermes" not in password_entries(project)
    assert "is the last user" in project.run("broker", "user", "remove", "claude-worker", "--auto-approve", code=7)


def _answered(project: Project, answer: str) -> int:
    ours, theirs = pty.openpty()
    command = [*CLI, "broker", "user", "remove", "hermes"]
    asked = subprocess.Popen(command, cwd=project.root, env=project.env, stdin=theirs, stdout=subprocess.DEVNULL)
    os.write(ours, f"{answer}\n".encode())
    code = asked.wait(PATIENCE)
    os.close(ours)
    os.close(theirs)
    return code


# --- certificates -----------------------------------------------------------------------------


def test_the_server_shows_another_certificate_without_dropping_anybody(project: Project, port: int):
    running(project, port)
    before = ssl.get_server_certificate(("127.0.0.1", port))
    with login(connection(project, "hermes")) as hermes:
        project.run("broker", "rotate", "server", "--dry-run")
        assert ssl.get_server_certificate(("127.0.0.1", port)) == before
        project.run("broker", "rotate", "server")
        assert ssl.get_server_certificate(("127.0.0.1", port)) != before
        assert hermes.drops == 0


def test_a_ca_is_rolled_over_in_three_steps_without_shutting_a_client_out(project: Project, port: int):
    running(project, port, "--mtls")
    first = (folder(project) / "ca/ca.crt").read_bytes()
    for step in ("Step 1 of 3", "Step 2 of 3", "Step 3 of 3"):
        late = _copied(connection(project, "claude-worker"), project.home / step[5])
        assert step in project.run("broker", "rotate", "ca")
        for each in (late, connection(project, "claude-worker")):
            with login(each) as worker:
                worker.publish(TOPIC, b"still here")
    last = (folder(project) / "ca/ca.crt").read_bytes()
    assert last.count(b"BEGIN CERTIFICATE") == 1
    assert last != first
    assert "Verified" in project.run("broker", "verify")


def _copied(of: Connection, place: Path) -> Connection:
    """The connection of a client elsewhere, with the files as they are now."""
    place.mkdir()
    ca, certificate, key = (str(shutil.copy(path, place)) for path in (of.ca_certs, of.certfile, of.keyfile))
    return Connection(**{**_fields(of), "ca_certs": ca, "certfile": certificate, "keyfile": key})


def _fields(of: Connection) -> dict[str, object]:
    names = ("host", "port", "tls", "username", "password")
    return {name: getattr(of, name) for name in names}


def test_a_clients_certificate_is_issued_anew_where_there_are_any(project: Project, port: int):
    running(project, port)
    assert "uses no client certificates" in project.run("broker", "rotate", "client", "hermes", code=64)
    project.run("broker", "init", "--mtls")
    before = (folder(project) / "clients/hermes.crt").read_bytes()
    other = (folder(project) / "clients/claude-worker.crt").read_bytes()
    project.run("broker", "rotate", "client", "hermes")
    assert (folder(project) / "clients/hermes.crt").read_bytes() != before
    assert (folder(project) / "clients/claude-worker.crt").read_bytes() == other


@pytest.mark.parametrize(("days", "code"), [(0, 0), (61, 2), (91, 1)])
def test_what_is_due_and_what_has_expired_is_told_by_the_exit_code(
    project: Project, port: int, days: int, code: int, monkeypatch: pytest.MonkeyPatch
):
    project.run("broker", "init", "--port", str(port))
    later = RealClock().now() + timedelta(days=days)
    monkeypatch.setattr(At, "now", lambda _self: later)
    assert broker.expiry(chdir=str(project.root)) == code


# --- verify -----------------------------------------------------------------------------------


def test_verify_says_what_failed_what_was_seen_and_the_way_out(project: Project, port: int):
    running(project, port)
    (folder(project) / "clients/hermes.password").chmod(0o644)
    done = project.attempt("broker", "verify")
    assert done.returncode == 1
    [failure] = done.stdout.split("\nFAIL ")[1:]
    assert failure.splitlines()[:4] == [
        "files.private clients/hermes.password",
        "    expected: only its owner can read the file",
        "    observed: its mode is 0644",
        "    -> chmod 600 clients/hermes.password",
    ]
    document = project.json("broker", "verify", code=1)
    failed = [probe for probe in document["probes"] if probe["verdict"] == "fail"]
    assert [probe["id"] for probe in failed] == ["files.private"]


def test_verify_of_a_broker_that_does_not_answer_exits_with_4(project: Project, port: int):
    project.run("broker", "init", "--port", str(port))
    assert "does not answer" in project.run("broker", "verify", code=4)
    document = project.json("broker", "verify", code=4)
    assert not document["passed"]
    assert "does not answer" in document["diagnostics"][0]["summary"]


def test_another_program_on_our_port_is_told_by_verify_status_and_run_alike(project: Project, tmp_path: Path):
    with foreign(tmp_path) as other:
        project.run("broker", "init", "--port", str(other.port))
        said = "broker.main does not run; something else (pid "
        on_port = f", mosquitto, user {getpass.getuser()}) answers on port {other.port}"
        for command, code in ((["verify"], 1), (["status"], 0), (["run"], 1), (["run", "--background"], 1)):
            told = project.run("broker", *command, code=code)
            assert said in told
            assert on_port in told
            assert "end that program, or give the broker another port" in told
            assert "rotate" not in told
        probes = project.json("broker", "verify", code=1)["probes"]
        assert [(each["id"], each["verdict"]) for each in probes] == [("process.own", "fail"), ("rest", "skipped")]
    project.run("broker", "run", "--background")
    project.run("broker", "verify")


def test_verify_follows_the_environment(project: Project, port: int):
    running(project, port)
    script = f'eval "$({shlex.join(CLI)} broker env hermes)"; exec {shlex.join(CLI)} broker verify --env --json'
    done = subprocess.run(
        ["sh", "-c", script], cwd=project.root, env=project.env, capture_output=True, text=True, check=False
    )
    document = json.loads(done.stdout)
    assert (done.returncode, document["passed"], document["address"]) == (0, True, None)
    verdicts = {probe["id"]: probe["verdict"] for probe in document["probes"]}
    assert verdicts["login.accepted"] == verdicts["tls.chain"] == "pass"
    assert verdicts["reload.effect"] == "skipped"


BAD_ENVIRONMENTS = [
    ({"MQTT_PORT": "99999"}, "MQTT_PORT is not a port: 99999"),
    ({"MQTT_TLS": "maybe"}, "MQTT_TLS is neither on nor off: maybe"),
    ({"MQTT_CA_CERTS": "/nowhere/ca.crt"}, "MQTT_CA_CERTS names a file that is not there"),
]


@pytest.mark.parametrize(("variables", "told"), BAD_ENVIRONMENTS)
def test_a_bad_variable_is_told_by_its_name(project: Project, variables: dict[str, str], told: str):
    assert told in project.run("broker", "verify", "--env", code=1, **variables)


def test_the_public_broker_is_warned_of(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(proof, "verify", lambda _target, _clock: [])
    at = At(str(project.root), str(project.registry), {"MQTT_BROKER": "broker.hivemq.com"})
    assert show.proof(at, proof.prove_from_environment(at), as_json=True) == 1, "nothing was proved"
    said = capsys.readouterr()
    assert said.err.startswith("Warning: broker.hivemq.com is a public broker")
    assert json.loads(said.out)["passed"] is False


BAD_WORDS = [
    (["broker", "init", "--port", "99999"], "--port"),
    (["broker", "init", "--user", "bob:king"], "--user"),
    (["broker", "init", "--user", "b b:worker"], "--user"),
    (["broker", "init", "--key", "dsa"], "--key"),
    (["broker", "init", "--target", "cloud"], "--target"),
    (["broker", "user", "add", "bob", "--role", "king"], "--role"),
    (["broker", "user", "add", "bob", "--role", "custom"], "broker.yaml"),
    (["broker", "env", "hermes", "--format", "xml"], "--format"),
]


@pytest.mark.parametrize(("words", "told"), BAD_WORDS)
def test_a_bad_option_is_told_by_its_name_and_nothing_is_made(project: Project, words: list[str], told: str):
    assert told in project.run(*words, code=64)
    assert not folder(project).exists()


def test_a_host_that_is_none_is_refused_before_anything_is_made(project: Project):
    assert "not a host name" in project.run("broker", "init", "--host", "not a host", code=1)
    assert not folder(project).exists()


LOOKING = [["status"], ["expiry"], ["env", "hermes"], ["init", "--dry-run", "--port", "18884"]]


@pytest.mark.parametrize("words", LOOKING, ids=" ".join)
def test_looking_at_a_broker_opens_nothing_for_writing(project: Project, port: int, words: list[str]):
    project.run("broker", "init", "--port", str(port))
    watched = [sys.executable, "-B", str(Path(__file__).parent / "watched.py"), "broker", *words]
    assert subprocess.run(watched, cwd=project.root, env=project.env, capture_output=True, check=False).returncode == 0


# --- env --------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["bus", "it's a bus"])
def test_a_shell_takes_the_settings_with_the_password(project: Project, port: int, place: str):
    project.run("broker", "init", place, "--port", str(port))
    secret = (project.root / place / "clients/hermes.password").read_text().strip()
    script = 'eval "$(cat)"; printf "%s|" "$MQTT_BROKER" "$MQTT_PORT" "$MQTT_TLS" "$MQTT_PASSWORD" "$MQTT_CA_CERTS"'
    expected = f"localhost|{port}|1|{secret}|{project.root / place / 'ca/ca.crt'}|"
    for words in ([], ["--reveal"]):
        said = project.attempt("broker", "env", "hermes", place, *words).stdout
        assert (secret in said) == bool(words)
        assert (
            subprocess.run(["sh", "-c", script], input=said, capture_output=True, text=True, check=False).stdout
            == expected
        )


def test_a_file_of_variables_names_the_file_that_has_the_password(project: Project, port: int):
    project.run("broker", "init", "--port", str(port))
    said = project.run("broker", "env", "hermes", "--format", "dotenv")
    named = Path(said.split("this file has it: ")[1].splitlines()[0])
    revealed = project.run("broker", "env", "hermes", "--format", "dotenv", "--reveal")
    assert named.read_text() == revealed
    assert named.stat().st_mode & 0o777 == 0o600


def test_an_unknown_user_is_told_who_there_is(project: Project, port: int):
    project.run("broker", "init", "--port", str(port))
    said = project.run("broker", "env", "bob", code=64)
    assert "users are: claude-worker, hermes" in said


# --- declared ---------------------------------------------------------------------------------


def test_a_declared_broker_is_changed_where_it_is_declared(project: Project, port: int):
    project.write({}, broker={"listeners": [{"port": port}]})
    project.apply()
    for words in (["init"], ["user", "add", "ci"], ["user", "remove", "hermes", "--auto-approve"]):
        assert "is declared in reconciler.yaml:" in project.run("broker", *words, code=7)
    old = connection(project, "hermes")
    project.run("broker", "user", "rotate", "hermes")
    project.run("broker", "rotate", "server")
    assert connection(project, "hermes").password != old.password
    project.run("broker", "reload")
    assert project.json("broker", "status")["running"]
    assert project.json("broker", "verify", code=0)["passed"]
    assert project.actions() == {}


# --- secrets ----------------------------------------------------------------------------------


def test_no_secret_is_said_or_kept_anywhere_but_in_its_files(project: Project, port: int):
    applying = project.start("broker", "init", "--port", str(port))
    seen = [command_lines()]
    while applying.poll() is None:
        seen.append(command_lines())
    said = "".join(applying.communicate())
    said += project.run("broker", "run", "--background") + project.run("broker", "verify", "--json")
    said += project.run("broker", "status", "--json") + project.run("broker", "rotate", "server")
    for form in ("shell", "dotenv", "json"):
        said += project.run("broker", "env", "hermes", "--format", form)
    seen.append(command_lines())
    secrets = [path.read_bytes().strip() for path in folder(project).glob("clients/*.password")]
    secrets += [path.read_bytes().splitlines()[1] for path in folder(project).rglob("*.key")]
    assert len(secrets) >= 4
    everything = said.encode() + b"".join(seen)
    assert [secret for secret in secrets if secret in everything] == []
    holders = {name for name, content in project.files().items() if any(secret in content for secret in secrets)}
    assert {name.rpartition(".")[2] for name in holders} <= {"key", "password", "env"}
    assert all((project.home / name).stat().st_mode & 0o077 == 0 for name in holders)
