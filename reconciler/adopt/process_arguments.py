"""Add to a finding the arguments or the command with which its running process was started. Pure."""

from __future__ import annotations

import os.path
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from reconciler.agents.profile import Profile
from reconciler.agents.shell_names import SHELLS
from reconciler.model.adoption import FoundAgent

from .command_line import AgentStart, started_by
from .secret_values import without_secrets
from .shell_text import ShellWord


def with_arguments(
    found: FoundAgent, processes: Iterable[Sequence[str]], profiles: Mapping[str, Profile]
) -> FoundAgent:
    """The agent with the arguments of the first of its `processes` (each a list of words) that is its CLI.

    Options that choose a conversation and values that look like secrets are left out.
    """
    profile = profiles.get(found.type) if found.type in profiles else None
    if profile is None or found.args or not profile.launch.command:
        return found
    starts = (_start(words, profile) for words in processes)
    start = next((each for each in starts if each), None)
    if start is None:
        return found
    return replace(found, args=start.args, comments=(*found.comments, *_left(start)))


def with_command(found: FoundAgent, processes: Iterable[Sequence[str]]) -> FoundAgent:
    """The agent, whose type is not known, with the command of the first of its processes that is not a shell.

    If a word of the command looks like a secret, only the program is kept.
    """
    running = [words for words in processes if words]
    words = next((each for each in running if os.path.basename(each[0]).lstrip("-") not in SHELLS), None)
    if words is None:
        return found
    line = " ".join(words)
    if without_secrets(line) == line:
        return replace(found, command=tuple(words))
    note = f"the options of {words[0]} are left out of its type, because one looks like a secret"
    return replace(found, command=(words[0],), comments=(*found.comments, note))


def _start(words: Sequence[str], profile: Profile) -> AgentStart | None:
    """The agent that the words start. An interpreter before the CLI is skipped."""
    program = os.path.basename(profile.launch.command[0])
    first = next((index for index, word in enumerate(words[:4]) if os.path.basename(word) == program), None)
    if first is None:
        return None
    start = started_by([ShellWord(word) for word in words[first:]], {profile.name: profile})
    return start if isinstance(start, AgentStart) else None


def _left(start: AgentStart) -> Iterator[str]:
    yield from (f"{each.what} is left out: {each.why}" for each in start.left if each.what.startswith("the argument"))
