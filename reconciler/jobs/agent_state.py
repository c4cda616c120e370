"""What an agent is doing at one moment, and why nothing may be typed into it."""

from __future__ import annotations

import os.path
from collections.abc import Callable, Sequence

from msgspec import Struct

from reconciler.agents.box import holds, is_empty
from reconciler.agents.profile import Profile
from reconciler.agents.program_names import name_of, runs_what_is_typed
from reconciler.agents.screen import classify_screen
from reconciler.agents.shell_names import SHELLS
from reconciler.agents.subject import AgentEnvironment
from reconciler.model.activity import Activity, LiveAgent
from reconciler.model.delivery import Delivery, DeliveryVerdict
from reconciler.model.errors import Unreachable
from reconciler.model.observed import Present, Unknown
from reconciler.model.snapshot import Pane
from reconciler.observe.live import outlived_by, reported_state
from reconciler.ports.world import Processes, World

_SCREEN_LINES = 40
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.1  # seconds between two looks: soon after something was done, then longer
_NOTHING = LiveAgent()
_ASKING = {Activity.WAITING, Activity.DIALOG}


class Recipient(Struct, frozen=True):
    """The agent that a prompt is for."""

    pane: Pane
    """Its pane as of the last look."""
    profile: Profile
    subject: AgentEnvironment
    conversation: str
    """The session id in the registry; empty when the registry has none."""
    folder: str
    """Where a prompt goes that is too long to paste; the agent must be able to read this folder."""


class AgentState(Struct, frozen=True):
    """The result of one look at an agent."""

    pane: Pane | None
    """None when the pane is gone."""
    own: LiveAgent = _NOTHING
    """What the CLI itself reports."""
    shown: LiveAgent = _NOTHING
    """What its screen shows."""
    lines: tuple[str, ...] = ()
    """The last lines of its screen."""
    shell: str = ""
    """The shell, or wrapper, that would read the keys in place of the CLI; empty when the CLI reads them."""

    @property
    def activity(self) -> Activity:
        """What the agent is doing, as the CLI reports it; if it reports nothing, as its screen shows it."""
        return self.shown.activity if self.own.activity is Activity.UNKNOWN else self.own.activity

    @property
    def shows_nothing(self) -> bool:
        """Whether its screen is empty, as long as the CLI has drawn nothing."""
        return not any(map(str.strip, self.lines))

    @property
    def is_asking(self) -> bool:
        """Whether a dialog is open. A CLI may report that it is idle while its screen shows one, so both count."""
        return self.own.activity in _ASKING or self.shown.activity in _ASKING


def observe_agent(to: Recipient, world: World) -> AgentState:
    """Look at the agent once.

    Raises:
        Unreachable: tmux cannot be queried, or the agent runs in a server that does not answer.
    """
    pane = _pane(to, world)
    if pane is None or pane.dead:
        return AgentState(pane)
    lines = tuple(world.tmux.screen(pane.pane_id, _SCREEN_LINES).splitlines())
    own, shown = reported_state(pane, to.profile, to.subject, world), classify_screen(to.profile.display.rules(), lines)
    return AgentState(pane, own, shown, lines, _shell_instead(pane, to.profile, world.processes))


def observe_until(is_enough: Callable[[AgentState], bool], to: Recipient, world: World, seconds: float) -> AgentState:
    """Look until `is_enough` holds or the time is up, and return the last look. Raises what `observe_agent` raises."""
    deadline, pause = world.clock.monotonic() + seconds, _FIRST_PAUSE
    while not is_enough(state := observe_agent(to, world)) and world.clock.monotonic() < deadline:
        world.clock.wait(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
    return state


def _shell_instead(pane: Pane, profile: Profile, processes: Processes) -> str:
    """The shell or wrapper that reads the keys; empty when the CLI does, as a child that the shell waits for."""
    if profile.launch.wrap:
        return outlived_by(pane, profile, processes)
    shell, own = pane.command.lstrip("-"), name_of(profile.launch.command)
    if shell not in SHELLS or own in SHELLS:
        return ""
    return "" if any(_runs_cli(own, words) for words in processes.foreground(pane.pid)) else shell


def _runs_cli(own: str, words: Sequence[str]) -> bool:
    """Whether a command line runs the CLI: directly, or as a script after an interpreter and its options."""
    names = [os.path.basename(word) for word in words if not word.startswith("-")]
    return names[0].lstrip("-") not in SHELLS and own in names[:2] if names else False


def _pane(to: Recipient, world: World) -> Pane | None:
    """The same pane, also after a move to another session; None if another process runs there now."""
    match world.tmux.look():
        case Present(state):
            own = [p for p in state.panes if p.pane_id == to.pane.pane_id and _is_same(p, to.pane)]
            return next((p for p in own if p.session_id == to.pane.session_id), own[0] if own else None)
        case Unknown(reason, fix):
            raise Unreachable("tmux could not be asked", detail=reason, fix=fix)
        case _ if isinstance(world.processes.started(to.pane.pid), Present):
            summary = f"process {to.pane.pid} of the agent still runs, but its tmux server does not answer"
            raise Unreachable(summary, fix="see how to reach it: reconciler status")
        case _:
            return None


def _is_same(pane: Pane, meant: Pane) -> bool:
    """Whether it is the same pane. Tmux 3.8 reports no process for a dead pane, so a dead one matches without."""
    return pane.pid == meant.pid or (pane.dead and not pane.pid)


def refusal(state: AgentState, profile: Profile) -> Delivery | None:
    """Why nothing may be typed into the agent; None when all evidence from its CLI says that it is idle."""
    if runs_what_is_typed(profile.launch.command):
        return Delivery(
            DeliveryVerdict.REFUSED_SHELL, detail=f"{profile.name} would run each line of the prompt as a command"
        )
    if gone := why_absent(state, profile):
        return Delivery(DeliveryVerdict.REFUSED_DEAD, detail=gone)
    if state.is_asking:
        return Delivery(DeliveryVerdict.REFUSED_DIALOG, detail=describe_dialog(state))
    if why := _why_not_ready(state, profile):
        return Delivery(DeliveryVerdict.REFUSED_BUSY, detail=why)
    return None


def why_absent(state: AgentState, profile: Profile) -> str:
    """Why the CLI is not running in its pane; empty when it is running there."""
    if state.pane is None:
        return "its session is gone"
    if state.pane.dead:
        return "it has ended"
    own = name_of(profile.launch.command)
    return f"{state.shell} runs in its pane instead of {own}" if state.shell else ""


def describe_dialog(state: AgentState) -> str:
    """Name the open dialog, with the question on its screen if there is one."""
    name = f"its {state.shown.dialog} dialog" if state.shown.dialog else "a permission prompt"
    asked = next((line.strip(" │┃") for line in reversed(state.lines) if line.rstrip(" │┃").endswith("?")), "")
    return f"{name} is open: {asked}" if asked else f"{name} is open"


def is_in_input_box(state: AgentState, text: str, profile: Profile) -> bool:
    """Whether the text is in the agent's input box; False when the CLI has no box that can be read."""
    return profile.display.box is not None and holds(profile.display.box, state.lines, text)


def _why_not_ready(state: AgentState, profile: Profile) -> str:
    """Why the agent is not ready for a prompt; empty when it is."""
    if state.activity is Activity.BUSY:
        return "it is busy"
    empty = is_empty(profile.display.box, state.lines) if profile.display.box else None
    if empty is False:
        return "its input box already holds text"
    unsure = state.activity is Activity.UNKNOWN and (profile.display.tells_activity or profile.display.box)
    if unsure or (profile.display.box and empty is None):
        return "nothing shows that it is ready for a prompt"
    return ""
