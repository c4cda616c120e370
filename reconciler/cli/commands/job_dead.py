"""job dead: jobs of other hosts that nobody will do."""

from __future__ import annotations

import sys
from typing import Annotated

from reconciler.app.jobs import dead
from reconciler.app.jobs.dead import DeadJob
from reconciler.app.jobs.records import records_of
from reconciler.app.project.places import JOB_RECORDS
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.cli.parameters import Argument
from reconciler.cli.show.jobs import show_submission
from reconciler.model.exit_code import ExitCode
from reconciler.render.away import dead_letters_document, dead_letters_text
from reconciler.render.documents.job_dead import DeadLetterDoc
from reconciler.render.output import tell, tell_json
from reconciler.render.terminal import show

Letter = Annotated[str, Argument(metavar="ID", help="Id of the job")]


def list_dead(as_json: opt.Json = False, chdir: opt.Root = "", registry: opt.RegistryPath = "") -> int:
    """List the jobs of other hosts that nobody will do, and why.

    \b
    Examples:
      reconciler job dead list
      reconciler job dead list --json | jq -r '.letters[].id'
    """
    at = find_project(chdir, registry)
    document = dead_letters_document([_row(each) for each in dead.dead_jobs(at)])
    if as_json:
        tell_json(document)
    else:
        show(dead_letters_text(document, at.now()), sys.stdout, at.env)
    return ExitCode.OK


def _row(found: DeadJob) -> DeadLetterDoc:
    letter, envelope = found.letter, found.envelope
    return {
        "id": letter.id,
        "to_host": letter.to.host,
        "to_pool": letter.to.pool,
        "why": letter.why,
        "host": letter.host,
        "at": letter.at,
        "origin": envelope.origin if envelope else "",
        "agent": envelope.job.agent if envelope else "",
        "prompt": envelope.job.prompt if envelope else "",
    }


def retry_dead(
    job: Letter,
    registry_dir: opt.JobRecords = JOB_RECORDS,
    detach: opt.Detach = False,
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Send the job of a dead letter again, to the same host or pool.

    It gets a new id.

    \b
    Example:
      reconciler job dead retry 20260625T031924123-0c7e5a9b1d2f3a4b
    """
    at = find_project(chdir, registry)
    records = records_of(at, registry_dir)
    return show_submission(records, dead.retry(at, records, job, detach=detach), as_json=as_json)


def drop_dead(job: Letter, chdir: opt.Root = "", registry: opt.RegistryPath = "") -> int:
    """Delete a dead letter.

    \b
    Example:
      reconciler job dead drop 20260625T031924123-0c7e5a9b1d2f3a4b
    """
    dead.drop(find_project(chdir, registry), job)
    tell(f"{job}  dropped")
    return ExitCode.OK
