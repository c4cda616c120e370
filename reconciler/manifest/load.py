"""Load all manifests: from their bytes to one `Desired`."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from msgspec import Struct

from reconciler.model.address import Address
from reconciler.model.desired import Agent, Desired, Workspace
from reconciler.model.diagnostic import Diagnostic, Place
from reconciler.model.errors import InvalidManifest
from reconciler.model.record import Json

from . import expand
from .document import Document, ManifestContext, Source, mistake
from .links import (
    NOTHING_JUDGED,
    Declared,
    Judged,
    branch_mistakes,
    link_mistakes,
    unknown_dependencies,
    with_instances_needed,
)
from .merge import Block, MergedManifests, merge
from .templates import type_mistakes
from .values import accept_mistakes, accepts, budget_mistakes, job_mistakes, job_settings, project_budget
from .variables import fill

if TYPE_CHECKING:
    from reconciler.model.broker import Broker


class _Around(NamedTuple):
    """What agents may refer to: the known agent types, and the active profiles."""

    types: Collection[str]
    profiles: Collection[str]


# The keys that stand for more than they say.
_IN_SHORT = frozenset({"extends", "for_each", "count", "merge", "templates"})


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
    documents_as_written, found = _written_out(documents, builtin_types)
    mistakes += found
    desired, found = _desired(documents_as_written, context, builtin_types, _digest(ordered))
    mistakes += found
    if mistakes:
        raise InvalidManifest(tuple(sorted(dict.fromkeys(mistakes), key=_reading_order)))
    return Loaded(desired, tuple(documents))


class Include(Struct, frozen=True):
    """A file or pattern that a manifest includes, as it is written, and where."""

    text: str
    place: Place


def includes(source: Source, known: Mapping[str, Json] = {}) -> tuple[Include, ...]:
    """What `source` includes; nothing if it cannot be read, which `load` reports. `known` is as for `load`."""
    if b"include" not in source.data:
        return ()
    document, _ = _document(source, known)
    given = document.content.get("include", []) if document else []
    return tuple(Include(text, document.place(f"include.{n}")) for n, text in enumerate(given) if document)


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


def _written_out(
    documents: Sequence[Document], builtin_types: Collection[str]
) -> tuple[Sequence[Document], list[Diagnostic]]:
    """The documents with every block that stands for several, or that builds on another one, written out."""
    if not any(_says_in_short(each.content) for each in documents):
        return documents, []
    from .composition import composed  # noqa: PLC0415 - most manifests write everything out

    return composed(documents, builtin_types)


def _says_in_short(content: Mapping[str, Any]) -> bool:
    """Whether the content has `merge` or `templates`, or a block with `extends`, `for_each` or `count`."""
    if not _IN_SHORT.isdisjoint(content):
        return True
    homes = content.get("workspaces", {}).values()
    blocks = (block for home in homes for block in (home, *home.get("agents", {}).values()) if block)
    types = content.get("agent_types", {}).values()
    return any(not _IN_SHORT.isdisjoint(block) for block in (*types, *blocks))


def _desired(
    documents: Sequence[Document], context: ManifestContext, builtin_types: Collection[str], digest: str
) -> tuple[Desired, list[Diagnostic]]:
    sources = [fill(document, context.env) for document in documents]
    merged, disagreements = merge(sources)
    workspaces, declared = _expanded(merged, context)
    mistakes = [*unknown_dependencies(declared)]
    declared = with_instances_needed(declared)
    own_types = merged.sections["agent_types"]
    brokers, unfit = _brokers(merged, context)
    judged = _judged(merged, workspaces, declared, _Around({*builtin_types, *own_types}, context.profiles))
    desired = Desired(
        project=_project(merged, context),
        socket=expand.socket(merged.settings.get("tmux"), context),
        workspaces=workspaces,
        agents={agent.address: agent for agent, _ in declared},
        agent_types={name: expand.agent_type(name, block, context) for name, block in own_types.items()},
        digest=digest,
        files=tuple(document.file for document in documents),
        brokers=brokers,
        accepts=accepts(merged.sections["accept"].values()),
        budget=project_budget(merged.settings.get("budget")),
        jobs=job_settings(merged.settings.get("jobs"), context),
        diagnostics=judged.doubts,
        inactive=judged.inactive,
    )
    unset = [found for source in sources for found in source.mistakes]
    mistakes += [*judged.mistakes, *unfit, *_mistakes(merged, declared, builtin_types)]
    mistakes += budget_mistakes(desired.budget, workspaces.values(), desired.agents.values())
    mistakes += job_mistakes(desired.jobs, desired.agents.values())
    return desired, [*unset, *disagreements, *mistakes]


def _judged(
    merged: MergedManifests, workspaces: Mapping[Address, Workspace], declared: Declared, around: _Around
) -> Judged:
    """What is judged by rules that most manifests need not ask: doubts, unknown types, profiles."""
    spaces = list(workspaces.values())
    arguments = (argument for _, block in declared for argument in (block.content or {}).get("args", ()))
    clear = len({each.path for each in spaces}) == len(spaces) and not any(set(each) & {" ", "$"} for each in arguments)
    profiles = any(each.profiles for each in spaces) or any(agent.profiles for agent, _ in declared)
    if clear and not profiles and all(agent.type in around.types for agent, _ in declared):
        return NOTHING_JUDGED
    from .judgement import judged  # noqa: PLC0415 - a manifest without doubts starts faster

    blocks = merged.sections["workspaces"]
    return judged([(each, blocks[each.address.workspace]) for each in spaces], declared, around.types, around.profiles)


def _mistakes(merged: MergedManifests, declared: Declared, builtin_types: Collection[str]) -> Iterator[Diagnostic]:
    own_types = merged.sections["agent_types"]
    yield from _socket_mistakes(merged.settings.get("tmux"))
    for name, block in own_types.items():
        yield from type_mistakes(name, block, builtin_types)
    yield from branch_mistakes(merged.sections["workspaces"].values())
    yield from accept_mistakes(merged.sections["accept"].values())
    yield from link_mistakes(declared)


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


def _brokers(merged: MergedManifests, context: ManifestContext) -> tuple[dict[Address, Broker], list[Diagnostic]]:
    """The declared brokers, and the mistakes in their users."""
    declared = merged.sections["broker"]
    if not declared:
        return {}, []
    from .broker import broker, runner_mistakes  # noqa: PLC0415 - a project without a broker starts faster

    brokers = (broker(name, block, context) for name, block in declared.items())
    mistakes = [found for block in declared.values() for found in runner_mistakes(block)]
    return {each.address: each for each in brokers}, mistakes


def _digest(sources: Sequence[Source]) -> str:
    return hashlib.sha256(b"".join(source.data for source in sources)).hexdigest()


def _reading_order(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    place = diagnostic.place or Place("")
    return place.file, place.line, place.column, diagnostic.summary
