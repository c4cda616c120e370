"""Every verb of every day has a document for programs, its schema, examples in its help, and names at Tab."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from reconciler import __version__
from reconciler.cli.catalogue import ALIASES, CATALOGUE, COMMANDS, Command
from reconciler.cli.commands.schema import SchemaName
from reconciler.cli.run import run
from reconciler.cli.typer_program import program

ROOT = Path(__file__).parents[2]
DOCUMENTS = (ROOT / "docs" / "reference.md").read_text().partition("\n## JSON documents\n")[2]
VERBS = (
    *("status", "peek", "last", "diff", "send", "answer", "attach", "history"),
    *("stop", "resume", "restart", "archive", "create", "delete", "apply", "destroy"),
)
WITHOUT_A_NAME = {"apply", "destroy"}  # they take manifests
GROUP = program()


def examples(verb: str) -> list[str]:
    """The command lines in the help, without what explains them and what stands before or behind them in a pipe."""
    text = GROUP.commands[verb].help.partition("\b\n")[2]
    parts = [part for line in text.splitlines() for part in re.sub(r"\s+#.*$", "", line).split(" | ")]
    return [part.strip() for part in parts if part.strip().startswith("reconciler ")]


@pytest.mark.parametrize("verb", VERBS)
def test_a_program_gets_a_document_with_a_published_schema(verb: str) -> None:
    assert "--json" in {option for param in GROUP.commands[verb].params for option in param.opts}
    rows = [row for row in DOCUMENTS.splitlines() if re.search(rf"`(reconciler )?{verb}( --json)?`", row)]
    (schema,) = {name for row in rows for name in re.findall(r"\((?:\.\./schemas/)([\w-]+)\.schema\.json\)", row)}
    assert schema in {each.value for each in SchemaName}
    assert (ROOT / "schemas" / f"{schema}.schema.json").exists()


@pytest.mark.parametrize("verb", VERBS)
def test_its_help_has_examples_that_can_be_typed(verb: str) -> None:
    assert examples(verb)
    for example in examples(verb):
        _, typed, *words = shlex.split(example)
        assert typed == verb
        GROUP.commands[verb].make_context(verb, words)  # raises for an option or a word that it does not take


@pytest.mark.parametrize("verb", sorted({*VERBS} - WITHOUT_A_NAME))
def test_its_name_is_completed_at_tab(verb: str) -> None:
    names = [
        param
        for param in GROUP.commands[verb].params
        if param.param_type_name == "argument" and re.search(r"NAME|WORKSPACE", param.metavar or "")
    ]
    assert [param._custom_shell_complete is not None for param in names] == [True]


@pytest.mark.parametrize(
    ("word", "verb"),
    [("ls", "status"), ("ps", "status"), ("up", "apply"), ("down", "destroy"), ("start", "resume"), ("logs", "peek")],
)
def test_a_word_of_another_tool_is_the_same_command(word: str, verb: str) -> None:
    assert ALIASES[word] == verb
    alias, meant = COMMANDS[word], CATALOGUE[verb]
    assert isinstance(alias, Command)
    assert isinstance(meant, Command)
    assert (alias.file, alias.function) == (meant.file, meant.function)
    assert [param.name for param in GROUP.commands[word].params] == [p.name for p in GROUP.commands[verb].params]


def test_the_other_words_of_the_list_work_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["version"]) == 0
    assert capsys.readouterr().out == f"reconciler {__version__}\n"
    assert run(["help", "peek"]) == 0
    assert "Usage: reconciler peek" in capsys.readouterr().out
    assert run(["restart", "--help"]) == 0
    for verb in ("apply", "destroy", "create", "delete", "up", "down"):
        options = {option for param in GROUP.commands[verb].params for option in param.opts}
        assert {"-y", "--yes", "--auto-approve"} <= options, verb
