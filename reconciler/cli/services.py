"""Install and remove the service of a command that runs without a terminal, and end such a command on signals."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from types import FrameType
from typing import Annotated

from reconciler.app.monitor.monitor import StopRequest
from reconciler.cli.parameters import Argument, Option
from reconciler.model.errors import UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.monitor.install import Unit, UserService, install, launchd_agent, systemd_unit, uninstall
from reconciler.ports.files import RealFiles
from reconciler.render.output import tell


class ServiceAction(StrEnum):
    """What to do with the service."""

    INSTALL = "install"
    UNINSTALL = "uninstall"


ServiceWord = Annotated[
    ServiceAction | None,
    Argument(
        metavar="[install|uninstall]",
        help="Install or remove a service that runs it with these options",
        show_default=False,
    ),
]
OfUser = Annotated[bool, Option("--user", help="Use a service of your user: systemd or launchd")]


def expect_user_service(service: ServiceAction, command: str, *, user: bool) -> None:
    """Raise UsageError without --user: another kind of service does not exist."""
    if not user:
        raise UsageError("a service needs the option --user", fix=f"reconciler {command} {service} --user")


def unit_of(service: UserService, home: str) -> Unit:
    """The file of the service on this system."""
    if sys.platform == "darwin":
        return launchd_agent(service, home, os.getuid())
    return systemd_unit(service, os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config"))


def change_service(service: ServiceAction, unit: Unit) -> int:
    """Write or remove the file, and say with which commands it is started or ended."""
    files = RealFiles()
    if service is ServiceAction.INSTALL:
        written = install(unit, files)
        tell(f"{unit.path} is {'written' if written else 'already there'}. Start it with:")
        tell(*(f"  {line}" for line in unit.enable))
        return ExitCode.OK
    removed = uninstall(unit, files)
    tell(f"{unit.path} {'is removed' if removed else 'was not there'}. If it runs, end it with:")
    tell(*(f"  {line}" for line in unit.disable))
    return ExitCode.OK


@contextmanager
def stopped_by_signals(wake: Callable[[], None]) -> Iterator[StopRequest]:
    """End the command after its round on SIGINT or SIGTERM, and at once on a second signal."""
    stop = StopRequest()

    def take(number: int, _frame: FrameType | None) -> None:
        if stop.reason:
            raise KeyboardInterrupt
        stop.reason = signal.Signals(number).name
        wake()

    before = {number: signal.signal(number, take) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
