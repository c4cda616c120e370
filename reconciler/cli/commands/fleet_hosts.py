"""fleet doctor, push and install: bring many hosts to where a fleet needs them."""

from __future__ import annotations

import os
import sys

from reconciler.cli import fleet_options as fleet_opt
from reconciler.cli import options as opt
from reconciler.cli.fleet_options import chosen_hosts, expect_host
from reconciler.fleet.doctor import examine
from reconciler.fleet.doctor_text import fleet_doctor_document, fleet_doctor_text
from reconciler.fleet.exit_codes import look_exit_code
from reconciler.fleet.hosts import HostResult
from reconciler.fleet.inventory import FleetChoice
from reconciler.fleet.ssh import ssh_here
from reconciler.model.duration import seconds
from reconciler.render.output import tell_json
from reconciler.render.terminal import show


def doctor(
    inventory: fleet_opt.Inventory = "",
    limit: fleet_opt.Limit = "",
    project: fleet_opt.HostProject = "",
    host: fleet_opt.OneHost = "",
    forks: fleet_opt.Forks = 16,
    timeout: fleet_opt.HostTimeout = "1m",
    as_json: opt.Json = False,
    chdir: opt.Root = "",
) -> int:
    """Find out what each host lacks to be part of a fleet, over plain ssh.

    Checks whether it is reachable, how long its login shell takes, Python, tmux, git, reconciler, the PATH that agents
    get, the project folder and the broker. Changes nothing.

    \b
    Examples:
      reconciler fleet doctor -i ssh:one,two --project ~/lab
      reconciler fleet doctor --host one           # every check of that host
      reconciler fleet doctor --json | jq '.hosts[] | select(.outcome != "ok")'
    """
    hosts = chosen_hosts(FleetChoice(inventory, limit, project), chdir)
    expect_host(host, [each.name for each in hosts])
    found = examine(
        [each for each in hosts if not host or each.name == host], ssh_here(os.environ, seconds(timeout)), forks
    )
    if as_json:
        tell_json(fleet_doctor_document(found))
    else:
        show(fleet_doctor_text(found, host), sys.stdout, os.environ)
    return look_exit_code([HostResult(each.host, each.outcome) for each in found], changes_count=False)
