"""The folders in which running agents write files, for a watcher of file changes."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from reconciler.kinds.agent.case import Case
from reconciler.kinds.agent.conversation import next_conversation
from reconciler.model.activity import LiveAgent
from reconciler.model.observed import Present
from reconciler.model.snapshot import Snapshot
from reconciler.ports.world import Files

from .agent_view import Caller
from .agents import subject_of

_WILD = frozenset("*?[")


class Traces(Struct, frozen=True):
    """The folders to watch."""

    notes: frozenset[str] = frozenset()
    """Every change in these folders may matter."""
    stores: frozenset[str] = frozenset()
    """In these folders only new and deleted files matter."""


def traces(asked: Iterable[Case], snapshot: Snapshot, files: Files, caller: Caller) -> Traces:
    """The folders in which the CLIs of running agents write; of a pattern, the part before its first wildcard."""
    notes: set[str] = set()
    stores: set[str] = set()
    for case in asked:
        if case.profile is None or not isinstance(case.pane, Present) or case.pane.value.dead:
            continue
        subject = subject_of(case, snapshot, files, caller)
        conversation = next_conversation(case, snapshot.agents.get(case.address, LiveAgent()))
        storage = case.profile.storage
        stored = storage.artifacts(subject, conversation) if conversation else storage.stores(subject)
        notes.update(map(_folder, case.profile.binding.notes(subject, case.pane.value.pid)))
        stores.update(map(_folder, stored))
    return Traces(frozenset(notes), frozenset(stores - notes))


def _folder(pattern: str) -> str:
    """The folder before the first wildcard; without a wildcard, the folder of the file."""
    parts = pattern.split("/")
    literal = next((i for i, part in enumerate(parts) if _WILD & set(part)), len(parts) - 1)
    return "/".join(parts[:literal])
