"""Hand a prompt to a live agent, and say truthfully what became of it."""

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
from reconciler.ports.world import Typed, World

from .agent_state import AgentState, Recipient, absence, observe_agent, question, refusal, stands
from .prompt import LARGEST, LONGEST_PASTE, cleaned, file_for, pointer, size
from .proof import StorageBaseline, is_stored, proof, stored_before

Wanted: TypeAlias = Callable[[], bool]

_YOUNG = 30.0  # seconds; the CLIs were ready after 0.3 to 15
_PAUSE = 0.1
_ATTEMPTS = 4  # the first, and three more while the text stands in the input box
_ENTER = ("Enter",)


class DeliveryTimeouts(Struct, frozen=True):
    """Seconds to wait at most.

    `idle` is for an agent that is busy, before the text is typed and once it stands there. `steady` is how long one
    that has just started is watched for a question: a CLI was seen to ask something a second after it had looked
    ready. `shown` is for the text to stand in the input box. `settle` is how long keys are kept from a fresh paste:
    half a second was enough for every CLI that swallows them.
    `swallowed` is how long they may stay without effect before they count as lost, `proof` is for
    evidence once the text has left the box.
    """

    idle: float = 0.0
    steady: float = 1.5
    shown: float = 5.0
    settle: float = 0.5
    swallowed: float = 2.0
    proof: float = 10.0


class _Pasted(Struct, frozen=True):
    """A text on its way, to whom, and what was stored of the conversation before."""

    text: str
    to: Recipient
    before: StorageBaseline
    is_wanted: Wanted


class Withdrawn(ReconcilerError):
    """The prompt is no longer wanted, and nothing was typed."""


def _always() -> bool:
    return True


def deliver(
    text: str, to: Recipient, world: World, patience: DeliveryTimeouts, is_wanted: Wanted = _always
) -> Delivery:
    """Type the prompt into an idle agent, submit it, and tell what proves that the agent took it.

    Control characters are left out; what is longer than LONGEST_PASTE, or would look like a dialog
    of the CLI's once it is typed, is put into `to.folder` (0600), and one line that points to it is typed.

    Nothing is typed, and no key pressed, while the pane shows a dialog: tmux itself looks right before it
    writes. The text is submitted only while tmux sees it, too, and no work; first by keys that no question takes for
    an answer, where the CLI has such. Without them a question out of the blue remains, in the moment in which Enter is
    on its way from tmux to the CLI (ADR 17).

    `is_wanted` is asked at each look while the agent is waited for, and right before anything is typed or pressed.

    Raises:
        Withdrawn: It is no longer wanted; nothing was typed.
        UsageError: Nothing is left of the prompt.
        ReconcilerError: tmux could not be asked, or the file not be written; nothing was typed.
    """
    began = world.clock.monotonic()
    prompt = cleaned(text)
    if not prompt.strip():
        raise UsageError("the prompt is empty", fix="give it some text: control characters do not count")
    delivery = _delivered(prompt, to, world, patience, is_wanted)
    return replace(delivery, seconds=round(world.clock.monotonic() - began, 3))


def _delivered(prompt: str, to: Recipient, world: World, patience: DeliveryTimeouts, is_wanted: Wanted) -> Delivery:
    if size(prompt) > LARGEST:
        return Delivery(DeliveryVerdict.TOO_LONG, detail=f"{size(prompt)} bytes; {LARGEST} is the most")
    seen = _once_free(to, world, patience, is_wanted)
    if refused := refusal(seen, to.profile):
        return refused
    line = _line(prompt, to, world)
    pasted = _Pasted(line, to, stored_before(line, seen, to, world), is_wanted)
    _expect_wanted(is_wanted)
    try:
        match world.tmux.paste(_target(seen, to), pasted.text, questions(to.profile.display.rules())):
            case Typed.GONE:
                return Delivery(DeliveryVerdict.REFUSED_DEAD, detail="it ended right before")
            case Typed.HELD:
                return Delivery(DeliveryVerdict.REFUSED_DIALOG, detail="a question came up right before")
            case Typed.DONE:
                return _submitted(pasted, world, patience)
    except ReconcilerError as error:
        return Delivery(DeliveryVerdict.UNVERIFIED, detail=f"{error.summary}: {error.detail}")


def _target(seen: AgentState, to: Recipient) -> TmuxTarget:
    """The pane as it was seen last: somebody may have moved it since the plan."""
    return (seen.pane or to.pane).target


def _line(prompt: str, to: Recipient, world: World) -> str:
    """What is typed: the prompt, or where it is."""
    if size(prompt) <= LONGEST_PASTE and not _misleads(prompt, to.profile):
        return prompt
    path = file_for(prompt, to.folder)
    world.files.make_folder(to.folder, 0o700)
    world.files.write(path, prompt.encode(), 0o600)
    return pointer(path, prompt)


def _misleads(prompt: str, profile: Profile) -> bool:
    """Whether, once typed, it would look like something else: a dialog, work, or an input box without text."""
    display, lines = profile.display, prompt.splitlines()
    seems = classify_screen(display.rules(), lines).activity
    blank = display.box is not None and is_empty(display.box, [f"{display.box.mark} {lines[0]}"])
    signs = (*questions(display.rules()), *works(display.rules()))
    shown = any(_all_in(each, lines) for each in signs)
    return bool(blank) or shown or seems not in {Activity.UNKNOWN, Activity.IDLE}


def _all_in(signs: Iterable[str], lines: Sequence[str]) -> bool:
    shown = "\n".join(lines).casefold()
    return all(sign.casefold() in shown for sign in signs)


def _once_free(to: Recipient, world: World, patience: DeliveryTimeouts, is_wanted: Wanted) -> AgentState:
    def is_settled(seen: AgentState) -> bool:
        return not is_wanted() or not _is_busy(refusal(seen, to.profile))

    def is_in_the_way(seen: AgentState) -> bool:
        refused = refusal(seen, to.profile)
        return refused is not None and not _is_busy(refused)

    seen = _look_until(is_settled, to, world, patience.idle)
    if patience.steady and _is_young(to, world) and not refusal(seen, to.profile):
        _look_until(is_in_the_way, to, world, patience.steady)
        seen = _look_until(is_settled, to, world, max(patience.idle, patience.steady))
    _expect_wanted(is_wanted)
    return seen


def _is_busy(refused: Delivery | None) -> bool:
    return refused is not None and refused.verdict is DeliveryVerdict.REFUSED_BUSY


def _is_young(to: Recipient, world: World) -> bool:
    """Whether one of its processes has just been started: questions of a start may still come."""
    now = world.clock.now().timestamp()
    started = (world.processes.since(pid) for pid in world.processes.family(to.pane.pid))
    return any(isinstance(since, Present) and abs(now - since.value) < _YOUNG for since in started)


def _expect_wanted(is_wanted: Wanted) -> None:
    if not is_wanted():
        raise Withdrawn("the prompt is no longer wanted")


def _submitted(pasted: _Pasted, world: World, patience: DeliveryTimeouts) -> Delivery:
    """Press keys until the text leaves the input box, and wait for evidence."""
    to = pasted.to
    world.clock.wait(patience.settle)
    seen = _look_until(lambda seen: _is_decided(seen, pasted), to, world, patience.shown)
    attempts = 0
    while attempts < _ATTEMPTS:
        keys = _ENTER if attempts else to.profile.display.submit or _ENTER  # an older version may not know its keys
        if kept_back := _press_once_free(seen, pasted, keys, world, patience):
            return _given_up(kept_back, attempts, pasted, world)
        attempts += 1
        seen, evidence = _watched(pasted, world, patience.swallowed)
        if evidence:
            return Delivery(DeliveryVerdict.SUBMITTED, evidence, attempts=attempts)
        if not stands(seen, pasted.text, to.profile):
            return _once_proved(attempts, pasted, world, patience)
    return _unproved(seen, attempts, pasted)


def _once_proved(attempts: int, pasted: _Pasted, world: World, patience: DeliveryTimeouts) -> Delivery:
    """The text has left the input box: only the evidence is still to come."""
    seen, evidence = _watched(pasted, world, patience.proof)
    return (
        Delivery(DeliveryVerdict.SUBMITTED, evidence, attempts=attempts)
        if evidence
        else _unproved(seen, attempts, pasted)
    )


def _is_decided(seen: AgentState, pasted: _Pasted) -> bool:
    """Whether waiting for the text to show is over: it does, it cannot be told, or something is in the way."""
    profile = pasted.to.profile
    in_the_way = seen.is_asking or bool(absence(seen, profile))
    return in_the_way or profile.display.box is None or stands(seen, pasted.text, profile)


def _press_once_free(
    seen: AgentState, pasted: _Pasted, keys: Sequence[str], world: World, patience: DeliveryTimeouts
) -> str:
    """Press the keys as soon as nothing holds them back; empty when they are pressed, else what held them to the end.

    The turn of a prompt right before this one may begin only now.
    """
    deadline = world.clock.monotonic() + patience.idle
    while True:
        kept_back = _hindrance(seen, pasted)
        if not kept_back:
            kept_back = _press(seen, pasted, keys, world)
            if not kept_back:
                return ""
        world.clock.wait(_PAUSE)
        seen = observe_agent(pasted.to, world)
        if world.clock.monotonic() >= deadline or not _is_in_line(seen, pasted):
            return _hindrance(seen, pasted) or kept_back


def _is_in_line(seen: AgentState, pasted: _Pasted) -> bool:
    """Whether the text still stands in the box, and no question with it."""
    return pasted.is_wanted() and not seen.is_asking and stands(seen, pasted.text, pasted.to.profile)


def _hindrance(seen: AgentState, pasted: _Pasted) -> str:
    """Why the text must not be submitted; empty when the text stands in the input box of an idle agent."""
    profile = pasted.to.profile
    if gone := absence(seen, profile):
        return gone
    if seen.is_asking:
        return question(seen)
    if seen.activity is Activity.BUSY:
        return "it became busy"
    if profile.display.box and not stands(seen, pasted.text, profile):
        return "the text does not show in its input box"
    return "" if pasted.is_wanted() else "it is no longer wanted"


def _press(seen: AgentState, pasted: _Pasted, keys: Sequence[str], world: World) -> str:
    """Press the keys unless something has come up by now, or has taken the place of the text; tells what kept them.

    An agent at work gets none either: its next question may be a moment away. What looks like work and is none,
    as in a conversation about such programs, does not count.
    """
    display = pasted.to.profile.display
    words = sign(display.box, seen.lines, pasted.text) if display.box else ""
    working = (signs for signs in works(display.rules()) if not _all_in(signs, seen.lines))
    unless = (*questions(display.rules()), *working)
    match world.tmux.press(_target(seen, pasted.to), keys, unless, [[words]] if words else ()):
        case Typed.DONE:
            return ""
        case Typed.HELD:
            return "a question, or work, came up right before it was submitted"
        case Typed.GONE:
            return "it ended right before it was submitted"


def _given_up(why: str, attempts: int, pasted: _Pasted, world: World) -> Delivery:
    """Not submitted by us; whoever sits at the pane may have done it."""
    if is_stored(pasted.text, pasted.before, world.files):
        return Delivery(DeliveryVerdict.SUBMITTED, Evidence.TRANSCRIPT, attempts=attempts)
    return Delivery(DeliveryVerdict.TYPED_NOT_SUBMITTED, detail=why, attempts=attempts)


def _watched(pasted: _Pasted, world: World, seconds: float) -> tuple[AgentState, Evidence]:
    """The agent and the evidence that it took the text, as soon as there is some."""

    def evidence(seen: AgentState) -> Evidence:
        return proof(pasted.text, seen, pasted.before, world.files) or _asked_by(seen, pasted)

    seen = _look_until(lambda seen: bool(evidence(seen) or absence(seen, pasted.to.profile)), pasted.to, world, seconds)
    return seen, evidence(seen)


def _asked_by(seen: AgentState, pasted: _Pasted) -> Evidence:
    """An idle agent asks for a permission only once it works on what it was told."""
    asks = seen.activity is Activity.WAITING and not stands(seen, pasted.text, pasted.to.profile)
    return Evidence.CLI_STATE if asks else Evidence.NONE


def _unproved(seen: AgentState, attempts: int, pasted: _Pasted) -> Delivery:
    if stands(seen, pasted.text, pasted.to.profile):
        detail = f"the text still stands in its input box after {attempts} attempts to submit it"
        return Delivery(DeliveryVerdict.TYPED_NOT_SUBMITTED, detail=detail, attempts=attempts)
    gone = absence(seen, pasted.to.profile)
    detail = gone or "it was submitted, but nothing proves that it was taken"
    return Delivery(DeliveryVerdict.UNVERIFIED, detail=detail, attempts=attempts)


def _look_until(is_enough: Callable[[AgentState], bool], to: Recipient, world: World, seconds: float) -> AgentState:
    """The first look that is enough, else the last one in time."""
    deadline = world.clock.monotonic() + seconds
    while not is_enough(seen := observe_agent(to, world)) and world.clock.monotonic() < deadline:
        world.clock.wait(_PAUSE)
    return seen
