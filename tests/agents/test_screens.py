"""Screens of the CLIs: what a profile says of each is what was so when it was captured."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from captured import NOT_INSTALLABLE, Screen, read, written

from reconciler.agents.catalogue import catalogue
from reconciler.agents.screen import Rule, classify_screen, rules
from reconciler.agents.versions import number
from reconciler.model.activity import Activity, LiveAgent
from reconciler.observe.live import combined
from reconciler.ports.tmux.rows import last_lines

SCREENS = sorted((Path(__file__).parent / "screens").glob("*/*.txt"))
DATA = Path(__file__).parents[2] / "reconciler" / "agents" / "screens"
CLIS = sorted(path.stem for path in DATA.glob("*.json"))
PROFILES = catalogue([])
# What may be said of each state. A text that nobody has submitted hides what an empty prompt would tell.
MEANING = {
    "idle": {Activity.IDLE},
    "busy": {Activity.BUSY},
    "waiting": {Activity.WAITING},
    "dialog": {Activity.DIALOG},
    "typed": {Activity.IDLE, Activity.UNKNOWN},
    "unreadable": {Activity.UNKNOWN},
}
# What streams in has taken the place of the words, and only the title still shows the work.
ONLY_IN_THE_TITLE = {("codex", "answering")}
NEWCOMERS = {"kilo"}  # only one version of them was captured
each_cli = pytest.mark.parametrize("name", CLIS)


@cache
def seen(path: Path) -> Screen:
    return read(path.read_text("utf-8"))


@cache
def shown(path: Path) -> tuple[str, ...]:
    """The lines as tmux shows them to us."""
    return tuple(last_lines(list(seen(path).lines), 40).splitlines())


def screens(name: str) -> list[Path]:
    return [path for path in SCREENS if path.parent.name == name]


def titled(path: Path) -> Activity:
    return PROFILES[path.parent.name].display.activity(seen(path).title)


def told(path: Path) -> LiveAgent:
    """What title and screen say together."""
    return combined(LiveAgent(titled(path)), classify_screen(rules(path.parent.name), shown(path)))


@each_cli
def test_title_and_screen_of_a_cli_say_together_what_was_so(name: str) -> None:
    assert screens(name)
    assert [path.name for path in screens(name) if told(path).activity not in MEANING[seen(path).state]] == []


@each_cli
def test_a_start_dialog_is_called_by_its_name(name: str) -> None:
    expected = {path.name: seen(path).what if seen(path).state == "dialog" else "" for path in screens(name)}
    assert {path.name: told(path).dialog for path in screens(name)} == expected


@each_cli
def test_a_screen_says_the_same_to_who_knows_the_version(name: str) -> None:
    known = rules(name)
    other = [
        path.name
        for path in screens(name)
        if classify_screen(known, shown(path)) != classify_screen(known, shown(path), seen(path).version)
    ]
    assert other == []


@each_cli
def test_no_title_says_that_a_cli_is_idle_which_works_or_asks_for_a_permission(name: str) -> None:
    at_work = [path for path in screens(name) if seen(path).state not in {"idle", "typed", "dialog"}]
    assert [path.name for path in at_work if titled(path) is Activity.IDLE] == []


@each_cli
def test_no_title_says_that_an_idle_cli_works(name: str) -> None:
    idle = [path for path in screens(name) if seen(path).state in {"idle", "typed", "dialog"}]
    assert [path.name for path in idle if titled(path) in {Activity.BUSY, Activity.WAITING}] == []


@each_cli
def test_a_screen_says_idle_of_no_cli_that_works_or_asks(name: str) -> None:
    at_work = [path for path in screens(name) if seen(path).state not in {"idle", "typed"}]
    checked = [path for path in at_work if (name, seen(path).what) not in ONLY_IN_THE_TITLE]
    wrong = [path.name for path in checked if classify_screen(rules(name), shown(path)).activity is Activity.IDLE]
    assert wrong == []


@each_cli
def test_a_screen_says_the_same_with_empty_lines_below_it(name: str) -> None:
    known, below = rules(name), [" " * 80] * 30
    other = [
        path.name
        for path in screens(name)
        if classify_screen(known, [*shown(path), *below]) != classify_screen(known, shown(path))
    ]
    assert other == []


@pytest.mark.parametrize("path", SCREENS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_fixture_is_where_its_header_says(path: Path) -> None:
    screen = seen(path)
    assert screen.cli == path.parent.name
    assert path.stem.startswith(f"{screen.state}-{screen.what.replace(' ', '_')}")
    assert path.stem.endswith(f".{screen.version}")


HEAD = "cli: qwen\nversion: 0.24.4\ncaptured: 2026-11-29\nstate: busy\nwhat: working"


@pytest.mark.parametrize(
    "head",
    [
        HEAD.replace("cli: qwen\n", ""),
        HEAD.replace("version: 0.24.4\n", ""),
        HEAD.replace("version: 0.24.4", "version: newest"),
        HEAD.replace("captured: 2026-11-29\n", ""),
        HEAD.replace("2026-11-29", "some day"),
        HEAD.replace("state: busy\n", ""),
        HEAD.replace("busy", "asleep"),
        HEAD.replace("captured: 2026-11-29", "documented: somebody's memory"),
        f"{HEAD}\nseen: by me",
    ],
)
def test_a_fixture_that_does_not_say_where_it_is_from_is_refused(head: str) -> None:
    assert read(f"{HEAD}\n---\nworking\n").captured == "2026-11-29"
    with pytest.raises(ValueError, match=r"\w"):
        read(f"{head}\n---\nworking\n")


def test_a_fixture_without_a_header_is_refused() -> None:
    with pytest.raises(ValueError, match="---"):
        read("⠼ Thinking it over... (esc to cancel, 3s)\n")


def test_only_what_cannot_be_installed_may_be_documented() -> None:
    documented = {seen(path).cli for path in SCREENS if seen(path).documented}
    assert documented == NOT_INSTALLABLE
    head = HEAD.replace("qwen", "agy").replace("captured: 2026-11-29", "documented: a thread of its users")
    assert read(f"{head}\n---\nworking\n").documented == "a thread of its users"


def test_what_is_written_is_read_again() -> None:
    screen = seen(SCREENS[0])
    assert read(written(screen)) == screen


@pytest.mark.parametrize("name", CLIS)
def test_every_rule_can_be_read_and_asks_for_something(name: str) -> None:
    for rule in rules(name):
        assert rule.any or rule.all
        assert (Activity(rule.state) is Activity.DIALOG) == bool(rule.name)


@pytest.mark.parametrize(("name", "index"), [(name, index) for name in CLIS for index in range(len(rules(name)))])
def test_without_any_one_rule_some_screen_would_be_judged_differently(name: str, index: int) -> None:
    known = rules(name)
    others = [*known[:index], *known[index + 1 :]]
    assert any(classify_screen(others, shown(path)) != classify_screen(known, shown(path)) for path in screens(name))


@pytest.mark.parametrize("name", [name for name in CLIS if name not in NOT_INSTALLABLE])
def test_the_main_states_are_captured_in_each_version(name: str) -> None:
    states: dict[str, set[str]] = {}
    for path in SCREENS:
        if path.parent.name == name:
            screen = seen(path)
            states.setdefault(screen.version, set()).add(screen.state)
    assert len(states) > (name not in NEWCOMERS)
    asks = {"waiting"} if PROFILES[name].display.permission else set()
    assert all(states[version] >= {"idle", "typed", "busy", *asks} for version in states), states


@pytest.mark.parametrize("name", CLIS)
def test_a_cli_that_can_be_told_idle_by_its_screen_counts_as_one_that_tells_what_it_does(name: str) -> None:
    tells_idle = any(rule.state == "idle" for rule in rules(name))
    assert PROFILES[name].display.tells_activity == tells_idle


def test_work_counts_where_an_empty_prompt_shows_too() -> None:
    for name in CLIS:
        states = [rule.state for rule in rules(name)]
        assert sorted(states, key=("dialog", "waiting", "busy", "idle").index) == states, name


def test_every_data_file_is_called_like_the_cli_that_reads_it() -> None:
    described = {name for name in PROFILES if PROFILES[name].display.reads_screens}
    assert described == set(CLIS)
    assert all(PROFILES[name].display.rules() == rules(name) for name in described)


def test_a_text_that_has_scrolled_up_no_longer_counts() -> None:
    lines = ["Do you want to proceed?", "Esc to cancel", *["work"] * 20]
    assert classify_screen(rules("claude"), lines).activity is Activity.UNKNOWN


def test_a_dialog_is_known_before_the_prompt_sign_that_it_shows_too() -> None:
    prompt_sign = "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}"
    lines = ["Accessing workspace:", "Quick safety check", f"{prompt_sign} No, exit", "? for shortcuts"]
    assert classify_screen(rules("claude"), lines).dialog == "trust"


@pytest.mark.parametrize(
    ("version", "matches"),
    [
        ("", True),
        ("2.0.9", False),
        ("2.1.0", True),
        ("2.1.9 (Claude Code)", True),
        ("2.1.10", False),
        ("3.0.0-1", False),
    ],
)
def test_a_rule_holds_from_one_version_up_to_but_not_including_another(version: str, matches: bool) -> None:
    rule = Rule("busy", all=("working",), since="2.1.0", until="2.1.10")
    assert (classify_screen([rule], ["Working"], version).activity is Activity.BUSY) == matches


def test_the_data_files_are_plain_json_lists() -> None:
    assert all(isinstance(json.loads(path.read_bytes()), list) for path in DATA.glob("*.json"))


@each_cli
def test_a_profile_lists_the_versions_that_were_run_for_its_captures(name: str) -> None:
    captured = {screen.version for path in SCREENS if (screen := seen(path)).cli == name and screen.captured}
    assert PROFILES[name].tested == tuple(sorted(captured, key=number))
