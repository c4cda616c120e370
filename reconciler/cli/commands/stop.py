"""stop, resume, archive, attach and conversations: agents by their names."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from reconciler.app.agents.look import look, stored_conversations, unseen
from reconciler.app.project.project import find_project
from reconciler.cli import completion
from reconciler.cli import options as opt
from reconciler.model.desired import RunState
from reconciler.model.duration import seconds
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.model.observed import Present, Unknown
from reconciler.render.conversations import conversations_document, conversations_text
from reconciler.render.output import tell, tell_json, warn
from reconciler.render.terminal import show
from reconciler.render.text import diagnostic_text

Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Reason, for the registry and the history")]


def stop(
    names: opt.Names,
    graceful: Annotated[
        bool, typer.Option("--graceful/--now", help="Type the CLI's quit command, or end the agent at once")
    ] = True,
    capture_id: Annotated[
        bool, typer.Option("--capture-id", help="Refuse to stop an agent whose conversation id is not known")
    ] = False,
    reason: Reason = "stopped by hand",
    timeout: Annotated[
        str, typer.Option("--timeout", metavar="TIME", help="How long the agent may take to exit")
    ] = "10s",
    as_json: opt.JsonLines = False,
    lock_timeout: opt.LockTimeout = "0s",
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Stop agents; they stay stopped until `resume`.

    You can resume the conversations later. Without --now, an agent is not interrupted while it is busy, or
    while its state cannot be read.

    \b
    Examples:
      reconciler stop landing-page-creator-claude --reason "done for today"
      reconciler stop agent.landing-page.claude --now
    """
    from reconciler.app.agents.names import expect_ids, resting
    from reconciler.app.plan.options import ApplyOptions
    from reconciler.apply import ApplyTimeouts
    from reconciler.cli.apply_output import ApplyDisplay, carry_out
    from reconciler.plan.request import Request

    at = find_project(chdir, registry)
    seen = look(at)
    agents = resting(seen, names)
    if capture_id:
        expect_ids(seen, agents)
    request = Request(
        states=dict.fromkeys(agents, RunState.STOPPED), reason=reason or "stopped by hand", force=not graceful
    )
    patience = ApplyTimeouts(quit=seconds(timeout) if graceful else 0)
    options = ApplyOptions(True, lock_timeout=seconds(lock_timeout), patience=patience)
    return carry_out(at, request, options, ApplyDisplay(as_json))


def archive(
    names: opt.Names,
    reason: Reason = "archived by hand",
    as_json: opt.JsonLines = False,
    lock_timeout: opt.LockTimeout = "0s",
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Stop and archive agents; they stay archived until `resume`.

    \b
    Example:
      reconciler archive landing-page-creator-claude
    """
    from reconciler.app.agents.names import resting
    from reconciler.app.plan.options import ApplyOptions
    from reconciler.cli.apply_output import ApplyDisplay, carry_out
    from reconciler.plan.request import Request

    at = find_project(chdir, registry)
    agents = resting(look(at, everyone=False), names)
    request = Request(states=dict.fromkeys(agents, RunState.ARCHIVED), reason=reason or "archived by hand")
    options = ApplyOptions(True, lock_timeout=seconds(lock_timeout))
    return carry_out(at, request, options, ApplyDisplay(as_json))


def resume(
    names: opt.SomeNames = None,
    everything: Annotated[bool, typer.Option("--all", help="Every declared agent that is not running")] = False,
    session_id: Annotated[
        str, typer.Option("--session-id", metavar="ID", help="Continue this conversation; for one agent")
    ] = "",
    fresh: Annotated[bool, typer.Option("--fresh", help="Start a new conversation; the old one stays listed")] = False,
    as_json: opt.JsonLines = False,
    lock_timeout: opt.LockTimeout = "0s",
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Start agents again, each in its own conversation.

    \b
    Examples:
      reconciler resume landing-page-creator-claude
      reconciler resume --all                      # after a reboot
      reconciler resume agent.landing-page.claude --session-id b3a7c1d2-...
    """
    from reconciler.app.agents.names import at_rest, expect_at_rest, resolve_declared
    from reconciler.app.plan.endings import SECONDS, await_endings
    from reconciler.app.plan.options import ApplyOptions
    from reconciler.cli.apply_output import ApplyDisplay, carry_out
    from reconciler.plan.request import Request

    if bool(names) == everything:
        raise UsageError("name agents, or say --all")
    if fresh and session_id:
        raise UsageError("--fresh and --session-id exclude each other")
    at = find_project(chdir, registry)
    seen = look(at, everyone=False)
    agents = at_rest(seen) if everything else resolve_declared(seen, names or [])
    if session_id and len(agents) != 1:
        raise UsageError("--session-id is for one agent")
    if session_id or fresh:
        expect_at_rest(seen, agents)
    conversation = "never" if fresh else session_id
    request = Request(
        states=dict.fromkeys(agents, RunState.RUNNING),
        conversations=dict.fromkeys(agents, conversation) if conversation else {},
    )
    if isinstance(seen.snapshot.tmux, Unknown):
        raise unseen(seen.snapshot.tmux)
    if not agents:
        tell("Every declared agent runs.")
        return ExitCode.OK
    for action in await_endings(at, seen, request):
        warn(f"Waiting {SECONDS:g} s at most: {action.address}: {action.note}")
    options = ApplyOptions(True, lock_timeout=seconds(lock_timeout))
    return carry_out(at, request, options, ApplyDisplay(as_json))


def attach(name: opt.Name, chdir: opt.Root = "", registry: opt.RegistryPath = "") -> int:
    """Attach this terminal to an agent's session.

    \b
    Example:
      reconciler attach landing-page-creator-claude
    """
    from reconciler.app.agents.names import resolve_names
    from reconciler.cli.copies import warn_of_copy

    at = find_project(chdir, registry)
    warn_of_copy(at)
    seen = look(at, everyone=False)
    (address,) = resolve_names(seen, [name], found=True)
    if isinstance(seen.snapshot.tmux, Unknown):
        raise unseen(seen.snapshot.tmux)
    pane = seen.pane(address)
    if not isinstance(pane, Present):
        raise ReconcilerError(f"{name} has no live session", fix=f"start it: reconciler resume {name}")
    command = at.attaching(seen.desired.socket, pane.value.session)
    if "attach-session" in command and not os.isatty(sys.stdin.fileno()):
        raise UsageError("attach needs a terminal", fix=f"in a terminal, type: {' '.join(command)}")
    os.execvp(command[0], command)  # noqa: S606 - the terminal now belongs to tmux


def conversations(
    workspace: Annotated[
        str,
        typer.Argument(
            metavar="[WORKSPACE]",
            autocompletion=completion.workspaces,
            help="Only conversations of this workspace",
            show_default=False,
        ),
    ] = "",
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """List all stored conversations of the workspaces.

    \b
    Examples:
      reconciler conversations
      reconciler conversations landing-page --json
    """
    at = find_project(chdir, registry)
    document = conversations_document(stored_conversations(at, workspace))
    if as_json:
        tell_json(document)
    else:
        show(conversations_text(document), sys.stdout, at.env)
        for diagnostic in document["diagnostics"]:
            show(diagnostic_text(diagnostic), sys.stderr, at.env)
    return ExitCode.ERROR if document["diagnostics"] else ExitCode.OK
