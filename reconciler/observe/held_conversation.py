"""Which conversation the processes in a pane have in use, by the files that they hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.agents.profile import Profile
from reconciler.agents.subject import AgentEnvironment
from reconciler.model.observed import Present, Unknown
from reconciler.model.snapshot import Pane
from reconciler.ports.world import Files, Processes, World

from .stored import is_spoken


def held_conversation(pane: Pane, profile: Profile, subject: AgentEnvironment, world: World) -> str:
    """The conversation that is proved by a lock, or else by an open file; empty when none is, or several are.

    A CLI may keep the lock of a conversation for a while after it has turned to another one, and takes others for
    what no user live to. The one that was taken up last, and in which somebody spoke, is the one in use.
    """
    if not profile.binding.proves_by_files:
        return ""
    locked = _by_conversation(profile, world.processes.locked_files(pane.pid))
    if len(locked) > 1:
        return _taken_up_last(locked, profile, subject, world.files)
    # What is only open is looked at last: that takes long.
    held = locked or _by_conversation(profile, _opened(pane.pid, world.processes))
    return next(iter(held)) if len(held) == 1 else ""


def _by_conversation(profile: Profile, paths: Iterable[str]) -> Mapping[str, str]:
    return {conversation: path for path in paths if (conversation := profile.binding.held(path))}


def _opened(pid: int, processes: Processes) -> Iterator[str]:
    for member in processes.family(pid):
        opened = processes.open_files(member)
        yield from opened.value if isinstance(opened, Present) else ()


def _taken_up_last(locks: Mapping[str, str], profile: Profile, subject: AgentEnvironment, files: Files) -> str:
    """The one whose lock is the youngest; none where any of them cannot be looked at."""
    taken: dict[str, float] = {}
    for conversation, path in locks.items():
        facts, spoken = files.facts(path), is_spoken(conversation, profile, subject, files)
        if isinstance(facts, Unknown) or isinstance(spoken, Unknown):
            return ""
        if isinstance(facts, Present) and spoken == Present(True):
            taken[conversation] = facts.value[0]
    last = [conversation for conversation, time in taken.items() if time == max(taken.values())]
    return last[0] if len(last) == 1 else ""
