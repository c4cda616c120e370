"""job submit and job retry: send a prompt to a running agent."""

from __future__ import annotations

import os
from typing import Annotated

from msgspec.structs import replace

from reconciler.agents.catalogue import DEFAULT
from reconciler.app.jobs import jobs
from reconciler.app.jobs.away import errand_of, submit_away
from reconciler.app.jobs.jobs import SubmitOptions
from reconciler.app.jobs.listing import retry_of
from reconciler.app.jobs.records import records_of
from reconciler.app.project.places import JOB_RECORDS
from reconciler.app.project.project import find_project
from reconciler.cli import completion
from reconciler.cli import options as opt
from reconciler.cli.job_away import AwayWords, errand_from
from reconciler.cli.job_follower import warn_about
from reconciler.cli.job_words import existing_path, positive_seconds, prompt_text
from reconciler.cli.parameters import Argument, Option
from reconciler.cli.show import jobs as shown
from reconciler.cli.show.jobs import show_submission
from reconciler.jobs.deliver import DeliveryTimeouts
from reconciler.jobs.record import NewJob, look
from reconciler.model.duration import seconds
from reconciler.model.errors import UsageError
from reconciler.model.exit_code import ExitCode


def submit(
    task: Annotated[
        str | None, Argument(metavar="[TEXT|@FILE|-]", help="The same as --prompt", show_default=False)
    ] = None,
    prompt: Annotated[
        str | None,
        Option(
            "--prompt",
            metavar="TEXT|@FILE|-",
            help="The task: a text, @FILE, or - for standard input",
            show_default=False,
        ),
    ] = None,
    agent: Annotated[
        str,
        Option(
            "--agent",
            metavar="NAME",
            autocompletion=completion.agents,
            help="The agent: any unique part of its name, its CLI, or human",
        ),
    ] = "",
    host: Annotated[str, Option("--host", metavar="HOST", help="Let an agent of this host do it")] = "",
    pool: Annotated[
        str, Option("--pool", metavar="POOL", help="Let any idle agent of this pool do it, on whatever host")
    ] = "",
    workdir: Annotated[
        str,
        Option(
            "--workdir",
            metavar="DIR",
            help="Folder for the audit log and the validation [default: project folder]; with --host, a workspace",
        ),
    ] = "",
    agent_session: Annotated[
        str, Option("--agent-session", metavar="tmux:LABEL", help="The agent's tmux session")
    ] = "",
    timeout: Annotated[
        str, Option("--timeout", metavar="TIME", help="Time limit of the job, in seconds or as 30m")
    ] = "3600",
    idle_timeout: Annotated[
        str, Option("--idle-timeout", metavar="TIME", help="How long the job may be silent")
    ] = "120",
    validate: Annotated[
        str, Option("--validate", metavar="SCRIPT", help="Script that checks the result at the end")
    ] = "",
    registry_dir: opt.JobRecords = JOB_RECORDS,
    dry_run: Annotated[bool, Option("--dry-run", help="Only print the text that the agent would get")] = False,
    detach: opt.Detach = False,
    wait_idle: opt.WaitIdle = "0",
    over_budget: opt.OverBudget = False,
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Send a prompt to a running agent and follow it to the end.

    It never starts or interrupts the agent. With --host or --pool, a `reconciler runner` on another host
    gives it to the agent there. Exit code: 0 completed, 1 error, 4 broker unreachable, 7 not
    delivered, 8 timeout, 9 silent for too long. The last line on standard output is the audit folder.

    \b
    Examples:
      reconciler job submit --agent claude --prompt "Fix the header"
      reconciler job submit --agent codex @task.md --validate ./check.sh
      reconciler job submit --agent human --prompt - --detach < task.md
      reconciler job submit --host build-2 --agent codex @task.md
    """
    nothing = UsageError("submit requires --prompt", fix="the prompt must not be empty")
    if task is not None and prompt is not None:
        raise UsageError("the task is given twice", fix="keep --prompt, or the text alone")
    given = prompt if task is None else task
    if given is None:
        raise UsageError("submit requires --prompt", fix="or the task alone: reconciler job submit TEXT --agent NAME")
    at = find_project(chdir, registry)
    records = records_of(at, registry_dir)
    new = NewJob(
        prompt=prompt_text(given, nothing),
        agent=agent or DEFAULT,
        agent_session=agent_session,
        workdir=at.root,
        timeout=positive_seconds(timeout, "--timeout"),
        idle_timeout=positive_seconds(idle_timeout, "--idle-timeout"),
    )
    if host or pool:
        here_only = {
            "--agent-session": agent_session,
            "--dry-run": dry_run,
            "--wait-idle": wait_idle != "0",
            "--over-budget": over_budget,
            "--agent": bool(pool and agent),
        }
        errand = errand_from(AwayWords(host, pool, agent, workdir, validate), here_only)
        away = replace(new, agent="" if pool else new.agent)
        return shown.show_submission(records, submit_away(at, records, away, errand, detach=detach), as_json=as_json)
    folder = existing_path(os.path.abspath(os.path.expanduser(workdir)) if workdir else at.root)
    script = existing_path(os.path.join(folder, os.path.expanduser(validate))) if validate else ""
    new = replace(new, workdir=folder, validate=script)
    if dry_run:
        shown.dry_run(jobs.dry_run(at, records, new), as_json=as_json)
        return ExitCode.OK
    events = jobs.submit(at, records, new, _options(wait_idle, detach=detach, over_budget=over_budget))
    return shown.show_submission(records, events, as_json=as_json)


def retry(
    job: Annotated[str, Argument(metavar="ID", help="Id of a job that has ended")],
    registry_dir: opt.JobRecords = JOB_RECORDS,
    detach: opt.Detach = False,
    wait_idle: opt.WaitIdle = "0",
    over_budget: opt.OverBudget = False,
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Send the prompt of an ended job to the same agent again, as a new job.

    \b
    Example:
      reconciler job retry 20260625T031924123-0c7e5a9b1d2f3a4b
    """
    at = find_project(chdir, registry)
    records = records_of(at, registry_dir)
    new = retry_of(records, job)
    warn_about(records, job)
    if (old := look(records, job).job).is_sent_away:
        away = submit_away(at, records, replace(new, validate=""), errand_of(records, old), detach=detach)
        return show_submission(records, away, as_json=as_json)
    events = jobs.submit(at, records, new, _options(wait_idle, detach=detach, over_budget=over_budget))
    return show_submission(records, events, as_json=as_json)


def _options(wait_idle: str, *, detach: bool, over_budget: bool) -> SubmitOptions:
    return SubmitOptions(DeliveryTimeouts(idle=seconds(wait_idle)), detach, over_budget)
