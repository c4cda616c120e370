"""Find out which findings are about the same agent, and merge them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.adoption import FoundAgent
from reconciler.model.desired import DEFAULT_ROLE, RunState

from .live import SOURCE as TMUX
from .names import as_tmux_spells, session_name


class Candidate(Struct, frozen=True):
    """One agent that was found, merged from all its `sources`."""

    found: FoundAgent
    sources: tuple[str, ...]


def candidates(found: Iterable[FoundAgent]) -> tuple[Candidate, ...]:
    """One candidate for each agent. Agents that keep their names come first.

    Two findings with the same tmux session or the same conversation are one agent. If they contradict each other, the
    earlier one counts.
    """
    groups: list[list[FoundAgent]] = []
    for each in found:
        group = next((group for group in groups if any(_is_same(each, other) for other in group)), None)
        if group is None:
            groups.append([each])
        else:
            group.append(each)
    merged = [Candidate(_merged(group), _sources(group)) for group in groups]
    return tuple(sorted(merged, key=lambda candidate: _rank(candidate.found)))


def _sources(group: Sequence[FoundAgent]) -> tuple[str, ...]:
    """The sources that know the agent. A live agent is always known to tmux, too."""
    live = (TMUX,) if any(each.live for each in group) else ()
    return tuple(dict.fromkeys((*(each.source for each in group), *live)))


def _is_same(one: FoundAgent, other: FoundAgent) -> bool:
    if one.row and other.row:
        return False
    if one.session and as_tmux_spells(one.session) == as_tmux_spells(other.session):
        return True
    return one.conversation != "" and one.conversation == other.conversation and one.type == other.type


def _rank(found: FoundAgent) -> tuple[bool, bool]:
    """The order: first rows that already have the name a manifest gives them, and of those the default role."""
    named_alike = found.row != "" and found.row == session_name(found.workspace, found.role, found.agent)
    return not named_alike, found.role != DEFAULT_ROLE


def _merged(group: Sequence[FoundAgent]) -> FoundAgent:
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
            yield f"{each.source} has conversation {each.conversation}; the one from {talks.source} is used"
