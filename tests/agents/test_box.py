"""What is in the input box of each CLI, on the screens as they were seen."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
from captured import read

from reconciler.agents.box import holds, is_empty, sign
from reconciler.agents.catalogue import catalogue
from reconciler.agents.screen import questions, rules, works
from reconciler.ports.tmux.rows import last_lines

PROFILES = catalogue([])
BOXES = {name: PROFILES[name].display.box for name in PROFILES if PROFILES[name].display.box}
SCREENS = sorted((Path(__file__).parent / "screens").glob("*/*.txt"))
# Only the title shows this work: a text stands where the words for it were.
ONLY_IN_THE_TITLE = ("claude/busy-typed", "codex/busy-answering")
# Gemini leaves old frames on the screen when its terminal gets another size, as these did.
OLD_FRAMES = ("gemini/idle-after", "gemini/idle-queued")
HEAVY = "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}"
ANGLE = "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"
LONG = "Please look at the whole of the file and tell me what it promises to its callers"


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _screens(name: str, *states: str) -> list[Path]:
    return [path for path in SCREENS if path.parent.name == name and path.name.startswith(states)]


@cache
def _lines(path: Path) -> tuple[str, ...]:
    """As tmux shows them to us: with one blank line at most between two others."""
    return tuple(last_lines(list(read(path.read_text("utf-8")).lines), 40).splitlines())


@pytest.mark.parametrize("name", sorted(BOXES))
def test_the_box_of_an_idle_agent_is_empty_and_holds_nothing(name: str) -> None:
    box, idle = BOXES[name], _screens(name, "idle")
    assert idle
    assert [_name(path) for path in idle if is_empty(box, _lines(path)) is not True] == []
    held = (_name(path) for path in idle for text in ("y", "A", "hello", LONG) if holds(box, _lines(path), text))
    assert list(held) == []


@pytest.mark.parametrize("name", sorted(BOXES))
def test_a_half_typed_prompt_is_in_the_box(name: str) -> None:
    typed = _screens(name, "typed-half", "busy-typed")
    assert typed
    assert [_name(path) for path in typed if not holds(BOXES[name], _lines(path), "a half-typed prompt")] == []
    assert [_name(path) for path in typed if is_empty(BOXES[name], _lines(path))] == []


def test_text_that_stands_beside_the_box_is_not_in_it() -> None:
    beside = [
        "  ┃                                     Context",
        "  ┃                                     /a/folder/with/a/long/",
        "  ┃  Build · stub stub                  name:main",
        "  ╹▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀",
        "   ~/lab          ctrl+p commands       • OpenCode 1.18.33",
    ]
    assert is_empty(BOXES["opencode"], beside) is True
    typed = ["  ┃  hello                              Context", *beside[1:]]
    assert is_empty(BOXES["opencode"], typed) is False
    assert holds(BOXES["opencode"], typed, "hello")


@pytest.mark.parametrize("agent", ["Build · stub stub", "Review · stub stub", "Code  · stub stub"])
def test_the_agent_and_model_below_the_box_of_opencode_are_no_text(agent: str) -> None:
    """Users have agents of their own; Kilo, which is made from OpenCode, has others."""
    below = ["  ┃", f"  ┃  {agent}", "  ╹▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀"]
    assert is_empty(BOXES["opencode"], ["  ┃", "  ┃", *below]) is True
    assert is_empty(BOXES["opencode"], ["  ┃", '  ┃  Ask anything... "What now?"', *below]) is True
    assert is_empty(BOXES["opencode"], ["  ┃", "  ┃  a · b", *below]) is False


def test_words_of_the_hint_may_be_typed_into_the_box() -> None:
    lines = ["  ┃", "  ┃  Ask anything you need", "  ┃", "  ┃  Build · stub stub", "  ╹▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀"]
    assert is_empty(BOXES["opencode"], lines) is False


def test_a_screen_without_the_mark_has_no_box() -> None:
    assert is_empty(BOXES["claude"], ["$ ls", "a  b", "$"]) is None
    assert not holds(BOXES["claude"], ["$ hello"], "hello")


TYPED = [
    ("claude", [f"{HEAVY} y", "  ? for shortcuts"], "y"),
    ("claude", [f"{HEAVY} one", "  two", "  three", "────"], "one\ntwo\nthree"),
    ("claude", [f"{HEAVY} {LONG[:50]}", f"  {LONG[50:]}", "  ? for shortcuts"], LONG),
    ("claude", [f"{HEAVY} [Pasted text #2 +29 lines]"], LONG),
    ("codex", [f"{ANGLE} hello", "  ? for shortcuts"], "hello"),
    ("codex", [f"{ANGLE} [Pasted Content 2039 chars]"], LONG),
    ("gemini", ["────", " >   hello", "────"], "hello"),
    ("gemini", [" >   [Pasted Text: 30 lines]"], LONG),
    ("qwen", ["╭────╮", f"│ >   {LONG[:40]} │", f"│   {LONG[40:]}   │", "╰────╯"], LONG),
    ("kilo", ["  ┃", "  ┃  hello", "  ┃", "  ┃  Code  · stub stub"], "hello"),
    ("opencode", ["  ┃", "  ┃  hello", "  ┃", "  ┃  Build  stub"], "hello"),
    ("opencode", ["  ┃", "  ┃  [Pasted ~30 lines]", "  ┃  Build  stub"], LONG),
    ("copilot", ["────", f"{HEAVY} hello", "────"], "hello"),
    ("cline", [f"{HEAVY} [line 0 of the big... Pasted +30", "  lines]", "────"], LONG),
    ("pi", ["────", "hello", "────", "~/lab"], "hello"),
    ("pi", ["────", "$ ls", "────", "────", LONG[:50], LONG[50:], "────", "~/lab"], LONG),
    ("pi", ["── ⠼ Working ────", "hello", "────"], "hello"),
    ("pi", ["────", "[paste #1 +30 lines]", "────"], LONG),
    ("pi", ["─── ↑ 3 more ────", LONG[30:], "────"], LONG),
]


@pytest.mark.parametrize(("name", "lines", "text"), TYPED)
def test_a_text_is_found_in_the_box_that_it_was_typed_into(name: str, lines: list[str], text: str) -> None:
    assert holds(BOXES[name], lines, text)
    assert is_empty(BOXES[name], lines) is False


@pytest.mark.parametrize(
    ("lines", "text", "words"),
    [
        (
            [f"{HEAVY} fix it; then", "  run all the tests", "  ? for shortcuts"],
            "fix it; then\nrun all the tests",
            "run all the tests",
        ),
        ([f"{HEAVY} {LONG[:70]}", f"  {LONG[70:]}", "  ? for shortcuts"], LONG, LONG[:40].strip()),
        ([f"{HEAVY} [Pasted text #2 +29 lines]", "  ? for shortcuts"], LONG, "Pasted text"),
        ([f"{HEAVY} größer"], "größer", "gr"),
        ([f"{HEAVY} 日本", "  ? for shortcuts"], "日本", ""),
    ],
)
def test_the_text_in_the_box_is_known_by_its_longest_plain_words(lines: list[str], text: str, words: str) -> None:
    assert sign(BOXES["claude"], lines, text) == words


def test_a_prompt_that_was_submitted_stands_above_the_box_and_not_in_it() -> None:
    lines = [f"{HEAVY} hello", "● thinking", "────", HEAVY, "────", "  ? for shortcuts"]
    assert not holds(BOXES["claude"], lines, "hello")


@pytest.mark.parametrize("name", sorted({path.parent.name for path in SCREENS}))
def test_what_tmux_looks_for_before_it_types_is_on_the_screens_that_it_means(name: str) -> None:
    working, asks = works(rules(name)), questions(rules(name))
    idle = [path for path in _screens(name, "idle") if not _name(path).startswith(OLD_FRAMES)]
    busy = [path for path in _screens(name, "busy") if not _name(path).startswith(ONLY_IN_THE_TITLE)]
    asking = _screens(name, "waiting", "dialog")
    assert [_name(path) for path in idle if _shows(path, working)] == []
    assert [_name(path) for path in busy if not _shows(path, working)] == []
    assert [_name(path) for path in _screens(name, "") if _shows(path, asks) != (path in asking)] == []


def _shows(path: Path, groups: Iterable[Iterable[str]]) -> bool:
    shown = "\n".join(_lines(path)).casefold()
    return any(all(text.casefold() in shown for text in texts) for texts in groups)
