"""Warnings about what this system does not show, and which checks are weaker without it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from reconciler.agents.profile import Profile
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.observed import Unknown
from reconciler.ports.world import Processes

from .agent_view import AgentView


def unseen_processes(processes: Processes) -> tuple[Diagnostic, ...]:
    """A warning if the processes of this system cannot be seen at all."""
    why = processes.unsupported()
    if not why:
        return ()
    detail = (
        f"{why}; so reconciler does not notice another process in an agent's conversation, does not end what an agent "
        "has started, and ignores the notes of its CLI's hooks"
    )
    fix = "pip install psutil" if "psutil" in why else "mount /proc"
    return (
        Diagnostic(
            severity=Severity.WARNING, summary="the processes of this system cannot be seen", detail=detail, fix=fix
        ),
    )


def unseen_locks(views: Collection[AgentView], processes: Processes) -> Iterator[Diagnostic]:
    """A warning for live agents whose conversation is proved by a lock, if the system does not show who holds locks."""
    return _unseen_locks([view.profile for view in views if view.pane and not view.pane.dead], processes)


def unseen_of(profile: Profile, processes: Processes) -> Iterator[Diagnostic]:
    """Both warnings, for one live agent of this type."""
    yield from unseen_processes(processes)
    yield from _unseen_locks([profile], processes)


def _unseen_locks(live: Collection[Profile], processes: Processes) -> Iterator[Diagnostic]:
    proved = [profile for profile in live if profile.binding.proves_by_files]
    found = processes.locks() if proved and not processes.unsupported() else None
    if not isinstance(found, Unknown):
        return
    types = sorted({profile.name for profile in proved})
    hooked = sorted({profile.name for profile in proved if profile.hooks})
    why = f"{found.reason}; the conversation of an agent that has several ones open is then not known"
    yield Diagnostic(
        severity=Severity.WARNING,
        summary=f"this system does not show which process holds the lock of a conversation ({', '.join(types)})",
        detail=why,
        fix=f"let the CLI report it: reconciler job hooks install {hooked[0]}" if hooked else "",
    )
