"""What sinks need from outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO

from reconciler.model.errors import UsageError
from reconciler.model.observed import Present
from reconciler.model.redacted import Redacted

if TYPE_CHECKING:
    from reconciler.model.broker import Broker
    from reconciler.monitor.state_folder import StateFolder
    from reconciler.ports.files import RealFiles
    from reconciler.ports.world import Clock, Processes


class SinkContext(Redacted, frozen=True):
    """What sinks need from outside; `broker` is the declared one. Without a `state_folder`, nothing is stored."""

    env: Mapping[str, str]
    files: RealFiles
    processes: Processes
    clock: Clock
    err: TextIO
    broker: Broker | None = None
    state_folder: StateFolder | None = None


def program(name: str, context: SinkContext) -> str:
    """The path of a program. Raises UsageError if it is not on the PATH."""
    match context.processes.find(name, context.env.get("PATH", "")):
        case Present(program):
            return program
        case _:
            raise UsageError(f"program not found: {name}", fix="install it, or add its folder to PATH")
