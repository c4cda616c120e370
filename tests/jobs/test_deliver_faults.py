"""What is told when tmux fails, or a question comes up between two looks."""

from __future__ import annotations

import pytest
from fakes.world import FakeWorld

from reconciler.agents.catalogue import catalogue
from reconciler.agents.subject import AgentEnvironment
from reconciler.jobs.agent_state import Recipient
from reconciler.jobs.deliver import Consent, DeliveryTimeouts, Withdrawn, deliver
from reconciler.model.delivery import DeliveryVerdict, Evidence
from reconciler.model.errors import ReconcilerError, Unreachable
from reconciler.ports.world import TypingResult

QUESTION = "Allow execution of [Shell]?\n● 1. Allow once\n  3. No, suggest changes (esc)\n"
EMPTY = "Gemini CLI\n >   Type your message or @path/to/file\n"
CHAT = "/home/u/.gemini/tmp/w/chats/session-2026-11-22T00-00-id-1.jsonl"


@pytest.fixture
def world():
    made = FakeWorld()
    made.tmux.add("a", "node", "/w", title="◇  Ready (w)")
    made.tmux.screens["%0"] = EMPTY
    made.files.put(CHAT, b'{"sessionId":"id-1"}\n')
    return made


def recipient(world):
    subject = AgentEnvironment("/w", "/home/u", {})
    return Recipient(world.tmux.pane("a"), catalogue([])["gemini"], subject, "id-1", "/handed")


def handed(world, text="hello"):
    return deliver(text, recipient(world), world, DeliveryTimeouts(shown=1))


def pasting(world, monkeypatch, *, then=lambda: None):
    """A paste shows in the input box, and then something happens."""
    paste = world.tmux.paste

    def showing(target, text, unless=()):
        done = paste(target, text, unless)
        world.tmux.screens[target.pane_id] = f"Gemini CLI\n >   {text}\n"
        then()
        return done

    monkeypatch.setattr(world.tmux, "paste", showing)


def failing(*_asked, **_named):
    raise Unreachable("tmux did not answer within 10 s")


def test_a_tmux_that_cannot_be_asked_is_an_error_and_no_verdict(world):
    to = recipient(world)
    world.tmux.unknown = "no answer"

    with pytest.raises(ReconcilerError, match="could not be asked"):
        deliver("hello", to, world, DeliveryTimeouts())


def test_a_killed_server_is_a_dead_agent(world):
    to = recipient(world)
    world.tmux.kill_server()

    assert deliver("hello", to, world, DeliveryTimeouts()).verdict is DeliveryVerdict.REFUSED_DEAD


@pytest.mark.parametrize("name", ["paste", "press"])
def test_when_tmux_fails_on_the_way_nothing_is_claimed(world, monkeypatch, name):
    pasting(world, monkeypatch)
    monkeypatch.setattr(world.tmux, name, failing)

    delivery = handed(world)

    assert delivery.verdict is DeliveryVerdict.UNVERIFIED
    assert "tmux did not answer" in delivery.detail


@pytest.mark.parametrize(
    ("typed", "verdict"),
    [(TypingResult.HELD, DeliveryVerdict.REFUSED_DIALOG), (TypingResult.GONE, DeliveryVerdict.REFUSED_DEAD)],
)
def test_what_tmux_holds_back_was_refused(world, monkeypatch, typed, verdict):
    monkeypatch.setattr(world.tmux, "paste", lambda *_: typed)

    assert handed(world).verdict is verdict
    assert world.tmux.pressed == []


def test_a_question_after_the_paste_is_not_answered(world, monkeypatch):
    pasting(world, monkeypatch, then=lambda: world.tmux.screens.update({"%0": QUESTION}))

    delivery = handed(world)

    assert (delivery.verdict, delivery.attempts, world.tmux.pressed) == (DeliveryVerdict.TYPED_NOT_SUBMITTED, 0, [])
    assert "Allow execution of [Shell]?" in delivery.detail


def test_a_question_between_the_last_look_and_enter_is_not_answered(world, monkeypatch):
    pasting(world, monkeypatch)
    press = world.tmux.press

    def late(target, key, *texts):
        world.tmux.screens[target.pane_id] = QUESTION
        return press(target, key, *texts)

    monkeypatch.setattr(world.tmux, "press", late)
    delivery = handed(world)

    assert (delivery.verdict, world.tmux.pressed) == (DeliveryVerdict.TYPED_NOT_SUBMITTED, [])


def test_anything_that_takes_the_place_of_the_text_before_enter_is_not_answered(world, monkeypatch):
    pasting(world, monkeypatch)
    press = world.tmux.press

    def late(target, key, *texts):
        world.tmux.screens[target.pane_id] = "A question in words that nobody knows?\n> Yes\n"
        return press(target, key, *texts)

    monkeypatch.setattr(world.tmux, "press", late)

    assert (handed(world).verdict, world.tmux.pressed) == (DeliveryVerdict.TYPED_NOT_SUBMITTED, [])


@pytest.mark.parametrize(
    ("age", "verdict"), [(1, DeliveryVerdict.REFUSED_DIALOG), (60, DeliveryVerdict.TYPED_NOT_SUBMITTED)]
)
def test_a_cli_that_has_just_started_may_still_ask_something(world, monkeypatch, age, verdict):
    pid, wait = world.tmux.pane("a").pid, world.clock.wait
    world.processes.born[pid] = int(world.clock.now().timestamp()) - age

    def ask_a_second_after_it_looked_ready(seconds):
        wait(seconds)
        if world.clock.elapsed >= 1:
            world.tmux.screens["%0"] = QUESTION

    monkeypatch.setattr(world.clock, "wait", ask_a_second_after_it_looked_ready)
    delivery = handed(world)

    assert (delivery.verdict, len(world.tmux.pasted)) == (verdict, int(age == 60))


def test_a_cli_that_works_for_a_moment_at_its_start_is_waited_for(world, monkeypatch):
    pid, wait = world.tmux.pane("a").pid, world.clock.wait
    world.processes.born[pid] = int(world.clock.now().timestamp())

    def work_for_a_moment(seconds):
        wait(seconds)
        world.tmux.change("a", title="✦  Working… (w)" if 0.5 < world.clock.elapsed < 2 else "◇  Ready (w)")

    monkeypatch.setattr(world.clock, "wait", work_for_a_moment)
    handed(world)

    assert len(world.tmux.pasted) == 1


def test_work_between_the_last_look_and_enter_holds_it_back(world, monkeypatch):
    pasting(world, monkeypatch)
    press = world.tmux.press

    def late(target, key, *texts):
        world.tmux.screens[target.pane_id] += "⠏ Thinking... (esc to cancel, 0s)\n"
        return press(target, key, *texts)

    monkeypatch.setattr(world.tmux, "press", late)
    assert (handed(world).verdict, world.tmux.pressed) == (DeliveryVerdict.TYPED_NOT_SUBMITTED, [])


def test_a_conversation_about_work_is_no_work(world, monkeypatch):
    talk = "\n".join(["it says (esc to cancel, 3s) then", *(f"line {n}" for n in range(20))])
    world.tmux.screens["%0"] = f"{talk}\n{EMPTY}"
    paste = world.tmux.paste

    def showing(target, text, unless=()):
        done = paste(target, text, unless)
        world.tmux.screens[target.pane_id] = f"{talk}\n >   {text}\n"
        return done

    monkeypatch.setattr(world.tmux, "paste", showing)
    handed(world)
    assert world.tmux.pressed


def test_an_agent_that_became_busy_or_died_after_the_paste_gets_no_enter(world, monkeypatch):
    pasting(world, monkeypatch, then=lambda: world.tmux.change("a", title="✦  Working… (w)"))
    assert "busy" in handed(world).detail
    world.tmux.change("a", title="◇  Ready (w)")
    world.tmux.screens["%0"] = EMPTY
    pasting(world, monkeypatch, then=lambda: world.tmux.exit_agent("a"))
    assert "ended" in handed(world).detail
    assert world.tmux.pressed == []


def test_work_that_begins_after_the_paste_is_waited_for_like_any_other(world, monkeypatch):
    wait, press = world.clock.wait, world.tmux.press
    pasting(world, monkeypatch, then=lambda: world.tmux.change("a", title="✦  Working… (w)"))

    def work_for_a_while(seconds):
        wait(seconds)
        if world.clock.elapsed > 20:
            world.tmux.change("a", title="◇  Ready (w)")

    def take(*asked):
        world.files.put(CHAT, b'{"sessionId":"id-1"}\n{"type":"user","content":[{"text":"hello"}]}\n')
        return press(*asked)

    monkeypatch.setattr(world.clock, "wait", work_for_a_while)
    monkeypatch.setattr(world.tmux, "press", take)
    delivery = deliver("hello", recipient(world), world, DeliveryTimeouts(idle=30))

    assert (delivery.verdict, delivery.attempts) == (DeliveryVerdict.SUBMITTED, 1)
    assert delivery.seconds >= 20


def test_work_that_only_tmux_sees_is_waited_for_too(world, monkeypatch):
    press, holds = world.tmux.press, iter([TypingResult.HELD, TypingResult.HELD])
    pasting(world, monkeypatch)

    def take(*asked):
        if held := next(holds, None):
            return held
        world.files.put(CHAT, b'{"sessionId":"id-1"}\n{"type":"user","content":[{"text":"hello"}]}\n')
        return press(*asked)

    monkeypatch.setattr(world.tmux, "press", take)
    assert deliver("hello", recipient(world), world, DeliveryTimeouts(idle=30)).verdict is DeliveryVerdict.SUBMITTED


def test_a_prompt_that_somebody_else_submitted_is_submitted(world, monkeypatch):
    def submit():
        world.files.put(CHAT, b'{"sessionId":"id-1"}\n{"type":"user","content":[{"text":"hello"}]}\n')
        world.tmux.screens["%0"] = EMPTY

    pasting(world, monkeypatch, then=submit)
    delivery = handed(world)

    assert (delivery.verdict, delivery.evidence, delivery.attempts) == (
        DeliveryVerdict.SUBMITTED,
        Evidence.TRANSCRIPT,
        0,
    )


def test_what_is_no_longer_wanted_while_a_busy_agent_is_waited_for_is_not_typed(world):
    world.tmux.change("a", title="✦  Working… (w)")
    answers = iter([True, True, False, False])

    with pytest.raises(Withdrawn):
        deliver("hello", recipient(world), world, DeliveryTimeouts(idle=100), Consent(lambda: next(answers)))
    assert world.tmux.pasted == []


def test_what_is_no_longer_wanted_right_before_the_paste_is_not_typed(world):
    answers = iter([True, True, False])

    with pytest.raises(Withdrawn):
        deliver("hello", recipient(world), world, DeliveryTimeouts(), Consent(lambda: next(answers)))
    assert world.tmux.pasted == []


def test_what_is_no_longer_wanted_after_the_paste_is_not_submitted(world, monkeypatch):
    wanted = [True]
    pasting(world, monkeypatch, then=wanted.clear)

    delivery = deliver("hello", recipient(world), world, DeliveryTimeouts(shown=1), Consent(lambda: bool(wanted)))

    assert (delivery.verdict, world.tmux.pressed) == (DeliveryVerdict.TYPED_NOT_SUBMITTED, [])
    assert "no longer wanted" in delivery.detail


def test_a_conversation_that_cannot_be_read_proves_nothing(world, monkeypatch):
    pasting(world, monkeypatch)
    world.files.unreadable["/home/u/.gemini/tmp"] = "no right to read"

    assert handed(world).verdict is DeliveryVerdict.TYPED_NOT_SUBMITTED


def test_an_agent_whose_server_is_out_of_sight_is_not_dead(world):
    to = recipient(world)
    world.tmux.hidden = True

    with pytest.raises(ReconcilerError, match="still runs, but its tmux server does not answer"):
        deliver("hello", to, world, DeliveryTimeouts())
