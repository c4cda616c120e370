from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from machines import Rig, end_dead_runs, missing


@pytest.fixture(name="machines", scope="session")
def made_machines() -> Iterator[Rig]:
    """One rig for all tests of this process."""
    if why := missing():
        if os.environ.get("RECONCILER_RIG") == "require":
            pytest.fail(f"RECONCILER_RIG=require, but there can be no rig here: {why}")
        pytest.skip(f"skipped, {why}")
    end_dead_runs()
    made = Rig()
    try:
        made.make()
        yield made
    finally:
        made.end()


@pytest.fixture(name="rig")
def rig_as_new(machines: Rig) -> Rig:
    """A controller and four hosts, as new."""
    machines.reset()
    for host in machines.hosts:
        machines.link(host, "up")
    return machines
