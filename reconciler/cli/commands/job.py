"""job: hand a prompt to a live agent, follow it, and look after the jobs."""

from __future__ import annotations

import math
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import to_builtins

from reconciler.app.jobs import audits, listing
from reconciler.app.jobs.listing import retry_of, row_of
from reconciler.app.jobs.records import records_in, records_of
from reconciler.app.project.places import JOB_RECORDS
from reconciler.app.project.project import find_project
from reconciler.cli import completion
from reconciler.cli import options as opt
from reconciler.cli.show import jobs as shown
from reconciler.cli.show.jobs import log_follower, show_diagnostics, show_submission, waited
from reconciler.jobs.background import noted_follower
from reconciler.jobs.publish import Outcome
from reconciler.jobs.publish import publish as send
from reconciler.jobs.record import NewJob, look
from reconciler.jobs.validation import validate as judge
from reconciler.jobs.warnings import record_warnings
from reconciler.model.duration import seconds
from reconciler.model.errors import UsageError
from reconciler.model.event_kind import EventKind
from reconciler.model.exit_code import ExitCode
from reconciler.ports.own_files import regular
from reconciler.render.jobs import job_text, jobs_text, publication_document, validation_text, verdict_document
from reconciler.render.output import json_text, tell, tell_json, warn
from reconciler.render.terminal import show

if TYPE_CHECKING:
    from reconciler.app.jobs.jobs import SubmitOptions
    from reconciler.jobs.publish import Publication
    from reconciler.jobs.record import Records

Detach = Annotated[bool, typer.Option("--detach", help="Return at once; follow the job in the background")]
WaitIdle = Annotated[
    str,
    typer.Option("--wait-idle", metavar="TIME", help="Wait this long for a busy agent, instead of refusing at once"),
]


# --- hand over --------------------------------------------------------------------------------


def submit(
    prompt: Annotated[
        str, typer.Option("--prompt", metavar="TEXT|@FILE|-", help="The task: a text, @FILE, or - for standard input")
    ],
    agent: Annotated[
        str,
        typer.Option(
            "--agent",
            metavar="NAME",
            autocompletion=completion.agents,
            help="The agent: its name, session, address or CLI, or human",
        ),
    ] = "",
    workdir: Annotated[
        str,
        typer.Option(
            "--workdir", metavar="DIR", help="Folder for the audit log and the validation [default: project folder]"
        ),
    ] = "",
    agent_session: Annotated[
        str, typer.Option("--agent-session", metavar="tmux:LABEL", help="The agent's tmux session")
    ] = "",
    timeout: Annotated[
        str, typer.Option("--timeout", metavar="TIME", help="Time limit of the job, in seconds or as 30m")
    ] = "3600",
    idle_timeout: Annotated[
        str, typer.Option("--idle-timeout", metavar="TIME", help="How long the job may be silent")
    ] = "120",
    validate: Annotated[
        str, typer.Option("--validate", metavar="SCRIPT", help="Script that checks the result at the end")
    ] = "",
    registry_dir: opt.JobRecords = JOB_RECORDS,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the text that the agent would get")] = False,
    detach: Detach = False,
    wait_idle: WaitIdle = "0",
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Send a prompt to a running agent and follow it to the end.

    It never starts or interrupts the agent. Exit code: 0 completed, 1 error, 4 broker unreachable, 7 not
    delivered, 8 timeout, 9 silent for too long. The last line on standard output is the audit folder.

    \b
    Examples:
      reconciler job submit --agent landing-page-creator-claude --prompt "Fix the header"
      reconciler job submit --agent codex --prompt @task.md --validate ./check.sh
      reconciler job submit --agent human --prompt - --detach < task.md
    """
    from reconciler.agents.catalogue import DEFAULT
    from reconciler.app.jobs import jobs

    at = find_project(chdir, registry)
    folder = os.path.abspath(os.path.expanduser(workdir)) if workdir else at.root
    new = NewJob(
        prompt=_text(prompt),
        agent=agent or DEFAULT,
        agent_session=agent_session,
        workdir=_existing(folder),
        timeout=_positive(timeout, "--timeout"),
        idle_timeout=_positive(idle_timeout, "--idle-timeout"),
        validate=_existing(os.path.join(folder, os.path.expanduser(validate))) if validate else "",
    )
    records = records_of(at, registry_dir)
    if dry_run:
        shown.dry_run(jobs.dry_run(at, records, new), as_json=as_json)
        return ExitCode.OK
    events = jobs.submit(at, records, new, _options(wait_idle, detach=detach))
    return shown.show_submission(records, events, as_json=as_json)


def retry(
    job: Annotated[str, typer.Argument(metavar="ID", help="Id of a job that has ended")],
    registry_dir: opt.JobRecords = JOB_RECORDS,
    detach: Detach = False,
    wait_idle: WaitIdle = "0",
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Send the prompt of an ended job to the same agent again, as a new job.

    \b
    Example:
      reconciler job retry 20260625T031924123-0c7e5a9b1d2f3a4b
    """
    from reconciler.app.jobs.jobs import submit

    at = find_project(chdir, registry)
    records = records_of(at, registry_dir)
    new = retry_of(records, job)
    _warn_about(records, job)
    events = submit(at, records, new, _options(wait_idle, detach=detach))
    return show_submission(records, events, as_json=as_json)


# --- follow -----------------------------------------------------------------------------------


def wait(
    job: opt.JobId = "",
    first: Annotated[bool, typer.Option("--any", help="Wait until one of the open jobs ends")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Wait until all open jobs have ended (default)")] = False,
    timeout: Annotated[
        str, typer.Option("--timeout", metavar="TIME", help="Stop waiting after this time; the jobs continue")
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
    from reconciler.app.jobs import background, jobs

    if first and everything:
        raise UsageError("--any and --all exclude each other")
    at = find_project(chdir, registry)
    records = records_of(at, registry_dir)
    limit = jobs.WaitLimit(_positive(timeout, "--timeout") if timeout else math.inf, first)
    background.revive(at, records)
    return waited(records, jobs.wait(at, records, job, limit), first=first, as_json=as_json)


def follower(registry_dir: opt.JobRecords = JOB_RECORDS, chdir: opt.Root = "", registry: opt.RegistryPath = "") -> int:
    """Follow jobs in the background; `job submit --detach` starts this."""
    from reconciler.app.jobs.follower import serve

    at = find_project(chdir, registry)
    records = records_of(at, registry_dir)
    log_follower(records, serve(at, records))
    return ExitCode.OK


def publish(
    job: opt.JobId,
    event: Annotated[EventKind, typer.Option("--event", help="The event to report")],
    detail: Annotated[str, typer.Option("--detail", metavar="TEXT", help="Details in one line")] = "",
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
    done = send(_records(chdir, registry, registry_dir), job, event, detail)
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
        warn("  It waits on disk: a later publish, or whoever follows the job, sends it.")
    elif done.fix:
        warn(f"  -> {done.fix}")


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
    records = _revived(chdir, registry, registry_dir)
    _warn_about(records, job)
    ended = listing.cancel(records, job)
    if as_json:
        tell_json(listing.row_of(records, ended))
    else:
        tell(f"{job}  cancelled; its agent may still be at work")
    return ExitCode.OK


# --- look -------------------------------------------------------------------------------------


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
    records = _revived(chdir, registry, registry_dir)
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
    records = _revived(chdir, registry, registry_dir)
    found = listing.list_jobs(records)
    if as_json:
        tell_json(found.document)
    else:
        show(jobs_text(found.document, records.clock.now()), sys.stdout, records.env)
        show_diagnostics(records, [*found.mistakes, *found.warnings])
    return ExitCode.ERROR if found.mistakes else ExitCode.OK


def verify(
    job: opt.JobId,
    validate: Annotated[str, typer.Option("--validate", metavar="SCRIPT", help="Script that checks the result")],
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
    records = _revived(chdir, registry, registry_dir)
    found = look(records, job)
    script = _existing(os.path.abspath(os.path.expanduser(validate)))
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


def logs(
    job: Annotated[str, typer.Argument(metavar="[ID]", help="Id of the job", show_default=False)] = "",
    everything: Annotated[bool, typer.Option("--list", help="List the audit folders")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Keep printing until the job has ended")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check that nothing in the log was changed or removed")
    ] = False,
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

    With --follow, --json prints one object a line.
    """
    if bool(job) == everything:
        raise UsageError("logs requires <job_id> or --list")
    records = _revived(chdir, registry, registry_dir)
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


def prune(
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="TIME", help="Only jobs that ended longer ago than this: 30d, 12h")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Delete the records instead of listing them")] = False,
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
    records = _revived(chdir, registry, registry_dir)
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
    return f"Forgot {jobs}." if yes or not count else f"{jobs} would be forgotten: say --yes."


# --- words ------------------------------------------------------------------------------------


def _warn_about(records: Records, job_id: str) -> None:
    """Say what was assumed of a job that another tool recorded."""
    show_diagnostics(records, record_warnings([look(records, job_id)]))


def _revived(chdir: str, registry: str, registry_dir: str) -> Records:
    """The job records, for people: a follower of theirs that was killed is started again."""
    records = _records(chdir, registry, registry_dir)
    if noted_follower(records):
        from reconciler.app.jobs import background

        background.revive(find_project(chdir, registry), records)
    return records


def _records(chdir: str, registry: str, registry_dir: str) -> Records:
    """The job records; for an absolute folder, as agents give it, without the project: that takes as long to load."""
    if os.path.isabs(registry_dir):
        return records_in(registry_dir, dict(os.environ))

    return records_of(find_project(chdir, registry), registry_dir)


def _text(prompt: str) -> str:
    """The prompt that the word stands for; UsageError when it cannot be had."""
    try:
        text = sys.stdin.buffer.read() if prompt == "-" else _of_file(prompt)
        found = text.decode()
    except UnicodeDecodeError as error:
        raise UsageError("the prompt is not UTF-8", fix="convert it") from error
    except OSError as error:
        raise UsageError(f"{prompt[1:]} cannot be read: {error.strerror}", fix="check the path") from error
    if not found.strip():
        raise UsageError("submit requires --prompt", fix="give it some text")
    return found


def _of_file(prompt: str) -> bytes:
    if not prompt.startswith("@"):
        return prompt.encode(errors="surrogateescape")

    with regular(os.path.expanduser(prompt[1:])) as file:
        return file.read()


def _existing(path: str) -> str:
    if not os.path.exists(path):
        raise UsageError(f"{path} does not exist", fix="check the path")
    return path


def _positive(text: str, option: str) -> float:
    found = seconds(text)
    if found <= 0:
        raise UsageError(f"{option} is {text}", fix="give it more than nothing")
    return found


def _options(wait_idle: str, *, detach: bool) -> SubmitOptions:
    from reconciler.app.jobs.jobs import SubmitOptions
    from reconciler.jobs.deliver import DeliveryTimeouts

    return SubmitOptions(DeliveryTimeouts(idle=seconds(wait_idle)), detach)
