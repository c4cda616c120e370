"""Type a prompt into a live agent, and report what is known about its arrival, with the evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from reconciler.agents.box import is_empty, sign
from reconciler.agents.profile import Profile
from reconciler.agents.screen import classify_screen, questions, works
from reconciler.model.activity import Activity
from reconciler.model.delivery import Delivery, DeliveryVerdict, Evidence
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.observed import Present
from reconciler.model.snapshot import TmuxTarget
from reconciler.ports.world import TypingResult, World

from .agent_state import (
    AgentState,
    Recipient,
    describe_dialog,
    is_in_input_box,
    observe_agent,
    observe_until,
    refusal,
    why_absent,
)
from .prompt import LARGEST, LONGEST_PASTE, cleaned, file_for, pointer, size
from .proof import StorageBaseline, is_stored, proof, stored_before

Wanted: TypeAlias = Callable[[], bool]


def _always() -> bool:
    return True


_YOUNG = 30.0  # seconds since the start; the CLIs were ready after 0.3 to 15
_PAUSE = 0.1
_ATTEMPTS = 4  # the first, and three more while the text is still in the input box
_ENTER = ("Enter",)


class DeliveryTimeouts(Struct, frozen=True):
    """How long to wait at most, in seconds."""

    idle: float = 0.0
    """For a busy agent, before the text is typed and before it is submitted."""
    steady: float = 1.5
    """For a question, after a start: one CLI asked something a second after it had looked ready."""
    shown: float = 5.0
    """For the text to show in the input box."""
    swallowed: float = 2.0
    """For the keys to have an effect; after that, they count as lost."""
    proof: float = 10.0
    """For evidence, once the text has left the box."""


class Consent(Struct, frozen=True):
    """What is asked before something is typed or pressed."""

    is_wanted: Wanted = _always
    """Whether the prompt is still wanted: asked at each look while this waits, and right before each act."""
    begin: Wanted = _always
    """Asked once, last of all before the text is typed. It may note on disk that the text may have been typed."""


class _Pasted(Struct, frozen=True):
    """A text that was typed: its agent, and what was stored of the conversation before."""

    text: str
    to: Recipient
    before: StorageBaseline
    consent: Consent


class Withdrawn(ReconcilerError):
    """The prompt is no longer wanted, and nothing was typed."""


_FREE = Consent()


def deliver(text: str, to: Recipient, world: World, timeouts: DeliveryTimeouts, consent: Consent = _FREE) -> Delivery:
    """Type the prompt into an idle agent, submit it, and return the evidence that the agent took it.

    Control characters are removed. A prompt that is longer than LONGEST_PASTE, or that would look like a dialog of the
    CLI, goes into a file in `to.folder` (0600), and one line that points to the file is typed instead.

    Nothing is typed and no key is pressed while the pane shows a dialog: tmux itself checks right before it writes.
    tmux submits the text only if it sees the text and no sign of work. If the CLI has keys that submit a prompt but
    do not answer a dialog, they are tried first. With Enter, one risk remains: a question may open while the key is on
    its way from tmux to the CLI (ADR 17).

    Raises:
        Withdrawn: There is no consent; nothing was typed.
        UsageError: The prompt is empty without its control characters.
        ReconcilerError: tmux cannot be queried, or the file cannot be written; nothing was typed.
    """
    began = world.clock.monotonic()
    prompt = cleaned(text)
    if not prompt.strip():
        raise UsageError("the prompt is empty", fix="write some text: control characters do not count")
    delivery = _deliver(prompt, to, world, timeouts, consent)
    return replace(delivery, seconds=round(world.clock.monotonic() - began, 3))


def _deliver(prompt: str, to: Recipient, world: World, timeouts: DeliveryTimeouts, consent: Consent) -> Delivery:
    if size(prompt) > LARGEST:
        return Delivery(DeliveryVerdict.TOO_LONG, detail=f"it has {size(prompt)} bytes; the limit is {LARGEST}")
    state = _wait_until_idle(to, world, timeouts, consent.is_wanted)
    if refused := refusal(state, to.profile):
        return refused
    line = _line(prompt, to, world)
    pasted = _Pasted(line, to, stored_before(line, state, to, world), consent)
    _expect_wanted(consent.is_wanted)
    _expect_wanted(consent.begin)
    try:
        match world.tmux.paste(_target(state, to), pasted.text, questions(to.profile.display.rules())):
            case TypingResult.GONE:
                return Delivery(DeliveryVerdict.REFUSED_DEAD, detail="it ended right before typing")
            case TypingResult.HELD:
                return Delivery(DeliveryVerdict.REFUSED_DIALOG, detail="a question came up right before typing")
            case TypingResult.DONE:
                return _submit(pasted, world, timeouts)
    except ReconcilerError as error:
        return Delivery(DeliveryVerdict.UNVERIFIED, detail=f"{error.summary}: {error.detail}")


def _target(state: AgentState, to: Recipient) -> TmuxTarget:
    """The pane as of the last look: it may have moved to another session since."""
    return (state.pane or to.pane).target


def _line(prompt: str, to: Recipient, world: World) -> str:
    """The text to type: the prompt itself, or a line that points to its file."""
    if size(prompt) <= LONGEST_PASTE and not _looks_like_screen(prompt, to.profile):
        return prompt
    path = file_for(prompt, to.folder)
    world.files.make_folder(to.folder, 0o700)
    world.files.write(path, prompt.encode(), 0o600)
    return pointer(path, prompt)


def _looks_like_screen(prompt: str, profile: Profile) -> bool:
    """Whether the typed prompt would look like something else: a dialog, a sign of work, or an empty input box."""
    display, lines = profile.display, prompt.splitlines()
    seems = classify_screen(display.rules(), lines).activity
    blank = display.box is not None and is_empty(display.box, [f"{display.box.mark} {lines[0]}"])
    signs = (*questions(display.rules()), *works(display.rules()))
    shown = any(_all_in(each, lines) for each in signs)
    return bool(blank) or shown or seems not in {Activity.UNKNOWN, Activity.IDLE}


def _all_in(signs: Iterable[str], lines: Sequence[str]) -> bool:
    shown = "\n".join(lines).casefold()
    return all(sign.casefold() in shown for sign in signs)


def _wait_until_idle(to: Recipient, world: World, timeouts: DeliveryTimeouts, is_wanted: Wanted) -> AgentState:
    """Wait until the agent is idle, or until waiting does not help, and return the last look at it."""

    def is_settled(state: AgentState) -> bool:
        return not is_wanted() or not _is_busy(refusal(state, to.profile))

    def is_in_the_way(state: AgentState) -> bool:
        refused = refusal(state, to.profile)
        return refused is not None and not _is_busy(refused)

    state = observe_until(is_settled, to, world, timeouts.idle)
    if timeouts.steady and _is_young(to, world) and not refusal(state, to.profile):
        observe_until(is_in_the_way, to, world, timeouts.steady)
        state = observe_until(is_settled, to, world, max(timeouts.idle, timeouts.steady))
    _expect_wanted(is_wanted)
    return state


def _is_busy(refused: Delivery | None) -> bool:
    return refused is not None and refused.verdict is DeliveryVerdict.REFUSED_BUSY


def _is_young(to: Recipient, world: World) -> bool:
    """Whether the agent has just started: a CLI may still ask the questions that it asks at a start."""
    now = world.clock.now().timestamp()
    started = (
        world.processes.since(pid) for pid in world.processes.family(to.pane.pid, wrapped=bool(to.profile.launch.wrap))
    )
    return any(isinstance(since, Present) and abs(now - since.value) < _YOUNG for since in started)


def _expect_wanted(is_wanted: Wanted) -> None:
    if not is_wanted():
        raise Withdrawn("the prompt is no longer wanted")


def _submit(pasted: _Pasted, world: World, timeouts: DeliveryTimeouts) -> Delivery:
    """Press keys until the text leaves the input box, and wait for evidence."""
    to = pasted.to
    world.clock.wait(to.profile.display.paste_pause)
    state = observe_until(lambda state: _is_decided(state, pasted), to, world, timeouts.shown)
    attempts = 0
    while attempts < _ATTEMPTS:
        # an older version of the CLI may not know its submit keys: they are tried once
        keys = _ENTER if attempts else to.profile.display.submit or _ENTER
        if why_not := _press_when_ready(state, pasted, keys, world, timeouts):
            return _not_submitted(why_not, attempts, pasted, world)
        attempts += 1
        state, evidence = _wait_for_evidence(pasted, world, timeouts.swallowed)
        if evidence:
            return Delivery(DeliveryVerdict.SUBMITTED, evidence, attempts=attempts)
        if not is_in_input_box(state, pasted.text, to.profile):
            return _wait_for_proof(attempts, pasted, world, timeouts)
    return _without_proof(state, attempts, pasted)


def _wait_for_proof(attempts: int, pasted: _Pasted, world: World, timeouts: DeliveryTimeouts) -> Delivery:
    """Wait for evidence, now that the text has left the input box."""
    state, evidence = _wait_for_evidence(pasted, world, timeouts.proof)
    return (
        Delivery(DeliveryVerdict.SUBMITTED, evidence, attempts=attempts)
        if evidence
        else _without_proof(state, attempts, pasted)
    )


def _is_decided(state: AgentState, pasted: _Pasted) -> bool:
    """Whether to stop waiting for the text: it shows, the CLI has no readable box, or a dialog or an end came first."""
    profile = pasted.to.profile
    in_the_way = state.is_asking or bool(why_absent(state, profile))
    return in_the_way or profile.display.box is None or is_in_input_box(state, pasted.text, profile)


def _press_when_ready(
    state: AgentState, pasted: _Pasted, keys: Sequence[str], world: World, timeouts: DeliveryTimeouts
) -> str:
    """Press the keys as soon as the agent is ready. Returns why they were not pressed; empty when they were.

    The agent may become busy only now, with a prompt that was typed right before this one.
    """
    deadline = world.clock.monotonic() + timeouts.idle
    while True:
        why_not = _why_not_submit(state, pasted)
        if not why_not:
            why_not = _press(state, pasted, keys, world)
            if not why_not:
                return ""
        world.clock.wait(_PAUSE)
        state = observe_agent(pasted.to, world)
        if world.clock.monotonic() >= deadline or not _is_ready_to_submit(state, pasted):
            return _why_not_submit(state, pasted) or why_not


def _is_ready_to_submit(state: AgentState, pasted: _Pasted) -> bool:
    """Whether the text is still in the box, still wanted, and no question is open."""
    return pasted.consent.is_wanted() and not state.is_asking and is_in_input_box(state, pasted.text, pasted.to.profile)


def _why_not_submit(state: AgentState, pasted: _Pasted) -> str:
    """Why the text must not be submitted; empty when it is in the input box of an idle agent."""
    profile = pasted.to.profile
    if gone := why_absent(state, profile):
        return gone
    if state.is_asking:
        return describe_dialog(state)
    if state.activity is Activity.BUSY:
        return "it became busy"
    if profile.display.box and not is_in_input_box(state, pasted.text, profile):
        return "the text does not show in its input box"
    return "" if pasted.consent.is_wanted() else "it is no longer wanted"


def _press(state: AgentState, pasted: _Pasted, keys: Sequence[str], world: World) -> str:
    """Press the keys only if tmux still sees the text, and no dialog or work. Returns why not; empty when pressed.

    A working agent gets no keys, because its next question may open at any moment. A sign of work that was on the
    screen before does not count: a conversation may be about such programs.
    """
    display = pasted.to.profile.display
    words = sign(display.box, state.lines, pasted.text) if display.box else ""
    working = (signs for signs in works(display.rules()) if not _all_in(signs, state.lines))
    unless = (*questions(display.rules()), *working)
    match world.tmux.press(_target(state, pasted.to), keys, unless, [[words]] if words else ()):
        case TypingResult.DONE:
            return ""
        case TypingResult.HELD:
            return "a question or work came up right before the text was submitted"
        case TypingResult.GONE:
            return "it ended right before the text was submitted"


def _not_submitted(why: str, attempts: int, pasted: _Pasted, world: World) -> Delivery:
    """The result when we submitted nothing: the user at the pane may have done it, so the transcript is checked."""
    if is_stored(pasted.text, pasted.before, world.files):
        return Delivery(DeliveryVerdict.SUBMITTED, Evidence.TRANSCRIPT, attempts=attempts)
    return Delivery(DeliveryVerdict.TYPED_NOT_SUBMITTED, detail=why, attempts=attempts)


def _wait_for_evidence(pasted: _Pasted, world: World, seconds: float) -> tuple[AgentState, Evidence]:
    """Wait for evidence that the agent took the text; stop early when the agent is gone."""

    def evidence(state: AgentState) -> Evidence:
        return proof(pasted.text, state, pasted.before, world.files) or _evidence_in_dialog(state, pasted)

    state = observe_until(
        lambda state: bool(evidence(state) or why_absent(state, pasted.to.profile)), pasted.to, world, seconds
    )
    return state, evidence(state)


def _evidence_in_dialog(state: AgentState, pasted: _Pasted) -> Evidence:
    """A permission dialog is evidence: an idle agent asks for a permission only after it has begun to work."""
    asks = state.activity is Activity.WAITING and not is_in_input_box(state, pasted.text, pasted.to.profile)
    return Evidence.CLI_STATE if asks else Evidence.NONE


def _without_proof(state: AgentState, attempts: int, pasted: _Pasted) -> Delivery:
    """The result when no evidence came."""
    if is_in_input_box(state, pasted.text, pasted.to.profile):
        detail = f"the text is still in its input box after {attempts} attempts to submit it"
        return Delivery(DeliveryVerdict.TYPED_NOT_SUBMITTED, detail=detail, attempts=attempts)
    gone = why_absent(state, pasted.to.profile)
    detail = gone or "it was submitted, but nothing proves that the agent took it"
    return Delivery(DeliveryVerdict.UNVERIFIED, detail=detail, attempts=attempts)
