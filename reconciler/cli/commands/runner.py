"""runner: do the jobs that other hosts send to this one."""

from __future__ import annotations

import sys
from typing import Annotated

from reconciler.app.agents.look import declared
from reconciler.app.jobs.queues import expect_pools, name_of_this_host
from reconciler.app.jobs.records import records_of
from reconciler.app.jobs.runner.loop import run
from reconciler.app.project.places import JOB_RECORDS
from reconciler.app.project.project import Project, find_project
from reconciler.cli import options as opt
from reconciler.cli.parameters import Option
from reconciler.cli.services import (
    OfUser,
    ServiceWord,
    change_service,
    expect_user_service,
    stopped_by_signals,
    unit_of,
)
from reconciler.model.exit_code import ExitCode
from reconciler.model.moment import to_millisecond
from reconciler.monitor import install as made
from reconciler.render.away import runner_line, runner_text
from reconciler.render.output import json_text
from reconciler.render.terminal import show


def runner(
    service: ServiceWord = None,
    user: OfUser = False,
    pools: Annotated[
        list[str] | None,
        Option(
            "--pool",
            metavar="POOL",
            help="Also do jobs of this pool while an agent of it is idle; repeatable",
            show_default=False,
        ),
    ] = None,
    as_json: opt.JsonLines = False,
    registry_dir: opt.JobRecords = JOB_RECORDS,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Do the jobs that other hosts send to this one.

    It takes each job of `job submit --host`, types its prompt into the agent once that is idle, follows the
    job, and tells the other host what came of it. It never types a prompt twice, also if it is killed.

    Needs a broker with TLS and a login, or a NATS server for pools; see `reconciler help fleet`.

    \b
    Examples:
      reconciler runner
      reconciler runner --pool claude --pool codex
      reconciler runner install --user --pool claude
    """
    at = find_project(chdir, registry)
    wanted = tuple(dict.fromkeys(pools or ()))
    if service is not None:
        expect_user_service(service, "runner", user=user)
        return change_service(service, unit_of(_service(at, wanted, registry_dir, as_json=as_json), at.home))
    records = records_of(at, registry_dir)
    with stopped_by_signals(lambda: None) as stop:
        for news in run(at, records, wanted, lambda: stop.reason):
            line = runner_line(to_millisecond(at.now()), news.what, news.job_id, news.detail)
            show([json_text(line) if as_json else runner_text(line)], sys.stdout, at.env)
            sys.stdout.flush()
    return ExitCode.INTERRUPTED if stop.reason == "SIGINT" else ExitCode.OK


def _service(at: Project, pools: tuple[str, ...], registry_dir: str, *, as_json: bool) -> made.UserService:
    desired = declared(at)
    name_of_this_host(desired)  # a service that cannot run is not installed
    expect_pools(desired, pools)
    words = [part for pool in pools for part in ("--pool", pool)]
    words += ["--json"] if as_json else []
    words += ["--registry-dir", registry_dir] if registry_dir != JOB_RECORDS else []
    program = (sys.executable, "-m", "reconciler", "-C", at.root, "--registry", at.registry_path)
    command = (*program, "runner", *words)
    name = made.service_name(at.root, "runner")
    return made.UserService(name, at.root, at.state, command, made.passed_on(at.env), kind="runner")
