"""What is in the input box of each CLI, on the screens as they were seen."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from reconciler.agents.box import holds, is_empty, sign
from reconciler.agents.catalogue import catalogue
from reconciler.ports.tmux.rows import last_lines

PROFILES = catalogue([])
BOXES = {name: PROFILES[name].box for name in PROFILES if PROFILES[name].box}
SCREENS = sorted((Path(__file__).parent / "screens").glob("*/*.txt"))
IDLE = [path for path in SCREENS if path.parent.name in BOXES and path.stem.startswith("idle")]
HEAVY = "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}"
ANGLE = "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"
LONG = "Please look at the whole of the file and tell me what it promises to its callers"


def _lines(path: Path) -> list[str]:
    """As tmux shows them to us: with one blank line at most between two others."""
    return last_lines(path.read_text("utf-8").splitlines(), 40).splitlines()


@pytest.mark.parametrize("path", IDLE, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_box_of_an_idle_agent_is_empty_and_holds_nothing(path: Path) -> None:
    box = BOXES[path.parent.name]
    assert is_empty(box, _lines(path)) is True
    assert not any(holds(box, _lines(path), text) for text in ("y", "A", "hello", LONG))


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
    ("opencode", ["  ┃", "  ┃  hello", "  ┃", "  ┃  Build  stub"], "hello"),
    ("opencode", ["  ┃", "  ┃  [Pasted ~30 lines]", "  ┃  Build  stub"], LONG),
    ("copilot", ["────", f"{HEAVY} hello", "────"], "hello"),
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


@pytest.mark.parametrize("path", IDLE, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_nothing_on_an_idle_screen_looks_like_work(path: Path) -> None:
    assert not _shows(path, PROFILES[path.parent.name].works())


@pytest.mark.parametrize("path", [path for path in SCREENS if path.stem.startswith("busy")], ids=str)
def test_work_shows_on_the_screen(path: Path) -> None:
    assert _shows(path, PROFILES[path.parent.name].works())


def _shows(path: Path, groups: Iterable[Iterable[str]]) -> bool:
    shown = path.read_text("utf-8").casefold()
    return any(all(text.casefold() in shown for text in texts) for texts in groups)


@pytest.mark.parametrize("path", SCREENS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_questions_of_a_cli_are_on_its_dialogs_and_on_no_other_of_its_screens(path: Path) -> None:
    asked = _shows(path, PROFILES[path.parent.name].questions())
    assert asked == path.stem.startswith(("waiting", "dialog"))
