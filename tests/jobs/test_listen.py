"""At which broker a job is listened to, and as whom."""

from __future__ import annotations

import pytest
from jobs.desk import desk, opened
from jobs.test_older_records import shelf
from msgspec.structs import replace

from reconciler.broker.clients.connection import InvalidConnection
from reconciler.jobs.listen import Followers, listenings
from reconciler.jobs.record import Records, look, look_at_all
from reconciler.model.broker import Connection

OURS = Connection(host="broker.hivemq.com")
BROKER = {"host": "mqtt.internal", "port": "8883", "tls": True, "username": "worker", "password": "hunter22"}


def heard(records: Records, ours: Connection = OURS, **env: str):
    return listenings(look_at_all(records)[0], ours, replace(records, env=env))


def older(tmp_path, job_id: str = "smoke", **broker: object) -> Records:
    return shelf(tmp_path, {"job_id": job_id, "prompt": "p", "broker": broker}, job_id)


def test_a_record_of_the_scripts_says_where_its_job_is_heard(tmp_path):
    [each] = heard(older(tmp_path, **BROKER))
    assert each.way == Connection("mqtt.internal", 8883, tls=True, username="worker", password="hunter22")
    assert "worker, the login in the job's record: if that may only write" in each.warning
    assert "hunter22" not in each.warning


def test_the_login_of_a_reader_comes_first(tmp_path):
    [each] = heard(older(tmp_path, **BROKER), MQTT_USERNAME="hermes", MQTT_PASSWORD="of-hermes")
    assert (each.way.host, each.way.username, each.way.password) == (
        "mqtt.internal",
        "hermes",
        "of-hermes",
    )
    assert each.warning == ""


def test_a_broker_that_the_user_names_is_that_of_all_jobs(tmp_path):
    [each] = heard(older(tmp_path, **BROKER), MQTT_BROKER="mine")
    assert each.way is OURS


SAME = {"no broker": {}, "ours": {"host": "BROKER.hivemq.com", "port": 1883}, "ours by default": {"host": OURS.host}}


@pytest.mark.parametrize("broker", SAME.values(), ids=SAME)
def test_a_record_that_names_no_other_broker_is_heard_at_ours(tmp_path, broker):
    [each] = heard(older(tmp_path, **broker))
    assert each.way is OURS


def test_a_record_of_ours_is_heard_at_the_broker_of_the_project(tmp_path):
    records = desk(tmp_path)
    job = opened(records, broker={"host": "mqtt.internal", "port": 8883})
    [each] = listenings([look(records, job.id)], OURS, replace(records, env={}))
    assert (each.way, each.job_ids) == (OURS, (job.id,))


def test_jobs_of_one_broker_share_a_connection(tmp_path):
    for job_id in ("a", "b"):
        older(tmp_path, job_id, **BROKER)
    records = older(tmp_path, "c", host="elsewhere")
    assert [each.job_ids for each in heard(records)] == [("a", "b"), ("c",)]


def test_settings_that_make_no_sense_are_an_error(tmp_path):
    with pytest.raises(InvalidConnection, match="mistake"):
        heard(older(tmp_path, **{**BROKER, "port": "many"}))


class _Fake:
    def __init__(self, *jobs: str) -> None:
        self.open = jobs
        self.waited: list[float] = []

    def step(self, seconds: float) -> list[str]:
        self.waited.append(seconds)
        return list(self.open)


def test_followers_of_several_brokers_take_turns():
    one, two = _Fake("a", "b"), _Fake("c")
    followers = Followers([one, two])
    assert (followers.open, followers.step(0.5)) == (("a", "b", "c"), ["a", "b", "c"])
    assert one.waited == two.waited == [0.25]
