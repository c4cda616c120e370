"""What the name of a session says of its agent: `<workspace>-<role>-<agent>`, where each may hold dashes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from msgspec import Struct, field

from reconciler.model.address import is_name

_MOST_WORDS = 40  # of a name: the ways to divide it grow with their square
SHAPE = "<workspace>-<role>-<agent>"


class SessionParts(Struct, frozen=True):
    """What a session is for; a part that is not known is empty."""

    workspace: str = ""
    role: str = ""
    agent: str = ""
    type: str = ""


class KnownNames(Struct, frozen=True):
    """The words that names of sessions are likely made of, and what is known of whole names."""

    workspaces: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    sessions: Mapping[str, SessionParts] = field(default_factory=dict)


class NotDivided(ValueError):
    """A name that does not say which agent its session is for; the message says why, for the user."""


def divided(session: str, given: SessionParts, known: KnownNames) -> SessionParts:
    """What `session` is for: as far as `given`, that; the rest is read from its name.

    A name that is known as a whole means what it is known for. Otherwise the division that has most of the known
    words is meant: a known type counts before a known role, that before a known workspace. Without any, none is.

    Raises:
        NotDivided: The name is not of this shape, or nothing in it is known.
    """
    whole = known.sessions.get(session)
    if whole and _fits(whole, given):
        return SessionParts(whole.workspace, given.role or whole.role, whole.agent, given.type or whole.type)
    words = session.split("-")
    if len(words) < 3 or len(words) > _MOST_WORDS or not is_name(session):
        raise NotDivided(f"its name is not {SHAPE}")
    ways = [way for way in _ways(words) if _fits(way, given)]
    if not ways:
        raise NotDivided(f"its name is not {SHAPE} with what the row says")
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
    """How much of it is known; between equals the shorter role and the shorter agent count for more."""
    kind = way.agent in known.types or way.agent == given.agent
    role = way.role in known.roles or way.role == given.role
    place = way.workspace in known.workspaces or way.workspace == given.workspace
    return (kind + role + place, kind, role, -len(way.role.split("-")), -len(way.agent.split("-")))
