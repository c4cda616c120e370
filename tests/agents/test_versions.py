"""Which words of a command line a version of a CLI is too old for."""

from __future__ import annotations

import pytest

from reconciler.agents.catalogue import catalogue
from reconciler.agents.versions import version_in, without_newer

CODEX = catalogue([])["codex"]
ARGS = ("--no-daemon", "resume", "{session_id}")


@pytest.mark.parametrize(
    ("version", "args"),
    [
        ("0.144.5", ARGS[1:]),
        ("0.155.1", ARGS[1:]),
        ("0.156.0", ARGS),
        ("0.159.0", ARGS),
        ("0.171.0", ARGS),
        ("1.0.0", ARGS),
        ("", ARGS),
    ],
)
def test_codex_gets_the_switch_that_keeps_its_server_away_where_it_knows_it(
    version: str, args: tuple[str, ...]
) -> None:
    assert without_newer(ARGS, CODEX.launch.since, version) == args


@pytest.mark.parametrize("name", sorted(catalogue([])))
def test_only_what_is_passed_has_a_version(name: str) -> None:
    profile = catalogue([])[name]
    assert {word for word, _ in profile.launch.since} <= {*profile.launch.args_always, *profile.trust.args}


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("codex-cli 0.144.5\n", "0.144.5"),
        ("2.1.156 (Claude Code)\n", "2.1.156"),
        ("GitHub Copilot CLI 1.0.68.\nRun 'copilot update' to check for updates.\n", "1.0.68"),
        ("0.45.2\n", "0.45.2"),
        ("unknown\n", ""),
        ("", ""),
    ],
)
def test_a_version_is_found_in_what_a_cli_says(said: str, version: str) -> None:
    assert version_in(said) == version
