"""fleet: plan, apply, drift and status on many hosts."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Annotated, Any

from reconciler.app.project.places import project_folder
from reconciler.cli import fleet_options as fleet_opt
from reconciler.cli import options as opt
from reconciler.cli.approval import approved, confirmation_needed, has_terminal
from reconciler.cli.fleet_options import chosen_hosts, expect_host
from reconciler.cli.parameters import Option
from reconciler.fleet.exit_codes import apply_exit_code, look_exit_code
from reconciler.fleet.hosts import HostResult
from reconciler.fleet.inventory import FleetChoice, expect_ansible, hosts_of, inventory_path
from reconciler.fleet.merge import fleet_document
from reconciler.fleet.operations import Fleet, FleetApply, apply_shown, batch_size, expect_allowed, look
from reconciler.fleet.over_ssh import HostStatus, statuses
from reconciler.fleet.play import PlayResult
from reconciler.fleet.ssh import ssh_here
from reconciler.fleet.status_text import fleet_status_document, fleet_status_text
from reconciler.fleet.text import applied_text, fleet_text
from reconciler.model.duration import seconds
from reconciler.model.errors import UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.ports.clock import RealClock
from reconciler.ports.hangup import end_on_hangup
from reconciler.render.output import is_cut_off, json_text, tell_json, warn
from reconciler.render.terminal import redrawn, show

_INTERVAL = 10.0  # seconds


def plan(
    inventory: fleet_opt.Inventory = "",
    limit: fleet_opt.Limit = "",
    project: fleet_opt.HostProject = "",
    host: fleet_opt.OneHost = "",
    forks: fleet_opt.Forks = 16,
    timeout: fleet_opt.HostTimeout = "5m",
    detailed_exitcode: Annotated[bool, Option("--detailed-exitcode", help="Exit with 2 if there are changes")] = False,
    full: opt.Full = False,
    as_json: opt.Json = False,
    chdir: opt.Root = "",
) -> int:
    """Show what apply would do on many hosts. Hosts with the same work are one group.

    Changes nothing. Ansible runs `reconciler plan` on each host.

    \b
    Examples:
      reconciler fleet plan -i ssh:one,two --project ~/lab
      reconciler fleet plan -i hosts.yml --limit 'build*'
      reconciler fleet plan --host one             # that host in full
    """
    fleet = _fleet(FleetChoice(inventory, limit, project), chdir, forks, timeout)
    found = look(fleet, "plan")
    _tell(found, host, full=full, as_json=as_json)
    return ExitCode.INTERRUPTED if found.interrupted else look_exit_code(found.results, changes_count=detailed_exitcode)


def drift(
    inventory: fleet_opt.Inventory = "",
    limit: fleet_opt.Limit = "",
    project: fleet_opt.HostProject = "",
    host: fleet_opt.OneHost = "",
    forks: fleet_opt.Forks = 16,
    timeout: fleet_opt.HostTimeout = "5m",
    as_json: opt.Json = False,
    chdir: opt.Root = "",
) -> int:
    """Show where registries and running agents differ on many hosts.

    Exit code: 0 in sync, 2 drift, 4 a host did not answer.

    \b
    Examples:
      reconciler fleet drift -i hosts.yml
      reconciler fleet drift --json | jq '.groups[] | {hosts, summary}'
    """
    fleet = _fleet(FleetChoice(inventory, limit, project), chdir, forks, timeout)
    found = look(fleet, "drift")
    _tell(found, host, full=False, as_json=as_json)
    return ExitCode.INTERRUPTED if found.interrupted else look_exit_code(found.results, changes_count=True)


def apply(
    inventory: fleet_opt.Inventory = "",
    limit: fleet_opt.Limit = "",
    project: fleet_opt.HostProject = "",
    canary: Annotated[
        int, Option("--canary", metavar="N", min=0, help="Apply on N hosts of the biggest group first, and check them")
    ] = 0,
    serial: Annotated[str, Option("--serial", metavar="N|N%", help="Then apply on this many hosts at a time")] = "",
    max_fail: Annotated[
        str, Option("--max-fail", metavar="N%", help="Go on while at most this share of a batch fails [default: 0%]")
    ] = "",
    max_destroy: opt.MaxDestroy = None,
    max_destroy_total: Annotated[
        int | None,
        Option("--max-destroy-total", metavar="N", min=0, help="Refuse to destroy more on all hosts"),
    ] = None,
    auto_approve: opt.AutoApprove = False,
    host: fleet_opt.OneHost = "",
    forks: fleet_opt.Forks = 16,
    timeout: fleet_opt.HostTimeout = "5m",
    full: opt.Full = False,
    as_json: opt.Json = False,
    may_ask: opt.Input = True,
    chdir: opt.Root = "",
) -> int:
    """Show the merged plan, ask once, and apply it on each host.

    Each host carries out only the plan that was shown for it; a host where something changed since is left alone.
    Ctrl-C begins no new host; hosts that have begun end by themselves.

    \b
    Examples:
      reconciler fleet apply -i ssh:one,two --project ~/lab
      reconciler fleet apply -i hosts.yml --canary 1 --serial 25%
      reconciler fleet apply --auto-approve --max-destroy-total 3
    """
    batch_size(serial, 1)  # a mistake is told before any host is asked
    options: dict[str, Any] = {} if max_destroy is None else {"max_destroy": max_destroy}
    how = FleetApply(canary, serial, _percent(max_fail), max_destroy_total, options)
    fleet = _fleet(FleetChoice(inventory, limit, project), chdir, forks, timeout)
    shown = look(fleet, "plan")
    if not as_json:
        expect_host(host, [each.host for each in shown.results])
        show(fleet_text(shown.results, host, full=full), sys.stdout, os.environ)
    if shown.interrupted:
        return ExitCode.INTERRUPTED
    expect_allowed(shown.results, how)
    todo = any(each.is_fine and each.pending for each in shown.results)
    if todo and not auto_approve and not _agreed(may_ask=may_ask and not as_json):
        return ExitCode.ERROR
    done = apply_shown(fleet, shown.results, how, warn) if todo else shown
    _tell_applied(done, as_json=as_json)
    return ExitCode.INTERRUPTED if done.interrupted else apply_exit_code(done.results, not_begun=done.not_begun)


def status(
    inventory: fleet_opt.Inventory = "",
    limit: fleet_opt.Limit = "",
    project: fleet_opt.HostProject = "",
    host: fleet_opt.OneHost = "",
    forks: fleet_opt.Forks = 16,
    timeout: fleet_opt.HostTimeout = "10s",
    watch: Annotated[bool, Option("--watch", help="Ask again every 10 seconds until Ctrl-C")] = False,
    as_json: opt.Json = False,
    chdir: opt.Root = "",
) -> int:
    """Show the agents of many hosts, one line each, over plain ssh.

    The agents of a host that does not answer are unknown, never gone.

    \b
    Examples:
      reconciler fleet status -i ssh:one,two --project ~/lab
      reconciler fleet status --watch
      reconciler fleet status --json | jq '.hosts[] | select(.outcome != "ok")'
    """
    hosts = chosen_hosts(FleetChoice(inventory, limit, project), chdir)
    ssh = ssh_here(os.environ, seconds(timeout))
    clock = RealClock()
    if watch:
        if sys.stdout.isatty():
            end_on_hangup(sys.stdout.fileno())
        with suppress(KeyboardInterrupt), redrawn(sys.stdout, {} if as_json else os.environ) as draw:
            while not is_cut_off(sys.stdout):
                draw.lines(_status_lines(statuses(hosts, ssh, forks), host, as_json=as_json))
                clock.wait(_INTERVAL)
        return ExitCode.OK
    found = statuses(hosts, ssh, forks)
    show(_status_lines(found, host, as_json=as_json), sys.stdout, {} if as_json else os.environ)
    results = [HostResult(each.host, each.outcome, each.exit_code) for each in found]
    return look_exit_code(results, changes_count=False)


def _status_lines(found: Sequence[HostStatus], host: str, *, as_json: bool) -> list[str]:
    expect_host(host, [each.host for each in found])
    chosen = [each for each in found if not host or each.host == host]
    if as_json:
        return [json_text(fleet_status_document(chosen))]
    return list(fleet_status_text(chosen, RealClock().now()))


def _fleet(choice: FleetChoice, chdir: str, forks: int, timeout: str) -> Fleet:
    longest = seconds(timeout)
    expect_ansible()
    inventory = inventory_path(choice, project_folder(chdir))
    return Fleet(inventory, hosts_of(inventory, choice, os.environ), os.environ, forks=forks, seconds=longest)


def _percent(text: str) -> int:
    digits = text.removesuffix("%")
    if text and not (digits.isascii() and digits.isdecimal() and int(digits) <= 100):
        raise UsageError(f"{text!r} is not a percentage", fix="write it as 10%")
    return int(digits or 0)


def _tell(found: PlayResult, host: str, *, full: bool, as_json: bool) -> None:
    expect_host(host, [each.host for each in found.results])
    if as_json:
        chosen = [each for each in found.results if not host or each.host == host]
        tell_json(fleet_document(chosen, found.not_begun))
        return
    show(fleet_text(found.results, host, full=full), sys.stdout, os.environ)


def _tell_applied(done: PlayResult, *, as_json: bool) -> None:
    if as_json:
        tell_json(fleet_document(done.results, done.not_begun))
        return
    lines: Iterable[str] = applied_text(done.results, done.not_begun)
    show(lines, sys.stdout, os.environ)


def _agreed(*, may_ask: bool) -> bool:
    if not (may_ask and has_terminal()):
        raise confirmation_needed()
    return approved()
