"""Job records in a folder of the test's own, and a broker block for them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from broker.mosquitto import SECRETS, Mosquitto, private
from waiting import PATIENCE

from reconciler.jobs.record import NewJob, Records
from reconciler.jobs.transitions import open_job
from reconciler.model.event_kind import EventKind
from reconciler.model.job import Job, JobEvent
from reconciler.model.moment import to_millisecond
from reconciler.ports.clock import RealClock
from reconciler.ports.files import RealFiles
from reconciler.ports.world import Clock


def desk(folder: Path, clock: Clock | None = None) -> Records:
    return Records(
        str(folder / "jobs"), RealFiles(), clock or RealClock(), {"DELEGATE_JOB_LOGS_DIR": str(folder / "logs")}
    )


def block(broker: Mosquitto) -> Mapping[str, object]:
    """How the agents of a test reach its broker."""
    secret = broker.folder / "worker.password"
    if not secret.exists():
        private(secret, SECRETS["claude-worker"])
    return {
        "host": "localhost",
        "port": broker.port,
        "tls": True,
        "username": "claude-worker",
        "password_file": str(secret),
        "ca_certs": broker.path("ca.crt"),
    }


def opened(records: Records, **fields: object) -> Job:
    values = {"prompt": "do it", "agent": "claude", "agent_session": "tmux:w-creator-claude", "workdir": "/nowhere"}
    soon = {"timeout": 3600, "idle_timeout": int(PATIENCE)}  # where nothing goes on any more, a test is over then
    return open_job(records, NewJob(**{**values, **soon, **fields}))


def event(job: Job, seq: int = 1, kind: EventKind = EventKind.PROGRESS, **fields: object) -> JobEvent:
    values = {"detail": "d", "timestamp": job.created_at, "publisher": "p1", "id": os.urandom(8).hex(), **fields}
    return JobEvent(job.id, kind, seq=seq, **values)


def now(records: Records) -> str:
    return to_millisecond(records.clock.now())


def audited(records: Records, job: Job) -> list[dict[str, object]]:
    """What the audit says of the job; not that it keeps files."""
    import json

    path = Path(records.env["DELEGATE_JOB_LOGS_DIR"]) / job.id / "events.jsonl"
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    return [entry for entry in entries if entry["what"] != "kept"]
