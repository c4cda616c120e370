"""What a follower in the background says of itself, and what follows from it."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fakes.processes import FakeProcesses
from fakes.tmux import FakeTmux
from fakes.world import FakeWorld
from jobs.desk import desk, now, opened
from msgspec.structs import replace

from reconciler.jobs import background
from reconciler.jobs.record import read
from reconciler.jobs.transitions import end_job
from reconciler.jobs.validation import conclude
from reconciler.model.broker import Connection
from reconciler.model.errors import Refused
from reconciler.model.job import Ending, Result
from reconciler.ports.processes import RealProcesses

BROKER = Connection("broker.lab", 8883)
HEARD_AT = background.address_of(BROKER)


@pytest.fixture
def tmux() -> FakeTmux:
    return FakeWorld().tmux


def test_a_follower_says_who_it_is_and_takes_that_back(tmp_path: Path) -> None:
    records = desk(tmp_path)
    assert background.noted_follower(records) is None
    state = replace(background.myself(HEARD_AT, "/p", "/p/r.yaml", RealProcesses()), jobs=("j1", "j2"))

    background.note(records, state)

    assert background.noted_follower(records) == replace(state, records=records.folder)
    assert (state.pid, state.broker) == (os.getpid(), "broker.lab:8883")
    background.leave(records)
    assert background.noted_follower(records) is None


def test_a_copied_folder_has_no_follower(tmp_path: Path) -> None:
    records = desk(tmp_path / "original")
    background.note(records, background.myself(HEARD_AT, "/p", "/p/r.yaml", RealProcesses()))
    copy = replace(records, folder=str(tmp_path / "copy"))
    shutil.copytree(records.folder, copy.folder)
    assert background.noted_follower(copy) is None
    assert background.noted_follower(records) is not None


@pytest.mark.parametrize("part", ["", ".follower", ".follower/state.json"])
def test_what_others_may_have_written_of_a_follower_is_not_believed(tmp_path: Path, part: str) -> None:
    records = desk(tmp_path)
    background.note(records, background.myself(HEARD_AT, "/p", "/p/r.yaml", RealProcesses()))
    background.expect_ours(records)
    path = Path(records.folder, part)
    path.chmod(path.stat().st_mode | 0o020)
    assert background.noted_follower(records) is None
    with pytest.raises(Refused, match="may write"):
        background.expect_ours(records)


def test_only_the_very_process_lives(tmp_path: Path) -> None:
    records, processes = desk(tmp_path), RealProcesses()
    state = background.myself(HEARD_AT, "/p", "/p/r.yaml", processes)

    assert background.lives(state, processes)
    assert not background.lives(None, processes)
    assert not background.lives(replace(state, started=state.started + 1), processes)
    assert not background.lives(replace(state, boot="an earlier one"), processes)
    assert not background.lives(state, FakeProcesses())
    (Path(records.folder) / ".follower").mkdir(parents=True)
    (Path(records.folder) / ".follower" / "state.json").write_text("{torn")
    assert background.noted_follower(records) is None


def test_open_jobs_of_its_broker_are_waited_for_and_no_others(tmp_path: Path) -> None:
    records = desk(tmp_path)
    opened(records, broker={"host": "elsewhere", "port": 1883})
    assert not background.waits(records, "broker.lab:8883")
    job = opened(records, broker={"host": "broker.lab", "port": 8883})
    assert background.waits(records, "broker.lab:8883")
    end_job(records, job.id, Result(Ending.CANCELLED, "", now(records)))
    assert not background.waits(records, "broker.lab:8883")


def test_a_job_is_judged_once_however_many_followers_saw_its_end(tmp_path: Path, tmux: FakeTmux) -> None:
    records = desk(tmp_path)
    script = tmp_path / "check"
    script.write_text("echo run >> runs; echo seen; exit 3")
    job = opened(records, validate=str(script), workdir=str(tmp_path))
    end_job(records, job.id, Result(Ending.COMPLETED, "", now(records)))

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: conclude(records, job.id, tmux), range(4)))

    assert {(each.exit_code, each.output) for each in found if each} == {(3, "seen\n")}
    assert len(found) == 4
    assert (tmp_path / "runs").read_text() == "run\n"
    assert read(records, job.id).validated == 3
