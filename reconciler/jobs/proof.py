"""Evidence that an agent took a prompt: what its CLI stores, and what it says that it does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.agents.jsonl import objects
from reconciler.model.delivery import Evidence
from reconciler.model.observed import Present, Unknown
from reconciler.model.snapshot import Activity
from reconciler.ports.world import Files, World

from .glance import Glance, Recipient


@dataclass(frozen=True, slots=True)
class Before:
    """How many bytes were stored of a conversation, by path, and the glob patterns for its paths.

    `sizes` is None where that could not be told: what is stored later then proves nothing. `wrapped` finds a
    prompt in what the CLI stores around it.
    """

    patterns: tuple[str, ...]
    sizes: Mapping[str, int] | None
    wrapped: str = ""


def stored_before(seen: Glance, to: Recipient, world: World) -> Before:
    """What is stored now of the agent's conversation, so that only what comes later counts."""
    conversation = seen.own.conversation or to.conversation
    patterns = to.profile.artifacts(to.subject, conversation) if conversation else ()
    return Before(patterns, _sizes(patterns, world.files) if patterns else None, to.profile.wrapped)


def proof(text: str, seen: Glance, before: Before, files: Files) -> Evidence:
    """What proves that the agent took the text, when it was idle before Enter."""
    if is_stored(text, before, files):
        return Evidence.TRANSCRIPT
    return Evidence.CLI_STATE if seen.own.activity is Activity.BUSY else Evidence.NONE


def is_stored(text: str, before: Before, files: Files) -> bool:
    """Whether just this text came into the conversation; white space does not count, CLIs change it."""
    if before.sizes is None:
        return False
    wanted = "".join(text.split())
    added = [files.read(path, start=before.sizes.get(path, 0)) for path in _paths(before.patterns, files) or ()]
    said = (text for data in added if isinstance(data, Present) for text in _texts(list(objects(data.value))))
    return any(wanted == "".join(_unwrapped(each, before.wrapped).split()) for each in said)


def _unwrapped(text: str, wrapped: str) -> str:
    found = re.fullmatch(wrapped, text, re.DOTALL) if wrapped else None
    return found[1] if found else text


def _sizes(patterns: tuple[str, ...], files: Files) -> dict[str, int] | None:
    paths = _paths(patterns, files)
    facts = {path: files.facts(path) for path in paths or ()}
    known = {path: fact.value[1] for path, fact in facts.items() if isinstance(fact, Present)}
    return known if paths is not None and len(known) == len(facts) else None


def _paths(patterns: tuple[str, ...], files: Files) -> tuple[str, ...] | None:
    found = [files.find(pattern) for pattern in patterns]
    if any(isinstance(each, Unknown) for each in found):
        return None
    return tuple(path for each in found if isinstance(each, Present) for path in each.value)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _texts(list(value.values()))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
