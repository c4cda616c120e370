"""Whether a CLI resumes a conversation from another folder than the one that it began in."""

import pytest

from reconciler.agents.catalogue import BUILT_IN, catalogue


@pytest.mark.parametrize(
    ("version", "follows"),
    [
        ("2.1.197 (Claude Code)", False),
        ("1.0.9 (Claude Code)", False),
        ("2.1.250 (Claude Code)", None),
        ("2.1.330 (Claude Code)", True),
        ("2.2.0 (Claude Code)", True),
        ("3.0.1", True),
        ("", None),
        ("Claude Code", None),
    ],
)
def test_claude_resumes_from_another_folder_as_its_version_was_seen_to_do(version: str, follows: bool | None) -> None:
    assert catalogue(())["claude"].storage.follows(version) is follows


def test_only_what_was_seen_is_said_of_the_other_clis() -> None:
    said = {name: catalogue(())[name].storage.follows("") for name in BUILT_IN}
    known = {name: follows for name, follows in said.items() if follows is not None}
    assert known == {"codex": True, "gemini": False, "pi": False}
