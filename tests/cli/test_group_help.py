"""The help of the program and its groups, made without typer, is the text that typer makes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.cli.catalogue import CATALOGUE
from reconciler.cli.group_help import help_asked_for
from reconciler.cli.typer_program import run_by_typer


def groups(entries: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield above
    for name, entry in entries.items():
        if hasattr(entry, "commands"):
            yield from groups(entry.commands, (*above, name))


@pytest.mark.parametrize("columns", ["20", "52", "53", "80", "97", "110", "111", "300", "0", "many", ""])
@pytest.mark.parametrize("path", list(groups(CATALOGUE)), ids=" ".join)
def test_the_help_is_the_one_that_typer_makes(
    path: tuple[str, ...], columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert run_by_typer([*path, "--help"]) == (0, [])
    ours = help_asked_for([*path, "--help"], {"COLUMNS": columns})
    assert "\n".join([*(ours or ()), ""]) == capsys.readouterr().out


@pytest.mark.parametrize("words", [["-h"], ["help"], ["help", "job"], ["job", "help"], ["broker", "user", "-h"]])
def test_every_way_of_asking_shows_it(words: list[str]) -> None:
    path = [word for word in words if word not in {"-h", "help"}]
    assert help_asked_for(words, {}) == help_asked_for([*path, "--help"], {})
    assert help_asked_for(words, {})


@pytest.mark.parametrize(
    "words", [[], ["plan", "--help"], ["help", "plan"], ["--help", "job"], ["nothing", "--help"], ["job"], ["-C", "-h"]]
)
def test_all_else_is_left_to_typer(words: list[str]) -> None:
    assert help_asked_for(words, {}) is None
