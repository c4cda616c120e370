"""Which findings are about one and the same agent, and what they say of it together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.address import agent_session
from reconciler.model.adoption import FoundAgent
from reconciler.model.desired import DEFAULT_ROLE, RunState

from .live import SOURCE as TMUX
from .names import as_tmux_spells


class Candidate(Struct, frozen=True):
    """One agent that was found, as all its `sources` together say it."""

    found: FoundAgent
    sources: tuple[str, ...]


def candidates(found: Iterable[FoundAgent]) -> tuple[Candidate, ...]:
    """One candidate an agent, those first whose names need no other: the earlier source speaks first.

    Two findings with one tmux session, or with one conversation, are one agent.
    """
    groups: list[list[FoundAgent]] = []
    for each in found:
        group = next((group for group in groups if any(_is_same(each, other) for other in group)), None)
        if group is None:
            groups.append([each])
        else:
            group.append(each)
    together = [Candidate(_together(group), _sources(group)) for group in groups]
    return tuple(sorted(together, key=lambda candidate: _rank(candidate.found)))


def _sources(group: Sequence[FoundAgent]) -> tuple[str, ...]:
    """Who knows of it; one that lives is known to tmux in any case."""
    live = (TMUX,) if any(each.live for each in group) else ()
    return tuple(dict.fromkeys((*(each.source for each in group), *live)))


def _is_same(one: FoundAgent, other: FoundAgent) -> bool:
    if one.row and other.row:
        return False
    if one.session and as_tmux_spells(one.session) == as_tmux_spells(other.session):
        return True
    return one.conversation != "" and one.conversation == other.conversation and one.type == other.type


def _rank(found: FoundAgent) -> tuple[bool, bool]:
    """Recorded under the name that a manifest would give it comes first, and of those the usual role."""
    named_alike = found.row != "" and found.row == agent_session(found.workspace, found.role, found.agent)
    return not named_alike, found.role != DEFAULT_ROLE


def _together(group: Sequence[FoundAgent]) -> FoundAgent:
    first = group[0]
    live = next((each for each in group if each.live), None)
    talks = next((each for each in group if each.conversation), first)
    return replace(
        first,
        session=live.session if live else next((each.session for each in group if each.session), ""),
        live=live is not None,
        state=RunState.RUNNING if live else first.state,
        path=next((each.path for each in group if each.path), ""),
        command=next((each.command for each in group if each.command), ()),
        args=next((each.args for each in group if each.args), ()),
        env=next((each.env for each in group if each.env), {}),
        prompt=next((each.prompt for each in group if each.prompt), ""),
        git=next((each.git for each in group if each.git), None),
        row=next((each.row for each in group if each.row), ""),
        conversation=talks.conversation,
        known_by=talks.known_by,
        notes=(*dict.fromkeys(note for each in group for note in each.notes), *_contradictions(group, talks)),
        comments=tuple(dict.fromkeys(comment for each in group for comment in each.comments)),
    )


def _contradictions(group: Sequence[FoundAgent], talks: FoundAgent) -> Iterator[str]:
    for each in group:
        if each.conversation and each.conversation != talks.conversation:
            yield f"{each.source} says conversation {each.conversation}; {talks.source} is believed"
