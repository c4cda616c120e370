"""The catalogue of commands says what the commands themselves say, and nothing is loaded to list it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping

import pytest

from reconciler.cli.catalogue import CATALOGUE, Entry
from reconciler.cli.run import run
from reconciler.cli.typer_program import program


def commands(entries: Mapping[str, Entry], above: str = "") -> Iterator[tuple[str, Entry]]:
    for name, entry in entries.items():
        below = getattr(entry, "commands", None)
        yield from commands(below, f"{above}{name} ") if below else [(f"{above}{name}", entry)]


@pytest.mark.parametrize(
    ("name", "entry"), list(commands(CATALOGUE)), ids=lambda each: each if isinstance(each, str) else ""
)
def test_the_line_of_a_command_is_the_first_sentence_of_its_help(name: str, entry: Entry) -> None:
    group = program()
    *above, last = name.split()
    for each in above:
        group = group.commands[each]
    command = group.commands[last]
    assert command.get_short_help_str(1000) == entry.summary
    assert command.hidden == entry.hidden


@pytest.mark.parametrize("words", [["--help"], ["job", "--help"], ["broker", "user", "--help"], ["statuss"]])
def test_no_command_is_loaded_to_list_them(words: list[str]) -> None:
    code = f"from reconciler.cli.run import run; run({words!r}); import sys; print('loaded:', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [name for name in done.stdout.partition("loaded:")[2].split() if ".commands." in name] == []


@pytest.mark.parametrize(
    ("words", "same"),
    [
        (["help"], ["--help"]),
        (["job", "help"], ["job", "--help"]),
        (["help", "job"], ["job", "--help"]),
        (["help", "job", "submit"], ["job", "submit", "--help"]),
        (["job", "help", "submit"], ["job", "submit", "--help"]),
        (["-C", "/", "broker", "user", "help", "add"], ["-C", "/", "broker", "user", "add", "--help"]),
    ],
)
def test_help_is_a_command_of_every_group(
    words: list[str], same: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(same) == 0
    wanted = capsys.readouterr()
    assert run(words) == 0
    assert capsys.readouterr() == wanted


def test_help_about_what_is_no_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["help", "nothing"]) == 64
    assert "No such command 'nothing'" in capsys.readouterr().err
