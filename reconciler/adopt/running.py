"""The arguments that a running agent was started with, as its manifest block says them. Pure."""

from __future__ import annotations

import os.path
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from reconciler.agents.profile import Profile
from reconciler.model.adoption import FoundAgent

from .command_line import AgentStart, started_by
from .shell_text import ShellWord


def with_arguments(
    found: FoundAgent, processes: Iterable[Sequence[str]], profiles: Mapping[str, Profile]
) -> FoundAgent:
    """The agent with the arguments of the first of its `processes` that is its CLI; each is given by its words.

    Options that choose a conversation are no arguments, and what looks like a secret is none either.
    """
    profile = profiles.get(found.type) if found.type in profiles else None
    if profile is None or found.args or not profile.launch.command:
        return found
    starts = (_start(words, profile) for words in processes)
    start = next((each for each in starts if each), None)
    if start is None:
        return found
    return replace(found, args=start.args, notes=(*found.notes, *_left(start)))


def _start(words: Sequence[str], profile: Profile) -> AgentStart | None:
    """What the words start, behind the interpreter that a CLI may run in."""
    program = os.path.basename(profile.launch.command[0])
    first = next((index for index, word in enumerate(words[:4]) if os.path.basename(word) == program), None)
    if first is None:
        return None
    start = started_by([ShellWord(word) for word in words[first:]], {profile.name: profile})
    return start if isinstance(start, AgentStart) else None


def _left(start: AgentStart) -> Iterator[str]:
    yield from (f"{each.what} is left out: {each.why}" for each in start.left if each.what.startswith("the argument"))
