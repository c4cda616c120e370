"""Words of other tools: some are ours under another name, the others are answered with what to type."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler import __version__
from reconciler.cli.catalogue import ALIASES, CATALOGUE, COMMANDS, Command
from reconciler.cli.other_words import INSTEAD
from reconciler.cli.run import run
from reconciler.cli.typer_program import program

PAGE = (Path(__file__).parents[2] / "docs" / "reference.md").read_text()
SECTION = PAGE.partition("## Words from other tools\n")[2].partition("\n## ")[0]
ROWS = dict(re.findall(r"^\| (`.+?) \| (.+) \|$", SECTION, re.MULTILINE))


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize(("alias", "command"), ALIASES.items())
def test_an_alias_takes_the_options_of_its_command(
    alias: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([command, "--help"]) == 0
    wanted = capsys.readouterr().out.replace(f"reconciler {command} [", f"reconciler {alias} [", 1)
    assert run([alias, "--help"]) == 0
    assert capsys.readouterr().out == wanted


def test_what_stands_before_an_alias_counts_as_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "reconciler.yaml").write_text("version: 1\nworkspaces: {lab: {path: lab, agents: {shell: }}}\n")
    assert run(["-C", str(tmp_path), "ls"]) == 0
    assert "lab-creator-shell" in capsys.readouterr().out


def test_version_is_a_word_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["version"]) == 0
    assert capsys.readouterr().out == f"reconciler {__version__}\n"


def test_help_lists_no_alias(capsys: pytest.CaptureFixture[str]) -> None:
    run(["--help"])
    listed = set(re.findall(r"^  ([a-z]\S*)  ", capsys.readouterr().out.partition("Commands:")[2], re.MULTILINE))
    assert listed == {name for name, entry in CATALOGUE.items() if not entry.hidden}


@pytest.mark.parametrize("spelling", ["--yes", "-y", "-yes", "--auto-approve", "-auto-approve"])
@pytest.mark.parametrize("command", ["apply", "up", "destroy", "down", "rollback", "create lab", "delete a", "adopt"])
def test_yes_is_a_word_for_every_command_that_asks(
    command: str, spelling: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run([*command.split(), spelling])
    assert "No such option" not in capsys.readouterr().err


@pytest.mark.parametrize("word", INSTEAD)
def test_a_word_that_means_nothing_here_is_answered_with_what_to_type(
    word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([word, "scribe", "--whatever"]) == 64
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [
        f"Error: there is no command {word}",
        f"  -> did you mean {' or '.join(f'`{each}`' for each in INSTEAD[word])}?",
    ]


def test_no_such_word_is_a_command() -> None:
    assert not INSTEAD.keys() & COMMANDS.keys()


@pytest.mark.parametrize("typed", sorted({each for typed in INSTEAD.values() for each in typed}))
def test_what_is_proposed_can_be_typed(typed: str) -> None:
    _, *rest = typed.split()
    group, entries = program(), COMMANDS
    for word in rest:
        if word.isupper():
            break
        if word.startswith("-"):
            assert word in {option for param in group.params for option in param.opts} | {"--install-completion"}
        else:
            entry = entries[word]
            group, entries = group.commands[word], {} if isinstance(entry, Command) else entry.commands


def test_the_page_lists_every_word() -> None:
    listed = {word.split()[0]: words(meant)[0] for cell, meant in ROWS.items() for word in words(cell)}
    assert {word: listed.get(word) for word in ALIASES} == dict(ALIASES)
    hidden = {name for name, entry in COMMANDS.items() if entry.hidden} - {
        "await-confirmation",
        "receive",
    }  # programs run these
    assert hidden <= listed.keys()
    answered = {word: words(meant) for cell, meant in ROWS.items() for word in words(cell) if word in INSTEAD}
    assert answered == {word: [each.removeprefix("reconciler ") for each in INSTEAD[word]] for word in INSTEAD}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("schema print manifst", "`manifst` is not a value of NAME\n  -> did you mean `manifest`?"),
        ("graph --format dott", "`dott` is not a value of --format\n  -> did you mean `dot`?"),
        ("answer one allow", "`allow` is not a value of [approve|deny]\n  -> one of: approve, deny"),
    ],
)
def test_a_value_that_is_not_in_the_list_is_answered_with_the_nearest(
    line: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(line.split()) == 64
    assert capsys.readouterr().err == f"Error: {said}\n"
