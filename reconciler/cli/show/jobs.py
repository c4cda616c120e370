"""Show jobs: each event as it happens, then the result."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from typing import TypeAlias, TypeVar

from reconciler.app.jobs import events
from reconciler.app.jobs.audits import AuditCheck, AuditEntry
from reconciler.app.jobs.listing import mistakes_in
from reconciler.jobs.audit import KEPT
from reconciler.jobs.audit_files import OtherFile
from reconciler.jobs.outcome import JobOutcome, exit_code_of, exit_code_of_all
from reconciler.jobs.record import Records
from reconciler.model.broker import BrokerWarning
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.exit_code import ExitCode
from reconciler.model.harmless import one_line
from reconciler.model.job import Happening
from reconciler.render.document import diagnostic_document
from reconciler.render.documents.job_dry_run import DryRunDoc
from reconciler.render.documents.job_logs import AuditsDoc
from reconciler.render.documents.jobs import JobRow
from reconciler.render.jobs import (
    audit_text,
    happening_text,
    jobs_document,
    other_file_text,
    queue_text,
    validation_text,
)
from reconciler.render.output import is_cut_off, json_text
from reconciler.render.terminal import show
from reconciler.render.text import diagnostic_text

_Event = TypeVar("_Event")
_Told: TypeAlias = (
    events.FollowEvent | events.JobRegistered | events.JobQueued | events.DeliveryEnded | events.NoOpenJob
)


def show_submission(records: Records, stream: Generator[events.SubmitEvent, None, None], *, as_json: bool) -> int:
    """Show how a job is sent and followed. Returns the exit code of its result."""
    code: int = ExitCode.ERROR
    with _followed(records, stream) as happening:
        for event in happening:
            match event:
                case events.HumanInstructed(text):
                    _tell(records, text.splitlines()) if as_json else _print(text.splitlines())
                case events.JobReport():
                    _report(records, event, as_json=as_json)
                    code = exit_code_of(event.outcome)
                case _:
                    _tell(records, _text(event))
    return code


def waited(records: Records, stream: Generator[events.WaitEvent, None, None], *, first: bool, as_json: bool) -> int:
    """Show how jobs are followed, and their results. Returns the exit code of all."""
    code: int = ExitCode.ERROR
    with _followed(records, stream) as happening:
        for event in happening:
            match event:
                case events.WaitEnded():
                    _show_waited(records, event, as_json=as_json)
                    outcomes = [report.outcome for report in event.reports]
                    code = exit_code_of_all(outcomes, first=first, unreadable=bool(event.unreadable))
                case _:
                    _tell(records, _text(event))
    return code


def _show_waited(records: Records, ended: events.WaitEnded, *, as_json: bool) -> None:
    mistakes = mistakes_in(ended.unreadable)
    if as_json:
        _print([json_text(jobs_document((report.row for report in ended.reports), mistakes))])
    else:
        for report in ended.reports:
            _show_row(report.row, as_json=False)
    show_diagnostics(records, mistakes)


@contextmanager
def _followed(records: Records, stream: Generator[_Event, None, None]) -> Iterator[Iterator[_Event]]:
    """The events as they come. On Ctrl-C, print which jobs continue and how to follow them again."""
    followed: tuple[str, ...] = ()

    def watched() -> Iterator[_Event]:
        nonlocal followed
        for event in stream:
            if isinstance(event, events.FollowedJobs):
                followed = event.job_ids
            else:
                yield event

    with closing(stream):
        try:
            yield watched()
        except KeyboardInterrupt:
            if followed:
                _tell(records, _continuing(records, followed))
            raise


def _continuing(records: Records, job_ids: tuple[str, ...]) -> Iterator[str]:
    goes = "The job continues" if len(job_ids) == 1 else "The jobs continue"
    yield ""
    yield f"{goes}. Follow again with:"
    yield from (f"  {_follow_command(records, job_id)}" for job_id in job_ids)


def _text(event: _Told) -> Iterator[str]:
    """The event as text."""
    match event:
        case BrokerWarning(text):
            yield f"Warning: {text}"
        case Diagnostic():
            yield from diagnostic_text(diagnostic_document(event))
        case events.JobRegistered(job_id):
            yield f"registered job: {job_id}"
        case events.DeliveryEnded():
            yield _delivery_text(event)
        case events.JobQueued(job_id, queue):
            yield f"{job_id}  queued for {queue_text(queue)}"
        case events.FollowedJobs():
            pass
        case _:
            yield from _following_text(event)


def _following_text(event: Happening | events.ValidationStarted | events.NoOpenJob) -> Iterator[str]:
    match event:
        case events.ValidationStarted(script):
            yield f"running validation: {script}"
        case events.NoOpenJob():
            yield "No job is open."
        case _:
            yield from happening_text(event)


def _delivery_text(ended: events.DeliveryEnded) -> str:
    delivery = ended.delivery
    facts = (
        (delivery.verdict, delivery.evidence, delivery.detail) if delivery else ("the job ended: nothing was typed",)
    )
    return f"{ended.job_id}  delivery to {ended.session}: {one_line(', '.join(filter(None, facts)))}"


def _report(records: Records, report: events.JobReport, *, as_json: bool) -> None:
    _show_row(report.row, as_json=as_json)
    if report.outcome in {JobOutcome.DETACHED, JobOutcome.UNCERTAIN}:
        _tell(records, [f"Warning: {report.unfollowed}"] if report.unfollowed else [])
        _tell(records, [f"Wait for it with: {_follow_command(records, report.row['id'])}"])


def _show_row(row: JobRow, *, as_json: bool) -> None:
    """Show the result; the last line is the audit folder."""
    if as_json:
        _print([json_text(row)])
        return
    detail = row["result"]["detail"] if row["result"] else ""
    _print([f"{row['id']}  {row['status']}{': ' if detail else ''}{one_line(detail)}"])
    if validation := row.get("validation"):
        _print(validation_text("validation", validation["exit_code"], validation["output"]))
    _print([row["audit"]])


def _follow_command(records: Records, job_id: str) -> str:
    return f"reconciler job wait --job {job_id} --registry-dir {records.folder}"


def dry_run(document: DryRunDoc, *, as_json: bool) -> None:
    """Show the instructions that the agent would get."""
    if as_json:
        _print([json_text(document)])
        return
    session = document["agent_session"].removeprefix("tmux:")
    whom = f"in tmux session {session!r}" if session else "on this terminal"
    _print([f"[dry-run] would delegate task to running agent {document['agent']!r} {whom} with instructions:"])
    _print(["----", *document["instructions"].splitlines(), "----", document["audit"]])


def show_diagnostics(records: Records, mistakes: Iterable[Diagnostic]) -> None:
    """Show warnings and errors, for example about unreadable records."""
    for diagnostic in mistakes:
        show(diagnostic_text(diagnostic_document(diagnostic)), sys.stderr, records.env)


# --- the follower in the background, and audits -----------------------------------------------


def log_follower(records: Records, stream: Iterable[events.FollowerEvent]) -> None:
    """Write the events of the background follower into its log."""
    for event in stream:
        _tell(records, _follower_text(event))


def _follower_text(event: events.FollowerEvent) -> Iterator[str]:
    match event:
        case BrokerWarning(text):
            yield f"Warning: {text}"
        case Diagnostic():
            yield from diagnostic_text(diagnostic_document(event))
        case events.ListeningStarted(broker, folder):
            yield f"Listening to {broker} for the open jobs of {folder}."
        case events.BrokerUnavailable(summary, pause):
            yield f"{summary}; trying again in {pause:g} s"
        case events.ConclusionFailed(job_id, summary):
            yield f"{job_id}  could not be finished: {summary}"
        case _:
            yield from happening_text(event)


def audit(records: Records, stream: Iterable[Iterable[AuditEntry]], *, as_json: bool) -> None:
    """Show the entries of an audit as they come, one line each."""
    for entries in stream:
        for entry in entries:
            if as_json:
                show([json_text(entry)], sys.stdout, records.env)
            elif entry.get("what") != KEPT:  # needed only by a check
                show([audit_text(entry)], sys.stdout, records.env)
        sys.stdout.flush()
        if is_cut_off(sys.stdout):  # the reader has left
            return


def audit_files(records: Records, files: Iterable[OtherFile]) -> None:
    """Show the files of other tools in an audit folder."""
    for each in files:
        show(other_file_text(each.path, each.size, each.text, each.why), sys.stdout, records.env)


def audit_folders(records: Records, document: AuditsDoc, *, as_json: bool) -> None:
    """Show every audit folder."""
    lines = [json_text(document)] if as_json else [audit["folder"] for audit in document["audits"]]
    show(lines, sys.stdout, records.env)


def audit_check(records: Records, found: AuditCheck, *, as_json: bool) -> None:
    """Show whether an audit is intact. Raises ReconcilerError if it is not."""
    if as_json:
        show([json_text(found.document)], sys.stdout, records.env)
    if found.error:
        raise found.error
    if not as_json:
        sentence = f"{found.lines} lines, all intact, and so are the files they mention"
        show([sentence], sys.stdout, records.env)


def _print(lines: Iterable[str]) -> None:
    show(lines, sys.stdout, {"NO_COLOR": "1"})
    sys.stdout.flush()


def _tell(records: Records, lines: Iterable[str]) -> None:
    show(lines, sys.stderr, records.env)
    sys.stderr.flush()
