"""job logs: the audit log of a job."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Annotated

from reconciler.app.jobs import audits
from reconciler.app.project.places import JOB_RECORDS
from reconciler.cli import options as opt
from reconciler.cli.job_follower import followed_records
from reconciler.cli.parameters import Argument, Option
from reconciler.cli.show import jobs as shown
from reconciler.model.errors import UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.render.output import tell_json


def logs(
    job: Annotated[str, Argument(metavar="[ID]", help="Id of the job", show_default=False)] = "",
    everything: Annotated[bool, Option("--list", help="List the audit folders")] = False,
    follow: Annotated[bool, Option("--follow", help="Keep printing until the job has ended")] = False,
    verify: Annotated[bool, Option("--verify", help="Check that nothing in the log was changed or removed")] = False,
    registry_dir: opt.JobRecords = JOB_RECORDS,
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Show the audit log of a job, including dropped events.

    \b
    Examples:
      reconciler job logs 20260625T031924123-0c7e5a9b1d2f3a4b --follow
      reconciler job logs --list

    With --follow, --json prints one object per line.
    """
    if bool(job) == everything:
        raise UsageError("logs requires <job_id> or --list")
    records = followed_records(chdir, registry, registry_dir)
    broken = audits.unreadable_record(records, job) if job else None
    if everything:
        shown.audit_folders(records, audits.list_all(records, os.path.abspath(chdir or os.getcwd())), as_json=as_json)
    elif verify:
        shown.audit_check(records, audits.check(records, job), as_json=as_json)
    elif as_json and not follow:
        tell_json(audits.read_one(records, job))
    else:
        with suppress(KeyboardInterrupt):
            shown.audit(records, audits.entries(records, job, follow=follow), as_json=as_json)
            if not follow:
                shown.audit_files(records, audits.beside(records, job))
    if broken:
        raise broken
    return ExitCode.OK
