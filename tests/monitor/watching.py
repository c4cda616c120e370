"""A project whose looks are handed in, in place of tmux: everything else of a pass is real."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from fakes.clock import FakeClock
from ruamel.yaml import YAML

from reconciler.model.address import agent_address
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.drift_class import DriftClass
from reconciler.model.observed import Observed, Present
from reconciler.model.plan import Drift
from reconciler.model.record import RowEdit, Section
from reconciler.model.snapshot import Server
from reconciler.monitor.observation import Observation
from reconciler.monitor.passes import PassContext, Passes, PassResult
from reconciler.monitor.state_folder import StateFolder
from reconciler.ports.files import RealFiles
from reconciler.ports.processes import RealProcesses
from reconciler.state.lock import Lock
from reconciler.state.registry import Registry, read

SERVER = Server("default", 4242, 1_700_000_000)
REGISTRY = """\
# mine
sessions:
  lab-creator-claude: {workspace: lab, agent: claude, status: running}
  lab-creator-agy: {workspace: lab, agent: agy, status: running}
"""


def drift(letter: str = "A", agent: str = "claude", message: str = "gone", **fields: object) -> Drift:
    session = f"lab-creator-{agent}"
    edits = (RowEdit(Section.SESSIONS, session, fields),) if fields else ()
    return Drift(
        DriftClass(letter),
        session,
        agent_address("lab", agent),
        f"{session}: {message}",
        "running",
        "terminated",
        edits,
    )


def gone(agent: str = "claude") -> Drift:
    return drift("A", agent, status="terminated")


@dataclass
class Stage:
    root: Path
    clock: FakeClock = field(default_factory=FakeClock)
    drifts: tuple[Drift, ...] = ()
    accepted: tuple[Drift, ...] = ()
    server: Observed[Server] = field(default_factory=lambda: Present(SERVER))
    diagnostics: tuple[Diagnostic, ...] = ()
    looks: int = 0

    def __post_init__(self) -> None:
        (self.root / ".hermes").mkdir()
        self.path.write_text(REGISTRY)

    @property
    def path(self) -> Path:
        return self.root / ".hermes" / "agent-sessions.yaml"

    @property
    def state(self) -> Path:
        return self.root / "state" / "lab.state"

    @property
    def registry(self) -> Registry:
        return Registry(str(self.path), str(self.root / ".hermes" / "cache"), RealFiles())

    @property
    def lock(self) -> Lock:
        return Lock(str(self.root / ".hermes"), RealProcesses(), self.clock)

    @property
    def folder(self) -> StateFolder:
        return StateFolder(str(self.state.parent), RealFiles(), self.clock)

    def passes(self, *, dry_run: bool = False) -> Passes:
        return Passes(PassContext(self.look, self.registry, self.lock, self.folder, self.clock, dry_run))

    def look(self) -> Observation:
        self.looks += 1
        return Observation(read(self.registry), self.server, self.drifts, (), self.diagnostics, accepted=self.accepted)

    def status(self, agent: str = "claude") -> str:
        return YAML(typ="safe").load(self.path)["sessions"][f"lab-creator-{agent}"]["status"]

    def remembered(self) -> dict:
        return json.loads(self.state.read_text())

    def tree(self) -> dict[str, tuple[int, bytes]]:
        """Every file and folder, with the time of its last change and its content."""
        found = sorted([self.root, *self.root.rglob("*")])
        return {str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"") for path in found}


def told(step: PassResult) -> list[tuple[str, str, int]]:
    return [(each.drift.kind, each.drift.session, each.count) for each in step.seen.news]


def pass_and_confirm(passes: Passes) -> list[tuple[str, str, int]]:
    step = passes.next()
    passes.confirm()
    return told(step)


def letters(drifts: Iterable[Drift]) -> str:
    return "".join(each.kind for each in drifts)


def mode(path: Path) -> int:
    return os.stat(path).st_mode & 0o777
