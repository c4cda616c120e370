"""Read what the CLIs of a project's agents stored about tokens, and find the owner of each conversation."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from reconciler.agents.token_store import token_store
from reconciler.app.agents.look import ProjectView
from reconciler.app.project.project import Project
from reconciler.model.activity import LiveAgent
from reconciler.model.address import Address
from reconciler.model.tokens import TokenFile, Unread
from reconciler.model.usage import Owner
from reconciler.observe.agents import subject_of
from reconciler.observe.tokens import TokenPlace, read_tokens, still_there
from reconciler.ports.own_files import fence
from reconciler.state.token_index import recall, remember

_FOLDER = os.path.join("reconciler", "usage")  # below the user's cache folder


class OpenedProject(Struct, frozen=True):
    """A project, and one look at its agents."""

    at: Project
    seen: ProjectView


class StoredTokens(Struct, frozen=True):
    """The files with tokens, the owner of each conversation, and what is not known.

    `unknown_types` are the agent types whose way to store tokens is not known.
    """

    files: Mapping[str, TokenFile]
    owners: Mapping[str, Owner]
    # The profiles that were asked, with the provider of their models and their note about open conversations.
    providers: Mapping[str, str]
    open_notes: Mapping[str, str]
    unread: tuple[Unread, ...]
    unknown_types: tuple[str, ...]


def stored_tokens(projects: Sequence[OpenedProject]) -> StoredTokens:
    """Everything that the CLIs of these projects' agents stored about tokens."""
    places = [each for project in projects for each in token_places(project)]
    stores = {each.type: each.store for each in places}
    at = projects[0].at
    folder = _cache(at)
    known = recall(folder)
    seen = read_tokens(places, known, at.files)
    kept = still_there(known, seen)
    if kept != known:
        remember(folder, kept)
    return StoredTokens(
        files=seen.files,
        owners=owners(projects),
        providers={name: store.provider for name, store in stores.items()},
        open_notes={name: store.open_note for name, store in stores.items() if store.open_note},
        unread=seen.unread,
        unknown_types=tuple(sorted({name for project in projects for name in _unknown(project)})),
    )


def _cache(at: Project) -> str:
    """The folder of the index. A relative XDG_CACHE_HOME is ignored (XDG Base Directory Specification 0.8)."""
    given = at.env.get("XDG_CACHE_HOME", "")
    base = given if os.path.isabs(given) else os.path.join(at.home, ".cache")
    fence(base, [_FOLDER])
    return os.path.join(base, _FOLDER)


def token_places(project: OpenedProject) -> Iterator[TokenPlace]:
    """Where the CLIs of the project's agents store tokens."""
    for case in project.seen.cases.values():
        store = token_store(case.profile) if case.profile else None
        if case.profile and store:
            subject = subject_of(case, project.seen.snapshot, project.at.files, project.at.caller)
            yield TokenPlace(case.profile.name, store, subject)


def _unknown(project: OpenedProject) -> Iterator[str]:
    for case in project.seen.cases.values():
        if case.profile and not case.profile.counts_tokens and case.profile.keeps_conversations:
            yield case.profile.name


def owners(projects: Iterable[OpenedProject]) -> dict[str, Owner]:
    """The agent of each conversation."""
    return {id_: owner for project in projects for id_, owner in _owners(project)}


def _owners(project: OpenedProject) -> Iterator[tuple[str, Owner]]:
    """Each conversation with its agent: recorded ones, and those that running agents have now."""
    root, seen = project.at.root, project.seen
    for id_, address in seen.stored.record.conversations():
        yield id_, Owner(root, address)
    for address, live in seen.snapshot.agents.items():
        yield from _live(live, address, root)


def _live(live: LiveAgent, address: Address, root: str) -> Iterator[tuple[str, Owner]]:
    if live.conversation:
        yield live.conversation, Owner(root, address)
