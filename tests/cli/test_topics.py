"""`reconciler help TOPIC` shows the pages of `docs/`."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from reconciler.cli.catalogue import COMMANDS
from reconciler.cli.pages import topics
from reconciler.cli.run import run
from reconciler.render.terminal import show_page

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", sorted(path.stem for path in DOCS.glob("*.md")))
def test_each_page_is_shown_as_it_is_in_a_pipe(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["help", f"{name}.md"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == (DOCS / f"{name}.md").read_text().splitlines()[0]


def test_the_list_has_each_page_with_its_title(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["help", "topics"]) == 0
    said = capsys.readouterr().out
    assert [name for name in topics() if f"- `{name}`: " not in said] == []
    assert "- `safety`: Safety\n" in said


def test_a_command_comes_before_a_page_of_the_same_name(capsys: pytest.CaptureFixture[str]) -> None:
    both = sorted(set(topics()) & set(COMMANDS))
    assert "doctor" in both
    assert run(["help", "doctor"]) == 0
    assert capsys.readouterr().out.startswith("Usage: reconciler doctor")


def test_a_topic_that_is_none_is_an_error() -> None:
    assert run(["help", "../secrets"]) == 64
    assert run(["help", "nothing-like-that"]) == 64


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_page_is_laid_out() -> None:
    screen = Terminal()
    show_page("# Title\n\n| a | b |\n|---|---|\n| `one` | two |\n", screen, {"TERM": "xterm", "NO_COLOR": "1"})
    assert "|---|" not in screen.getvalue()
    assert "`" not in screen.getvalue()
    assert "one" in screen.getvalue()
