"""The requests of the commands that stop, resume and restart agents. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model.address import Address
from reconciler.model.desired import RunState
from reconciler.plan.request import Request


def request_to_stop(agents: Iterable[Address], reason: str = "", *, force: bool = False) -> Request:
    """Stop agents; `force` interrupts those that are in use."""
    return Request(states=dict.fromkeys(agents, RunState.STOPPED), reason=reason or "stopped by hand", force=force)


def request_to_resume(agents: Iterable[Address], conversation: str = "") -> Request:
    """Start agents again, each in its own conversation, or in the given one; `never` begins a new one."""
    wanted = list(agents)
    return Request(
        states=dict.fromkeys(wanted, RunState.RUNNING),
        conversations=dict.fromkeys(wanted, conversation) if conversation else {},
    )


def request_to_restart(agents: Iterable[Address], reason: str = "", *, force: bool = False) -> Request:
    """End agents and start them again, each in its own conversation; `force` interrupts those that are in use."""
    wanted = tuple(dict.fromkeys(agents))
    return Request(
        states=dict.fromkeys(wanted, RunState.RUNNING),
        replace=wanted,
        force=force,
        reason=reason or "restarted by hand",
        operation="restart",
    )
