"""The commands that create one session, and what their answer means."""

from __future__ import annotations

import os

from reconciler.model.snapshot import Pane
from reconciler.ports.world import Failure, NewSession

from .control import TmuxAnswer
from .holders import HOLDER, Mark
from .language import command, literal
from .rows import ADDRESS, CONVERSATION, LINEAGE, row_format, rows_in, split_row

_STAYING = ("destroy-unattached", "off")
_BORN = ("session_id", "pane_id", "pane_pid", "session_created")
_NAMED = ("session_name",)


def holder(mark: Mark) -> list[str]:
    """Arguments that make a client attach to a session which only keeps it company, and carries `mark`.

    It ends by itself if nothing else ends it. `destroy-unattached` would end it with its client, and with bad luck
    the whole server: it crashes when another client leaves at the same moment (tmux/tmux#5497, seen with 3.3a).
    The user may have switched that on for all sessions.
    """
    tag = ["set-option", HOLDER, str(mark)]  # of the session just made, whatever a hook calls it by now
    return ["new-session", "-s", mark.name, "--", "sleep", "3600", ";", *tag, ";", "set-option", *_STAYING]


def creation(session: NewSession, argv: tuple[str, ...], path: str) -> list[str]:
    """Commands that create, tag and keep one session; tmux runs them without a pause in between.

    `argv` is what really runs; `path` is the PATH of an agent that declares none.
    """
    environment = {"PATH": path, **session.env}
    create = command(
        *("new-session", "-d", "-P", "-F", row_format(_BORN, _NAMED), "-x", "200", "-y", "50"),
        *("-s", literal(session.name), "-c", literal(session.cwd)),
        *(word for name, value in environment.items() for word in ("-e", f"{name}={value}")),
        *("--", *_without_shell(argv)),
    )
    target = f"={session.name}:"
    marks = tags(target, session.lineage, session.address, session.conversation)
    shown = command("display-message", "-p", "-t", target, "#{pane_id}")
    return [create, _stay(target), _keep(target), *marks, shown]


def repair_commands(session: NewSession, pane: Pane, answer: TmuxAnswer) -> list[str]:
    """What is left to do where a hook of the user's came in between: it renamed the session, or split the pane.

    The pane has to be the one that was made, and only that one is kept: what is opened beside it may end as usual.
    """
    target = pane.session_id
    marks = tags(target, session.lineage, session.address, session.conversation) if answer.error else []
    kept = answer.lines[1] if len(answer.lines) > 1 else ""
    if not answer.error and kept == pane.pane_id:
        return []
    loose = [command("set-option", "-pu", "-t", kept, "remain-on-exit")] if kept else []
    return [_stay(target), _keep(pane.pane_id), *loose, *marks]


def _stay(target: str) -> str:
    """An agent's session stays while no terminal shows it, although the user's configuration ends such sessions."""
    return command("set-option", "-t", target, *_STAYING)


def _keep(target: str) -> str:
    """A dead pane stays, with the last words of its process."""
    return command("set-option", "-p", "-t", target, "remain-on-exit", "on")


def tags(target: str, lineage: str, address: str, conversation: str) -> list[str]:
    """Commands that mark a session as ours."""
    marks = {LINEAGE: lineage, ADDRESS: address, CONVERSATION: conversation}
    return [command("set-option", "-t", target, name, value) for name, value in marks.items()]


def created_pane(session: NewSession, answer: TmuxAnswer) -> Pane | None:
    """The pane that was created, whatever came after; None when there is none.

    Its command and folder are those asked for: the process is too young to be looked at.
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
    )


def objection(session: NewSession) -> Failure | None:
    """Why a session cannot be started as asked, as far as tmux would not say so itself."""
    if not session.argv:
        return Failure("there is no command to run")
    if not session.name or {".", ":"} & {*session.name}:  # 3.7 takes them, older ones change them, no target finds them
        return Failure(f"tmux does not take {session.name!r} as a name")
    if not os.path.isdir(session.cwd):  # tmux would silently start elsewhere
        return Failure(f"{session.cwd} is not a folder")
    return None


def _without_shell(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Tmux gives one word to a shell, and runs several as they are; env(1) execs the one."""
    return argv if len(argv) > 1 else ("env", *argv)
