"""What a sink is still to be told, on disk."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from fakes.clock import FakeClock
from msgspec.structs import replace
from passes import gone
from watching import mode

from reconciler.model.drift_class import DriftClass
from reconciler.model.record import RowEdit, Section
from reconciler.model.watch import Notice
from reconciler.monitor import backlog
from reconciler.monitor.backlog import LIMIT, Backlog, add, backlog_file, load, remove, with_news, without
from reconciler.monitor.state_folder import StateFolder
from reconciler.ports.files import RealFiles

WORD = "webhook:https://example.org/hooks/s3cret"


def notice(name="a", count=1, **fields):
    return Notice(replace(gone(name), **fields), count)


A, B, C = map(notice, "abc")


@pytest.fixture
def warnings():
    return []


@pytest.fixture
def of(tmp_path, warnings):
    """The file of the sink of a word."""
    folder = StateFolder(str(tmp_path / "state"), RealFiles(), FakeClock())
    return lambda word=WORD: backlog_file(folder, word, "webhook:https://example.org", warnings.append)


def files(of):
    folder = of().folder.path
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


# --- arithmetic -------------------------------------------------------------------------------


def test_what_is_owed_from_before_comes_first_and_nothing_comes_twice():
    owed = with_news(Backlog((A, B)), (notice("c"), notice("a")))
    assert owed == Backlog((A, B, C))


def test_what_is_owed_twice_keeps_its_place_and_its_last_words():
    full = notice("a", edits=(RowEdit(Section.SESSIONS, "lab-creator-a", {}),))
    assert with_news(Backlog((A, B)), (full,)).news == (full, B)


@pytest.mark.parametrize(
    "other", [notice("a", count=2), notice("a", message="pid 2"), notice("a", kind=DriftClass.AGENT_EXITED)]
)
def test_a_drift_that_says_something_else_is_owed_beside_the_first(other):
    assert with_news(Backlog((A,)), (other,)).news == (A, other)


def test_the_oldest_are_dropped_and_counted():
    many = tuple(notice(str(number)) for number in range(LIMIT + 2))
    owed = with_news(Backlog(dropped=1), many)
    assert (owed.news, owed.dropped) == (many[2:], 3)


@pytest.mark.parametrize(
    ("owed", "told", "left"),
    [
        (Backlog((A, B, C)), Backlog((A, C)), Backlog((B,))),
        (Backlog((A,), 5), Backlog((A,), 3), Backlog((), 2)),
        (Backlog((A,)), Backlog((B,), 2), Backlog((A,))),
    ],
)
def test_what_was_told_is_owed_no_more(owed, told, left):
    assert without(owed, told) == left


# --- on disk ----------------------------------------------------------------------------------


def test_what_is_owed_outlives_the_process_until_it_is_told(of, warnings):
    add(of(), (A,))
    add(of(), (B, C))
    assert load(of()) == Backlog((A, B, C))
    remove(of(), Backlog((A, C)))
    assert load(of()) == Backlog((B,))
    remove(of(), Backlog((B,)))
    assert (load(of()), files(of), warnings) == (Backlog(), [], [])


def test_a_sink_that_is_owed_nothing_leaves_no_trace(of):
    assert load(of()) == Backlog()
    assert files(of) == []


def test_how_much_was_dropped_outlives_the_process(of):
    add(of(), tuple(notice(str(number)) for number in range(LIMIT + 2)))
    assert load(of()).dropped == 2
    remove(of(), load(of()))
    assert files(of) == []


def test_the_file_is_its_owner_s_and_tells_no_secret_of_the_sink(of):
    add(of(), (A,))
    [name] = files(of)
    path = of().path
    assert (os.path.basename(path), mode(path), mode(of().folder.path)) == (name, 0o600, 0o700)
    with open(path, encoding="utf-8") as file:
        content = file.read()
    assert json.loads(content)["sink"] == "webhook:https://example.org"
    assert "s3cret" not in name + content


def test_each_sink_has_a_file_of_its_own(of):
    add(of(), (A,))
    add(of("webhook:https://example.org/other"), (B,))
    assert (load(of()), load(of("webhook:https://example.org/other"))) == (Backlog((A,)), Backlog((B,)))


DAMAGED = {
    "no JSON": b"{",
    "nothing": b"",
    "another version": json.dumps({"version": 99, "dropped": 0, "owed": []}).encode(),
    "another shape": json.dumps({"version": 1, "dropped": 0, "owed": [{"class": "A"}]}).encode(),
    "no text": b"\xff\xfe\x00",
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
@pytest.mark.parametrize("use", [load, lambda file: add(file, (B,))], ids=["load", "add"])
def test_a_file_that_cannot_be_understood_is_set_aside_with_a_warning(of, warnings, content, use):
    add(of(), (A,))
    with open(of().path, "wb") as file:
        file.write(content)
    use(of())
    [aside] = [name for name in files(of) if ".owed.bad-" in name]
    with open(os.path.join(of().folder.path, aside), "rb") as file:
        assert file.read() == content
    assert len(warnings) == 1
    assert warnings[0].endswith(f"is damaged and was renamed to {os.path.join(of().folder.path, aside)}")
    add(of(), (B,))
    assert load(of()) == Backlog((B,))


def test_a_folder_that_cannot_be_used_is_a_warning_and_no_failure(of, warnings, tmp_path):
    (tmp_path / "state").write_text("in the way")
    add(of(), (A,))
    remove(of(), Backlog((A,)))
    assert len(warnings) == 2
    assert warnings[0].startswith("the reports for webhook:https://example.org cannot be stored on disk: ")


def test_only_so_many_sinks_are_owed_something_and_the_longest_unheard_of_is_given_up(of, warnings, monkeypatch):
    monkeypatch.setattr(backlog, "FILES", 3)
    words = sorted(["exec:1", "exec:2", "exec:3"], key=lambda word: of(word).path, reverse=True)
    for number, word in enumerate(words):
        add(of(word), (A,))
        os.utime(of(word).path, (number, number))
    add(of(words[0]), (B,))
    add(of("exec:4"), (A,))
    assert [load(of(word)).news for word in (*words, "exec:4")] == [(A, B), (), (A,), (A,)]
    assert warnings == [f"deleted {of(words[1]).path}: too many sinks have unsent reports"]


def test_two_monitors_lose_nothing_of_each_other(of):
    def one_by_one(letter):
        for number in range(20):
            add(of(), (notice(f"{letter}{number}"),))
            if number % 2:
                remove(of(), Backlog((notice(f"{letter}{number}"),)))

    with ThreadPoolExecutor() as both:
        list(both.map(one_by_one, "xy"))
    expected = {f"lab-creator-{letter}{number}" for letter in "xy" for number in range(0, 20, 2)}
    assert {each.drift.session for each in load(of()).news} == expected
