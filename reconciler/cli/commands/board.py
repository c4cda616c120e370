"""board: see and steer all agents on one screen."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Annotated

from reconciler.app.board.board import board as look
from reconciler.app.board.members import AllNoted
from reconciler.app.board.service import BoardService
from reconciler.app.project.project import find_project
from reconciler.cli import fleet_options as fleet_opt
from reconciler.cli import options as opt
from reconciler.cli.copies import warn_about_registry
from reconciler.cli.fleet_options import chosen_hosts
from reconciler.cli.parameters import Option
from reconciler.cli.show.all_board import print_board_of_all
from reconciler.fleet.board_document import hosts_document
from reconciler.fleet.exit_codes import look_exit_code
from reconciler.fleet.hosts import FleetHost, HostResult
from reconciler.fleet.inventory import FleetChoice
from reconciler.fleet.live_board import HostsBoard, look_at_hosts
from reconciler.fleet.ssh import ssh_here
from reconciler.model.errors import UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.model.extras import missing_extra
from reconciler.ports.clock import RealClock
from reconciler.ports.hangup import end_on_hangup
from reconciler.render.output import tell_json

_Hosts = Annotated[
    str, Option("-i, --inventory", metavar="INVENTORY", help="The agents of these hosts, as for `fleet status`")
]


def board(
    inventory: _Hosts = "",
    limit: fleet_opt.Limit = "",
    project: fleet_opt.HostProject = "",
    as_json: opt.Json = False,
    everywhere: opt.All = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Show all agents on one screen: see who needs you, answer, and steer.

    Outside of a project, or with --all, it shows the agents of all your projects; with -i, those of many hosts, over
    ssh. Press ? for the keys. With --json, prints the document that the board shows, once.

    \b
    Examples:
      reconciler board
      reconciler board --all
      reconciler board -i ssh:one,two --project ~/lab
      reconciler board --json | jq '.agents[] | select(.group == "needs_you")'
    """
    choice = FleetChoice(inventory, limit, project)
    if inventory:
        _expect_hosts_alone(registry, everywhere=everywhere)
        return _board_of_hosts(chosen_hosts(choice, chdir), as_json=as_json)
    if choice != FleetChoice():
        raise UsageError("--limit and --project are about hosts", fix="also pass -i INVENTORY")
    of_all = opt.means_all(chdir, registry, everywhere=everywhere)
    if as_json and of_all:
        return print_board_of_all()
    if as_json:
        tell_json(look([find_project(chdir, registry)]))
        return ExitCode.OK
    _expect_screen()
    at = None if of_all else find_project(chdir, registry)
    if at:
        warn_about_registry(at)
    _show(BoardService([at] if at else AllNoted()))
    return ExitCode.OK


def _expect_hosts_alone(registry: str, *, everywhere: bool) -> None:
    """Raise UsageError if an option for this machine is given beside an inventory."""
    if everywhere or registry:
        other = "--all" if everywhere else "--registry"
        raise UsageError(f"{other} is about this machine, and -i about hosts", fix=f"leave out {other} or -i")


def _board_of_hosts(hosts: Sequence[FleetHost], *, as_json: bool) -> int:
    """The board of many hosts, or its document."""
    ssh, now = ssh_here(os.environ), RealClock().now
    if as_json:
        found = look_at_hosts(hosts, ssh, now)
        tell_json(hosts_document(found))
        return look_exit_code([HostResult(each.host, each.outcome) for each in found], changes_count=False)
    _expect_screen()
    _show(HostsBoard(hosts, ssh, now))
    return ExitCode.OK


def _expect_screen() -> None:
    """Raise an error if the board cannot be shown here."""
    if find_spec("textual") is None:
        raise missing_extra("the board", "board")
    if not all(map(os.isatty, (0, 1, 2))):
        raise UsageError("the board needs a terminal", fix="in a pipe, use `reconciler status` or `board --json`")


def _show(service: BoardService | HostsBoard) -> None:
    """Show a board until the user leaves."""
    from reconciler.board.app import run_board  # needs an extra

    end_on_hangup()
    run_board(service, RealClock().now, coloured=not os.environ.get("NO_COLOR"))
    sys.stdout.flush()
