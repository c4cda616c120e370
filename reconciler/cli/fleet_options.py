"""The options of all commands for many hosts, and the hosts that they mean."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated

from reconciler.app.project.places import project_folder
from reconciler.fleet.hosts import FleetHost
from reconciler.fleet.inventory import FleetChoice, hosts_of, inventory_path
from reconciler.model.errors import UsageError

from .parameters import Option

Inventory = Annotated[
    str,
    Option("-i, --inventory", metavar="INVENTORY", help="Ansible inventory, or ssh:HOST,HOST [default: fleet.yml]"),
]
Limit = Annotated[str, Option("--limit", metavar="PATTERN", help="Only these hosts, as for Ansible")]
HostProject = Annotated[
    str, Option("--project", metavar="DIR", help="Project folder on the hosts [default: variable reconciler_project]")
]
Forks = Annotated[int, Option("--forks", metavar="N", min=1, max=256, help="How many hosts at the same time")]
HostTimeout = Annotated[str, Option("--timeout", metavar="TIME", help="Longest time for one host")]
OneHost = Annotated[str, Option("--host", metavar="NAME", help="Show this host alone, in full")]


def chosen_hosts(choice: FleetChoice, chdir: str) -> list[FleetHost]:
    """The hosts that the options mean. Raises UsageError if there is none."""
    return hosts_of(inventory_path(choice, project_folder(chdir)), choice, os.environ)


def expect_host(host: str, known: Sequence[str]) -> None:
    """Raise UsageError unless the one host that is to be shown is among these."""
    if host and host not in known:
        raise UsageError(f"{host} is not one of the hosts", fix=f"choose from {', '.join(known[:10])}")
