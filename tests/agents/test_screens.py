"""Screens as the facts describe them: `<state>-<what>.txt`, for a start dialog `dialog-<name>.txt`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.agents.catalogue import catalogue
from reconciler.agents.profile import unknown_screen
from reconciler.agents.screen import Rule, judged, rules
from reconciler.model.snapshot import Activity, LiveAgent

SCREENS = sorted((Path(__file__).parent / "screens").glob("*/*.txt"))
DATA = Path(__file__).parents[2] / "reconciler" / "agents" / "screens"
CLIS = sorted(path.stem for path in DATA.glob("*.json"))
PROFILES = catalogue([])


def _expected(path: Path) -> LiveAgent:
    state, _, what = path.stem.partition("-")
    name = what.partition(".")[0].replace("_", " ") if state == "dialog" else ""
    return LiveAgent(Activity(state), dialog=name)


@pytest.mark.parametrize("path", SCREENS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_screen_is_what_its_file_is_called(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    version = path.stem.partition(".")[2]
    screen = PROFILES[path.parent.name].screen
    assert screen(lines, "") == screen(lines, version) == _expected(path)


@pytest.mark.parametrize("path", SCREENS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_screen_says_the_same_with_empty_lines_below_it(path: Path) -> None:
    lines = [*path.read_text("utf-8").splitlines(), *[" " * 80] * 30]
    assert PROFILES[path.parent.name].screen(lines, "") == _expected(path)


@pytest.mark.parametrize("name", CLIS)
def test_every_rule_can_be_read_and_asks_for_something(name: str) -> None:
    for rule in rules(name):
        assert rule.any or rule.all
        assert (Activity(rule.state) is Activity.DIALOG) == bool(rule.name)


# Words that others look for; no screen that shows them was captured.
NOT_SEEN = {("claude", "busy"), ("copilot", "busy")}


@pytest.mark.parametrize(("name", "index"), [(name, index) for name in CLIS for index in range(len(rules(name)))])
def test_without_any_one_rule_some_screen_would_be_judged_differently(name: str, index: int) -> None:
    known = rules(name)
    others = [*known[:index], *known[index + 1 :]]
    screens = [path.read_text("utf-8").splitlines() for path in SCREENS if path.parent.name == name]
    needed = any(judged(others, lines) != judged(known, lines) for lines in screens)
    assert needed or (name, known[index].state) in NOT_SEEN


def test_every_data_file_is_called_like_the_cli_that_reads_it() -> None:
    assert {name for name in PROFILES if PROFILES[name].screen is not unknown_screen} == set(CLIS)


def test_a_text_that_has_scrolled_up_no_longer_counts() -> None:
    lines = ["Do you want to proceed?", "Esc to cancel", *["work"] * 20]
    assert PROFILES["claude"].screen(lines, "").activity is Activity.UNKNOWN


def test_a_dialog_is_known_before_the_prompt_sign_that_it_shows_too() -> None:
    prompt_sign = "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}"
    lines = ["Accessing workspace:", "Quick safety check", f"{prompt_sign} No, exit", "? for shortcuts"]
    assert PROFILES["claude"].screen(lines, "").dialog == "trust"


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
    assert (judged([rule], ["Working"], version).activity is Activity.BUSY) == matches


def test_the_data_files_are_plain_json_lists() -> None:
    assert all(isinstance(json.loads(path.read_bytes()), list) for path in DATA.glob("*.json"))
