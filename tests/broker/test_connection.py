"""Every setting of a client, from every source, in one order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import fields, replace

from reconciler.broker.clients.connection import (
    VARIABLES,
    InvalidConnection,
    Settings,
    broker_config_from_env,
    is_public,
)
from reconciler.model.broker import Connection
from reconciler.ports.files import RealFiles

SEED = {
    "MQTT_BROKER": "mqtt.internal",
    "MQTT_PORT": "8883",
    "MQTT_TLS": "1",
    "MQTT_USERNAME": "hermes",
    "MQTT_PASSWORD": "s3cret",
    "MQTT_CLIENT_ID_PREFIX": "staging",
}


def config(**sources) -> Connection:
    return broker_config_from_env(Settings(**sources), RealFiles())


def mistakes(**sources) -> list[str]:
    with pytest.raises(InvalidConnection) as caught:
        config(**sources)
    assert all(each.fix for each in caught.value.diagnostics)
    return [each.summary for each in caught.value.diagnostics]


def test_without_any_setting_it_is_the_seeds_public_broker():
    connection = config()

    assert (connection.host, connection.port, connection.tls) == ("broker.hivemq.com", 1883, False)
    assert connection.client_id_prefix == "hermes"
    assert is_public(connection)


def test_the_seeds_variables_are_all_read(tmp_path):
    for name in ("ca", "crt", "key"):
        (tmp_path / name).write_text("x")
    paths = {"MQTT_CA_CERTS": "ca", "MQTT_CERTFILE": "crt", "MQTT_KEYFILE": "key"}
    connection = config(env=SEED | {name: str(tmp_path / file) for name, file in paths.items()})

    assert connection == Connection(
        *("mqtt.internal", 8883, True, "hermes", "s3cret"),
        *(str(tmp_path / name) for name in ("ca", "crt", "key")),
        "staging",
    )
    assert not is_public(connection)


def test_the_first_source_that_names_a_setting_is_heard():
    manifest = Connection(host="manifest", port=4, tls=True, client_id_prefix="manifest")
    env = {"MQTT_BROKER": "env", "MQTT_PORT": "3"}
    connection = config(explicit={"host": "argument"}, job={"host": "job", "port": 2}, env=env, manifest=manifest)

    assert (connection.host, connection.port, connection.tls) == ("argument", 2, True)
    assert connection.client_id_prefix == "manifest"


def test_an_empty_value_counts_as_not_given():
    assert config(explicit={"host": None}, job={"host": ""}, env={"MQTT_BROKER": ""}) == Connection()


@pytest.mark.parametrize(("text", "value"), [("1", True), ("true", True), ("ON", True), ("0", False), ("no", False)])
def test_tls_is_switched_in_words_too(text, value):
    assert config(env={"MQTT_TLS": text}, manifest=Connection(tls=not value)).tls is value


def test_a_job_record_gives_its_password_by_file_or_variable(tmp_path):
    (tmp_path / "secret").write_text("from-file\n")
    by_file = config(job={"username": "w", "password_file": str(tmp_path / "secret")}, env=SEED)
    by_variable = config(job={"username": "w", "password_env": "WORKER"}, env=SEED | {"WORKER": "from-variable"})

    assert (by_file.username, by_file.password) == ("w", "from-file")
    assert (by_variable.username, by_variable.password) == ("w", "from-variable")


def test_a_password_is_never_used_for_another_user():
    assert config(job={"username": "claude-worker"}, env=SEED).password == ""
    assert config(env={"MQTT_USERNAME": "x"}, manifest=Connection(username="hermes", password="s")).password == ""


def test_a_password_goes_with_its_user_also_when_another_source_names_the_user():
    assert config(explicit={"username": "hermes"}, env=SEED).password == "s3cret"
    assert config(job={"username": "hermes"}, env={"MQTT_PASSWORD": "s3cret"}).password == "s3cret"


def test_paths_are_made_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ca.crt").write_text("x")

    assert config(env={"MQTT_CA_CERTS": "ca.crt"}).ca_certs == str(tmp_path / "ca.crt")


BAD = {
    "port too large": ({"MQTT_PORT": "99999"}, "MQTT_PORT is not a port: 99999"),
    "port zero": ({"MQTT_PORT": "0"}, "MQTT_PORT is not a port: 0"),
    "port in words": ({"MQTT_PORT": "mqtts"}, "MQTT_PORT is not a port: mqtts"),
    "tls perhaps": ({"MQTT_TLS": "maybe"}, "MQTT_TLS is neither on nor off: maybe"),
    "a URL": ({"MQTT_BROKER": "mqtts://host"}, "MQTT_BROKER is not a host: mqtts://host"),
    "no CA": ({"MQTT_CA_CERTS": "/nowhere/ca"}, "MQTT_CA_CERTS names a file that is not there: /nowhere/ca"),
    "no user": ({"MQTT_PASSWORD": "x"}, "MQTT_PASSWORD is given without a user name"),
    "no key": ({"MQTT_CERTFILE": __file__}, "MQTT_CERTFILE is given without its key"),
    "no certificate": ({"MQTT_KEYFILE": __file__}, "MQTT_KEYFILE is given without its certificate"),
    "strange prefix": ({"MQTT_CLIENT_ID_PREFIX": "a/b"}, "MQTT_CLIENT_ID_PREFIX is not a client id prefix: a/b"),
}


@pytest.mark.parametrize(("env", "told"), BAD.values(), ids=BAD)
def test_a_bad_variable_is_named(env, told):
    assert mistakes(env=env) == [told]


BAD_KEYS = {
    "port": ({"port": True}, "`broker.port` of the job record is not a port: True"),
    "unknown": ({"user": "x"}, "`broker.user` of the job record is not a setting"),
    "number as name": ({"username": 7}, "`broker.username` of the job record is not text"),
    "unset": (
        {"username": "w", "password_env": "NOT_SET"},
        "`broker.password_env` of the job record names NOT_SET, which is not set",
    ),
    "no file": (
        {"username": "w", "password_file": "/nowhere/p"},
        "`broker.password_file` of the job record names a file that is not there: /nowhere/p",
    ),
}


@pytest.mark.parametrize(("job", "told"), BAD_KEYS.values(), ids=BAD_KEYS)
def test_a_bad_key_of_a_job_record_is_named(job, told):
    assert mistakes(job=job) == [told]


def test_a_password_file_that_cannot_be_read_is_named(tmp_path):
    (told,) = mistakes(job={"username": "w", "password_file": str(tmp_path)})
    assert "names a file that cannot be read" in told


@pytest.mark.parametrize("content", ["", "two\nlines\n"])
def test_a_password_file_holds_one_line(tmp_path, content):
    (tmp_path / "secret").write_text(content)
    (told,) = mistakes(job={"username": "w", "password_file": str(tmp_path / "secret")})
    assert "is not a file with one line" in told


def test_all_mistakes_of_all_sources_are_told_at_once():
    told = mistakes(explicit={"port": 0}, job={"tls": "perhaps"}, env={"MQTT_BROKER": "a b", "MQTT_CA_CERTS": "/no"})
    assert len(told) == 4
    assert [each.split(" ")[0] for each in sorted(told)] == ["MQTT_BROKER", "MQTT_CA_CERTS", "`broker.tls`", "argument"]


def test_a_secret_shows_in_no_text():
    settings = Settings(explicit={"password": "s3cret"}, env=SEED)

    assert "s3cret" not in repr(settings) + repr(replace(config(env=SEED), host="x"))
    assert "s3cret" not in "".join(mistakes(explicit={"password": "s3cret", "port": 0}))


def test_the_page_lists_every_variable_with_its_default():
    page = (Path(__file__).parents[2] / "docs/broker.md").read_text("utf-8")
    table = page.partition("## The environment of a client")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(MQTT_\w+)` \| [^|]+ \| ([^|]+) \| ([^|]+) \|$", table, re.MULTILINE)
    told = {name: re.findall(r"^`([^`]*)`", default) for name, default, _ in rows}
    defaults = {
        VARIABLES[each.name]: "0" if each.default is False else str(each.default) for each in fields(Connection)
    }
    defaults["MQTT_BROKER"] = ""  # nobody meets the public one without naming it
    assert told == {name: [value] if value else [] for name, value in defaults.items()}
    assert all(production.strip() for *_, production in rows)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"env": {"MQTT_USERNAME": "her\udcffmes"}}, "MQTT_USERNAME is not UTF-8"),
        ({"env": {"MQTT_USERNAME": "hermes", "MQTT_PASSWORD": "\udcff"}}, "MQTT_PASSWORD is not UTF-8"),
        ({"job": {"username": "\ud800"}}, "`broker.username` of the job record has an incomplete character"),
        ({"job": {"ca_certs": "/\ud800"}}, "`broker.ca_certs` of the job record has an incomplete character"),
    ],
)
def test_a_text_that_is_not_utf_8_is_named(settings, said):
    with pytest.raises(InvalidConnection) as caught:
        config(**settings)
    assert said in caught.value.detail
