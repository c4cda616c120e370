"""Split a session name `<workspace>-<role>-<agent>`, where each part may contain dashes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from msgspec import Struct, field

from reconciler.model.address import is_name

_MOST_WORDS = 40  # in a name: the number of ways to split it grows with their square
SHAPE = "<workspace>-<role>-<agent>"


class SessionParts(Struct, frozen=True):
    """The parts of a session name; an unknown part is empty."""

    workspace: str = ""
    role: str = ""
    agent: str = ""
    type: str = ""


class KnownNames(Struct, frozen=True):
    """The known parts of session names, and the known whole names."""

    workspaces: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    sessions: Mapping[str, SessionParts] = field(default_factory=dict)


class NotDivided(ValueError):
    """The name does not say which agent the session belongs to; the message tells the user why."""


def divided(session: str, given: SessionParts, known: KnownNames) -> SessionParts:
    """Split the name of a session. Parts in `given` are fixed; the others come from the name.

    A known whole name decides. Otherwise, the split with the most known parts is chosen; among equals, a known type
    counts more than a known role, and that more than a known workspace.

    Raises:
        NotDivided: The name does not have this form, or no part of it is known.
    """
    whole = known.sessions.get(session)
    if whole and _fits(whole, given):
        return SessionParts(whole.workspace, given.role or whole.role, whole.agent, given.type or whole.type)
    words = session.split("-")
    if len(words) < 3 or len(words) > _MOST_WORDS or not is_name(session):
        raise NotDivided(f"its name is not {SHAPE}")
    ways = [way for way in _ways(words) if _fits(way, given)]
    if not ways:
        raise NotDivided(f"its name is not {SHAPE} with the values in the row")
    best = max(ways, key=lambda way: _likelihood(way, given, known))
    if not any(_likelihood(best, given, known)[:1]):
        raise NotDivided(f"its name is not {SHAPE} with a known role, agent type or workspace")
    return SessionParts(best.workspace, best.role, best.agent, given.type)


def _ways(words: list[str]) -> Iterator[SessionParts]:
    for one, two in combinations(range(1, len(words)), 2):
        parts = ["-".join(words[slice(*ends)]) for ends in ((0, one), (one, two), (two, None))]
        if all(map(is_name, parts)):
            yield SessionParts(*parts)


def _fits(way: SessionParts, given: SessionParts) -> bool:
    asked = (given.workspace, given.role, given.agent)
    return all(one in {"", two} for one, two in zip(asked, (way.workspace, way.role, way.agent), strict=True))


def _likelihood(way: SessionParts, given: SessionParts, known: KnownNames) -> tuple[int, ...]:
    """A sort key: how many parts are known; among equals, shorter roles and agents win."""
    kind = way.agent in known.types or way.agent == given.agent
    role = way.role in known.roles or way.role == given.role
    place = way.workspace in known.workspaces or way.workspace == given.workspace
    return (kind + role + place, kind, role, -len(way.role.split("-")), -len(way.agent.split("-")))
