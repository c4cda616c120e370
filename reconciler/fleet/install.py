"""Install one version of reconciler on hosts, offline: the role `reconciler.fleet.install`."""

from __future__ import annotations

from .hosts import HostWork
from .operations import Fleet
from .play import Play
from .set_up import set_up
from .wheels import Wheels

_LAST = "Ask the version of the program"


def install(fleet: Fleet, wheels: Wheels, *, prune: bool) -> list[HostWork]:
    """Install this version on each host; one that has it already is unchanged."""
    told = {
        "role": "reconciler.fleet.install",
        "vars": {
            "install_wheels": wheels.path,
            "install_version": wheels.version,
            "install_python": wheels.python,
            "install_prune": prune,
        },
    }
    content = {"roles": [told], "timeout": max(1, int(fleet.seconds))}
    return set_up(fleet.inventory, fleet.hosts, Play(content, fleet.forks, fleet.seconds), _LAST, fleet.env)
