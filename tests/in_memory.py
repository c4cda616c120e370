"""A project in memory: fakes behind the doors, the registry as plain data, everything else the real thing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Any

from fakes.world import FakeWorld

from reconciler.agents.catalogue import BUILT_IN, catalogue
from reconciler.app.plan.plans import options_of
from reconciler.apply import Run, apply
from reconciler.kinds.agent.case import PlanOptions
from reconciler.manifest import ManifestContext, Source, load
from reconciler.model.action import Action
from reconciler.model.desired import Desired
from reconciler.model.event import ActionEvent, Checkpoint
from reconciler.model.moment import to_second
from reconciler.model.observed import Observed, Present
from reconciler.model.plan import Drift, Mode, Plan
from reconciler.model.record import Record, Section
from reconciler.model.snapshot import Snapshot
from reconciler.observe import Caller, SnapshotRequest, observe, recorded_as_live
from reconciler.observe.proof import proof
from reconciler.plan.diff import diff
from reconciler.plan.request import Request, scope_of
from reconciler.plan.sources import Sources
from reconciler.render.document import plan_document
from reconciler.render.documents.plan import PlanDoc
from reconciler.state.rows import merge_edits, record_from

ROOT, HOME, LINEAGE = "/lab", "/home/u", "ours"
NOTES_FOLDER = f"{ROOT}/.mam/jobs/.conversations"
REQUEST = Request()


@dataclass(frozen=True)
class Planned:
    plan: Plan
    request: Request
    desired: Desired
    record: Record
    snapshot: Snapshot
    options: PlanOptions
    sources: Sources

    @property
    def document(self) -> PlanDoc:
        return plan_document(self.plan, options_of(self.request))


@dataclass
class Project:
    """`registry` is the content of the registry file; conversations are called id-1, id-2, ..."""

    world: FakeWorld = field(default_factory=FakeWorld)
    registry: dict[str, Any] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=lambda: {"PATH": "/usr/bin"})
    root: str = ROOT
    home: str = HOME
    _ids: count = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.world.files.make_folder(self.root)
        for folder in (".claude", ".codex", ".gemini", ".qwen", ".copilot", ".cursor", ".pi/agent", ".cline"):
            self.world.files.put(f"{self.home}/{folder}/settings", b"")  # every CLI has been run before

    @property
    def _notes(self) -> str:
        return f"{self.root}/.mam/jobs/.conversations"

    def plan(self, manifest: Mapping[str, Any], request: Request = REQUEST) -> Planned:
        around = ManifestContext(self.root, self.home, self.env, "lab")
        desired = load([Source("lab.yaml", json.dumps(manifest).encode())], around, frozenset(BUILT_IN)).desired
        record = record_from(self.registry)
        profiles = catalogue(desired.agent_types.values())
        options = self._plan_options(request, record)
        question = SnapshotRequest(
            desired, record, profiles, options, everyone=request.mode is Mode.REFRESH_ONLY or request.purge
        )
        snapshot = observe(question, self.world, Caller(self.home, self.env, self._notes))
        if not request.refresh:
            snapshot = recorded_as_live(record, snapshot)
        sources = Sources(desired, record, snapshot, profiles)
        plan = diff(sources, options, scope_of(request, desired, record), request.mode)
        return Planned(plan, request, desired, record, snapshot, options, sources)

    def _plan_options(self, request: Request, record: Record) -> PlanOptions:
        return PlanOptions(
            lineage=record.lineage or LINEAGE,
            now=to_second(self.world.clock.now()),
            force=request.force,
            destroy=request.mode is Mode.DESTROY,
            replace=frozenset(request.replace),
            imports=request.imports,
            resumed_by_hand=request.resumed_by_hand,
            goal=request.goal.conversations if request.goal else {},
            deletes=request.deletes,
            purge=request.purge,
        )

    def apply(
        self, planned: Planned, interrupted: Callable[[], bool] = lambda: False, events: int | None = None
    ) -> list[ActionEvent]:
        """Walk the plan, or only to the given number of `events`; what it told, without the checkpoints."""
        run = Run(
            lineage=planned.options.lineage,
            now=planned.options.now,
            new_id=lambda: f"id-{next(self._ids)}",
            interrupted=interrupted,
            secrets=planned.snapshot.secrets,
            keep=f"{self.root}/.hermes/kept",
            proved=lambda action: self._proved(planned, action),
        )
        told: list[ActionEvent] = []
        for event in islice(apply(planned.plan, self.world, run), events):
            if isinstance(event, Checkpoint):
                self._commit(event)
            else:
                told.append(event)
        return told

    def _proved(self, planned: Planned, action: Action) -> Observed[Drift]:
        record = record_from(self.registry)
        question = SnapshotRequest(
            planned.desired, record, catalogue(planned.desired.agent_types.values()), planned.options
        )
        return proof(action, question, planned.snapshot, self.world, Caller(self.home, self.env, self._notes))

    def _commit(self, checkpoint: Checkpoint) -> None:
        """As the real registry does: the serial grows when something changes."""
        after = merge_edits(self.registry, checkpoint.edits)
        if any(after.get(table) != (self.registry.get(table) or {}) for table in Section):
            head = {"version": 1, "lineage": self.registry.get("lineage") or LINEAGE}
            self.registry = {**after, **head, "serial": self.registry.get("serial", 0) + 1}

    def state(self) -> object:
        """Everything that an apply may change."""
        tmux, files = self.world.tmux, self.world.files
        live = tmux.look()
        return deepcopy(
            (
                sorted(map(repr, live.value.panes)) if isinstance(live, Present) else live,
                (tmux.typed, tmux.started, self.world.processes.alive),
                (files.folders, files.files, files.worktrees, files.repos),
                self.registry,
            )
        )
