"""Which conversation the processes in a pane use, by the files that they have locked or open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.agents.profile import Profile
from reconciler.agents.subject import AgentEnvironment
from reconciler.model.observed import Present, Unknown
from reconciler.model.snapshot import Pane
from reconciler.ports.world import Files, World

from .stored import is_of_a_user


def held_conversation(pane: Pane, profile: Profile, subject: AgentEnvironment, world: World) -> str:
    """The conversation that a lock proves, else an open file; empty when none or more than one is proved.

    A CLI may keep the lock of a conversation for a while after it has changed to another one, and it locks
    conversations that no user talks to. So of several locks, the newest counts whose conversation has a user's prompt.
    Codex 0.144.5 has no locks, and keeps the files of all its conversations open: then the one counts that was written
    last. Databases are also written without a prompt, so several open ones prove nothing.
    """
    if not profile.binding.proves_by_files:
        return ""
    wrapped = bool(profile.launch.wrap)
    locked = _by_conversation(profile, world.processes.locked_files(pane.pid, wrapped=wrapped))
    # Open files are read last, because that takes long.
    held = locked or _by_conversation(profile, _opened(world.processes.family(pane.pid, wrapped=wrapped), world))
    if len(held) < 2:
        return "".join(held)
    return _changed_last(held, profile, subject, world.files) if locked or not profile.transcript.opaque else ""


def _by_conversation(profile: Profile, paths: Iterable[str]) -> Mapping[str, str]:
    return {conversation: path for path in paths if (conversation := profile.binding.held(path))}


def _opened(family: Iterable[int], world: World) -> Iterator[str]:
    for member in family:
        opened = world.processes.open_files(member)
        yield from opened.value if isinstance(opened, Present) else ()


def _changed_last(held: Mapping[str, str], profile: Profile, subject: AgentEnvironment, files: Files) -> str:
    """The conversation whose held file is the newest; empty when one of them cannot be read."""
    times: dict[str, float] = {}
    for conversation, path in held.items():
        facts, of_a_user = files.facts(path), is_of_a_user(conversation, profile, subject, files)
        if isinstance(facts, Unknown) or isinstance(of_a_user, Unknown):
            return ""
        if isinstance(facts, Present) and of_a_user == Present(True):
            times[conversation] = facts.value[0]
    last = [conversation for conversation, time in times.items() if time == max(times.values())]
    return last[0] if len(last) == 1 else ""
