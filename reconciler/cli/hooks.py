"""job answer and job hooks: permissions that are given from afar, and CLIs that report by themselves."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.agents.hooks import Scope
from reconciler.agents.permission import Answer
from reconciler.model.errors import ReconcilerError, Refused, UsageError

from . import options as opt
from .options import ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.agents.profile import Profile
    from reconciler.jobs.answer import Sighting
    from reconciler.jobs.glance import Recipient
    from reconciler.jobs.hooks import Wiring
    from reconciler.jobs.record import Records
    from reconciler.jobs.witness import Place
    from reconciler.model.job import Job
    from reconciler.ports.world import World

    from .project import Project

_HOOK_SECONDS = 3.0  # that a hook may keep its agent waiting
_LARGEST_PAYLOAD = 16 << 20

Cli = Annotated[str, typer.Argument(metavar="CLI", help="The agent CLI")]
ForWhom = Annotated[
    Scope, typer.Option("--scope", help="For the sessions that start in this folder, or for all of the user")
]


def register_answer(group: typer.Typer) -> None:
    """Put `answer` into the group of the jobs."""
    group.command("answer")(answer)


def register_hooks(group: typer.Typer) -> None:
    """Put `hooks`, and what they run, into the group of the jobs."""
    hooks = typer.Typer(help="Have agent CLIs report by themselves.", no_args_is_help=True, rich_markup_mode=None)
    hooks.command("install")(install)
    hooks.command("uninstall")(uninstall)
    group.add_typer(hooks, name="hooks")
    group.command("hook", hidden=True)(hook)


# --- permissions ------------------------------------------------------------------------------


def answer(
    job: opt.JobId,
    choice: Annotated[
        Answer | None, typer.Argument(metavar="[approve|deny]", help="The answer", show_default=False)
    ] = None,
    request: Annotated[
        str, typer.Option("--request", metavar="R", help="The request that is answered, as shown", show_default=False)
    ] = "",
    registry_dir: opt.JobRecords = opt.JOB_RECORDS,
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Show what permission the agent of a job asks for, and answer it.

    Without an answer, the dialog is shown. What was shown under the name of a request, and nothing else, can then be
    approved, for this once, or denied; the audit of the job keeps who did. Anything else is refused: exit 7.

    \b
    Examples:
      reconciler job answer --job 20260625T031924123-0c7e5a9b1d2f3a4b
      reconciler job answer --job 20260625T031924123-0c7e5a9b1d2f3a4b --request 5d0c...e1 approve
    """
    from reconciler.jobs.answer import Request
    from reconciler.jobs.answer import answer as give
    from reconciler.jobs.record import read

    from . import jobbing
    from .project import find_project

    if (choice is None) != (not request):
        raise UsageError("an answer names its request", fix=f"see it: reconciler job answer --job {job}")
    at = find_project(chdir, registry)
    records = jobbing.desk(at, registry_dir)
    to, world = _recipient(at, records, read(records, job))
    if choice is None:
        return _show(records, read(records, job), to, world, as_json=as_json)
    given = give(records, Request(job, request), choice, to, world)
    if as_json:
        _print_answer(job, given, choice)
    else:
        _tell(records, f"{choice}: {given.question}")
    return ExitCode.OK


def _recipient(at: Project, records: Records, job: Job) -> tuple[Recipient, World]:
    """The live agent of a job, and the doors to it."""
    from reconciler.agents.catalogue import catalogue
    from reconciler.jobs.recipient import HUMAN, Roster, addressee, recipient
    from reconciler.jobs.record import home_of

    from . import wire

    if job.agent == HUMAN:
        raise Refused("a human has no dialog that could be answered")
    seen = wire.look(at, everyone=False)
    roster = Roster(seen.cases, seen.snapshot.tmux, catalogue(seen.desired.agent_types.values()))
    to = addressee(job.agent, job.agent_session, roster)
    return recipient(to, seen.snapshot, at.files, at.caller, home_of(records, job.id)), at.world(seen.desired.socket)


def _show(records: Records, job: Job, to: Recipient, world: World, *, as_json: bool) -> int:
    from reconciler.jobs.answer import sight

    if job.permission is None:
        raise Refused(f"job {job.id} waits for no permission", fix=f"reconciler job status --job {job.id}")
    seen = sight(records, job, to, world)
    if seen is None:
        raise Refused(
            "its screen shows no dialog that could be answered for you",
            fix=f"look, and answer there: reconciler attach {to.pane.session}",
        )
    if as_json:
        _print_answer(job.id, seen, None)
        return ExitCode.OK
    asks = f"It asks for {job.permission.tool} {job.permission.what}".rstrip() + ":"
    how = f"Answer: reconciler job answer --job {job.id} --request {seen.request} approve|deny"
    _tell(records, "\n".join([asks, *(f"  {line}" for line in seen.lines), how]))
    return ExitCode.OK


def _print_answer(job_id: str, sighting: Sighting, given: Answer | None) -> None:
    from dataclasses import asdict

    from reconciler.render.jobs import answer_document

    sys.stdout.write(json.dumps(answer_document(job_id, asdict(sighting), given)) + "\n")


def _tell(records: Records, text: str) -> None:
    from reconciler.render.jobs import plain
    from reconciler.render.terminal import show

    show((plain(line) for line in text.splitlines()), sys.stdout, records.env)


# --- hooks ------------------------------------------------------------------------------------


def install(
    cli: Cli,
    scope: ForWhom = Scope.PROJECT,
    registry_dir: opt.JobRecords = opt.JOB_RECORDS,
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
    sys.stdout.write(f"{wired.path}: {'hooks added' if added else 'the hooks are there already'}\n")
    sys.stderr.write(f"Note: {notice}\n" if notice else "")
    return ExitCode.OK


def uninstall(
    cli: Cli,
    scope: ForWhom = Scope.PROJECT,
    registry_dir: opt.JobRecords = opt.JOB_RECORDS,
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
    sys.stdout.write(f"{wired.path}: {'hooks removed' if removed else 'there are no hooks of ours'}\n")
    return ExitCode.OK


def _print_hooks(cli: str, wired: Wiring, notice: str, *, changed: bool) -> None:
    from reconciler.render.jobs import hooks_document

    sys.stdout.write(json.dumps(hooks_document(cli, wired.path, notice, changed=changed)) + "\n")


def _wiring(cli: str, scope: Scope, registry_dir: str, chdir: str, registry: str) -> tuple[Project, Wiring]:
    from reconciler.agents.profile import Subject
    from reconciler.jobs.hooks import wiring

    from . import jobbing
    from .project import find_project

    at = find_project(chdir, registry)
    folder = os.path.realpath(chdir or os.getcwd())
    records = jobbing.desk(at, registry_dir)
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
    """Without `wire`, which takes as long to load as all the rest: an agent waits for this."""
    from reconciler.agents.jsonl import parsed
    from reconciler.jobs.record import Records
    from reconciler.jobs.report import Told, report
    from reconciler.jobs.witness import leave_note
    from reconciler.ports.clock import RealClock
    from reconciler.ports.files import RealFiles
    from reconciler.ports.processes import RealProcesses

    if profile.hooks is None:
        return
    sys.stdout.write(profile.hooks.reply)
    sys.stdout.flush()
    payload = parsed(sys.stdin.buffer.read(_LARGEST_PAYLOAD))
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
