"""Jobs: the JSON documents, their texts, and one line per event."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import assert_never, cast

from msgspec import to_builtins

from reconciler.model.destination import destination_of
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.event_kind import EventKind
from reconciler.model.harmless import one_line
from reconciler.model.job import (
    TOKEN_HIDDEN,
    Abandoned,
    Accepted,
    ConnectionBack,
    ConnectionLost,
    Dropped,
    Ended,
    Happening,
    Ignored,
    Job,
    JobEvent,
    ResendFailed,
    Resent,
)
from reconciler.model.record import Json
from reconciler.model.secrets import data_without_token

from .answering import shown_keys
from .document import diagnostic_document
from .documents import FORMAT_VERSION
from .documents.job_answer import AnswerDoc
from .documents.job_dry_run import DryRunDoc
from .documents.job_hooks import HooksDoc
from .documents.job_logs import AuditDoc, AuditsDoc
from .documents.job_publish import PublicationDoc
from .documents.job_verify import VerdictDoc
from .documents.jobs import JobRow, JobsDoc, ValidationDoc
from .status import age
from .table import table

_COLUMNS = ("JOB", "STATUS", "AGENT", "SESSION", "AGE", "DETAIL")


def job_row(job: Job, audit: str) -> JobRow:
    """One job as published. Secrets are left out, even if an older version recorded one; `audit` is its folder."""
    result = job.result
    row: JobRow = {
        "id": job.id,
        "status": job.status.value,
        "agent": job.agent,
        "agent_session": job.agent_session,
        "workdir": job.workdir,
        "prompt": job.prompt,
        "timeout": job.timeout,
        "idle_timeout": job.idle_timeout,
        "validate": job.validate,
        "created_at": job.created_at,
        "updated_at": job.updated_at,
        "topic": job.topic,
        "permission": to_builtins(job.permission) if job.permission else None,
        "delivery": dict(job.delivery) if job.delivery else None,
        "result": {"ending": result.ending.value, "detail": result.detail, "at": result.at} if result else None,
        "retry_of": job.retry_of,
        "retries": job.retries,
        "queue": job.queue,
        "origin": job.origin,
        "host": job.host,
        "audit": audit,
    }
    return cast(JobRow, data_without_token(row, job.auth_token, TOKEN_HIDDEN))


def jobs_document(rows: Iterable[JobRow], diagnostics: Iterable[Diagnostic]) -> JobsDoc:
    """The document of `job list --json`."""
    found = [diagnostic_document(diagnostic) for diagnostic in diagnostics]
    return {"format_version": FORMAT_VERSION, "jobs": list(rows), "diagnostics": found}


def dry_run_document(agent: str, session: str, instructions: str, audit: str) -> DryRunDoc:
    """The document of `job submit --dry-run --json`."""
    return {
        "format_version": FORMAT_VERSION,
        "agent": agent,
        "agent_session": session,
        "instructions": instructions,
        "audit": audit,
    }


def verdict_document(job_id: str, script: str, exit_code: int, output: str) -> VerdictDoc:
    """The document of `job verify --json`."""
    return {
        "format_version": FORMAT_VERSION,
        "id": job_id,
        "script": script,
        "validation": validation_document(exit_code, output),
    }


def validation_document(exit_code: int, output: str) -> ValidationDoc:
    """The result of a validation script, as published."""
    return {"passed": exit_code == 0, "exit_code": exit_code, "output": output}


def publication_document(job_id: str, event: EventKind, done: Mapping[str, str]) -> PublicationDoc:
    """The document of `job publish --json`; `done` has `outcome`, `reason` and `fix`."""
    return {"format_version": FORMAT_VERSION, "id": job_id, "event": event.value, **done}  # type: ignore[typeddict-item] # the same keys


def audits_document(audits: Iterable[AuditDoc]) -> AuditsDoc:
    """The document of `job logs --json`."""
    return {"format_version": FORMAT_VERSION, "audits": list(audits)}


def answer_document(job_id: str, shown: Mapping[str, Json], answer: str | None) -> AnswerDoc:
    """The document of `job answer --json`; `shown` has the other keys."""
    return {"format_version": FORMAT_VERSION, "id": job_id, "answer": answer, **shown_keys(shown)}  # type: ignore[typeddict-item] # the same keys


def hooks_document(cli: str, path: str, notice: str, *, changed: bool) -> HooksDoc:
    """The document of `job hooks install --json` and `job hooks uninstall --json`."""
    return {"format_version": FORMAT_VERSION, "cli": cli, "path": path, "changed": changed, "notice": notice}


def jobs_text(document: JobsDoc, now: datetime) -> Iterator[str]:
    """One line per job; a hint when there are none and every record could be read."""
    if not document["jobs"] and document["diagnostics"]:
        return
    if not document["jobs"]:
        yield "No job is recorded. `reconciler job submit --help` shows how to send one to an agent."
        return
    queued = any(row["queue"] for row in document["jobs"])
    rows = ((where_text(row), *_cells(row, now)) if queued else _cells(row, now) for row in document["jobs"])
    yield from table([("HOST", *_COLUMNS) if queued else _COLUMNS, *rows])


def _cells(row: JobRow, now: datetime) -> tuple[str, ...]:
    session = row["agent_session"].removeprefix("tmux:") or "-"
    agent = row["agent"] or "-"
    return (row["id"], row["status"], agent, session, age(row["created_at"], now), one_line(_detail(row)))


def where_text(row: JobRow) -> str:
    """The host that does the job, or the queue in which it waits; for a job of another host, that one, too."""
    if row["origin"]:
        return one_line(f"{row['host']} for {row['origin']}")
    if not row["queue"]:
        return "-"
    return one_line(row["host"] or f"{queue_text(row['queue'])}: not claimed")


def queue_text(queue: str) -> str:
    """A queue as people name it."""
    to = destination_of(queue)
    return f"pool {to.pool}" if to.pool else to.host


def _detail(row: JobRow) -> str:
    """The most important detail: an open permission request, then the result, then what is uncertain."""
    if asked := row["permission"]:
        return f"asks for permission: {asked['tool']}: {asked['what']}"
    if (found := row.get("validation")) and not found["passed"]:
        return f"validation: {_verdict(found['exit_code'])}"
    if row["result"]:
        return row["result"]["detail"]
    verdict = (row["delivery"] or {}).get("verdict", "")
    return "" if verdict == "submitted" else str(verdict)


def job_text(row: JobRow, now: datetime) -> Iterator[str]:
    """One job, with one fact per line."""
    facts = {
        "job": row["id"],
        "status": row["status"],
        "detail": _detail(row) or "-",
        "agent": row["agent"] or "-",
        "session": row["agent_session"] or "-",
        "workdir": row["workdir"],
        "prompt": _first_line(row["prompt"]),
        "created": f"{row['created_at']} ({age(row['created_at'], now)})",
        "updated": f"{row['updated_at']} ({age(row['updated_at'], now)})",
        "timeout": f"{row['timeout']:g} s, {row['idle_timeout']:g} s without a sign of life",
        "delivery": _delivery_text(row["delivery"]),
        "validate": _validation_line(row),
        "topic": row["topic"],
        "audit": row["audit"],
    }
    facts |= {"host": where_text(row)} if row["queue"] else {}
    facts |= {"retry of": row["retry_of"]} if row["retry_of"] else {}
    if row["permission"]:
        facts["answer"] = _answer(row["id"])
    width = max(map(len, facts))
    yield from (f"{name:<{width}}  {one_line(fact)}" for name, fact in facts.items())


def _validation_line(row: JobRow) -> str:
    found = row.get("validation")
    return f"{row['validate']}: {_verdict(found['exit_code'])}" if found else row["validate"] or "-"


def _first_line(text: str) -> str:
    first, *rest = text.strip().splitlines() or [""]
    return f"{first[:99]}…" if rest or len(first) > 100 else first


def _delivery_text(delivery: Mapping[str, Json] | None) -> str:
    if not delivery:
        return "-"
    said = (delivery.get(name) for name in ("verdict", "evidence", "detail"))
    return ", ".join(str(part) for part in said if part)


def _answer(job_id: str) -> str:
    """The command that shows the dialog first: nothing is approved before the user has seen it."""
    return f"reconciler job answer --job {job_id}"


def happening_text(happening: Happening) -> Iterator[str]:
    """What happened, in one or two lines."""
    match happening:
        case Accepted(job, event):
            yield _event_text(event)
            if job.permission:
                yield f"  -> {_answer(job.id)}"
        case Ignored(job, event):
            yield f"{_event_text(event)} (ignored: the job is {job.status})"
        case Dropped(job_id, reason):
            yield f"{job_id or 'no job of ours'}  dropped a message: {reason}"
        case Ended(job):
            yield f"{job.id}  ended: {job.result.ending if job.result else job.status}"
        case Abandoned(job_id, reason):
            yield f"{job_id}  no longer followed: {one_line(reason)}"
        case _:
            yield _broker_news(happening)


def _broker_news(news: ConnectionLost | ConnectionBack | Resent | ResendFailed) -> str:
    match news:
        case ConnectionLost():
            return "Lost the connection to the broker; reconnecting. Timeouts keep running."
        case ConnectionBack():
            return "Reconnected to the broker."
        case Resent(count):
            return f"Sent {count} event{'s' if count != 1 else ''} that had been waiting on disk."
        case ResendFailed(reason):
            return f"Events from the disk were counted, but the broker does not have them yet: {one_line(reason)}"
        case _:
            assert_never(news)


def _event_text(event: JobEvent) -> str:
    return f"{event.job_id}  {event.event}{': ' if event.detail else ''}{one_line(event.detail)}"


def audit_text(entry: Mapping[str, Json]) -> str:
    """One line of an audit as readable text."""
    if "what" not in entry:
        return _foreign_text(entry)
    delivery = entry.get("delivery")
    details = delivery if isinstance(delivery, Mapping) else entry
    names = ("event", "reason", "ending", "verdict", "evidence", "script", "exit_code", "file", "detail", "text")
    said = ", ".join(f"{details[name]}" for name in names if details.get(name) not in {None, ""})
    return one_line(
        f"{entry.get('at', '-')}  {entry.get('status', '-'):<9}  {entry.get('what', '-'):<10}  {said}"
    ).rstrip()


def _foreign_text(entry: Mapping[str, Json]) -> str:
    """An audit line that another tool wrote: its time, if it has one, then all its keys."""
    moment = next((name for name in ("at", "timestamp", "time", "ts") if name in entry), "")
    said = ", ".join(f"{name}: {_compact(value)}" for name, value in entry.items() if name != moment)
    return one_line(f"{_compact(entry[moment]) if moment else '-'}  {said}")


def _compact(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def other_file_text(path: str, size: int, text: str, why: str) -> Iterator[str]:
    """A file that another tool put into an audit folder."""
    yield one_line(f"--- {path} ({size} bytes{': ' if why else ''}{why})")
    yield from (one_line(line) for line in text.splitlines())


def validation_text(what: str, exit_code: int, output: str) -> Iterator[str]:
    """What a validation script printed, then PASS or FAIL."""
    yield from (one_line(line) for line in output.splitlines())
    yield f"{what}: {_verdict(exit_code)}"


def _verdict(exit_code: int) -> str:
    return "PASS (exit 0)" if exit_code == 0 else f"FAIL (exit {exit_code})"
