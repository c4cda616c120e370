"""Whether agents took the prompts that they were started with, all of them looked at together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import Struct

from reconciler.agents.profile import Profile
from reconciler.model.activity import Activity
from reconciler.model.address import Address
from reconciler.model.observed import Present
from reconciler.observe.stored import artifact
from reconciler.ports.world import World

from .agent_state import AgentState, Recipient, absence, observe_agent, stands
from .proof import is_stored, stored_since

_PAUSE = 0.2
_AT_WORK = {Activity.BUSY, Activity.WAITING}


class FirstPrompt(Struct, frozen=True):
    """A prompt that stood on the command line of an agent; `since` is before its start, in Unix seconds."""

    address: Address
    text: str
    to: Recipient
    since: int


class Untaken(Struct, frozen=True):
    """Why nothing shows that a first prompt was taken."""

    prompt: FirstPrompt
    why: str


class FirstPromptTimeouts(Struct, frozen=True):
    """Seconds to wait at most for a sign: in all, and while the CLI shows an empty prompt all the time.

    The slowest CLI was ready after 15 seconds, and OpenCode took its very first prompt after 9 at its prompt.
    """

    most: float = 20.0
    idle: float = 12.0


@dataclass(slots=True)
class _Watch:
    """One prompt that is waited for; `busied` is when its agent was last seen otherwise than idle."""

    prompt: FirstPrompt
    begun: float
    busied: float = 0.0

    def why(self, seen: AgentState, now: float, patience: FirstPromptTimeouts) -> str:
        """What keeps the prompt from being taken; empty while it may still be."""
        self.busied = max(self.busied, self.begun) if seen.activity is Activity.IDLE else now
        is_over = now - self.begun >= patience.most or now - self.busied >= patience.idle
        return _why(self.prompt, seen, is_over=is_over)


def can_tell(profile: Profile) -> bool:
    """Whether a CLI leaves anything by which it is known that it took a prompt."""
    return profile.storage.keeps_files or profile.database.keeps_rows or profile.display.tells_activity


def untaken(prompts: Sequence[FirstPrompt], world: World, patience: FirstPromptTimeouts) -> list[Untaken]:
    """Those that nothing shows to have been taken; what waits at a dialog is told at once.

    Raises:
        Unreachable: tmux could not be asked.
    """
    begun = world.clock.monotonic()
    pending, told = [_Watch(each, begun) for each in prompts], []
    while pending:
        looks = [(each, observe_agent(each.prompt.to, world)) for each in pending]
        looks = [(each, seen) for each, seen in looks if not _is_taken(each.prompt, seen, world)]
        judged = [(each, each.why(seen, world.clock.monotonic(), patience)) for each, seen in looks]
        told += [Untaken(each.prompt, why) for each, why in judged if why]
        pending = [each for each, why in judged if not why]
        if pending:
            world.clock.wait(_PAUSE)
    return told


def _is_taken(prompt: FirstPrompt, seen: AgentState, world: World) -> bool:
    """At work, or asking for a permission, is an agent that nobody has told anything else."""
    at_work = seen.activity in _AT_WORK or seen.shown.activity in _AT_WORK
    unreadable = prompt.text.startswith("/") or prompt.to.profile.transcript.opaque
    if at_work or (unreadable and _is_begun(prompt, seen, world)):
        return True
    before = stored_since(prompt.text, prompt.since, seen, prompt.to, world.files)
    return is_stored(prompt.text, before, world.files)


def _is_begun(prompt: FirstPrompt, seen: AgentState, world: World) -> bool:
    """Whether anything was said in the conversation; what some CLIs store, and commands, cannot be found by words."""
    to = prompt.to
    stored = artifact(seen.own.conversation or to.conversation, to.profile, to.subject, world.files)
    return isinstance(stored, Present) and stored.value.resumable


def _why(prompt: FirstPrompt, seen: AgentState, *, is_over: bool) -> str:
    """What keeps the prompt from being taken; empty while it may still be."""
    if gone := absence(seen, prompt.to.profile):
        return gone
    if seen.is_asking:  # without a word of its screen: those may hold anything
        return f"its {seen.shown.dialog or 'permission'} dialog is open"
    if not is_over:
        return ""
    if stands(seen, prompt.text, prompt.to.profile):
        return "it stands in its input box"
    return "it is neither at work, nor is the prompt in its stored conversation"
