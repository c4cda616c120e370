"""job status, list, cancel and prune: show and remove job records."""

from __future__ import annotations

import sys
from typing import Annotated

from reconciler.app.jobs import listing
from reconciler.app.jobs.away import cancel_away
from reconciler.app.jobs.listing import row_of
from reconciler.app.project.places import JOB_RECORDS
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.cli.job_follower import followed_records, warn_about
from reconciler.cli.parameters import Option
from reconciler.cli.show.jobs import show_diagnostics
from reconciler.jobs.record import look
from reconciler.jobs.warnings import record_warnings
from reconciler.model.duration import seconds
from reconciler.model.exit_code import ExitCode
from reconciler.model.harmless import one_line
from reconciler.model.job import Ending, Job
from reconciler.render.jobs import job_text, jobs_text
from reconciler.render.output import tell, tell_json, warn
from reconciler.render.terminal import show


def cancel(
    job: opt.JobId,
    registry_dir: opt.JobRecords = JOB_RECORDS,
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """End a job without a result; its agent keeps running.

    \b
    Example:
      reconciler job cancel --job 20260625T031924123-0c7e5a9b1d2f3a4b
    """
    records = followed_records(chdir, registry, registry_dir)
    warn_about(records, job)
    if (found := look(records, job).job).is_sent_away and not found.ended:
        ended = cancel_away(find_project(chdir, registry), records, found)
    else:
        ended = listing.cancel(records, job)
    if as_json:
        tell_json(listing.row_of(records, ended))
    else:
        tell(_cancelled(ended))
    return ExitCode.OK


def _cancelled(job: Job) -> str:
    if job.result and job.result.ending is not Ending.CANCELLED:
        return f"{job.id}  had already ended: {job.result.ending}"
    if not job.is_sent_away:
        return f"{job.id}  cancelled; its agent may still be working"
    if not job.host:
        return f"{job.id}  taken back: no host had claimed it"
    said = one_line(job.result.detail) if job.result else ""
    return f"{job.id}  {said}; its agent on {one_line(job.host)} may still be working"


def status(
    job: opt.JobId,
    registry_dir: opt.JobRecords = JOB_RECORDS,
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Show the record of one job, without its secrets.

    \b
    Example:
      reconciler job status --job 20260625T031924123-0c7e5a9b1d2f3a4b --json
    """
    records = followed_records(chdir, registry, registry_dir)
    found = look(records, job)
    row = row_of(records, found.job)
    if as_json:
        tell_json(row)
    else:
        show(job_text(row, records.clock.now()), sys.stdout, records.env)
    show_diagnostics(records, record_warnings([found]))
    return ExitCode.OK


def list_jobs(
    registry_dir: opt.JobRecords = JOB_RECORDS,
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """List all jobs, oldest first.

    \b
    Examples:
      reconciler job list
      reconciler job list --json | jq '.jobs[] | select(.permission)'
    """
    records = followed_records(chdir, registry, registry_dir)
    found = listing.list_jobs(records)
    if as_json:
        tell_json(found.document)
    else:
        show(jobs_text(found.document, records.clock.now()), sys.stdout, records.env)
        show_diagnostics(records, [*found.mistakes, *found.warnings])
    return ExitCode.ERROR if found.mistakes else ExitCode.OK


def prune(
    older_than: Annotated[
        str, Option("--older-than", metavar="TIME", help="Only jobs that ended longer ago than this: 30d, 12h")
    ],
    yes: Annotated[bool, Option("--yes", help="Delete the records instead of listing them")] = False,
    registry_dir: opt.JobRecords = JOB_RECORDS,
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Delete the records of old jobs; their audit folders stay.

    Without --yes, only lists the jobs.

    \b
    Examples:
      reconciler job prune --older-than 30d          # only list them
      reconciler job prune --older-than 30d --yes
    """
    records = followed_records(chdir, registry, registry_dir)
    old = listing.prune(records, seconds(older_than), delete=yes)
    if as_json:
        tell_json(old.document)
    else:
        tell(*(f"{row['id']}  {row['status']}" for row in old.document["jobs"]))
    warn(_pruned(len(old.document["jobs"]), yes=yes))
    show_diagnostics(records, [*old.mistakes, *old.warnings])
    return ExitCode.ERROR if old.mistakes else ExitCode.OK


def _pruned(count: int, *, yes: bool) -> str:
    jobs = "1 job" if count == 1 else f"{count} jobs"
    return f"Deleted {jobs}." if yes or not count else f"{jobs} would be deleted: pass --yes."
