"""From the bytes of all manifests to what is desired."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct

from reconciler.model.address import Address
from reconciler.model.desired import Agent, Desired, Workspace
from reconciler.model.diagnostic import Diagnostic, Place
from reconciler.model.errors import InvalidManifest
from reconciler.model.record import Json

from . import expand
from .accept import accept_mistakes, accepts
from .document import Document, ManifestContext, Source, mistake
from .links import Declared, branch_mistakes, link_mistakes
from .merge import Block, Merged, merge
from .templates import type_mistakes
from .variables import fill

if TYPE_CHECKING:
    from reconciler.model.broker import Broker


class Loaded(Struct, frozen=True):
    """What the manifests declare, and the documents that say so, by file."""

    desired: Desired
    documents: tuple[Document, ...]


def load(
    sources: Sequence[Source],
    around: ManifestContext,
    builtin_types: Collection[str],
    known: Mapping[str, Json] = {},
) -> Loaded:
    """What `sources` declare together, in whatever order they are given.

    `known` maps digests to what `remembered` made of a document: its file is neither parsed nor
    checked for its shape again. Whoever keeps it must forget it when reconciler changes.

    Raises:
        InvalidManifest: with every mistake of every file, in the order of their places.
    """
    ordered = sorted(sources, key=lambda source: source.file)
    documents: list[Document] = []
    mistakes: list[Diagnostic] = []
    for source in ordered:
        document, found = _document(source, known)
        documents += [document] if document else []
        mistakes += found
    desired, found = _desired(documents, around, builtin_types, _digest(ordered))
    mistakes += found
    if mistakes:
        raise InvalidManifest(tuple(sorted(dict.fromkeys(mistakes), key=_reading_order)))
    return Loaded(desired, tuple(documents))


def remembered(document: Document) -> Json:
    """What a cache may keep of `document`, plain data; `load` takes it back under `document.digest`."""
    return {"content": cast("Json", document.content), "places": document.places}


def _document(source: Source, known: Mapping[str, Json]) -> tuple[Document | None, list[Diagnostic]]:
    """The document that `source` holds, without what is wrong in it, and what is wrong in it."""
    digest = hashlib.sha256(source.data).hexdigest()
    match known.get(digest):
        case {"content": dict(kept), "places": dict(places)} if places:  # an older version remembered empty files
            return Document(source.file, digest, cast(Any, kept), cast(Any, places)), []
    from .check import checked_document  # noqa: PLC0415 - a remembered manifest is not checked again

    return checked_document(source, digest)


def _desired(
    documents: Sequence[Document], around: ManifestContext, builtin_types: Collection[str], digest: str
) -> tuple[Desired, list[Diagnostic]]:
    sources = [fill(document, around.env) for document in documents]
    merged, disagreements = merge(sources)
    workspaces, declared = _expanded(merged, around)
    own_types = merged.sections["agent_types"]
    desired = Desired(
        project=_project(merged, around),
        socket=expand.socket(merged.settings.get("tmux"), around),
        workspaces=workspaces,
        agents={agent.address: agent for agent, _ in declared},
        agent_types={name: expand.agent_type(name, block, around) for name, block in own_types.items()},
        digest=digest,
        files=tuple(document.file for document in documents),
        brokers=_brokers(merged, around),
        accepts=accepts(merged.sections["accept"].values()),
    )
    unset = [found for source in sources for found in source.mistakes]
    return desired, [*unset, *disagreements, *_mistakes(merged, declared, builtin_types)]


def _mistakes(merged: Merged, declared: Declared, builtin_types: Collection[str]) -> Iterator[Diagnostic]:
    own_types = merged.sections["agent_types"]
    yield from _socket_mistakes(merged.settings.get("tmux"))
    for name, block in own_types.items():
        yield from type_mistakes(name, block, builtin_types)
    yield from branch_mistakes(merged.sections["workspaces"].values())
    yield from accept_mistakes(merged.sections["accept"].values())
    yield from link_mistakes(declared, {*builtin_types, *own_types})


def _project(merged: Merged, around: ManifestContext) -> str:
    block = merged.settings.get("project")
    return block.content if block else around.default_project


def _expanded(merged: Merged, around: ManifestContext) -> tuple[dict[Address, Workspace], Declared]:
    base = expand.defaults(merged.settings.get("defaults"), around)
    workspaces: dict[Address, Workspace] = {}
    declared: list[tuple[Agent, Block]] = []
    for name, block in merged.sections["workspaces"].items():
        home = expand.workspace(name, block, around)
        workspaces[home.address] = home
        declared += expand.agents(home, block, base, around)
    return workspaces, declared


def _socket_mistakes(block: Block | None) -> Iterator[Diagnostic]:
    if block and {"socket", "socket_path"} <= set(block.content):
        yield mistake("`tmux` names two sockets", block.place(), fix="keep `socket` or `socket_path`")


def _brokers(merged: Merged, around: ManifestContext) -> dict[Address, Broker]:
    declared = merged.sections["broker"]
    if not declared:
        return {}
    from .broker import broker  # noqa: PLC0415 - a project without a broker starts faster without

    return {each.address: each for each in (broker(name, block, around) for name, block in declared.items())}


def _digest(sources: Sequence[Source]) -> str:
    return hashlib.sha256(b"".join(source.data for source in sources)).hexdigest()


def _reading_order(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    place = diagnostic.place or Place("")
    return place.file, place.line, place.column, diagnostic.summary
