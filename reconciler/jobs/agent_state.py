"""An agent at one moment, and what keeps anyone from typing into it."""

from __future__ import annotations

import os.path
from collections.abc import Sequence

from msgspec import Struct

from reconciler.agents.box import holds, is_empty
from reconciler.agents.profile import Profile
from reconciler.agents.screen import classify_screen
from reconciler.agents.shell import SHELLS, name_of, runs_what_is_typed
from reconciler.agents.subject import AgentEnvironment
from reconciler.model.activity import Activity, LiveAgent
from reconciler.model.delivery import Delivery, DeliveryVerdict
from reconciler.model.errors import Unreachable
from reconciler.model.observed import Present, Unknown
from reconciler.model.snapshot import Pane
from reconciler.observe.live import reported_state
from reconciler.ports.world import Processes, World

_SCREEN_LINES = 40
_NOTHING = LiveAgent()
_ASKING = {Activity.WAITING, Activity.DIALOG}


class Recipient(Struct, frozen=True):
    """The agent that a prompt is for: its `pane` as it was seen last, and what its CLI is looked at with.

    `conversation` is what the registry says of it, empty when it says nothing. `folder` is where a prompt
    may be put that is too long to be pasted; the agent must be able to read there.
    """

    pane: Pane
    profile: Profile
    subject: AgentEnvironment
    conversation: str
    folder: str


class AgentState(Struct, frozen=True):
    """What was seen: no pane when it is gone, what the CLI itself says, and what its screen shows.

    `instead` is the shell that reads the keys where the CLI should; empty when the CLI may.
    """

    pane: Pane | None
    own: LiveAgent = _NOTHING
    shown: LiveAgent = _NOTHING
    lines: tuple[str, ...] = ()
    instead: str = ""

    @property
    def activity(self) -> Activity:
        """What it does: by the CLI's own word, else by its screen."""
        return self.shown.activity if self.own.activity is Activity.UNKNOWN else self.own.activity

    @property
    def is_asking(self) -> bool:
        """True when one of the two shows a dialog: a CLI may say that it is idle behind one."""
        return self.own.activity in _ASKING or self.shown.activity in _ASKING


def observe_agent(to: Recipient, world: World) -> AgentState:
    """One look at the agent.

    Raises:
        Unreachable: tmux could not be asked, or its server is out of sight.
    """
    pane = _pane(to, world)
    if pane is None or pane.dead:
        return AgentState(pane)
    lines = tuple(world.tmux.screen(pane.pane_id, _SCREEN_LINES).splitlines())
    own, shown = reported_state(pane, to.profile, to.subject, world), classify_screen(to.profile.display.rules(), lines)
    return AgentState(pane, own, shown, lines, _shell_instead(pane, to.profile, world.processes))


def _shell_instead(pane: Pane, profile: Profile, processes: Processes) -> str:
    """The shell in the pane, unless it only waits for the CLI that it has started, and that reads the keys."""
    shell, own = pane.command.lstrip("-"), name_of(profile.launch.command)
    if shell not in SHELLS or own in SHELLS:
        return ""
    return "" if any(_is_called(own, words) for words in processes.foreground(pane.pid)) else shell


def _is_called(own: str, words: Sequence[str]) -> bool:
    """Whether it runs as the CLI: by its own name, or as a script of that name, whose interpreter has options."""
    names = [os.path.basename(word) for word in words if not word.startswith("-")]
    return names[0].lstrip("-") not in SHELLS and own in names[:2] if names else False


def _pane(to: Recipient, world: World) -> Pane | None:
    """The very pane, wherever it is by now: another server, or another process, is not the one that was meant."""
    match world.tmux.look():
        case Present(state):
            own = [p for p in state.panes if p.pane_id == to.pane.pane_id and _is_same(p, to.pane)]
            return next((p for p in own if p.session_id == to.pane.session_id), own[0] if own else None)
        case Unknown(reason, fix):
            raise Unreachable("tmux could not be asked", detail=reason, fix=fix)
        case _ if isinstance(world.processes.started(to.pane.pid), Present):
            summary = f"process {to.pane.pid} of the agent still runs, and its tmux server does not answer"
            raise Unreachable(summary, fix="reconciler status says how to reach it")
        case _:
            return None


def _is_same(pane: Pane, meant: Pane) -> bool:
    """Tmux 3.8 forgets the process of a dead pane."""
    return pane.pid == meant.pid or (pane.dead and not pane.pid)


def refusal(seen: AgentState, profile: Profile) -> Delivery | None:
    """Why nothing may be typed into it; None when all evidence that its CLI gives says idle."""
    if runs_what_is_typed(profile.launch.command):
        return Delivery(
            DeliveryVerdict.REFUSED_SHELL, detail=f"{profile.name} would run each line of the prompt as a command"
        )
    if gone := absence(seen, profile):
        return Delivery(DeliveryVerdict.REFUSED_DEAD, detail=gone)
    if seen.is_asking:
        return Delivery(DeliveryVerdict.REFUSED_DIALOG, detail=question(seen))
    if why := _occupation(seen, profile):
        return Delivery(DeliveryVerdict.REFUSED_BUSY, detail=why)
    return None


def absence(seen: AgentState, profile: Profile) -> str:
    """How the CLI is missing from its pane; empty when it is there."""
    if seen.pane is None:
        return "its session is gone"
    if seen.pane.dead:
        return "it has ended"
    own = name_of(profile.launch.command)
    return f"{seen.instead} runs in its pane, where {own} should" if seen.instead else ""


def question(seen: AgentState) -> str:
    """What it asks, in the words of its screen where that has a question."""
    name = f"its {seen.shown.dialog} dialog" if seen.shown.dialog else "a permission prompt"
    asked = next((line.strip(" │┃") for line in reversed(seen.lines) if line.rstrip(" │┃").endswith("?")), "")
    return f"{name} is open: {asked}" if asked else f"{name} is open"


def stands(seen: AgentState, text: str, profile: Profile) -> bool:
    """Whether the text is in the agent's input box, as far as that can be read."""
    return profile.display.box is not None and holds(profile.display.box, seen.lines, text)


def _occupation(seen: AgentState, profile: Profile) -> str:
    if seen.activity is Activity.BUSY:
        return "it is busy"
    empty = is_empty(profile.display.box, seen.lines) if profile.display.box else None
    if empty is False:
        return "its input box already holds text"
    unsure = seen.activity is Activity.UNKNOWN and (profile.display.tells_activity or profile.display.box)
    if unsure or (profile.display.box and empty is None):
        return "nothing shows that it is ready for a prompt"
    return ""
