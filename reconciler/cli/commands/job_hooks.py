"""job hooks: agent CLIs that report by themselves."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.agents.hooks import Scope
from reconciler.app.project.places import JOB_RECORDS
from reconciler.cli import options as opt
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.render.door import tell, tell_json, tell_text, warn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.agents.profile import Profile
    from reconciler.app.project.project import Project
    from reconciler.jobs.hooks import Wiring
    from reconciler.jobs.witness import Place

_HOOK_SECONDS = 3.0  # that a hook may keep its agent waiting
_LARGEST_PAYLOAD = 16 << 20

Cli = Annotated[str, typer.Argument(metavar="CLI", help="The agent CLI")]
ForWhom = Annotated[
    Scope, typer.Option("--scope", help="For the sessions that start in this folder, or for all of the user")
]


def register(group: typer.Typer) -> None:
    """Put the commands, and what they run, into the group of the jobs."""
    hooks = typer.Typer(help="Have agent CLIs report by themselves.", no_args_is_help=True, rich_markup_mode=None)
    hooks.command("install")(install)
    hooks.command("uninstall")(uninstall)
    group.add_typer(hooks, name="hooks")
    group.command("hook", hidden=True)(hook)


def install(
    cli: Cli,
    scope: ForWhom = Scope.PROJECT,
    registry_dir: opt.JobRecords = JOB_RECORDS,
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Have a CLI report to its job by hooks.

    They tell that a prompt was taken, a permission asked, a turn ended.

    Everything else in the settings stays as it is. The hooks never decide anything for the agent, and a broker that
    is away does not hold it up. With `--scope project`, call this in the folder in which the agent is started.

    \b
    Examples:
      reconciler job hooks install claude
      reconciler job hooks install codex --scope user
    """
    from reconciler.jobs.hooks import install as add

    at, wired = _wiring(cli, scope, registry_dir, chdir, registry)
    added = add(wired, at.files)
    notice = wired.hooks.notice if added else ""
    if as_json:
        _print_hooks(cli, wired, notice, changed=added)
        return ExitCode.OK
    tell(f"{wired.path}: {'hooks added' if added else 'the hooks are there already'}")
    warn(*([f"Note: {notice}"] if notice else []))
    return ExitCode.OK


def uninstall(
    cli: Cli,
    scope: ForWhom = Scope.PROJECT,
    registry_dir: opt.JobRecords = JOB_RECORDS,
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Take the hooks out again; everything else stays.

    \b
    Example:
      reconciler job hooks uninstall claude
    """
    from reconciler.jobs.hooks import uninstall as remove

    at, wired = _wiring(cli, scope, registry_dir, chdir, registry)
    removed = remove(wired, at.files)
    if as_json:
        _print_hooks(cli, wired, "", changed=removed)
        return ExitCode.OK
    tell(f"{wired.path}: {'hooks removed' if removed else 'there are no hooks of ours'}")
    return ExitCode.OK


def _print_hooks(cli: str, wired: Wiring, notice: str, *, changed: bool) -> None:
    from reconciler.render.jobs import hooks_document

    tell_json(hooks_document(cli, wired.path, notice, changed=changed))


def _wiring(cli: str, scope: Scope, registry_dir: str, chdir: str, registry: str) -> tuple[Project, Wiring]:
    from reconciler.agents.subject import Subject
    from reconciler.app.jobs import jobs
    from reconciler.app.project.project import find_project
    from reconciler.jobs.hooks import wiring

    at = find_project(chdir, registry)
    folder = os.path.realpath(chdir or os.getcwd())
    records = jobs.desk(at, registry_dir)
    return at, wiring(_profile(cli), scope, Subject(folder, at.home, at.env), records.folder)


def _profile(cli: str) -> Profile:
    from reconciler.agents.catalogue import catalogue

    known = catalogue(())
    if cli in known and known[cli].hooks:
        return known[cli]
    able = sorted(name for name in known if known[name].hooks)
    raise UsageError(f"there are no hooks for {cli}", fix=f"there are some for {', '.join(able)}")


def hook(cli: Cli, registry_dir: opt.JobRecords) -> int:
    """What the hooks run: it reads the event on standard input, and never fails, whatever happens."""
    signal.signal(signal.SIGALRM, lambda *_: os._exit(ExitCode.OK))
    signal.setitimer(signal.ITIMER_REAL, _HOOK_SECONDS)
    with suppress(Exception):  # the agent must go on: an event that could not be sent waits on disk
        _report(_profile(cli), registry_dir)
    return ExitCode.OK


def _report(profile: Profile, registry_dir: str) -> None:
    """Without a look at the agents, which takes as long to load as all the rest: an agent waits for this."""
    from reconciler.agents.jsonl import parsed
    from reconciler.app.project.fences import fence_records
    from reconciler.jobs.record import Records
    from reconciler.jobs.report import Told, report
    from reconciler.jobs.witness import leave_note
    from reconciler.ports.clock import RealClock
    from reconciler.ports.files import RealFiles
    from reconciler.ports.processes import RealProcesses

    if profile.hooks is None:
        return
    tell_text(profile.hooks.reply)
    sys.stdout.flush()
    payload = parsed(sys.stdin.buffer.read(_LARGEST_PAYLOAD))
    fence_records(registry_dir)
    records = Records(registry_dir, RealFiles(), RealClock(), os.environ)
    place = _place(os.environ)
    if place:
        with suppress(ReconcilerError):  # its job hears of it all the same
            leave_note(place, profile, payload, records, RealProcesses())
    report(records, profile.hooks, Told(payload, place.pane.session if place else ""))


def _place(env: Mapping[str, str]) -> Place | None:
    """The pane that this runs in; None where that is not known."""
    from reconciler.jobs.witness import Place
    from reconciler.model.desired import Socket
    from reconciler.model.observed import Present
    from reconciler.ports.tmux import RealTmux

    server, pane_id = env.get("TMUX", "").partition(",")[0], env.get("TMUX_PANE", "")
    seen = RealTmux(Socket(path=server), env).look() if server and pane_id else None
    if not isinstance(seen, Present):
        return None
    pane = next((pane for pane in seen.value.panes if pane.pane_id == pane_id), None)
    return Place(seen.value.server, pane, os.getpid()) if pane else None
