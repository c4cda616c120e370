"""The arguments of a running agent, by the words of its processes."""

from __future__ import annotations

import pytest

from reconciler.adopt.process_arguments import with_arguments, with_command
from reconciler.agents.catalogue import catalogue
from reconciler.model.adoption import FoundAgent

FOUND = FoundAgent(source="tmux", workspace="lab", agent="claude", type="claude", path="/lab", live=True)
ID = "b3a7c0de-1111-4222-8333-444455556666"


@pytest.mark.parametrize(
    ("processes", "args"),
    [
        (["claude"], ()),
        (["claude", "--model", "opus"], ("--model", "opus")),
        (["/usr/bin/claude", "--resume", ID, "--model", "opus"], ("--model", "opus")),
        (["node", "/opt/bin/claude", "--verbose"], ("--verbose",)),
        (["sh", "-c", "claude --model opus"], ()),
        (["claude", "--append-system-prompt", "be brief"], ("--append-system-prompt", "be brief")),
    ],
)
def test_what_it_was_started_with_becomes_its_arguments_but_for_its_conversation(
    processes: list[str], args: tuple[str, ...]
) -> None:
    assert with_arguments(FOUND, [processes], catalogue(())).args == args


def test_the_first_process_that_is_its_cli_tells() -> None:
    words = [["bash"], ["claude", "--model", "opus"], ["claude", "--other"]]
    assert with_arguments(FOUND, words, catalogue(())).args == ("--model", "opus")


def test_a_secret_is_left_out_and_told_of() -> None:
    found = with_arguments(FOUND, [["claude", "--api-key", "sk-ant-api03-0123456789abcdef"]], catalogue(()))
    assert "sk-ant" not in repr(found)
    assert any("--api-key" in note for note in found.comments)


def test_what_is_known_already_and_what_is_no_cli_of_ours_stays_as_it_is() -> None:
    known = FoundAgent(source="x", workspace="lab", agent="claude", type="claude", path="/lab", args=("--mine",))
    assert with_arguments(known, [["claude", "--model", "x"]], catalogue(())) is known
    other = FoundAgent(source="x", workspace="lab", agent="t", type="ticker", path="/lab")
    assert with_arguments(other, [["ticker", "-x"]], catalogue(())) is other


@pytest.mark.parametrize(
    ("processes", "command"),
    [
        ([["sleep", "1000"]], ("sleep", "1000")),
        ([["sh", "-c", "ticker -x; true"], ["ticker", "-x"]], ("ticker", "-x")),
        ([["-bash"]], ()),
        ([[]], ()),
        ([["ticker", "--token", "sk-ant-api03-0123456789abcdef"]], ("ticker",)),
    ],
)
def test_a_type_that_nobody_knows_gets_the_whole_command(processes: list[list[str]], command: tuple[str, ...]) -> None:
    other = FoundAgent(source="x", workspace="lab", agent="t", type="ticker", path="/lab")
    found = with_command(other, processes)
    assert found.command == command
    assert "sk-ant" not in repr(found)
