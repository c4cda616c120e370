"""Make the edits that add adopted agents to the manifests, or that create a manifest if there is none."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.adopt.blocks import ManifestFrame, agent_block, manifest_text, type_block, workspace_block
from reconciler.app.project.manifests import display_path, load_manifests, manifest_paths, read_manifest
from reconciler.app.project.project import Project
from reconciler.manifest import Source
from reconciler.manifest.edit import added, place_in
from reconciler.model.address import Address, broker_address, workspace_address
from reconciler.model.adoption_plan import AdoptedAgent, AdoptionPlan
from reconciler.model.desired import Agent, Socket
from reconciler.model.diagnostic import Place
from reconciler.model.manifest_edit import Edit
from reconciler.model.record import Json

_HEAD = (
    "Written by `reconciler adopt` from what already existed.",
    "`reconciler plan` shows what would change; docs: `reconciler help adopt`.",
)


def adoption_edits(at: Project, plan: AdoptionPlan, socket: Socket) -> tuple[Edit, ...]:
    """The edits that declare everything the plan adopts; `socket` is used for a new manifest.

    Raises:
        InvalidManifest, ReconcilerError: A manifest cannot be edited.
    """
    if not plan.declares:
        return ()
    edits = _edits(at, plan, socket, frozenset())
    differing = _defaults_differ(at, plan, edits)
    return _edits(at, plan, socket, differing) if differing else edits


def _defaults_differ(at: Project, plan: AdoptionPlan, edits: tuple[Edit, ...]) -> frozenset[Address]:
    """The agents for which `defaults:` would set another value, so that their blocks must set it."""
    desired = load_manifests(at, (), edits).desired
    new = [agent for agent in plan.agents if not agent.declared]
    return frozenset(agent.address for agent in new if _differs(agent, desired.agents[agent.address]))


def _differs(agent: AdoptedAgent, spec: Agent) -> bool:
    found = agent.found
    return (spec.type, spec.role, spec.state) != (found.type, found.role, found.state)


def _edits(at: Project, plan: AdoptionPlan, socket: Socket, in_full: Collection[Address]) -> tuple[Edit, ...]:
    paths = manifest_paths(at, ())
    if not paths:
        return _new_manifest(at, plan, socket)
    editor = _ManifestEditor({path: read_manifest(at, path) for path in paths})
    _declare_agents(at, plan, editor, in_full)
    first = paths[0]
    for kind in plan.types:
        editor.add(first, ("agent_types", kind.name), type_block(kind), Address("agent_type", kind.name))
    if plan.broker:
        editor.add(first, ("broker",), plan.broker, broker_address(str(plan.broker.get("name", "main"))))
    return tuple(editor.edits)


def _declare_agents(at: Project, plan: AdoptionPlan, editor: _ManifestEditor, in_full: Collection[Address]) -> None:
    for space in plan.workspaces:
        new = [agent for agent in plan.agents if agent.address.workspace == space.name and not agent.declared]
        blocks: dict[str, Json] = {a.address.agent: agent_block(a, in_full=a.address in in_full) for a in new}
        entry = ("workspaces", space.name)
        path = editor.file_with(entry)
        if not place_in(editor.sources[path], entry):
            whole = workspace_block(space, blocks, at.root)
            editor.add(path, entry, whole, workspace_address(space.name))
            continue
        for agent in new:
            block = blocks[agent.address.agent]
            editor.add(path, (*entry, "agents", agent.address.agent), block, agent.address)


@dataclass(slots=True)
class _ManifestEditor:
    """The manifests being edited, by absolute path, and the edits so far."""

    sources: dict[str, Source]
    edits: list[Edit] = field(default_factory=list)

    def file_with(self, path: tuple[str, ...]) -> str:
        """The manifest that has the entry `path`, else the first manifest."""
        return next((each for each, source in self.sources.items() if place_in(source, path)), next(iter(self.sources)))

    def add(self, file: str, path: tuple[str, ...], value: object, address: Address) -> None:
        """Add an entry to a manifest that does not have it yet."""
        source = self.sources[file]
        edited = added(source, path, value if isinstance(value, Mapping) else {})
        after = Source(source.file, edited.data)
        place = place_in(after, path) or Place(source.file)
        self.edits.append(Edit(file, source.data, edited.data, address, place, edited.text))
        self.sources[file] = after


def _new_manifest(at: Project, plan: AdoptionPlan, socket: Socket) -> tuple[Edit, ...]:
    path = os.path.join(at.root, "reconciler.yaml")
    text = "\n".join([*manifest_text(plan, ManifestFrame(at.root, socket, _HEAD)), ""])
    address = next((agent.address for agent in plan.agents), broker_address("main"))
    editor = _ManifestEditor({path: Source(display_path(path), text.encode())})
    created = Edit(path, b"", text.encode(), address, Place(display_path(path), 1), text)
    if plan.broker:
        editor.add(path, ("broker",), plan.broker, broker_address(str(plan.broker.get("name", "main"))))
    return (created, *editor.edits)


def blocks_by_file(edits: tuple[Edit, ...]) -> Iterator[tuple[str, bool, str]]:
    """For each manifest: its path, whether it is new, and the added text."""
    for path in dict.fromkeys(edit.path for edit in edits):
        own = [edit for edit in edits if edit.path == path]
        yield path, not own[0].before, "".join(edit.new for edit in own)
