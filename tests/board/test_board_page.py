"""The page about the board, against the keys of the program; and the keys, against the tests on real tmux."""

from __future__ import annotations

import re
from pathlib import Path

from test_board import TRIED

from reconciler.board.keys import KEYS, MOUSE, MOVES, Key

PAGE = (Path(__file__).parents[2] / "docs" / "board.md").read_text("utf-8")
_NAMED = {  # as tmux names them
    "slash": "/",
    "question_mark": "?",
    "enter": "Enter",
    "space": "Space",
    "escape": "Escape",
    "up": "Up",
    "down": "Down",
    "home": "Home",
    "end": "End",
    "pageup": "PageUp",
    "pagedown": "PageDown",
    "ctrl+c": "C-c",
    "ctrl+q": "C-q",
}


def _rows(head: str) -> list[tuple[str, str]]:
    table = PAGE.partition(f"| {head} | what it does |")[2].partition("\n\n")[0]
    return re.findall(r"^\| `([^`]+)` \| (.+) \|$", table, re.MULTILINE)


def _told(keys: tuple[Key, ...]) -> list[tuple[str, str]]:
    return [(each.key, each.help) for each in keys]


def test_the_page_has_exactly_the_keys_of_the_board():
    assert _rows("key") == _told(KEYS)
    assert _rows("mouse") == _told(MOUSE)


def test_every_key_is_tried_on_real_tmux():
    """`shift+r` is what some terminals send for R."""
    bound = [
        name for each in (*(each.bound for each in KEYS), *(bound for bound, _ in MOVES)) for name in each.split(",")
    ]
    wanted = {_NAMED.get(name, name) for name in bound if name not in {"", "shift+r"}}
    assert wanted - TRIED == set()


def test_every_action_of_the_mouse_is_tried_on_real_tmux():
    assert {each.key for each in MOUSE} - TRIED == set()
