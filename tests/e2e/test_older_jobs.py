"""Job records of the original scripts, through every `job` command: a real broker that asks for a password."""

from __future__ import annotations

import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from broker.mosquitto import SECRETS, Knobs, Mosquitto, running
from delegating import ended
from project import SCHEMAS
from waiting import wait_until

TOKEN = "8d3f0c2a9b7e4f1c61d05ab2c7e93f48"
OPEN = "5f0c9a3e-0000-4d5e-8f90-123456789abc"
BOTH = "user claude-worker\ntopic readwrite python/mqtt/jobs/+/events\n"


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with running(tmp_path_factory.mktemp("broker"), Knobs(acl=BOTH)) as broker:
        yield broker


@pytest.fixture
def records(project) -> Path:
    folder = project.root / ".mam" / "jobs"
    folder.mkdir(parents=True)
    project.declare()
    return folder


def left(records: Path, job_id: str, **keys: object) -> Path:
    """A record as registry.py leaves it, readable by everyone."""
    path = records / f"{job_id}.json"
    path.write_text(json.dumps({"job_id": job_id, "prompt": "broker cutover smoke", **keys}, indent=2))
    return path


def login(broker: Mosquitto) -> dict[str, object]:
    secret = SECRETS["claude-worker"]
    named = {"host": "localhost", "port": broker.port, "tls": True, "username": "claude-worker", "password": secret}
    return {**named, "ca_certs": broker.path("ca.crt")}


def now() -> str:
    return datetime.now(UTC).isoformat()  # noqa: TID251 - the job is made by another program, now


# --- wait -------------------------------------------------------------------------------------


def test_a_job_is_followed_at_the_broker_of_its_record_until_signed_events_end_it(project, records, broker):
    path = left(records, OPEN, status="pending", auth_token=TOKEN, created_at=now(), broker=login(broker), pid=7)
    waiting = project.start("job", "wait", "--job", OPEN)
    wait_until(lambda: b"SUBSCRIBE" in broker.log.read_bytes())
    for event in ("started", "completed"):
        project.run("job", "publish", "--job", OPEN, "--event", event, "--detail", "3 tests fixed")
    code, out, err = ended(waiting)
    assert (code, f"{OPEN}  completed: 3 tests fixed" in out) == (0, True), out + err
    assert err.count("in plain text") == 1
    assert "reconciler adopt --write" in err
    assert "broker.hivemq.com" not in err
    assert "MQTT_USERNAME" in err
    after = json.loads(path.read_text())
    assert (after["job_id"], after["pid"], after["status"]) == (OPEN, 7, "completed")
    assert after["broker"] == login(broker)
    assert not (project.root / "delegate_job_logs" / OPEN / "pane.txt").exists()  # whose session it is, is assumed
    holding = [each for each in project.root.rglob("*") if each.is_file() and _holds(each, broker)]
    assert (out + err).find(SECRETS["claude-worker"]) == -1
    assert holding == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def _holds(path: Path, _broker: Mosquitto) -> bool:
    return SECRETS["claude-worker"].encode() in path.read_bytes()


def test_records_of_two_brokers_are_followed_at_once(project, records, broker, tmp_path):
    with running(tmp_path, Knobs(acl=BOTH)) as second:
        for job_id, at in (("one", broker), ("two", second)):
            left(records, job_id, status="running", auth_token=TOKEN, created_at=now(), broker=login(at))
        waiting = project.start("job", "wait")
        wait_until(lambda: b"SUBSCRIBE" in second.log.read_bytes())
        for job_id in ("one", "two"):
            project.run("job", "publish", "--job", job_id, "--event", "completed")
        code, out, err = ended(waiting)
    assert (code, out.count("completed")) == (0, 2), out + err
    assert err.count("in plain text") == 1


def test_a_job_without_a_token_ends_by_its_record_and_by_no_event(project, records, broker):
    path = left(records, "open", status="running", created_at=now(), broker=login(broker))
    assert "cannot be signed" in project.run("job", "publish", "--job", "open", "--event", "completed", code=2)
    waiting = project.start("job", "wait", "--job", "open")
    wait_until(lambda: json.loads(path.read_text()) and b"jobs/open/events" in broker.log.read_bytes())
    path.write_text(path.read_text().replace('"running"', '"completed"'))  # as the scripts' own listener does
    code, _, err = ended(waiting)
    assert (code, "no event of it can be verified" in err) == (0, True), err


# --- the others -------------------------------------------------------------------------------


def test_every_command_takes_such_a_record(project, records):
    left(records, "open", status="in_progress", agent="codex", timeout="600")
    left(records, "old", status="done", result="3 tests fixed")
    listed = project.json("job", "list", code=0)
    jsonschema.validate(listed, json.loads((SCHEMAS / "jobs.schema.json").read_text()))
    assert [(row["id"], row["status"], row["timeout"]) for row in listed["jobs"]] == [
        ("old", "completed", 3600),
        ("open", "running", 600),
    ]
    assert {each["severity"] for each in listed["diagnostics"]} == {"warning"}
    said = project.run("job", "status", "--job", "old")
    assert "3 tests fixed" in said
    assert "records of the original scripts" in said.lower()
    assert project.json("job", "status", "--job", "old", code=0)["result"]["ending"] == "completed"
    script = project.root / "check"
    script.write_text('test "$JOB_ID" = open')
    assert "PASS" in project.run("job", "verify", "--job", "open", "--validate", str(script))
    assert "cancelled" in project.run("job", "cancel", "--job", "open")
    assert "cancelled by hand" in project.run("job", "wait", "--job", "open", code=1)
    assert "old  completed" in project.run("job", "prune", "--older-than", "0s")
    project.run("job", "prune", "--older-than", "0s", "--yes")
    assert [path.name for path in records.glob("*.json")] == []
    assert "validation" in project.run("job", "logs", "open")


REFUSED = {
    "the prompt": ({"prompt": "", "agent": "codex"}, "does not say what its agent was asked"),
    "the agent": ({"agent_session": "tmux:x"}, "does not say which agent it was for"),
}


@pytest.mark.parametrize(("keys", "why"), REFUSED.values(), ids=REFUSED)
def test_a_job_is_not_tried_again_without(project, records, keys, why):
    left(records, "old", status="failed", **keys)
    said = project.run("job", "retry", "old", code=7)
    assert why in said
    assert "reconciler job submit --agent NAME" in said


def test_a_job_is_not_answered_when_nothing_says_where_its_agent_is(project, records):
    left(records, "open", status="permission_required", agent="codex")
    said = project.run("job", "answer", "--job", "open", code=7)
    assert "does not say in which session its agent runs" in said
    assert "reconciler attach" in said


def test_a_broken_record_is_no_missing_job(project, records):
    left(records, "broken", timeout="soon", created_at=[])
    for words in (("list",), ("wait",), ("prune", "--older-than", "1s"), ("status", "--job", "broken")):
        said = project.run("job", *words, code=1)
        for line, mistake in ((4, "`timeout` is not a number of seconds"), (5, "`created_at` is not a time")):
            assert mistake in said, words
            assert f"broken.json:{line}" in said, words
        assert "No job is" not in said


def test_an_audit_of_the_scripts_is_shown_whatever_became_of_the_record(project, records):
    for job_id in ("old", "gone", "broken"):
        folder = project.root / "delegate_job_logs" / job_id
        folder.mkdir(parents=True)
        (folder / "events.jsonl").write_text('{"timestamp": "2026-06-25T03:19:24Z", "event": "started"}\n')
        (folder / "subscriber.log").write_text("\x1b[31mheard\n")
        (folder / "core.bin").write_bytes(os.urandom(40) + b"\0")
    left(records, "old", status="done")
    left(records, "broken", timeout="soon")
    for job_id, code in (("old", 0), ("gone", 0), ("broken", 1)):
        said = project.run("job", "logs", job_id, code=code)
        assert "event: started" in said
        assert r"\x1b[31mheard" in said
        assert "core.bin (41 bytes: it is not a text file)" in said
    document = project.json("job", "logs", "old", code=0)
    jsonschema.validate(document, json.loads((SCHEMAS / "job-logs.schema.json").read_text()))
    assert len(document["audits"][0]["files"]) == 2
    assert project.run("job", "logs", "--list").count("delegate_job_logs") == 3
    said = project.run("job", "logs", "old", "--verify", code=1)
    assert "another tool wrote them without digests" in said
    assert "subscriber.log: it has no digest" in said
