"""Look once at everything that exists, and plan its adoption. Nothing is written."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from reconciler.adopt.blocks import ManifestFrame, lasting_comment, manifest_text
from reconciler.adopt.live import LiveView, first_panes, live_agents
from reconciler.adopt.merge import ExistingState, adoption
from reconciler.adopt.process_arguments import with_arguments, with_command
from reconciler.adopt.recorded import RegistryView, recorded_agents
from reconciler.agents.catalogue import BUILT_IN, catalogue, installed
from reconciler.agents.profile import Profile
from reconciler.app.adopt.broker import found_broker
from reconciler.app.adopt.edits import adoption_edits
from reconciler.app.adopt.folders import with_folders
from reconciler.app.adopt.imports import planned_import, refusals, with_proofs
from reconciler.app.adopt.logins import FoundLogins, found_logins
from reconciler.app.adopt.othertools import findings_of
from reconciler.app.adopt.sources import AdoptionSource, AdoptionSources, SourceKind
from reconciler.app.agents.look import ProjectView, look, unseen
from reconciler.app.project.manifests import display_path
from reconciler.app.project.places import JOB_RECORDS
from reconciler.app.project.project import Project
from reconciler.app.project.warnings import copied
from reconciler.jobs.logins import RecordChange
from reconciler.model.adoption import Findings, FoundAgent, LeftAlone
from reconciler.model.adoption_plan import AdoptedAgent, AdoptionPlan, CompletedRow
from reconciler.model.desired import Socket
from reconciler.model.diagnostic import Diagnostic, Place
from reconciler.model.manifest_edit import Edit
from reconciler.model.observed import Present, Unknown
from reconciler.model.snapshot import Pane, TmuxState
from reconciler.state.assumptions import left_alone
from reconciler.state.completion import Completion, completions
from reconciler.state.registry import StoredRegistry


class AdoptionView(Struct, frozen=True):
    """The plan, the manifest edits it needs, and the errors that prevent the import.

    `looked_at` are the names of the sources for the user; `records` are the changes to job records.
    """

    plan: AdoptionPlan
    edits: tuple[Edit, ...]
    stored: StoredRegistry
    looked_at: tuple[str, ...]
    records: tuple[RecordChange, ...]
    diagnostics: tuple[Diagnostic, ...] = ()


def look_for_adoption(at: Project, sources: AdoptionSources) -> AdoptionView:
    """Look at all sources, and plan the adoption.

    Raises:
        InvalidManifest: A manifest has mistakes.
        ReconcilerError: tmux, the registry or a given file cannot be read.
    """
    seen = look(at, everyone=False)
    tmux = seen.snapshot.tmux
    if isinstance(tmux, Unknown):
        raise unseen(tmux)
    logins = found_logins(at) if sources.has(SourceKind.JOBS) else FoundLogins()
    return _viewed(_Search(at, sources, seen, tmux.value if isinstance(tmux, Present) else None, logins), {})


def generated_manifest(at: Project, left_out: Callable[[str], bool]) -> list[str]:
    """The lines of a manifest that declares everything undeclared, with the `import` command beside each session.

    A file for which `left_out` is true is not read as a manifest. Raises as `look_for_adoption`.
    """
    seen = look(at, everyone=False, left_out=left_out)
    if isinstance(seen.snapshot.tmux, Unknown):
        raise unseen(seen.snapshot.tmux)
    tmux = seen.snapshot.tmux.value if isinstance(seen.snapshot.tmux, Present) else None
    sources = AdoptionSources((AdoptionSource(SourceKind.REGISTRY), AdoptionSource(SourceKind.TMUX)))
    socket = Socket() if seen.has_manifest else at.socket(seen.desired.socket)
    frame = ManifestFrame(at.root, socket, comment_of=_how_to_import)
    return list(manifest_text(_Search(at, sources, seen, tmux).plan({}), frame))


def _how_to_import(agent: AdoptedAgent) -> str:
    if not agent.takes_over:
        return lasting_comment(agent)
    return f"adopt with: reconciler import {agent.address} {shlex.quote(agent.takes_over)}"


def _viewed(search: _Search, refused: Mapping[str, LeftAlone]) -> AdoptionView:
    """The view without refused sessions. It repeats itself until the import refuses no more sessions."""
    at, stored = search.at, search.seen.stored
    plan = search.plan(refused)
    edits = adoption_edits(at, plan, at.socket(search.seen.desired.socket))
    planned = planned_import(at, plan, edits, stored)
    if planned and (more := refusals(plan, planned)):
        return _viewed(search, {**refused, **more})
    errors = planned.plan.errors if planned else ()
    return AdoptionView(
        plan=with_proofs(plan, planned) if planned else plan,
        edits=edits,
        stored=stored,
        looked_at=search.looked_at,
        records=search.logins.changes,
        diagnostics=(*copied(at, stored), *errors),
    )


class _Search(Struct, frozen=True):
    """What is needed to look at the sources."""

    at: Project
    sources: AdoptionSources
    seen: ProjectView
    tmux: TmuxState | None
    logins: FoundLogins = FoundLogins()

    @property
    def looked_at(self) -> tuple[str, ...]:
        """The names of the sources, for the user."""
        socket = self.at.socket(self.seen.desired.socket)
        return tuple(_named(self.at, source, socket) for source in self.sources.sources)

    def plan(self, refused: Mapping[str, LeftAlone]) -> AdoptionPlan:
        """The adoption plan without the refused sessions."""
        desired, record = self.seen.desired, self.seen.stored.record
        types = frozenset({*BUILT_IN, *installed(), *desired.agent_types})
        panes = self._panes(refused)
        profiles = catalogue(desired.agent_types.values())
        found = [with_folders(self.at, each, profiles) for each in self._findings(panes, types, profiles)]
        known = ExistingState(desired, record, types, panes)
        plan = adoption([*found, Findings(left_alone=tuple(refused.values()))], known)
        if self.sources.has(SourceKind.REGISTRY):
            plan = self._with_rows(plan)
        left = (*plan.left_alone, *self.logins.left_alone)
        plan = replace(plan, secured=self.logins.files, left_alone=left)
        return self._with_broker(plan) if self.sources.has(SourceKind.BROKER) else plan

    def _with_rows(self, plan: AdoptionPlan) -> AdoptionPlan:
        """The plan with the rows of an older registry that get the current format."""
        file = display_path(self.at.registry_path)
        rows = (_completed(each) for each in completions(self.seen.stored, file))
        left = (*plan.left_alone, *left_alone(self.seen.stored, file))
        return replace(plan, rows=tuple(rows), left_alone=left)

    def _with_broker(self, plan: AdoptionPlan) -> AdoptionPlan:
        broker = found_broker(self.at, self.seen.desired)
        left = (*plan.left_alone, *broker.left_alone)
        return replace(plan, broker=broker.block, broker_notes=broker.notes, left_alone=left)

    def _panes(self, refused: Mapping[str, LeftAlone]) -> dict[str, Pane]:
        panes = first_panes(self.tmux.panes) if self.tmux else {}
        return {name: pane for name, pane in panes.items() if name not in refused}

    def _findings(
        self, panes: Mapping[str, Pane], types: frozenset[str], profiles: Mapping[str, Profile]
    ) -> Iterator[Findings]:
        for found in self._sessions(panes, types):
            yield replace(found, agents=tuple(self._as_started(each, panes, profiles) for each in found.agents))
        for source in self.sources.tools:
            yield findings_of(source.kind.value, source.name, self.at, profiles)

    def _as_started(self, found: FoundAgent, panes: Mapping[str, Pane], profiles: Mapping[str, Profile]) -> FoundAgent:
        """The agent with the arguments or the command of its running process."""
        pane = panes.get(found.session) if found.live else None
        if pane is None or pane.lineage:
            return found
        processes = self.at.processes
        words = (processes.words(pid) for pid in processes.family(pane.pid))
        return with_arguments(found, words, profiles) if found.type in profiles else with_command(found, words)

    def _sessions(self, panes: Mapping[str, Pane], types: frozenset[str]) -> Iterator[Findings]:
        desired, stored = self.seen.desired, self.seen.stored
        if self.sources.has(SourceKind.REGISTRY):
            place = Place(display_path(self.at.registry_path))
            live = {pane.session for pane in self.tmux.panes} if self.tmux else set()
            yield recorded_agents(RegistryView(stored.record, panes, place, frozenset(live - panes.keys())))
        if self.sources.has(SourceKind.TMUX) and self.tmux:
            shown = replace(self.tmux, panes=tuple(pane for pane in self.tmux.panes if pane.session in panes))
            yield live_agents(LiveView(desired, stored.record, shown, types))


def _named(at: Project, source: AdoptionSource, socket: Socket) -> str:
    match source.kind:
        case SourceKind.REGISTRY:
            return f"the registry ({display_path(at.registry_path)})"
        case SourceKind.TMUX:
            return f"the tmux server {socket.label}"
        case SourceKind.JOBS:
            return f"job records ({JOB_RECORDS})"
        case SourceKind.BROKER:
            return "broker folders"
        case _:
            return " ".join(filter(None, (source.kind.value, source.name)))


def _completed(row: Completion) -> CompletedRow:
    name = f"{row.section.value}.{row.name}" if row.name else row.section.value
    return CompletedRow(name, row.how, row.place.line)
