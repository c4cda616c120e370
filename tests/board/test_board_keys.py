"""The board over made-up agents: what it shows, what its keys do, and that no key waits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from board.desk import AGENTS, REGISTRY, PlayedService, Screen, document, on_board, row
from rich.segment import Segment
from textual.events import Resize

from reconciler.app.board.attach import AttachMethod
from reconciler.board import lower_pane
from reconciler.board.keys import KEYS
from reconciler.board.pane import TextPane
from reconciler.model.errors import Refused

HOSTILE = "[b]x[/b]\x1b[31m\x07\u202eevil\n[@click=app.leave]y[/]"


@pytest.fixture(autouse=True)
def _plans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lower_pane, "plan_text", lambda plan: [f"Plan: {plan['change']} to add"])


def test_those_that_need_the_user_come_first_and_eighty_columns_are_enough() -> None:
    async def story(screen: Screen) -> None:
        await screen.shows("blog.lost")
        assert screen.lines[:13] == [
            "reconciler  lab  ▲ 1 needs you  ● 1 working  ○ 1 idle  ■ 1 stopped  ✗ 1 trouble",
            "   STATE     FOR  AGENT                  SAYS                      BRANCH",
            "needs you (1)",
            "▲  asks       5m  shop.builder (claude)  Bash touch played Do yo…  main *1 +12…",
            "working (1)",
            "●  works      5m  shop.tester (claude)   said by shop.tester       main *1 +12…",
            "idle (1)",
            "○  idle       5m  blog.writer (claude)   said by blog.writer       main *1 +12…",
            "stopped (1)",
            "■  stopped    5m  blog.old (claude)      said by blog.old          main *1 +12…",
            "trouble (1)",
            "✗  lost       5m  blog.lost (claude)     lost: apply starts it a…  main *1 +12…",
            "",
        ]
        assert screen.lines[-1].startswith("enter attach  space peek  y yes  n no")
        assert "shop.builder" in screen.selected

    played = on_board(story)
    assert played.closed


def test_a_wide_terminal_has_more_columns() -> None:
    async def story(screen: Screen) -> None:
        await screen.shows("JOB")
        assert screen.lines[1].split() == ["STATE", "FOR", "PROJECT", "AGENT", "TYPE", "SAYS", "BRANCH", "JOB"]
        assert "running j1" in screen.text

    shown = document(row("a.b", job={"id": "j1", "status": "running"}), projects=("lab", "home"))
    on_board(story, PlayedService(shown), size=(200, 30))


def test_the_selection_stays_on_its_agent_while_lines_move() -> None:
    async def story(screen: Screen) -> None:
        await screen.press("down", "down")
        assert "blog.writer" in screen.selected
        moved = [{**each, "group": "needs_you"} if each["agent"] == "writer" else each for each in AGENTS["agents"]]
        screen.service.report({**AGENTS, "agents": moved})
        await screen.shows("needs you (2)")
        assert "blog.writer" in screen.selected
        screen.service.report({**AGENTS, "agents": [each for each in moved if each["agent"] != "writer"]})
        await screen.until(lambda: "blog.writer" not in screen.text)
        assert "agent" not in screen.selected
        assert screen.selected

    on_board(story)


def test_one_changed_agent_draws_one_line_again() -> None:
    async def story(screen: Screen) -> None:
        agents = screen.pilot.app.query_one("AgentList")
        drawn: list[int] = []
        real = type(agents).render_line
        screen_of = agents.render_line
        assert screen_of(0)
        agents.render_line = lambda y: drawn.append(y) or real(agents, y)
        changed = [{**each, "state": "waiting"} if each["agent"] == "tester" else each for each in AGENTS["agents"]]
        screen.service.report({**AGENTS, "agents": changed})
        await screen.until(lambda: drawn)
        assert set(drawn) == {4}

    on_board(story)


def test_the_facts_of_visible_agents_are_asked_for() -> None:
    async def story(screen: Screen) -> None:
        await screen.until(lambda: len(screen.service.visible) == 5)

    on_board(story)


# --- keys ---------------------------------------------------------------------------------------


def test_a_dialog_is_shown_whole_and_then_answered() -> None:
    async def story(screen: Screen) -> None:
        await screen.press("y")
        await screen.shows("shop.builder asks")
        assert "Do you want to proceed?" in screen.text
        assert not any(words[0] == "answer" for words in screen.service.asked)
        await screen.press("y")
        await screen.shows("✓ answer: done")
        assert screen.did("answer", "shop.builder", "5d0c", "approve")
        assert screen.did("look again")
        await screen.press("n")
        await screen.shows("shop.builder asks")
        await screen.press("n")
        await screen.until(lambda: screen.did("answer", "shop.builder", "5d0c", "deny"))

    on_board(story)


def test_a_dialog_that_is_not_read_to_its_end_is_not_answered() -> None:
    async def story(screen: Screen) -> None:
        await screen.press("y")
        await screen.shows("asks")
        await screen.press("y")
        await screen.shows("Read it to its end first")
        assert not any(words[0] == "answer" for words in screen.service.asked)
        for _ in range(9):
            await screen.press("pagedown")
        await screen.shows("line 39")
        await screen.press("y")
        await screen.until(lambda: screen.did("answer", "shop.builder", "5d0c", "approve"))

    on_board(story, PlayedService(dialog_lines=tuple(f"line {number}" for number in range(40))))


def test_another_selection_closes_the_dialog() -> None:
    async def story(screen: Screen) -> None:
        await screen.press("y")
        await screen.shows("shop.builder asks")
        await screen.press("down")
        await screen.until(lambda: "shop.builder asks" not in screen.text)
        await screen.press("y")
        await screen.shows("shop.tester asks")
        assert not any(words[0] == "answer" for words in screen.service.asked)

    on_board(story)


def test_what_was_refused_is_said() -> None:
    async def story(screen: Screen) -> None:
        await screen.press("y")
        await screen.shows("shop.builder asks")
        await screen.press("y")
        await screen.shows("✗ Error: the agent now asks something different")

    refused = Refused("the agent now asks something different from what you saw", fix="look")
    on_board(story, PlayedService(fails={"answer": refused}))


def test_a_dialog_wider_than_the_terminal_is_wrapped_and_read_before_it_is_answered() -> None:
    """What is cut off at the right is not read."""
    long = "Bash rm -rf " + " ".join(f"folder{number}" for number in range(200)) + " the-very-end"

    async def story(screen: Screen) -> None:
        await screen.press("y")
        await screen.shows("pgdn: more")
        assert "the-very-end" not in screen.text
        await screen.press("y")
        await screen.shows("Read it to its end first")
        for _ in range(9):
            await screen.press("pagedown")
        await screen.shows("the-very-end")
        assert "pgdn: more" not in screen.text
        await screen.press("y")
        await screen.until(lambda: screen.did("answer", "shop.builder", "5d0c", "approve"))

    on_board(story, PlayedService(dialog_lines=(long, "1. Yes")))


def test_after_the_terminal_has_another_width_a_dialog_is_read_again() -> None:
    async def story(screen: Screen) -> None:
        await screen.press("y")
        await screen.shows("the-very-end")
        await screen.pilot.resize_terminal(80, 24)
        await screen.until(lambda: "the-very-end" not in screen.text)
        await screen.press("y")
        await screen.shows("Read it to its end first")
        await screen.pilot.resize_terminal(200, 50)
        await screen.shows("the-very-end")
        await screen.press("y")
        await screen.until(lambda: screen.did("answer", "shop.builder", "5d0c", "approve"))

    on_board(story, PlayedService(dialog_lines=("word " * 300 + "the-very-end",)), size=(200, 50))


def test_a_dialog_that_was_read_stays_read_when_the_pane_is_laid_out_again() -> None:
    async def story(screen: Screen) -> None:
        await screen.press("y")
        await screen.shows("4. No")
        pane = screen.pilot.app.query_one(TextPane)
        pane.on_resize(Resize(pane.size, pane.virtual_size))  # as Textual may send it after the first paint
        await screen.press("y")
        await screen.until(lambda: screen.did("answer", "shop.builder", "5d0c", "approve"))

    on_board(story)


def test_what_is_scrolled_back_in_a_screen_stays_there_while_it_goes_on() -> None:
    service = PlayedService(screen=[f"line {number}" for number in range(100)])

    async def story(screen: Screen) -> None:
        await screen.press("space")
        await screen.shows("line 99")
        for _ in range(20):
            await screen.press("pageup")
        await screen.shows("line 0 ")
        service.screen.append("line 100")
        peeks = service.asked.count(("peek", "shop.builder"))
        await screen.until(lambda: service.asked.count(("peek", "shop.builder")) > peeks + 1)
        assert "line 0 " in screen.text
        for _ in range(20):
            await screen.press("pagedown")
        await screen.shows("line 100")
        service.screen.append("line 101")
        await screen.shows("line 101")

    on_board(story, service)


def test_on_eighty_columns_the_last_line_says_how_to_get_help_and_how_to_leave() -> None:
    async def story(screen: Screen) -> None:
        assert screen.lines[-1].startswith("enter attach  space peek  y yes  n no")
        assert screen.lines[-1].endswith("? keys  q quit")
        await screen.pilot.click("KeyLine", offset=(screen.lines[-1].index("? keys"), 0))
        await screen.shows("── keys")

    on_board(story, size=(80, 24))


@pytest.mark.parametrize(
    ("key", "asked", "seen"),
    [
        ("space", "peek", "> hello"),
        ("l", "last", "build it"),
        ("d", "diff", "+7 -2"),
    ],
)
def test_what_is_open_follows_the_selection(key: str, asked: str, seen: str) -> None:
    async def story(screen: Screen) -> None:
        await screen.press(key)
        await screen.shows(seen)
        assert screen.did(asked, "shop.builder")
        await screen.press("down")
        await screen.until(lambda: screen.did(asked, "shop.tester"))
        await screen.shows("── shop.tester:")
        await screen.press(key)
        await screen.until(lambda: seen not in screen.text)

    on_board(story)


@pytest.mark.parametrize(("key", "asked"), [("s", "stop"), ("r", "resume"), ("R", "restart")])
def test_an_action_shows_its_verdict(key: str, asked: str) -> None:
    async def story(screen: Screen) -> None:
        await screen.press(key)
        await screen.shows(f"✓ {asked}: done")
        assert screen.did(asked, "shop.builder")

    on_board(story)


def test_no_key_waits_for_what_takes_time() -> None:
    async def story(screen: Screen) -> None:
        await screen.press("s")
        await screen.shows("… Stopping shop.builder")
        await screen.press("down", "space")
        await screen.shows("> hello")
        assert "shop.tester" in screen.selected
        screen.service.gate.set()
        await screen.shows("✓ stop: done")

    on_board(story, PlayedService(slow="stop"))


def test_a_message_is_typed_and_sent() -> None:
    async def story(screen: Screen) -> None:
        await screen.press("m")
        await screen.shows("Message to shop.builder:")
        await screen.press("q", "space", "s", "enter")
        await screen.shows("✓ send: done")
        assert screen.did("send", "shop.builder", "q s")
        await screen.press("m", "x", "escape")
        assert sum(words[0] == "send" for words in screen.service.asked) == 1

    on_board(story)


def test_a_plan_is_shown_and_only_y_applies_it() -> None:
    async def story(screen: Screen) -> None:
        await screen.press("p")
        await screen.shows("Plan: 1 to add")
        await screen.press("escape", "a")
        await screen.shows("Apply this plan?")
        await screen.press("n")
        await screen.shows("Nothing was done.")
        assert not any(words[0] == "apply" for words in screen.service.asked)
        await screen.press("a")
        await screen.shows("Apply this plan?")
        await screen.press("y")
        await screen.shows("✓ apply: done")
        assert screen.did("apply", REGISTRY, 1)

    on_board(story)


def test_the_filter_and_the_grouping_change_the_lines() -> None:
    async def story(screen: Screen) -> None:
        await screen.press("slash", *"writer")  # without a pause: no key may do what it does on the board
        assert not any(words[0] == "resume" for words in screen.service.asked)
        await screen.until(lambda: "shop." not in screen.text)
        assert "blog.writer" in screen.selected
        await screen.press("enter", "g")
        await screen.shows("blog (1)")
        await screen.press("escape")
        await screen.shows("shop (2)")
        await screen.press("g")
        await screen.until(lambda: "shop (2)" not in screen.text)

    on_board(story)


def test_enter_attaches_and_says_that_one_is_back() -> None:
    async def story(screen: Screen) -> None:
        await screen.press("enter")
        await screen.shows("✓ You are back.")

    on_board(story)


def test_an_unusual_way_back_is_told_first() -> None:
    async def story(screen: Screen) -> None:
        await screen.press("enter")
        await screen.shows("Ctrl-b d brings you back here. Press enter again")
        assert "You are back" not in screen.text
        await screen.press("enter")
        await screen.shows("✓ You are back.")

    on_board(story, PlayedService(way=AttachMethod.SWITCH))


def test_every_key_is_explained_and_does_something() -> None:
    async def story(screen: Screen) -> None:
        await screen.press("question_mark")
        await screen.shows("── keys")
        assert all(hasattr(screen.pilot.app, f"action_{each.action}") for each in KEYS if each.bound)
        await screen.press("escape")
        await screen.until(lambda: "── keys" not in screen.text)

    on_board(story, size=(100, 60))


def test_the_mouse_selects_and_the_last_line_can_be_clicked() -> None:
    async def story(screen: Screen) -> None:
        await screen.pilot.click("AgentList", offset=(20, 4))
        await screen.until(lambda: "shop.tester" in screen.selected)
        at = screen.lines[-1].index("last")
        await screen.pilot.click("KeyLine", offset=(at, 0))
        await screen.shows("build it")

    on_board(story)


# --- what others wrote --------------------------------------------------------------------------


def _segments(screen: Screen) -> Iterator[Segment]:
    return (segment for strip in screen.pilot.app.screen._compositor.render_strips() for segment in strip)


def test_text_of_others_is_shown_and_does_nothing() -> None:
    async def story(screen: Screen) -> None:
        await screen.shows("[b]x[/b]")
        for key in ("space", "l", "y"):
            await screen.press(key)
            await screen.until(lambda: "evil" in screen.text)
        assert not set("\x1b\x07\u202e") & set(screen.text)
        assert "[@click=app.leave]" in screen.text
        assert not any("@click" in (segment.style.meta if segment.style else {}) for segment in _segments(screen))

    hostile: dict[str, Any] = {"project": HOSTILE, "workspace": HOSTILE, "agent": HOSTILE, "question": HOSTILE}
    shown = document(row("a.b", "needs_you", **hostile), projects=(HOSTILE,))
    on_board(story, PlayedService(shown, screen=[HOSTILE], dialog_lines=tuple(HOSTILE.split("\n"))), size=(160, 40))


def test_without_colours_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def story(screen: Screen) -> None:
        await screen.press("space")
        await screen.shows("> red")
        await screen.press("y")
        colours = {segment.style.color for segment in _segments(screen) if segment.style and segment.style.color}
        assert {colour for colour in colours if not colour.is_default} == set()

    on_board(story, PlayedService(screen=["> \x1b[31mred\x1b[0m"]), coloured=False)
