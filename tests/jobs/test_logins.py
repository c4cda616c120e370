"""A broker's password that stands in a job record: told, and moved into a file of its own."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from jobs.desk import desk, opened
from jobs.test_older_records import shelf
from msgspec.structs import replace

from reconciler.broker.clients.connection import Settings, broker_config_from_env
from reconciler.jobs.logins import RecordChange, carry_out, change_of, look_into
from reconciler.jobs.record import path_of, read, write
from reconciler.model.adoption import LeftAlone, OlderShape
from reconciler.model.errors import ReconcilerError

SECRET = "hunter22"
BROKER = {"host": "localhost", "port": 1883, "username": "worker", "password": SECRET}
RECORD = {"job_id": "smoke", "prompt": "p", "auth_token": "ab" * 32, "broker": BROKER, "pid": [7]}


def mode(path: str) -> int:
    return os.stat(path).st_mode & 0o777


def odd_text() -> str:
    """A record with a layout that no program would write."""
    return (
        '\ufeff{ "job_id":"smoke",\r\n\t"prompt" : "p\\u00e9",  "broker": {"host":"localhost", "username": "worker",'
        f' "password"  :\t"{SECRET}" , "qos": 1.50 }}\r\n}}\r\n\r\n'
    )


def test_what_would_be_done_is_told_and_nothing_is_written(tmp_path):
    records = shelf(tmp_path, RECORD)
    path = Path(path_of(records, "smoke"))
    before = path.read_bytes()
    found = look_into(records)
    [change] = found.changes
    assert (found.jobs, found.older, found.left_alone) == (1, 1, ())
    assert (change.job_id, change.path, change.username, change.narrow) == ("smoke", str(path), "worker", True)
    assert (change.password_file, change.place.line) == (f"{records.folder}/smoke/broker.password", 9)
    assert {each.shape for each in found.assumptions} == {OlderShape.JOB_RECORD, OlderShape.PLAIN_LOGIN}
    assert SECRET not in str(found)
    assert (path.read_bytes(), os.listdir(records.folder)) == (before, ["smoke.json"])


def test_a_password_moves_and_every_other_byte_stays(tmp_path):
    records = shelf(tmp_path, RECORD)
    path = Path(path_of(records, "smoke"))
    path.write_bytes(odd_text().encode())
    before, was = read(records, "smoke"), path.stat().st_mtime_ns
    [change] = look_into(records).changes
    assert carry_out(records, change)
    target = change.password_file
    expected = odd_text().replace(f'"password"  :\t"{SECRET}"', f'"password_file": {json.dumps(target)}')
    assert path.read_bytes().decode() == expected
    assert Path(target).read_text() == f"{SECRET}\n"
    assert (mode(str(path)), mode(target), path.stat().st_mtime_ns) == (0o600, 0o600, was)
    after = read(records, "smoke")
    assert after == replace(before, broker={**_without_password(before.broker), "password_file": target})
    connection = broker_config_from_env(Settings(job=after.broker), records.files)
    assert (connection.username, connection.password) == ("worker", SECRET)


def _without_password(broker):
    return {key: value for key, value in broker.items() if key != "password"}


def test_the_second_time_there_is_nothing_to_do(tmp_path):
    records = shelf(tmp_path, RECORD)
    [change] = look_into(records).changes
    assert carry_out(records, change)
    text = Path(path_of(records, "smoke")).read_bytes()
    assert look_into(records).changes == ()
    assert not carry_out(records, change)
    assert Path(path_of(records, "smoke")).read_bytes() == text
    holding = [path for path in tmp_path.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert holding == [Path(change.password_file)]  # and no copy of the record


def test_a_record_of_today_gives_its_password_away_too(tmp_path):
    records = desk(tmp_path)
    job = write(records, replace(opened(records), broker=BROKER))
    [change] = look_into(records).changes
    assert not change.narrow
    assert carry_out(records, change)
    assert read(records, job.id) == replace(
        job, broker={**_without_password(BROKER), "password_file": change.password_file}
    )


@pytest.mark.parametrize(
    ("bits", "secret", "narrows"), [(0o644, True, True), (0o644, False, False), (0o600, True, False)]
)
def test_a_token_that_others_can_read_is_closed_to_them(tmp_path, bits, secret, narrows):
    records = shelf(tmp_path, {"job_id": "smoke", "prompt": "p", **({"auth_token": "x"} if secret else {})})
    path = path_of(records, "smoke")
    os.chmod(path, bits)
    was = os.stat(path).st_mtime_ns
    changes = look_into(records).changes
    assert [each.narrow for each in changes] == [True] * narrows
    assert [carry_out(records, each) for each in changes] == [True] * narrows
    assert (mode(path), os.stat(path).st_mtime_ns) == (0o600 if narrows else bits, was)


@pytest.mark.parametrize("ending", [".json", ".password"])
def test_a_write_that_fails_loses_nothing(tmp_path, ending):
    records = shelf(tmp_path, RECORD)
    [change] = look_into(records).changes

    class Full(type(records.files)):
        def write(self, path, data, mode=0o600):
            if path.endswith(ending):
                raise ReconcilerError("no space left")
            super().write(path, data, mode)

    before = Path(path_of(records, "smoke")).read_bytes()
    with pytest.raises(ReconcilerError, match="no space"):
        carry_out(replace(records, files=Full()), change)
    assert Path(path_of(records, "smoke")).read_bytes() == before
    assert carry_out(records, change)
    assert Path(change.password_file).read_text() == f"{SECRET}\n"


STUCK = {
    "a number": {"password": 1234},
    "two lines": {"password": "a\nb"},
    "half a character": {"password": "\ud800"},
    "another file": {"password": SECRET, "password_file": "/p"},
    "a variable": {"password": SECRET, "password_env": "P"},
}


@pytest.mark.parametrize("login", STUCK.values(), ids=STUCK)
def test_a_password_that_cannot_be_moved_is_left_alone_with_the_reason(tmp_path, login):
    records = shelf(tmp_path, {"job_id": "smoke", "prompt": "p", "broker": {"host": "h", **login}})
    found = look_into(records)
    assert found.changes == ()
    [left] = found.left_alone
    assert left.why
    assert left.fix
    assert left.place.line
    assert SECRET not in str(left)


def test_a_key_that_stands_twice_is_not_edited():
    text = b'{"broker": {"password": "a", "password": "b"}}'
    found = change_of("j", "/jobs/j.json", text, 0o600)
    assert isinstance(found, LeftAlone)
    assert "is defined twice" in found.why


def test_a_broken_record_is_left_alone_and_named(tmp_path):
    shelf(tmp_path, {"prompt": 7}, "broken")
    records = shelf(tmp_path, RECORD)
    found = look_into(records)
    assert [each.job_id for each in found.changes] == ["smoke"]
    [left] = found.left_alone
    assert "broken" in left.why
    assert left.place.file.endswith("broken.json")


def test_a_record_that_needs_nothing_has_no_change():
    assert change_of("j", "/jobs/j.json", b'{"broker": {"host": "h"}}', 0o644) is None
    assert isinstance(change_of("j", "/jobs/j.json", b'{"auth_token": "x"}', 0o640), RecordChange)
    assert change_of("j", "/jobs/j.json", b"no json", 0o644) is None
