"""A card on a Kanban board, on a stand-in that plays what the real one was seen to do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fakes.clock import FakeClock
from kanban import standin
from passes import AT, gone, seen

from reconciler.monitor.sink import SinkFailed
from reconciler.monitor.sinks.card import AUTHOR, Comment, stop_request


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def board(tmp_path):
    return standin(tmp_path)


def test_the_news_of_a_pass_are_one_comment_in_our_own_name(board, clock):
    sink = board.sink(clock)
    sink.tell(seen(gone(), gone("codex")))
    sink.tell(seen())
    lines = ("A  lab-creator-claude: tmux gone.", "A  lab-creator-codex: tmux gone.")
    assert board.comments() == [(AUTHOR, "\n".join(lines))]


def test_a_comment_is_never_longer_than_a_command_line_takes(board, clock):
    board.sink(clock).tell(seen(*[gone(f"a{number}") for number in range(1000)]))
    ((_, body),) = board.comments()
    assert len(body.splitlines()) == 101
    assert body.endswith("and 900 more: `reconciler drift`")


def test_a_running_card_gets_a_heartbeat_every_five_minutes(board, clock):
    board.run("claim", board.task)
    sink = board.sink(clock)
    sink.tell(seen(gone()))
    for _ in range(20):
        clock.wait(30)
        sink.tell(seen())
    assert board.heartbeats() == [
        "alive, 0 drifts detected, last at never",
        f"alive, 1 drifts detected, last at {AT}",
        f"alive, 1 drifts detected, last at {AT}",
    ]


def test_a_card_that_nobody_works_on_gets_none_and_is_watched_all_the_same(board, clock):
    sink = board.sink(clock)
    sink.tell(seen(gone()))
    assert board.heartbeats() == []
    assert len(board.comments()) == 1


def test_the_card_is_looked_at_every_half_minute_however_often_there_is_a_pass(board, clock):
    sink = board.sink(clock)
    for _ in range(61):
        sink.tell(seen())
        clock.wait(1)
    assert board.calls().count("show") == 3


@pytest.mark.parametrize("claimed", [True, False])
def test_a_stop_of_the_user_blocks_the_card_and_ends_the_monitor(board, clock, claimed):
    if claimed:
        board.run("claim", board.task)
    sink = board.sink(clock)
    assert sink.tell(seen()) == ""
    board.run("comment", board.task, "Stop monitoring, please.")
    clock.wait(30)
    reason = sink.tell(seen())
    assert reason == "stop-requested by user at 2026-11-25T16:31:54Z"
    assert board.card()["task"]["status"] == "blocked"
    assert board.comments()[-1] == ("default", f"BLOCKED: {reason}")


def test_news_are_told_before_a_stop_ends_the_monitor(board, clock):
    board.run("comment", board.task, "stop")
    assert board.sink(clock).tell(seen(gone()))
    assert [author for author, _ in board.comments()] == ["default", AUTHOR, "default"]


def test_a_card_that_is_blocked_already_ends_the_monitor_too(board, clock):
    board.run("block", board.task, "for another reason")
    board.run("comment", board.task, "stop")
    assert board.sink(clock).tell(seen()).startswith("stop-requested by user at ")


def test_a_card_that_is_taken_up_again_is_watched_until_the_next_stop(board, clock):
    board.run("comment", board.task, "stop")
    assert board.sink(clock).tell(seen())
    board.run("unblock", board.task)
    assert board.sink(clock).tell(seen()) == ""
    board.run("comment", board.task, "stop")
    assert board.sink(clock).tell(seen())


def test_a_stop_within_a_sentence_is_told_once_how_to_ask_for_it(board, clock):
    board.run("comment", board.task, "We can stop monitoring for today, thanks")
    sink = board.sink(clock)
    for _ in range(3):
        assert sink.tell(seen()) == ""
        clock.wait(30)
    hint = (AUTHOR, "The monitor continues. To end it, comment `stop` on a line of its own.")
    assert board.comments()[1:] == [hint]
    assert board.sink(clock).tell(seen()) == ""  # nor by another monitor
    assert board.comments()[1:] == [hint]
    board.run("comment", board.task, "Why did it not stop?")
    clock.wait(30)
    assert sink.tell(seen()) == ""
    assert [author for author, _ in board.comments()] == ["default", AUTHOR, "default", AUTHOR]
    board.run("comment", board.task, "stop")
    clock.wait(30)
    assert sink.tell(seen()).startswith("stop-requested by user at ")


def test_a_comment_without_the_word_gets_no_answer(board, clock):
    board.run("comment", board.task, "A nonstop flight, unstoppable.")
    assert board.sink(clock).tell(seen()) == ""
    assert len(board.comments()) == 1


def test_our_own_comments_never_stop_us(board, clock):
    board.run("comment", board.task, "stop", "--author", AUTHOR)
    assert board.sink(clock).tell(seen()) == ""


@pytest.mark.parametrize(
    ("body", "stops"),
    [
        ("stop", True),
        ("STOP!", True),
        ("stop monitoring", True),
        ("  stop   monitoring ", True),
        ("please stop", True),
        ("Thanks, that will do.\nstop monitoring", True),
        ("don't stop", False),
        ("did it stop?", False),
        ("the agents stop at night", False),
        ("unstoppable", False),
        ("BLOCKED: stop", False),
        ("", False),
    ],
)
def test_a_line_that_says_stop_and_nothing_else_is_a_stop(body, stops):
    assert bool(stop_request([Comment(author="default", body=body, created_at=0)])) is stops


def test_what_failed_is_done_again_without_a_second_comment(board, clock):
    board.run("claim", board.task)
    sink = board.sink(clock)
    broken = Path(board.env["HERMES_HOME"], "broken")
    broken.touch()
    with pytest.raises(SinkFailed) as error:
        sink.tell(seen(gone()))
    assert "database is locked" in error.value.detail
    broken.unlink()
    sink.tell(seen(gone()))
    assert len(board.comments()) == 1
    assert len(board.heartbeats()) == 1


def test_a_card_that_is_not_there_is_a_failure_although_hermes_says_success(board, clock):
    with pytest.raises(SinkFailed) as error:
        replace(board, task="t_nope").sink(clock).tell(seen(gone()))
    assert "no such task: t_nope" in error.value.detail
