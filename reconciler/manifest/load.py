"""Load all manifests: from their bytes to one `Desired`."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct

from reconciler.model.address import Address
from reconciler.model.desired import Agent, Desired, Workspace
from reconciler.model.diagnostic import Diagnostic, Place
from reconciler.model.errors import InvalidManifest
from reconciler.model.record import Json

from . import expand
from .document import Document, ManifestContext, Source, mistake
from .links import Declared, branch_mistakes, link_mistakes
from .merge import Block, MergedManifests, merge
from .templates import type_mistakes
from .values import accept_mistakes, accepts, budget_mistakes, project_budget
from .variables import fill

if TYPE_CHECKING:
    from reconciler.model.broker import Broker


class Loaded(Struct, frozen=True):
    """What the manifests declare, and the documents that were read."""

    desired: Desired
    documents: tuple[Document, ...]


def load(
    sources: Sequence[Source],
    context: ManifestContext,
    builtin_types: Collection[str],
    known: Mapping[str, Json] = {},
) -> Loaded:
    """What `sources` declare together. Their order does not matter.

    `known` maps the digest of a file to the result of `remembered`, so that the file is not parsed and checked again.
    The caller must drop these results when reconciler itself changes.

    Raises:
        InvalidManifest: It has every mistake of every file, in the order of their places.
    """
    ordered = sorted(sources, key=lambda source: source.file)
    documents: list[Document] = []
    mistakes: list[Diagnostic] = []
    for source in ordered:
        document, found = _document(source, known)
        documents += [document] if document else []
        mistakes += found
    desired, found = _desired(documents, context, builtin_types, _digest(ordered))
    mistakes += found
    if mistakes:
        raise InvalidManifest(tuple(sorted(dict.fromkeys(mistakes), key=_reading_order)))
    return Loaded(desired, tuple(documents))


def remembered(document: Document) -> Json:
    """Plain data of `document` for a cache. Pass it to `load` in `known`, under `document.digest`."""
    return {"content": cast("Json", document.content), "places": document.places}


def _document(source: Source, known: Mapping[str, Json]) -> tuple[Document | None, list[Diagnostic]]:
    """The document in `source` without its invalid parts, and its mistakes."""
    digest = hashlib.sha256(source.data).hexdigest()
    match known.get(digest):
        case {"content": dict(kept), "places": dict(places)} if places:
            return Document(source.file, digest, cast(Any, kept), cast(Any, places)), []
    from .check import checked_document  # noqa: PLC0415 - loads pydantic; a cached manifest needs no check

    return checked_document(source, digest)


def _desired(
    documents: Sequence[Document], context: ManifestContext, builtin_types: Collection[str], digest: str
) -> tuple[Desired, list[Diagnostic]]:
    sources = [fill(document, context.env) for document in documents]
    merged, disagreements = merge(sources)
    workspaces, declared = _expanded(merged, context)
    own_types = merged.sections["agent_types"]
    desired = Desired(
        project=_project(merged, context),
        socket=expand.socket(merged.settings.get("tmux"), context),
        workspaces=workspaces,
        agents={agent.address: agent for agent, _ in declared},
        agent_types={name: expand.agent_type(name, block, context) for name, block in own_types.items()},
        digest=digest,
        files=tuple(document.file for document in documents),
        brokers=_brokers(merged, context),
        accepts=accepts(merged.sections["accept"].values()),
        budget=project_budget(merged.settings.get("budget")),
        diagnostics=tuple(_doubtful(merged, workspaces.values(), declared)),
    )
    unset = [found for source in sources for found in source.mistakes]
    mistakes = [*_mistakes(merged, declared, builtin_types)]
    mistakes += budget_mistakes(desired.budget, workspaces.values(), desired.agents.values())
    return desired, [*unset, *disagreements, *mistakes]


def _doubtful(merged: MergedManifests, workspaces: Iterable[Workspace], declared: Declared) -> Iterable[Diagnostic]:
    arguments = (argument for _, block in declared for argument in (block.content or {}).get("args", ()))
    spaces = list(workspaces)
    if len({each.path for each in spaces}) == len(spaces) and not any(set(each) & {" ", "$"} for each in arguments):
        return ()
    from .doubtful import doubtful  # noqa: PLC0415 - a manifest without doubts starts faster

    blocks = merged.sections["workspaces"]
    return doubtful(((each, blocks[each.address.workspace]) for each in spaces), declared)


def _mistakes(merged: MergedManifests, declared: Declared, builtin_types: Collection[str]) -> Iterator[Diagnostic]:
    own_types = merged.sections["agent_types"]
    yield from _socket_mistakes(merged.settings.get("tmux"))
    for name, block in own_types.items():
        yield from type_mistakes(name, block, builtin_types)
    yield from branch_mistakes(merged.sections["workspaces"].values())
    yield from accept_mistakes(merged.sections["accept"].values())
    yield from link_mistakes(declared, {*builtin_types, *own_types})


def _project(merged: MergedManifests, context: ManifestContext) -> str:
    block = merged.settings.get("project")
    return block.content if block else context.default_project


def _expanded(merged: MergedManifests, context: ManifestContext) -> tuple[dict[Address, Workspace], Declared]:
    base = expand.defaults(merged.settings.get("defaults"), context)
    workspaces: dict[Address, Workspace] = {}
    declared: list[tuple[Agent, Block]] = []
    for name, block in merged.sections["workspaces"].items():
        home = expand.workspace(name, block, context)
        workspaces[home.address] = home
        declared += expand.agents(home, block, base, context)
    return workspaces, declared


def _socket_mistakes(block: Block | None) -> Iterator[Diagnostic]:
    if block and {"socket", "socket_path"} <= set(block.content):
        yield mistake("`tmux` names two sockets", block.place(), fix="keep `socket` or `socket_path`")


def _brokers(merged: MergedManifests, context: ManifestContext) -> dict[Address, Broker]:
    declared = merged.sections["broker"]
    if not declared:
        return {}
    from .broker import broker  # noqa: PLC0415 - a project without a broker starts faster

    return {each.address: each for each in (broker(name, block, context) for name, block in declared.items())}


def _digest(sources: Sequence[Source]) -> str:
    return hashlib.sha256(b"".join(source.data for source in sources)).hexdigest()


def _reading_order(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    place = diagnostic.place or Place("")
    return place.file, place.line, place.column, diagnostic.summary
