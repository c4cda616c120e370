"""monitor: watch the agents, correct the registry, and report changes."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import redirect_stdout
from functools import partial
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct
from msgspec.structs import replace

from reconciler.app.jobs.records import records_of
from reconciler.app.monitor.all_projects import expect_for_all, look_once_at_all, monitor_all
from reconciler.app.monitor.monitor import MonitorOptions, MonitorOutput, look_once
from reconciler.app.monitor.monitor import monitor as watch
from reconciler.app.monitor.subscription import SubscriptionOptions
from reconciler.app.plan.options import ApplyOptions
from reconciler.app.project.places import JOB_RECORDS, state_home
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.cli.apply_output import carry_out
from reconciler.cli.parameters import Option
from reconciler.cli.services import (
    OfUser,
    ServiceAction,
    ServiceWord,
    change_service,
    expect_user_service,
    stopped_by_signals,
    unit_of,
)
from reconciler.cli.show.monitor import report
from reconciler.model.duration import seconds
from reconciler.model.errors import UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.monitor import install as made
from reconciler.monitor.sinks.catalogue import CARD_OF_WORKER, SinkOptions
from reconciler.monitor.sinks.stdout import NewsFormat, OutputStreams, Stdout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.app.project.project import Project
    from reconciler.monitor.install import Unit
    from reconciler.plan.request import Request

_LOCK_TIMEOUT = 10.0  # seconds to wait for a running apply before an agent is stopped


def monitor(
    service: ServiceWord = None,
    user: OfUser = False,
    once: Annotated[bool, Option("--once", help="Check once, then exit")] = False,
    emit_diff: Annotated[
        bool,
        Option(
            "--emit-diff",
            help="Print changes as JSON documents; check once, unless --interval, --timeout or --subscribe is given",
        ),
    ] = False,
    dry_run: Annotated[bool, Option("--dry-run", help="Write nothing: no registry and no other file")] = False,
    interval: Annotated[
        str,
        Option(
            "--interval",
            metavar="TIME",
            help="Time between two checks [default: 30s; 60s with five agents in a workspace]",
        ),
    ] = "",
    timeout: Annotated[str, Option("--timeout", metavar="TIME", help="Exit after this time; 0 for never")] = "0",
    subscribe: Annotated[bool, Option("--subscribe", help="Also listen to job events from the broker")] = False,
    idle_timeout: Annotated[
        str,
        Option(
            "--idle-timeout", metavar="TIME", help="With --subscribe: exit if no event comes for this time; 0 for never"
        ),
    ] = "600",
    auto_stop: Annotated[
        bool, Option("--auto-stop", help="Stop an agent when its job has ended; refused without TLS and login")
    ] = False,
    others: Annotated[
        list[str] | None,
        Option(
            "--sink",
            metavar="SINK",
            help="Also send changes to exec:COMMAND, mqtt:TOPIC, webhook:URL or file:PATH; repeatable",
            show_default=False,
        ),
    ] = None,
    card: Annotated[
        str,
        Option(
            "--card",
            metavar="TASK",
            help="Also report to a card on a Hermes Kanban board; in a worker, the default is its own card",
        ),
    ] = "",
    notify: Annotated[
        bool, Option("--notify", help="Show a desktop notification when an agent needs permission or dies")
    ] = False,
    as_json: opt.JsonLines = False,
    registry_dir: opt.JobRecords = JOB_RECORDS,
    everywhere: opt.All = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Watch the agents and report each change once.

    It keeps the registry up to date. It never starts, stops or renames sessions, and never touches
    conversations. Only --auto-stop stops agents.

    Exit code: 0, also with drift; with --once, 1 if something could not be checked.

    \b
    Examples:
      reconciler monitor
      reconciler monitor --once --emit-diff --dry-run
      reconciler monitor --subscribe --idle-timeout 300 --timeout 3600
      reconciler monitor --notify --sink "exec:notify-team --channel agents" --card t_7e8a810b
      reconciler monitor install --user --subscribe --idle-timeout 0
      reconciler monitor --all               # all your projects, with one process
    """
    _check(once=once, dry_run=dry_run, subscribe=subscribe, auto_stop=auto_stop)
    wanted = SinkOptions(tuple(others or ()), card, notify)
    _check_telling(wanted, dry_run=dry_run, both=emit_diff and as_json)
    options = MonitorOptions(dry_run, _interval(interval), seconds(timeout), sinks=wanted)
    if everywhere:
        opt.refuse_one_project(chdir, registry)
        form = NewsOutput(once or (emit_diff and not _says_how_long(options)), emit_diff, as_json)
        return _for_all(options, form, service, user=user, subscribe=subscribe)
    at = find_project(chdir, registry)
    if subscribe:
        options = _subscribed(at, options, registry_dir, seconds(idle_timeout), auto_stop=auto_stop)
    form = NewsOutput(once or (emit_diff and not _says_how_long(options)), emit_diff, as_json)
    if service is None:
        return _run(at, options if form.once else _with_card_of_worker(at, options), form)
    return _service(service, _unit(at, _words(options, form, registry_dir)), form, user=user)


def _says_how_long(options: MonitorOptions) -> bool:
    """Whether the options ask for more than one check; scripts call `--emit-diff` in their own loop."""
    return bool(options.subscription or options.interval or options.timeout)


def _with_card_of_worker(at: Project, options: MonitorOptions) -> MonitorOptions:
    """Report to the card of the Kanban worker that starts the monitor, unless the command line names another card."""
    card = at.env.get(CARD_OF_WORKER, "").strip()
    if options.sinks.card or options.dry_run or not card:
        return options
    return replace(options, sinks=replace(options.sinks, card=card, card_from=CARD_OF_WORKER))


class NewsOutput(Struct, frozen=True):
    """How often and in which format changes are printed."""

    once: bool = False
    emit_diff: bool = False
    as_json: bool = False


def _run(at: Project, options: MonitorOptions, form: NewsOutput) -> int:
    output = _output(at.env, form)
    if form.once:
        return ExitCode.OK if look_once(at, options, output) else ExitCode.ERROR
    return _ended(watch(at, options, output, stopped_by_signals))


def _for_all(
    options: MonitorOptions, form: NewsOutput, service: ServiceAction | None, *, user: bool, subscribe: bool
) -> int:
    """Watch all projects, or install the service that does."""
    if subscribe:
        raise UsageError("--subscribe is for one project", fix="omit it, or --all")
    expect_for_all(options)
    if service is not None:
        return _service(service, _unit_of_all(_words(options, form, JOB_RECORDS)), form, user=user)
    output = _output(os.environ, form)
    if form.once:
        return ExitCode.OK if look_once_at_all(options, output) else ExitCode.ERROR
    return _ended(monitor_all(options, output, stopped_by_signals))


def _output(env: Mapping[str, str], form: NewsOutput) -> MonitorOutput:
    news = Stdout(OutputStreams(sys.stdout, sys.stderr, env), _news_format(form))
    return MonitorOutput(news, partial(report, env), sys.stderr)


def _ended(reason: str) -> int:
    return ExitCode.INTERRUPTED if reason == signal.SIGINT.name else ExitCode.OK


def _news_format(form: NewsOutput) -> NewsFormat:
    if form.emit_diff:
        return NewsFormat.DOCUMENT if form.once else NewsFormat.DOCUMENTS
    return NewsFormat.LINES if form.as_json else NewsFormat.TEXT


def _check(*, once: bool, dry_run: bool, subscribe: bool, auto_stop: bool) -> None:
    if subscribe and (once or dry_run):
        raise UsageError(f"--subscribe and {'--once' if once else '--dry-run'} cannot be combined", fix="omit one")
    if auto_stop and not subscribe:
        raise UsageError("--auto-stop needs job events", fix="add --subscribe")


def _check_telling(wanted: SinkOptions, *, dry_run: bool, both: bool) -> None:
    if both:
        raise UsageError("--emit-diff and --json cannot be combined", fix="omit one")
    if dry_run and (wanted.words or wanted.card):
        raise UsageError("--dry-run reports only to this terminal", fix="omit --sink and --card")


def _interval(text: str) -> float:
    """The interval in seconds; 0 for the default. Raises UsageError if it is given as 0."""
    found = seconds(text) if text else 0.0
    if text and not found:
        raise UsageError("--interval must be more than 0", fix="for example: --interval 30s; or omit it")
    return found


def _subscribed(
    at: Project, options: MonitorOptions, registry_dir: str, idle: float, *, auto_stop: bool
) -> MonitorOptions:
    poll = seconds(at.env.get("RECONCILE_POLL_INTERVAL") or "15") or 15.0
    stop = partial(_stop, at) if auto_stop else None
    return replace(options, subscription=SubscriptionOptions(records_of(at, registry_dir), idle, poll, stop))


def _stop(at: Project, request: Request) -> int:
    """Carry out a request that stops an agent; its output goes to standard error, apart from the changes."""
    with redirect_stdout(sys.stderr):
        return carry_out(at, request, ApplyOptions(auto_approve=True, lock_timeout=_LOCK_TIMEOUT))


# --- the service ------------------------------------------------------------------------------


def _service(service: ServiceAction, unit: Unit, form: NewsOutput, *, user: bool) -> int:
    expect_user_service(service, "monitor", user=user)
    if form.once:
        raise UsageError("a service checks more than once", fix="omit --once; with --emit-diff, add --interval 30s")
    return change_service(service, unit)


def _unit(at: Project, words: list[str]) -> Unit:
    command = (sys.executable, "-m", "reconciler", "-C", at.root, "--registry", at.registry_path, "monitor")
    service = made.UserService(
        made.service_name(at.root), at.root, at.state, (*command, *words), made.passed_on(at.env)
    )
    return unit_of(service, at.home)


def _unit_of_all(words: list[str]) -> Unit:
    """The service that watches all projects of this user."""
    home = os.path.expanduser("~")
    command = (sys.executable, "-m", "reconciler", "monitor", "--all")
    state = os.path.join(state_home(os.environ, home), "reconciler")
    env = made.passed_on(os.environ, "XDG_STATE_HOME")
    return unit_of(made.UserService("reconciler-monitor-all", home, state, (*command, *words), env), home)


def _words(options: MonitorOptions, form: NewsOutput, registry_dir: str) -> list[str]:
    """The options of this command line, for the command of the service."""
    subscription, sinks = options.subscription, options.sinks
    switches = {
        "--emit-diff": form.emit_diff,
        "--json": form.as_json,
        "--dry-run": options.dry_run,
        "--subscribe": subscription is not None,
        "--notify": sinks.notify,
    }
    times = {"--interval": options.interval, "--timeout": options.timeout}
    words = [word for word, on in switches.items() if on]
    words += [part for word, seconds in times.items() if seconds for part in (word, f"{seconds:g}")]
    words += [part for word in sinks.words for part in ("--sink", word)]
    words += ["--card", sinks.card] if sinks.card else []
    if subscription:
        words += ["--idle-timeout", f"{subscription.idle:g}", "--registry-dir", registry_dir]
        words += ["--auto-stop"] if subscription.auto_stop else []
    return words
