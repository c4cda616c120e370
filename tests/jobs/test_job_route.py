"""As whom a job's follower listens, and as whom its agent publishes."""

from __future__ import annotations

import pytest

from reconciler.broker.clients.connection import InvalidConnection, Settings, broker_config_from_env
from reconciler.jobs.route import route
from reconciler.model.address import broker_address
from reconciler.model.broker import Broker, BrokerUser, Listener, Role, Spool
from reconciler.model.errors import ReconcilerError
from reconciler.model.job import TOPIC_PREFIX
from reconciler.ports.files import RealFiles


def config(**sources):
    return broker_config_from_env(Settings(**sources), RealFiles())


@pytest.fixture
def folder(tmp_path):
    for path in ("clients/hermes.password", "clients/claude-worker.password", "ca/ca.crt"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(f"content of {path}\n")
    for path in ("clients/hermes.crt", "clients/hermes.key", "clients/claude-worker.crt", "clients/claude-worker.key"):
        (tmp_path / path).write_text("-")
    return tmp_path


def declared(folder, **fields):
    return Broker(broker_address("main"), str(folder), **fields)


def test_the_follower_of_the_declared_broker_may_read_and_the_agent_may_write(folder):
    way = route(declared(folder), {}, RealFiles(), "/records")
    assert (way.follower.username, way.follower.password) == ("hermes", "content of clients/hermes.password")
    assert way.publisher == {
        "host": "localhost",
        "port": 8883,
        "tls": True,
        "username": "claude-worker",
        "ca_certs": f"{folder}/ca/ca.crt",
        "client_id_prefix": "hermes",
        "password_file": f"{folder}/clients/claude-worker.password",
    }


def test_with_mutual_tls_both_show_their_certificates(folder):
    way = route(declared(folder, listeners=(Listener(8884, mtls=True),)), {}, RealFiles(), "/records")
    assert way.follower.keyfile == f"{folder}/clients/hermes.key"
    assert way.publisher["certfile"] == f"{folder}/clients/claude-worker.crt"


def test_the_environment_comes_before_the_manifest_and_its_password_stays_there(folder):
    env = {"MQTT_BROKER": "mqtt.example.org", "MQTT_USERNAME": "me", "MQTT_PASSWORD": "hush"}
    way = route(declared(folder), env, RealFiles(), "/records")
    assert (way.follower.host, way.follower.username, way.follower.password) == ("mqtt.example.org", "me", "hush")
    assert way.publisher["password_env"] == "MQTT_PASSWORD"
    assert "hush" not in way.publisher.values()
    assert "password_file" not in way.publisher


def test_the_password_of_a_declared_user_is_not_named_for_another(folder):
    assert "password_file" not in route(declared(folder), {"MQTT_USERNAME": "me"}, RealFiles(), "/records").publisher


@pytest.mark.parametrize(
    ("topics", "prefix"),
    [(("team/mqtt/jobs/+/events",), "team/mqtt/jobs"), (("a/#", "b/+/events"), "b"), (("a/#",), TOPIC_PREFIX)],
)
def test_events_go_where_the_declared_broker_lets_them(folder, topics, prefix):
    assert route(declared(folder, topics=topics), {}, RealFiles(), "/records").topic_prefix == prefix


def test_a_broker_nobody_may_write_to_is_told(folder):
    users = (BrokerUser("hermes", Role.OBSERVER),)
    with pytest.raises(ReconcilerError, match="no user with the role worker or reconciler"):
        route(declared(folder, users=users), {}, RealFiles(), "/records")


@pytest.mark.parametrize("env", [{}, {"MQTT_BROKER": ""}, {"MQTT_PORT": "1", "MQTT_USERNAME": "me"}])
def test_without_a_word_about_brokers_events_go_through_files(env):
    way = route(None, env, RealFiles(), "/records")
    assert (way.follower, way.publisher) == (Spool("/records"), {"local": True})


def test_the_public_broker_is_there_for_those_who_name_it():
    way = route(None, {"MQTT_BROKER": "broker.hivemq.com"}, RealFiles(), "/records")
    assert (way.follower.host, way.publisher["port"]) == ("broker.hivemq.com", 1883)


WORKER = {"MQTT_WORKER_USERNAME": "w", "MQTT_WORKER_PASSWORD": "hush"}


def test_on_any_broker_the_agent_may_have_a_login_of_its_own():
    env = {"MQTT_BROKER": "mqtt.example.org", "MQTT_USERNAME": "me", "MQTT_PASSWORD": "mine", **WORKER}
    way = route(None, env, RealFiles(), "/records")
    assert (way.follower.username, way.follower.password) == ("me", "mine")
    assert way.publisher["username"] == "w"
    assert way.publisher["password_env"] == "MQTT_WORKER_PASSWORD"
    assert not {"hush", "mine"} & set(way.publisher.values())


def test_the_agents_password_may_be_in_a_file(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("hush\n")
    env = {"MQTT_BROKER": "b", "MQTT_WORKER_USERNAME": "w", "MQTT_WORKER_PASSWORD_FILE": str(secret)}
    publisher = route(None, env, RealFiles(), "/records").publisher
    assert publisher["password_file"] == str(secret)
    assert "password_env" not in publisher
    assert config(job=publisher).password == "hush"


def test_a_record_made_with_a_login_apart_is_used_with_that_login():
    env = {"MQTT_BROKER": "b", "MQTT_USERNAME": "me", "MQTT_PASSWORD": "mine", **WORKER}
    publisher = route(None, env, RealFiles(), "/records").publisher
    assert config(job=publisher, env=env).password == "hush"
    as_the_worker = {"MQTT_USERNAME": "w", "MQTT_PASSWORD": "hush"}
    assert config(job=publisher, env=as_the_worker).password == "hush"


def test_a_declared_user_who_may_only_write_is_not_the_follower(folder):
    env = {"MQTT_USERNAME": "claude-worker", "MQTT_PASSWORD": "w"}
    way = route(declared(folder), env, RealFiles(), "/records")
    assert (way.follower.username, way.publisher["username"]) == ("hermes", "claude-worker")


def test_the_password_of_one_user_is_refused_for_another():
    publisher = {"username": "claude-worker", "password_env": "MQTT_PASSWORD"}
    with pytest.raises(InvalidConnection, match="1 mistake") as caught:
        config(job=publisher, env={"MQTT_USERNAME": "hermes", "MQTT_PASSWORD": "hpw"})
    assert "MQTT_PASSWORD is that of hermes" in caught.value.detail
    assert "hpw" not in str(vars(caught.value))


def test_a_password_that_only_its_user_knows_is_asked_for_by_name_or_taken_from_the_environment(folder):
    for user in ("hermes", "claude-worker"):
        (folder / f"clients/{user}.password").unlink()
        (folder / f"clients/{user}.env").write_text(f"MQTT_USERNAME={user}\n")
    with pytest.raises(ReconcilerError, match="does not know the password of hermes") as raised:
        route(declared(folder), {}, RealFiles(), "/records")
    assert "reconciler broker user password hermes" in raised.value.fix
    env = {"MQTT_USERNAME": "hermes", "MQTT_PASSWORD": "hush", "MQTT_WORKER_USERNAME": "claude-worker"}
    way = route(declared(folder), {**env, "MQTT_WORKER_PASSWORD": "whisper"}, RealFiles(), "/records")
    assert (way.follower.username, way.follower.password) == ("hermes", "hush")
    assert way.publisher["password_env"] == "MQTT_WORKER_PASSWORD"
