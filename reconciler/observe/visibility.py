"""What this system does not tell, and which check is weaker for it: said once, never passed over."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from reconciler.agents.profile import Profile
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.observed import Unknown
from reconciler.ports.world import Processes

from .agent_view import AgentView


def unseen_processes(processes: Processes) -> tuple[Diagnostic, ...]:
    """A warning where nothing tells of processes at all."""
    why = processes.unsupported()
    if not why:
        return ()
    detail = (
        f"{why}; so another process in an agent's conversation is not noticed, what an agent has started is not ended "
        "with it, and the hooks of its CLI are not believed"
    )
    fix = "pip install psutil" if "psutil" in why else "mount /proc"
    return (
        Diagnostic(
            severity=Severity.WARNING, summary="the processes of this system cannot be seen", detail=detail, fix=fix
        ),
    )


def unseen_locks(views: Collection[AgentView], processes: Processes) -> Iterator[Diagnostic]:
    """A warning for live agents that prove their conversation by a lock, where the system does not tell who has it."""
    return _unseen_locks([view.profile for view in views if view.pane and not view.pane.dead], processes)


def unseen_of(profile: Profile, processes: Processes) -> Iterator[Diagnostic]:
    """The same two for one live agent of this type."""
    yield from unseen_processes(processes)
    yield from _unseen_locks([profile], processes)


def _unseen_locks(live: Collection[Profile], processes: Processes) -> Iterator[Diagnostic]:
    proved = [profile for profile in live if profile.binding.proves_by_files]
    found = processes.locks() if proved and not processes.unsupported() else None
    if not isinstance(found, Unknown):
        return
    types = sorted({profile.name for profile in proved})
    hooked = sorted({profile.name for profile in proved if profile.hooks})
    why = f"{found.reason}; an agent that has several conversations open counts as one whose conversation is not known"
    yield Diagnostic(
        severity=Severity.WARNING,
        summary=f"who holds the lock of a conversation cannot be told on this system ({', '.join(types)})",
        detail=why,
        fix=f"let the CLI tell it: reconciler job hooks install {hooked[0]}" if hooked else "",
    )
