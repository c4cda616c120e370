"""A whole world in memory."""

from __future__ import annotations

from fakes.brokers import FakeBrokers
from fakes.clock import FakeClock
from fakes.files import FakeFiles
from fakes.processes import FakeProcesses
from fakes.tmux import FakeTmux

from reconciler.ports.world import World


class FakeWorld(World):
    """Doors that lead nowhere: one process table, one file tree and one clock behind all of them."""

    tmux: FakeTmux
    processes: FakeProcesses
    files: FakeFiles
    clock: FakeClock
    brokers: FakeBrokers

    def __init__(self) -> None:
        processes, files, clock = FakeProcesses(), FakeFiles(), FakeClock()
        super().__init__(
            tmux=FakeTmux(processes, files, clock),
            processes=processes,
            files=files,
            clock=clock,
            brokers=FakeBrokers(),
        )
