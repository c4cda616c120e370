"""job wait, and the background follower: follow jobs to their end."""

from __future__ import annotations

import math
from typing import Annotated

from reconciler.app.jobs import jobs
from reconciler.app.jobs.background import revive_all
from reconciler.app.jobs.follower import serve
from reconciler.app.jobs.records import records_of
from reconciler.app.project.places import JOB_RECORDS
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.cli.job_words import positive_seconds
from reconciler.cli.parameters import Option
from reconciler.cli.show.jobs import log_follower, waited
from reconciler.jobs.background import for_queue
from reconciler.model.errors import UsageError
from reconciler.model.exit_code import ExitCode


def wait(
    job: opt.JobId = "",
    first: Annotated[bool, Option("--any", help="Wait until one of the open jobs ends")] = False,
    everything: Annotated[bool, Option("--all", help="Wait until all open jobs have ended (default)")] = False,
    timeout: Annotated[
        str, Option("--timeout", metavar="TIME", help="Stop waiting after this time; the jobs continue")
    ] = "",
    registry_dir: opt.JobRecords = JOB_RECORDS,
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Wait until jobs end.

    The exit code is that of `job submit`; with several jobs, the first that is not 0. It is 8 if --timeout
    is over first.

    \b
    Examples:
      reconciler job wait --job 20260625T031924123-0c7e5a9b1d2f3a4b
      reconciler job wait --any --timeout 30m
    """
    if first and everything:
        raise UsageError("--any and --all cannot be combined")
    at = find_project(chdir, registry)
    records = records_of(at, registry_dir)
    limit = jobs.WaitLimit(positive_seconds(timeout, "--timeout") if timeout else math.inf, first)
    revive_all(at, records)
    return waited(records, jobs.wait(at, records, job, limit), first=first, as_json=as_json)


def follower(
    registry_dir: opt.JobRecords = JOB_RECORDS,
    queue: Annotated[bool, Option("--queue", help="Follow the jobs of a NATS server instead of a broker")] = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Follow jobs in the background; `job submit --detach` starts this."""
    at = find_project(chdir, registry)
    records = for_queue(records_of(at, registry_dir)) if queue else records_of(at, registry_dir)
    log_follower(records, serve(at, records))
    return ExitCode.OK
