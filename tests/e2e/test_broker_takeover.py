"""A Mosquitto that was made by hand, by the recipe's own commands, is taken over; its clients notice nothing."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from contextlib import closing
from hashlib import sha512
from pathlib import Path

import pytest
from broker.by_hand import PRIVATE_CA, SELF_SIGNED, ByHand
from broker.mosquitto import SECRETS
from foreground import foreground
from jsonschema import Draft7Validator
from project import SCHEMAS, Project, command_lines

from reconciler.model.broker import Connection
from reconciler.ports.mqtt import connect

TOPIC = "python/mqtt/jobs/1/events"
PEOPLE = ("hermes", "claude-worker")


def old_broker(project: Project, port: int, certificates: str = PRIVATE_CA) -> ByHand:
    """The recipe's folder `bus` in the project, which belongs to the user."""
    folder = project.root / "bus"
    folder.mkdir()
    made = ByHand(folder, certificates)
    made.port = port
    made.write()
    (folder / "conf").rename(folder / "mosquitto.conf")
    for each in (folder, *folder.rglob("*")):
        os.chown(each, os.geteuid(), os.getegid())
    return made


def login(old: ByHand, user: str, secret: str = "") -> Connection:
    """As the clients of the old broker have it: its CA, its port, their passwords."""
    return Connection(
        host="localhost",
        port=old.port,
        tls=True,
        username=user,
        password=secret or SECRETS[user],
        ca_certs=str(old.ca),
    )


def event_passes(old: ByHand) -> bool:
    with (
        closing(connect(login(old, "hermes"))) as hermes,
        closing(connect(login(old, "claude-worker"))) as worker,
    ):
        hermes.subscribe(TOPIC)
        worker.publish(TOPIC, b"started")
        message = hermes.receive(5)
        return message is not None and message.payload == b"started"


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    paths = (path for path in folder.rglob("*") if path.is_file() and path.parent.name not in {"run", "data"})
    return {str(path): (path.read_bytes(), path.stat().st_mode) for path in paths}


@pytest.mark.parametrize("certificates", [PRIVATE_CA, SELF_SIGNED], ids=["private CA", "self-signed"])
def test_users_passwords_and_certificates_of_the_recipe_go_on(project: Project, port: int, certificates: str):
    old = old_broker(project, port, certificates)
    before = contents(old.folder)
    said = project.run("broker", "init", "bus", code=64)
    assert "broker.main will be taken over" in said
    assert '+ users.hermes                                = "observer, with the password that it has"' in said
    assert '~ etc/mosquitto/passwd mode                   = "0644 (auth/passwd)" -> "0600"' in said
    assert "pass --auto-approve" in said
    assert contents(old.folder) == before
    assert "Taken over in" in project.run("broker", "init", "bus", "--auto-approve")
    assert {path: contents(old.folder)[path] for path in before} == before
    project.run("broker", "run", "--background", "bus")
    assert event_passes(old)
    after = contents(old.folder)
    assert "No changes." in project.run("broker", "init", "bus")
    assert contents(old.folder) == after
    assert project.json("broker", "verify", "bus", code=0)["summary"]["fail"] == 0


def test_jobs_and_probes_log_in_when_the_passwords_are_given(project: Project, port: int):
    old = old_broker(project, port)
    project.run("broker", "init", "bus", "--auto-approve")
    project.run("broker", "run", "--background", "bus")
    told = project.run("broker", "env", "hermes", "bus", code=1)
    assert "reconciler broker user password hermes" in told
    entries = (old.folder / "etc/mosquitto/passwd").read_bytes()
    given = project.home / "given"
    given.write_text("not this one\n")
    words = ("broker", "user", "password", "hermes", "bus", "--password-file", str(given))
    assert "this is not the password of hermes" in project.run(*words, code=64)
    assert not (old.folder / "clients/hermes.password").exists()
    for user in PEOPLE:
        given.write_text(f"{SECRETS[user]}\n")
        words = ("broker", "user", "password", user, "bus", "--password-file", str(given))
        document = project.json(*words, code=0)
        assert (document["operation"], document["changed"]) == ("user password", True)
        assert SECRETS[user] not in str(document)
    assert (old.folder / "etc/mosquitto/passwd").read_bytes() == entries
    assert {(old.folder / f"clients/{user}.password").stat().st_mode & 0o777 for user in PEOPLE} == {0o600}
    document = project.json("broker", "verify", "bus", code=0)
    passed = {f"{each['id']} {each['subject']}" for each in document["probes"] if each["verdict"] == "pass"}
    assert {"login.accepted hermes", "flow.order claude-worker to hermes", "read.denied claude-worker"} <= passed


def test_a_password_is_typed_on_the_terminal_and_in_no_command_line(project: Project, port: int):
    old_broker(project, port)
    project.run("broker", "init", "bus", "--auto-approve")
    with foreground(project, "broker", "user", "password", "hermes", "bus") as terminal:
        terminal.shows("Password of hermes")  # what is typed before is thrown away
        terminal.type(f"{SECRETS['hermes']}\n")
        seen = command_lines()
        assert terminal.ended() == 0
    assert SECRETS["hermes"].encode() not in seen
    assert (project.root / "bus/clients/hermes.password").read_text() == f"{SECRETS['hermes']}\n"


def test_an_entry_of_mosquitto_1_goes_on(project: Project, port: int):
    old = old_broker(project, port)
    salt = os.urandom(12)
    key = b64encode(sha512(b"an old one" + salt).digest()).decode()
    with (old.folder / "auth/passwd").open("a") as file:
        file.write(f"ada:$6${b64encode(salt).decode()}${key}\n")
    with (old.folder / "auth/acl").open("a") as file:
        file.write(f"\nuser ada\ntopic {TOPIC}\n")
    project.run("broker", "init", "bus", "--auto-approve")
    project.run("broker", "run", "--background", "bus")
    with closing(connect(login(old, "ada", "an old one"))) as ada:
        ada.subscribe(TOPIC)
        ada.publish(TOPIC, b"hello")
        message = ada.receive(5)
    assert message is not None
    assert message.payload == b"hello"


def test_a_declared_broker_is_taken_over_by_apply(project: Project, port: int):
    old = old_broker(project, port)
    users = {"hermes": "observer", "claude-worker": "worker"}
    project.write({}, broker={"dir": "bus", "listeners": [{"port": port}], "users": users})
    assert project.actions() == {"broker.main": "import"}
    said = project.run("broker", "user", "rotate", "hermes", code=7)
    assert "not taken over yet" in said
    assert not (old.folder / "etc").exists()
    project.apply()
    assert project.actions() == {}
    assert event_passes(old)
    words = ("job", "submit", "--agent", "human", "--prompt", "ask", "--detach")
    assert "reconciler broker user password hermes" in project.run(*words, code=1)
    for user in PEOPLE:
        given = project.home / user
        given.write_text(SECRETS[user])
        project.run("broker", "user", "password", user, "--password-file", str(given))
    job = project.json(*words, code=0)["id"]
    project.run("job", "publish", "--job", job, "--event", "started")
    project.run("job", "publish", "--job", job, "--event", "completed")
    assert "completed" in project.run("job", "wait", "--job", job, "--timeout", "60s")
    assert project.actions() == {}


@pytest.mark.parametrize("certificates", [PRIVATE_CA, SELF_SIGNED], ids=["private CA", "self-signed"])
def test_new_certificates_on_request_are_trusted_by_old_clients(project: Project, port: int, certificates: str):
    old = old_broker(project, port, certificates)
    assert "not for other.internal, but for localhost" in project.run(
        "broker", "init", "bus", "--host", "other.internal", "--auto-approve", code=1
    )
    assert not (old.folder / "broker.yaml").exists()
    project.run("broker", "init", "bus", "--reissue", "--auto-approve")
    project.run("broker", "run", "--background", "bus")
    assert event_passes(old)
    document = project.json("broker", "verify", "bus", code=0)
    assert {each["id"]: each["verdict"] for each in document["probes"]}["tls.strict"] == "pass"


def test_each_command_of_the_broker_has_a_document(project: Project, port: int):
    project.run("broker", "init", "--port", str(port))
    started = project.json("broker", "run", "--background", code=0)
    for name, document in (
        ("broker-operation", started),
        ("broker-operation", project.json("broker", "user", "add", "ada", code=0)),
        ("broker-env", project.json("broker", "env", "ada", code=0)),
    ):
        Draft7Validator(json.loads((SCHEMAS / f"{name}.schema.json").read_text())).validate(document)
    assert (started["operation"], started["changed"]) == ("run", True)
    assert project.json("broker", "reload", code=0)["pid"] == started["pid"]
    added = project.json("broker", "user", "add", "ci", code=0)
    assert added["plan"]["summary"]["change"] == 1
    assert not project.json("broker", "user", "add", "ci", code=0)["changed"]
    assert project.json("broker", "user", "rotate", "ci", code=0)["changed"]
    assert not project.json("broker", "user", "rotate", "ci", "--dry-run", code=0)["changed"]
    assert "MQTT_PASSWORD" not in project.json("broker", "env", "ci", code=0)["variables"]
    assert project.json("broker", "env", "ci", "--reveal", code=0)["variables"]["MQTT_PASSWORD"]
    assert "there is no terminal" in project.run("broker", "user", "remove", "ci", "--json", code=64)
    assert project.json("broker", "user", "remove", "ci", "--auto-approve", code=0)["changed"]
    for words in (["server"], ["ca"]):
        assert project.json("broker", "rotate", *words, code=0)["plan"]
    assert project.json("broker", "stop", code=0)["changed"]
    assert not project.json("broker", "stop", code=0)["changed"]
    assert "--json needs --background" in project.run("broker", "run", "--json", code=64)
