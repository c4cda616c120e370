"""Generations as documents: all, one, or the difference between two; and the history of an agent."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.app.agents.look import look
from reconciler.app.agents.names import resolve_names
from reconciler.app.project.project import Project
from reconciler.manifest.compare import compare_manifests
from reconciler.model.errors import UsageError
from reconciler.model.generation import AgentThen, Generation
from reconciler.render.documents import FORMAT_VERSION
from reconciler.render.documents.agent_history import AgentHistoryDoc, AgentHistoryEntry
from reconciler.render.documents.generation import GenerationDoc
from reconciler.render.documents.generation_diff import GenerationDiffDoc
from reconciler.render.documents.history import GenerationsDoc
from reconciler.render.generations import diff_document, generation_document, history_document
from reconciler.state import generations
from reconciler.state.history import HistoryEntry, read


def list_all(at: Project) -> GenerationsDoc:
    """Every generation, oldest first."""
    return history_document(reversed(list(generations.newest_first(at.generations))))


def read_one(at: Project, number: int) -> GenerationDoc:
    """One generation: who, when, its manifests, its result and its plan. Raises UsageError if it does not exist."""
    return generation_document(generations.read(at.generations, number))


def manifest(at: Project, number: int, path: str) -> bytes:
    """A manifest of a generation, byte for byte. Raises UsageError, which lists the manifests it has."""
    known = {each.path: each.digest for each in generations.read(at.generations, number).manifests}
    if path not in known:
        raise UsageError(f"generation {number} has no manifest {path}", fix=f"it has {', '.join(known)}")
    return generations.content(at.generations, known[path])


def compare(at: Project, before: int, after: int) -> GenerationDiffDoc:
    """The differences between two generations: what their manifests declare, the manifests' lines, and the agents."""
    pair = tuple(generations.read(at.generations, number) for number in (before, after))
    old, new = (_contents(at, each) for each in pair)
    then, now = (_agents(at, each) for each in pair)
    return diff_document((before, after), (old, new), compare_manifests(old, new), (then, now))


def _contents(at: Project, generation: Generation) -> dict[str, bytes]:
    return {each.path: generations.content(at.generations, each.digest) for each in generation.manifests}


def _agents(at: Project, generation: Generation) -> Mapping[str, AgentThen]:
    """The agents as the next generation found them; for the current one, as its apply left them."""
    left = generations.agents_left(at.generations, generation)
    if left is not None:
        return left
    return generation.result.agents if generation.result else generation.before


def agent_past(at: Project, name: str) -> AgentHistoryDoc:
    """The conversations and the history of the agent with this name. Raises UsageError if it does not exist."""
    seen = look(at, everyone=False)
    (address,) = resolve_names(seen, [name])
    identity = seen.cases[address].identity if address in seen.cases else None
    ids = (identity.session_id, *identity.previous) if identity else ()
    return {
        "format_version": FORMAT_VERSION,
        "address": str(address),
        "conversations": [each for each in ids if each],
        "entries": list(map(_entry, read(at.history, str(address)))),
    }


def _entry(entry: HistoryEntry) -> AgentHistoryEntry:
    return {
        "at": entry.at,
        "address": entry.address,
        "session": entry.session,
        "what": entry.what,
        "reason": entry.reason,
        "conversation": entry.conversation,
        "note": entry.note,
    }
