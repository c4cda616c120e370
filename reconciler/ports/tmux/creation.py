"""The commands that create one session, and how to read their answer."""

from __future__ import annotations

import os

from reconciler.model.snapshot import Pane
from reconciler.ports.world import Failure, NewSession, SessionTags

from .control import TmuxAnswer
from .holders import HOLDER, HolderOwner
from .language import command, literal
from .rows import ADDRESS, CONVERSATION, LINEAGE, PROJECT, row_format, rows_in, split_row

_STAYING = ("destroy-unattached", "off")
_BORN = ("session_id", "pane_id", "pane_pid", "session_created")
_NAMED = ("session_name",)


def holder(mark: HolderOwner) -> list[str]:
    """Arguments that make a client create a holder session, tagged with `mark`, and attach to it.

    The session ends by itself after an hour. `destroy-unattached` is switched off for it, because the user may have
    switched it on for all sessions. It would end the session with its client, and the server can crash when another
    client detaches at the same moment (tmux/tmux#5497, seen with 3.3a).
    """
    tag = ["set-option", HOLDER, str(mark)]  # for the new session, even if a hook has renamed it
    return ["new-session", "-s", mark.name, "--", "sleep", "3600", ";", *tag, ";", "set-option", *_STAYING]


def creation(session: NewSession, argv: tuple[str, ...], path: str) -> list[str]:
    """Commands that create and tag one session and keep it alive. tmux runs them without a break.

    `argv` is the real command line. `path` is the PATH of an agent that does not declare one.
    """
    environment = {"PATH": os.pathsep.join((*session.path, *filter(None, [path]))), **session.env}
    create = command(
        *("new-session", "-d", "-P", "-F", row_format(_BORN, _NAMED), "-x", "200", "-y", "50"),
        *("-s", literal(session.name), "-c", literal(session.cwd)),
        *(word for name, value in environment.items() for word in ("-e", f"{name}={value}")),
        *("--", *_without_shell(argv)),
    )
    target = f"={session.name}:"
    marks = tags(target, _tags_of(session))
    shown = command("display-message", "-p", "-t", target, "#{pane_id}")
    return [create, _stay(target), _keep(target), *marks, shown]


def repair_commands(session: NewSession, pane: Pane, answer: TmuxAnswer) -> list[str]:
    """Commands that repair a session after a hook of the user renamed it or split its pane in between.

    Only the pane that was created stays when its process ends. Panes that the hook opened beside it end as usual.
    """
    target = pane.session_id
    marks = tags(target, _tags_of(session)) if answer.error else []
    kept = answer.lines[1] if len(answer.lines) > 1 else ""
    if not answer.error and kept == pane.pane_id:
        return []
    loose = [command("set-option", "-pu", "-t", kept, "remain-on-exit")] if kept else []
    return [_stay(target), _keep(pane.pane_id), *loose, *marks]


def _stay(target: str) -> str:
    """Keep an agent's session while no terminal shows it, even if the user's configuration ends such sessions."""
    return command("set-option", "-t", target, *_STAYING)


def _keep(target: str) -> str:
    """Keep a dead pane, with the last output of its process."""
    return command("set-option", "-p", "-t", target, "remain-on-exit", "on")


def tags(target: str, wanted: SessionTags) -> list[str]:
    """Commands that tag a session as ours."""
    marks = {LINEAGE: wanted.lineage, ADDRESS: wanted.address, CONVERSATION: wanted.conversation}
    if wanted.project:
        marks[PROJECT] = wanted.project
    return [command("set-option", "-t", target, name, value) for name, value in marks.items()]


def _tags_of(session: NewSession) -> SessionTags:
    return SessionTags(session.lineage, session.address, session.conversation, session.project)


def created_pane(session: NewSession, answer: TmuxAnswer) -> Pane | None:
    """The pane that was created, even if a later command failed; None when there is none.

    Its command and folder are the requested ones, because the process has just started.
    """
    if not answer.lines:
        return None
    [row] = rows_in(answer.lines[0])
    session_id, pane_id, pid, created, name = split_row(row, len(_BORN) + len(_NAMED))
    return Pane(
        session=name,
        session_id=session_id,
        pane_id=pane_id,
        pid=int(pid),
        command=os.path.basename(session.argv[0]),
        cwd=session.cwd,
        created=int(created),
        lineage=session.lineage,
        address=session.address,
        conversation=session.conversation,
        project=session.project,
    )


def objection(session: NewSession) -> Failure | None:
    """Why a session cannot be started, in cases that tmux itself would not report."""
    if not session.argv:
        return Failure("there is no command to run")
    if not session.name or {".", ":"} & {
        *session.name
    }:  # tmux 3.7 accepts these names, older versions change them, and no target finds them
        return Failure(f"tmux does not take {session.name!r} as a name")
    if not os.path.isdir(session.cwd):  # tmux would silently start in another folder
        return Failure(f"{session.cwd} is not a folder")
    return None


def _without_shell(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Prevent that tmux gives a single word to a shell: env(1) execs it. Several words are run as they are."""
    return argv if len(argv) > 1 else ("env", *argv)
