"""job verify: check the result of a job."""

from __future__ import annotations

import os
from typing import Annotated

from reconciler.app.project.places import JOB_RECORDS
from reconciler.cli import options as opt
from reconciler.cli.job_follower import followed_records
from reconciler.cli.job_words import existing_path
from reconciler.cli.parameters import Option
from reconciler.cli.show.jobs import show_diagnostics
from reconciler.jobs.record import look
from reconciler.jobs.validation import validate as judge
from reconciler.jobs.warnings import record_warnings
from reconciler.render.jobs import validation_text, verdict_document
from reconciler.render.output import json_text, tell, warn


def verify(
    job: opt.JobId,
    validate: Annotated[str, Option("--validate", metavar="SCRIPT", help="Script that checks the result")],
    registry_dir: opt.JobRecords = JOB_RECORDS,
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Check the result of a job with a script.

    The script runs in the job's folder, with the variables JOB_ID and REGISTRY_DIR. Its exit code is the exit
    code of this command.

    \b
    Example:
      reconciler job verify --job 20260625T031924123-0c7e5a9b1d2f3a4b --validate ./check.sh
    """
    records = followed_records(chdir, registry, registry_dir)
    found = look(records, job)
    script = existing_path(os.path.abspath(os.path.expanduser(validate)))
    warn(f"verifying job {job} with {script}")
    show_diagnostics(records, record_warnings([found]))
    verdict = judge(records, found.job, script)
    text = (
        [json_text(verdict_document(job, script, verdict.exit_code, verdict.output))]
        if as_json
        else (validation_text("verify", verdict.exit_code, verdict.output))
    )
    tell(*text)
    return verdict.exit_code
