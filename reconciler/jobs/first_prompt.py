"""Check whether agents took the prompts that they were started with; all agents are watched together."""

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

from .agent_state import AgentState, Recipient, is_in_input_box, observe_agent, why_absent
from .proof import is_stored, stored_since

_PAUSE = 0.2
_AT_WORK = {Activity.BUSY, Activity.WAITING}


class FirstPrompt(Struct, frozen=True):
    """A prompt on the command line that started an agent."""

    address: Address
    text: str
    to: Recipient
    since: int
    """A moment before the start, in Unix seconds."""


class PromptNotTaken(Struct, frozen=True):
    """A first prompt without a sign that the agent took it, and why."""

    prompt: FirstPrompt
    why: str


class FirstPromptTimeouts(Struct, frozen=True):
    """How long to wait for a sign at most, in seconds."""

    start: float = 60.0
    """While its screen is empty: the CLI still starts. With 24 busy processes on two cores, Kilo needed 24 seconds."""
    most: float = 20.0
    """Since its screen was empty last, in all; Kilo then needed 2 seconds."""
    idle: float = 12.0
    """While the CLI shows an empty prompt; OpenCode took its first prompt after showing one for 9 seconds."""


@dataclass(slots=True)
class _Pending:
    """A prompt that is not settled yet; when its agent last showed nothing, and when it was last not idle."""

    prompt: FirstPrompt
    begun: float
    last_empty: float = 0.0
    last_busy: float = 0.0

    def why(self, state: AgentState, now: float, timeouts: FirstPromptTimeouts) -> str:
        """Why the prompt will not be taken; empty while it still may be."""
        self.last_empty = now if state.shows_nothing else max(self.last_empty, self.begun)
        self.last_busy = max(self.last_busy, self.begun) if state.activity is Activity.IDLE else now
        if state.shows_nothing:
            is_over = now - self.begun >= timeouts.start
        else:
            is_over = now - self.last_empty >= timeouts.most or now - self.last_busy >= timeouts.idle
        return _why(self.prompt, state, is_over=is_over)


def can_tell(profile: Profile) -> bool:
    """Whether the CLI leaves any sign that it took a prompt."""
    return profile.storage.keeps_files or profile.database.keeps_rows or profile.display.tells_activity


def not_taken(prompts: Sequence[FirstPrompt], world: World, timeouts: FirstPromptTimeouts) -> list[PromptNotTaken]:
    """Wait for each prompt and return those without a sign. A prompt behind a dialog is returned at once.

    Raises:
        Unreachable: tmux cannot be queried.
    """
    begun = world.clock.monotonic()
    pending, found = [_Pending(each, begun) for each in prompts], []
    while pending:
        looks = [(each, observe_agent(each.prompt.to, world)) for each in pending]
        looks = [(each, state) for each, state in looks if not _is_taken(each.prompt, state, world)]
        judged = [(each, each.why(state, world.clock.monotonic(), timeouts)) for each, state in looks]
        found += [PromptNotTaken(each.prompt, why) for each, why in judged if why]
        pending = [each for each, why in judged if not why]
        if pending:
            world.clock.wait(_PAUSE)
    return found


def _is_taken(prompt: FirstPrompt, state: AgentState, world: World) -> bool:
    """Whether the agent took its prompt. It got no other prompt, so work or a permission dialog is a sign."""
    at_work = state.activity in _AT_WORK or state.shown.activity in _AT_WORK
    unreadable = prompt.text.startswith("/") or prompt.to.profile.transcript.opaque
    if at_work or (unreadable and _is_begun(prompt, state, world)):
        return True
    before = stored_since(prompt.text, prompt.since, state, prompt.to, world.files)
    return is_stored(prompt.text, before, world.files)


def _is_begun(prompt: FirstPrompt, state: AgentState, world: World) -> bool:
    """Whether the conversation has content: opaque transcripts and slash commands cannot be searched for the text."""
    to = prompt.to
    stored = artifact(state.own.conversation or to.conversation, to.profile, to.subject, world.files)
    return isinstance(stored, Present) and stored.value.resumable


def _why(prompt: FirstPrompt, state: AgentState, *, is_over: bool) -> str:
    """Why the prompt will not be taken; empty while it still may be."""
    if gone := why_absent(state, prompt.to.profile):
        return gone
    if state.is_asking:  # the screen is not quoted: it may hold secrets
        return f"its {state.shown.dialog or 'permission'} dialog is open"
    if not is_over:
        return ""
    if state.shows_nothing:
        return "its screen is still empty"
    if is_in_input_box(state, prompt.text, prompt.to.profile):
        return "it is still in its input box"
    return "it is not working, and its stored conversation does not have the prompt"
