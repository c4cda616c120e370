"""The board of many hosts: the column HOST, hosts that do not answer, and which host a key means."""

from __future__ import annotations

from typing import Any

import pytest
from board.desk import PlayedService, Screen, document, on_board, row

from reconciler.board import lower_pane
from reconciler.board.rows import Arrangement, Grouping, Heading, lines_of, next_grouping
from reconciler.render.board_words import host_lines, labelled, projects_of, troubles_of
from reconciler.render.documents.board import BoardDoc

SEEN = "2026-11-30T11:50:00Z"


@pytest.fixture(autouse=True)
def _plans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lower_pane, "plan_text", lambda plan: [f"Plan: {plan['change']} to add"])


def host(name: str, outcome: str = "ok", said: str = "", seconds: float = 0.2) -> Any:
    return {"host": name, "outcome": outcome, "said": said, "seconds": seconds, "seen": SEEN}


def on_hosts(*hosts: Any) -> BoardDoc:
    """Each host has the same project with the same agent; that of the last one asks."""
    names = [each["host"] for each in hosts]
    agents = [row("w.s", "needs_you" if name == names[-1] else "idle", host=name) for name in names]
    made = document(*agents)
    return {**made, "hosts": list(hosts), "projects": [{**made["projects"][0], "host": name} for name in names]}


TWO = on_hosts(host("one"), host("two"))


def test_the_host_is_the_first_column_and_those_that_need_the_user_come_first() -> None:
    async def story(screen: Screen) -> None:
        await screen.shows("HOST")
        assert screen.lines[1].split()[:4] == ["HOST", "STATE", "FOR", "AGENT"], "one project on two hosts is one name"
        assert screen.lines[0].startswith("reconciler  lab on 2 hosts  ▲ 1 needs you")
        assert [line.split()[:3] for line in screen.lines[3:6:2]] == [["two", "▲", "asks"], ["one", "○", "idle"]]

    on_board(story, PlayedService(TWO))


def test_without_hosts_there_is_no_such_column() -> None:
    async def story(screen: Screen) -> None:
        await screen.shows("blog.lost")
        assert "HOST" not in screen.text

    on_board(story)


def test_a_host_that_does_not_answer_has_one_line() -> None:
    async def story(screen: Screen) -> None:
        await screen.shows("✗ away  unreachable (4 s): No route\\x1b[2J to host")
        assert "away  no agents" not in screen.text
        await screen.shows("bare  no agents")

    away = host("away", "unreachable", "No route\x1b[2J to host", 4.2)
    on_board(story, PlayedService({**TWO, "hosts": [away, host("bare"), *TWO["hosts"]]}))


@pytest.mark.parametrize(
    ("keys", "asked"),
    [
        (["space"], "peek"),
        (["l"], "last"),
        (["d"], "diff"),
        (["y"], "dialog"),
        (["enter"], "attachment"),
        (["p"], "plan"),
        (["s"], "stop"),
        (["r"], "resume"),
        (["R"], "restart"),
        (["m", "h", "i", "enter"], "send"),
        (["y", "y"], "answer"),
        (["a", "y"], "apply"),
    ],
)
def test_a_key_means_the_agent_of_the_selected_host(keys: list[str], asked: str) -> None:
    class Noting(PlayedService):
        def __getattribute__(self, name: str) -> Any:
            found = super().__getattribute__(name)
            if name != asked:
                return found

            def noted(key: Any, *more: Any) -> Any:
                noting.append((name, key.host))
                return found(key, *more)

            return noted

    noting: list[tuple[str, str]] = []

    async def story(screen: Screen) -> None:
        await screen.until(lambda: "two" in screen.selected)
        await screen.press("down")
        await screen.until(lambda: "one" in screen.selected)
        await screen.press(keys[0])
        if keys[-1] == "y" and len(keys) > 1:
            await screen.until(lambda: "y approves" in screen.text or "y applies" in screen.text)
        for key in keys[1:]:
            await screen.press(key)
        await screen.until(lambda: noting)

    on_board(story, Noting(TWO))
    assert set(noting) == {(asked, "one")}


def test_titles_and_verdicts_name_the_host() -> None:
    async def story(screen: Screen) -> None:
        await screen.press("space")
        await screen.shows("w.s on two: its screen")
        await screen.press("escape", "m")
        await screen.shows("Message to w.s on two:")
        await screen.press("escape", "p")
        await screen.shows("plan of lab on two")

    on_board(story, PlayedService(TWO))


def test_a_slow_host_is_not_asked_for_a_screen_twice_at_the_same_time() -> None:
    service = PlayedService(TWO, slow="peek")

    async def story(screen: Screen) -> None:
        await screen.press("space")
        await screen.until(lambda: screen.did("peek", "w.s"))
        screen.pilot.app._below.peek_again()
        screen.pilot.app._below.peek_again()
        await screen.press("down")  # the agent of another host is asked at once
        await screen.until(lambda: service.asked.count(("peek", "w.s")) == 2)
        assert "one" in screen.selected
        service.gate.set()
        await screen.shows("> hello")

    on_board(story, service)


def test_the_filter_knows_hosts_and_agents_are_grouped_by_host() -> None:
    found = lines_of(TWO, Arrangement(wanted="two"))
    assert [each["host"] for each in found if isinstance(each, dict)] == ["two"]
    grouped = lines_of(TWO, Arrangement(Grouping.HOST))
    assert [each.text for each in grouped if isinstance(each, Heading)][:2] == ["one (1)", "two (1)"]
    by_workspace = lines_of(TWO, Arrangement(Grouping.WORKSPACE))
    assert [each.text for each in by_workspace if isinstance(each, Heading)][:2] == ["one: w (1)", "two: w (1)"]


def test_grouping_by_host_is_offered_only_for_several_hosts() -> None:
    def offered(shown: BoardDoc) -> set[Grouping]:
        found, at = set(), Grouping.NEED
        for _ in Grouping:
            at = next_grouping(at, shown)
            found.add(at)
        return found

    assert Grouping.HOST in offered(TWO)
    assert Grouping.HOST not in offered(document(row("a.b")))
    assert Grouping.PROJECT not in offered(TWO), "one project"


def test_projects_of_the_same_name_are_told_apart_within_a_host_only() -> None:
    assert labelled(TWO)["projects"] == TWO["projects"]
    other = {**TWO["projects"][0], "registry": "/x/r", "folder": "/x/lab"}
    several = labelled({**TWO, "projects": [*TWO["projects"], other]})
    assert [each["project"] for each in several["projects"]] == ["lab", "lab", "x/lab"]
    assert projects_of(several) == "lab, x/lab on 2 hosts"


def test_what_is_wrong_on_a_host_is_told_with_its_name() -> None:
    trouble = {"summary": "reconciler.yaml has a mistake"}
    projects = [{**TWO["projects"][0], "diagnostics": [trouble]}]
    assert list(troubles_of({**TWO, "projects": projects})) == ["one: reconciler.yaml has a mistake"]  # type: ignore[typeddict-item] # only this key is read
    assert list(host_lines(TWO)) == []
