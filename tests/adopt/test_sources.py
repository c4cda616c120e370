"""What is looked at, by the words of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.app.adopt.othertools import NEEDS_NAME, TOOLS
from reconciler.app.adopt.sources import NAMED, OWN, SourceKind, chosen_sources
from reconciler.model.errors import UsageError


@pytest.mark.parametrize(
    ("named", "words", "expected"),
    [
        ((), (), (["registry", "tmux", "jobs", "broker"], "")),
        ((), ("lab",), (["registry", "tmux", "jobs", "broker"], "lab")),
        (("tmux",), (), (["tmux"], "")),
        (("tmux", "claude-squad"), (), (["tmux", "claude-squad"], "")),
        (("tmux", "registry"), (), (["tmux", "registry"], "")),
        (("tmuxp",), ("a.yaml",), (["tmuxp a.yaml"], "")),
        (("tmuxp:a.yaml",), ("lab",), (["tmuxp a.yaml"], "lab")),
        (("tmuxp",), ("lab", "a.yaml"), (["tmuxp a.yaml"], "lab")),
        (("tmuxp",), ("a.yaml", "lab"), (["tmuxp a.yaml"], "lab")),
        (("tmuxp", "tmuxinator"), ("a.yaml", "b.yml"), (["tmuxp a.yaml", "tmuxinator b.yml"], "")),
        (("agent-deck:work", "claude-squad"), (), (["agent-deck work", "claude-squad", "tmux"], "")),
    ],
)
def test_what_the_words_mean(
    named: tuple[str, ...],
    words: tuple[str, ...],
    expected: tuple[list[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "lab").mkdir()
    monkeypatch.chdir(tmp_path)
    chosen = chosen_sources(named, words)
    assert ([f"{each.kind} {each.name}".strip() for each in chosen.sources], chosen.folder) == expected


@pytest.mark.parametrize(
    ("named", "words", "said"),
    [
        (("tmux2",), (), "'tmux2' is not a source"),
        (("tmuxp",), (), "--from tmuxp needs a file"),
        ((), ("a", "b"), "unexpected argument: b"),
    ],
)
def test_what_means_nothing_is_told(named: tuple[str, ...], words: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        chosen_sources(named, words)


def test_every_tool_that_is_read_can_be_named() -> None:
    assert {*SourceKind} - {*OWN} == {*TOOLS}
    assert {kind.value for kind in NAMED} == NEEDS_NAME
