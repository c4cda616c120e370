"""job publish: report an event of a job."""

from __future__ import annotations

from typing import Annotated

from msgspec import to_builtins

from reconciler.app.project.places import JOB_RECORDS
from reconciler.cli import options as opt
from reconciler.cli.job_words import find_records
from reconciler.cli.parameters import Option
from reconciler.jobs.publish import Outcome, Publication
from reconciler.jobs.publish import publish as send
from reconciler.model.errors import UsageError
from reconciler.model.event_kind import EventKind
from reconciler.model.exit_code import ExitCode
from reconciler.render.jobs import publication_document
from reconciler.render.output import tell, tell_json, warn


def publish(
    job: opt.JobId,
    event: Annotated[EventKind, Option("--event", help="The event to report")],
    detail: Annotated[str, Option("--detail", metavar="TEXT", help="Details in one line")] = "",
    registry_dir: opt.JobRecords = JOB_RECORDS,
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Report an event of a job; the agent runs this.

    The job record says how to sign the event and where to send it. If the broker is unreachable, the event is
    kept on disk and sent later. Exit code: 0 published or kept for later, 2 not published.

    \b
    Examples:
      reconciler job publish --job 20260625T031924123-0c7e5a9b1d2f3a4b --event started
      reconciler job publish --job 20260625T031924123-0c7e5a9b1d2f3a4b --event completed --detail "3 tests fixed"
    """
    if not event.is_of_agents:
        raise UsageError(f"{event} is said by a runner, and not by an agent", fix="say --event started")
    done = send(find_records(chdir, registry, registry_dir), job, event, detail)
    if as_json:
        _print_publication(job, event, done)
    else:
        _tell_publication(event, done)
    return ExitCode.NOT_PUBLISHED if done.outcome is Outcome.FAILED else ExitCode.OK


def _print_publication(job_id: str, event: EventKind, done: Publication) -> None:
    tell_json(publication_document(job_id, event, to_builtins(done)))


def _tell_publication(event: EventKind, done: Publication) -> None:
    if done.outcome is Outcome.PUBLISHED:
        tell(f"published: {event}{f' ({done.reason})' if done.reason else ''}")
        return
    warn(f"{done.outcome}: {event}: {done.reason}")
    if done.outcome is Outcome.QUEUED:
        warn("  It waits on disk until a later publish or a follower of the job sends it.")
    elif done.fix:
        warn(f"  -> {done.fix}")
