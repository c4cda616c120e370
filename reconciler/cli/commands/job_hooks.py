"""job hooks: make agent CLIs report automatically."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

from reconciler.agents.hooks import HookScope
from reconciler.app.jobs import hooks
from reconciler.app.jobs.hooks import HookTarget, profile_of, report_event
from reconciler.app.jobs.records import records_of
from reconciler.app.project.places import JOB_RECORDS
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.cli.parameters import Argument, Option
from reconciler.cli.show.jobs import show_diagnostics
from reconciler.model.exit_code import ExitCode
from reconciler.render.jobs import hooks_document
from reconciler.render.output import tell, tell_json, tell_text, warn

if TYPE_CHECKING:
    from reconciler.app.jobs.hooks import HooksChange
    from reconciler.app.project.project import Project
    from reconciler.jobs.record import Records

_HOOK_SECONDS = 3.0  # how long a hook may delay its agent
_LARGEST_PAYLOAD = 16 << 20

Cli = Annotated[str, Argument(metavar="CLI", help="The agent CLI")]
ForWhom = Annotated[HookScope, Option("--scope", help="For sessions in this folder, or for all your sessions")]


def install(
    cli: Cli,
    scope: ForWhom = HookScope.PROJECT,
    registry_dir: opt.JobRecords = JOB_RECORDS,
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Add hooks to an agent CLI, so that it reports to its job.

    The hooks report when a prompt was taken, when the agent asks for permission, and when a turn ended.

    All other settings stay as they are. The hooks never decide anything for the agent, and an unreachable
    broker does not delay it. With `--scope project`, run this in the folder where the agent starts.

    \b
    Examples:
      reconciler job hooks install claude
      reconciler job hooks install codex --scope user
    """
    at, records, target = _subject(cli, scope, registry_dir, chdir, registry)
    done = hooks.install(at, records, target)
    show_diagnostics(records, done.unseen)
    if as_json:
        _print_hooks(cli, done)
        return ExitCode.OK
    tell(f"{done.path}: {'hooks added' if done.changed else 'the hooks are already there'}")
    warn(*([f"Note: {done.notice}"] if done.notice else []))
    return ExitCode.OK


def uninstall(
    cli: Cli,
    scope: ForWhom = HookScope.PROJECT,
    registry_dir: opt.JobRecords = JOB_RECORDS,
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Remove the hooks; all other settings stay.

    \b
    Example:
      reconciler job hooks uninstall claude
    """
    done = hooks.uninstall(*_subject(cli, scope, registry_dir, chdir, registry))
    if as_json:
        _print_hooks(cli, done)
        return ExitCode.OK
    tell(f"{done.path}: {'hooks removed' if done.changed else 'no hooks of reconciler found'}")
    return ExitCode.OK


def _print_hooks(cli: str, done: HooksChange) -> None:
    tell_json(hooks_document(cli, done.path, done.notice, changed=done.changed))


def _subject(
    cli: str, scope: HookScope, registry_dir: str, chdir: str, registry: str
) -> tuple[Project, Records, HookTarget]:
    at = find_project(chdir, registry)
    folder = os.path.realpath(chdir or os.getcwd())
    return at, records_of(at, registry_dir), HookTarget(cli, scope, folder)


def hook(cli: Cli, registry_dir: opt.JobRecords) -> int:
    """Read the event of a hook from standard input; hooks run this, and it never fails."""
    signal.signal(signal.SIGALRM, lambda *_: os._exit(ExitCode.OK))
    signal.setitimer(signal.ITIMER_REAL, _HOOK_SECONDS)
    with suppress(Exception):  # never stop the agent: an event that could not be sent waits on disk
        _report(cli, registry_dir)
    signal.setitimer(signal.ITIMER_REAL, 0)  # the interpreter gives signals back as it ends, and this one would kill it
    return ExitCode.OK


def _report(cli: str, registry_dir: str) -> None:
    profile = profile_of(cli)
    if profile.hooks:
        tell_text(profile.hooks.reply)
        sys.stdout.flush()
        report_event(profile, sys.stdin.buffer.read(_LARGEST_PAYLOAD), registry_dir, os.environ)
