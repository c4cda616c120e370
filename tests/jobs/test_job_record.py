"""Job records on a real disk, written by several processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from fakes.clock import FakeClock
from jobs.desk import desk, opened
from msgspec.structs import replace
from waiting import PATIENCE

from reconciler.jobs.reading import RecordUnreadable
from reconciler.jobs.record import NewJob, UnknownJob, create, home_of, path_of, read, read_all, update, write
from reconciler.model.errors import ReconcilerError, Refused, UsageError
from reconciler.model.job import Ending, JobStatus, Permission, Result


def mode(path: str) -> int:
    return os.stat(path).st_mode & 0o777


def test_a_record_is_the_owners_alone_and_so_is_its_folder(tmp_path):
    records = desk(tmp_path)
    job = opened(records)
    assert (mode(path_of(records, job.id)), mode(records.folder), mode(home_of(records, job.id))) == (
        0o600,
        0o700,
        0o700,
    )


def test_a_record_comes_back_as_it_was_written(tmp_path):
    records = desk(tmp_path)
    job = replace(
        opened(records, broker={"host": "h", "port": 1}),
        status=JobStatus.ERROR,
        permission=Permission("e1", "Bash", "ls", "2026-01-01T00:00:00Z"),
        delivery={"verdict": "submitted"},
        seen={"p": 3},
        result=Result(Ending.ERROR, "no", "2026-01-01T00:00:00Z", "e3"),
    )
    assert read(records, write(records, job).id) == replace(job, updated_at=read(records, job.id).updated_at)


class Hasty(FakeClock):
    """A clock that goes on between two looks."""

    def now(self) -> datetime:
        self.elapsed += 0.001
        return super().now()


def test_a_new_job_is_what_was_written_of_it(tmp_path):
    records = desk(tmp_path, Hasty())
    job = create(records, NewJob("do it", "human", "", str(tmp_path)))
    assert read(records, job.id) == job


def test_ids_sort_by_time_and_no_two_are_alike(tmp_path):
    clock = FakeClock()
    records = desk(tmp_path, clock)
    ids = []
    for _ in range(20):
        ids.append(opened(records).id)
        clock.elapsed += 0.001
    assert ids == sorted(set(ids))
    assert [job.id for job in read_all(records)[0]] == ids


def test_every_job_has_a_token_of_its_own(tmp_path):
    records = desk(tmp_path)
    tokens = {opened(records).auth_token for _ in range(5)}
    assert {len(bytes.fromhex(token)) for token in tokens} == {32}
    assert len(tokens) == 5


def test_keys_of_other_tools_stay(tmp_path):
    records = desk(tmp_path)
    job = opened(records)
    path = Path(path_of(records, job.id))
    path.write_text(json.dumps({**json.loads(path.read_text()), "theirs": {"x": [1]}}))
    update(records, job.id, lambda job: replace(job, retries=1))
    assert json.loads(path.read_text())["theirs"] == {"x": [1]}


def test_a_password_is_refused_but_one_that_somebody_wrote_in_stays(tmp_path):
    records = desk(tmp_path)
    with pytest.raises(UsageError) as caught:
        create(records, NewJob("p", "a", "s", "/w", broker={"password": "hunter2"}))
    assert "hunter2" not in str(vars(caught.value))
    job = write(records, replace(opened(records), broker={"password": "hunter2"}))
    assert update(records, job.id, lambda job: replace(job, retries=1)).broker["password"] == "hunter2"


INVALID = {
    "a status of its own": {"status": "done"},
    "no time": {"timeout": 0},
    "no token": {"auth_token": "x"},
    "a topic for all": {"topic": "python/mqtt/jobs/#"},
    "a result without an ending": {"result": {"detail": ""}},
}


@pytest.mark.parametrize("change", INVALID.values(), ids=INVALID)
def test_an_invalid_record_never_replaces_a_valid_one(tmp_path, change):
    records = desk(tmp_path)
    job = opened(records)
    before = Path(path_of(records, job.id)).read_bytes()
    broken = replace(job, **change) if "result" not in change else replace(job, result=Result("", "", "", ""))
    with pytest.raises(ReconcilerError) as caught:
        write(records, broken)
    assert Path(path_of(records, job.id)).read_bytes() == before
    assert job.auth_token not in str(vars(caught.value))


BROKEN = {
    "no JSON": "{",
    "a list": "[]",
    "nothing": "{}",
    "another status": '"status": "done"',
    "a text for a number": '"timeout": "long"',
    "a token of another length": '"auth_token": "abcd"',
    "a local time": '"created_at": "2026-01-01T00:00:00"',
    "a strange result": '"result": {"x": 1}',
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_record_is_told_and_hides_no_other(tmp_path, text):
    records = desk(tmp_path)
    good, bad = opened(records), opened(records)
    path = Path(path_of(records, bad.id))
    content = path.read_text()
    path.write_text(content.replace("{", "{" + text + ",", 1).replace("\n", "") if ":" in text else text)
    if ":" in text:  # the last of two equal keys would count
        key = text.split(":")[0].strip('"')
        path.write_text(json.dumps({**json.loads(content), key: json.loads("{" + text + "}")[key]}))
    with pytest.raises(RecordUnreadable) as caught:
        read(records, bad.id)
    assert caught.value.fix
    assert bad.auth_token not in str(vars(caught.value))
    jobs, broken = read_all(records)
    assert ([job.id for job in jobs], len(broken)) == ([good.id], 1)


def test_what_is_no_record_is_told(tmp_path):
    records = desk(tmp_path)
    for act in (read, lambda records, job_id: update(records, job_id, lambda job: job)):
        with pytest.raises(UnknownJob):
            act(records, "nobody")
    assert read_all(records) == ((), ())
    assert not Path(records.folder).exists()


STRANGE = ["../x", "..", "", "+", "a/b", "-x", ".x", "a.json", "a..b", "a\n", "a b", "é", "x" * 102]


@pytest.mark.parametrize("job_id", STRANGE)
def test_an_id_that_is_a_path_or_a_wildcard_is_refused(tmp_path, job_id):
    with pytest.raises(UsageError):
        read(desk(tmp_path), job_id)


_RACE = """
import sys
from msgspec.structs import replace
from pathlib import Path
from jobs.desk import desk
from reconciler.jobs.record import update
folder, job_id, name = sys.argv[1:]
for number in range(25):
    update(desk(Path(folder)), job_id, lambda job: replace(
        job, retries=job.retries + 1, seen={**job.seen, name: number}))
"""


def test_no_write_of_several_processes_is_lost(tmp_path):
    records = desk(tmp_path)
    job = opened(records)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    writers = [subprocess.Popen([sys.executable, "-c", _RACE, str(tmp_path), job.id, name], env=env) for name in "abcd"]
    assert [writer.wait(PATIENCE) for writer in writers] == [0] * 4
    after = read(records, job.id)
    assert (after.retries, dict(after.seen)) == (100, dict.fromkeys("abcd", 24))
    assert os.listdir(records.folder) == sorted([job.id, f"{job.id}.json"]) or len(os.listdir(records.folder)) == 2


# --- whose records they are -------------------------------------------------------------------


def spoiled(path: Path, how: str) -> None:
    """Let another user have written what is at the path."""
    if how == "of another user":
        os.chown(path, 1, -1)
    else:
        path.chmod(path.stat().st_mode | int(how, 8))


WAYS = ["of another user", "020", "002"]
if os.geteuid():
    WAYS = WAYS[1:]  # only root can give a file away


@pytest.mark.parametrize("how", WAYS)
def test_a_record_that_another_user_may_have_written_is_not_believed(tmp_path, how):
    records = desk(tmp_path)
    good, planted = opened(records), opened(records)
    spoiled(Path(path_of(records, planted.id)), how)
    with pytest.raises(RecordUnreadable, match=r"belongs to|may write"):
        read(records, planted.id)
    jobs, broken = read_all(records)
    assert ([job.id for job in jobs], len(broken)) == ([good.id], 1)


@pytest.mark.parametrize("part", ["", "outbox", "outbox/000000000001.completed", "requests"])
@pytest.mark.parametrize("how", WAYS)
def test_a_job_is_not_believed_when_another_user_may_have_put_something_beside_its_record(tmp_path, how, part):
    records = desk(tmp_path)
    good, planted = opened(records), opened(records)
    path = Path(home_of(records, planted.id), part)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(0o600) if path.suffix else path.mkdir(mode=0o700, exist_ok=True)
    assert read(records, planted.id).id == planted.id
    spoiled(path, how)
    with pytest.raises(RecordUnreadable, match=r"belongs to|may write"):
        read(records, planted.id)
    assert read(records, good.id).id == good.id


@pytest.mark.parametrize("through_a_link", [False, True])
@pytest.mark.parametrize("how", WAYS)
def test_a_folder_that_another_user_may_write_is_refused(tmp_path, how, through_a_link):
    records = desk(tmp_path)
    job, folder = opened(records), Path(records.folder)
    if through_a_link:
        (tmp_path / "link").symlink_to(folder)
        records = replace(records, folder=str(tmp_path / "link"))
    assert read(records, job.id).id == job.id
    spoiled(folder, how)
    for act in (lambda: read(records, job.id), lambda: read_all(records), lambda: opened(records)):
        with pytest.raises(Refused, match=r"belongs to|may write") as caught:
            act()
        assert "--registry-dir" in caught.value.fix
    assert len(list(Path(records.folder).glob("*.json"))) == 1


def test_a_topic_that_is_not_utf_8_is_named(tmp_path):
    records = desk(tmp_path)
    job = opened(records)
    path = Path(path_of(records, job.id))
    path.write_text(path.read_text().replace('"topic": "', '"topic": "\\ud800', 1))
    with pytest.raises(RecordUnreadable, match="`topic` is not UTF-8"):
        read(records, job.id)
