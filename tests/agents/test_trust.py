"""What each CLI is told about a folder that the user trusts."""

from __future__ import annotations

import json

import pytest

from reconciler.agents.catalogue import BUILT_IN, catalogue
from reconciler.agents.jsonl import document, written
from reconciler.agents.launch import trusting
from reconciler.agents.subject import AgentEnvironment

PROFILES = catalogue([])
FOLDER = "/home/u/my lab"


@pytest.mark.parametrize(
    ("agent", "env", "file"),
    [
        ("claude", {}, "/home/u/.claude.json"),
        ("claude", {"CLAUDE_CONFIG_DIR": "/cfg"}, "/cfg/.claude.json"),
        ("copilot", {}, "/home/u/.copilot/config.json"),
    ],
)
def test_the_settings_are_where_the_cli_looks_for_them(agent: str, env: dict[str, str], file: str) -> None:
    assert PROFILES[agent].trust.file(AgentEnvironment(FOLDER, "/home/u", env)) == file


@pytest.mark.parametrize(
    ("agent", "before", "after"),
    [
        ("claude", "", {"projects": {FOLDER: {"hasTrustDialogAccepted": True}}}),
        (
            "claude",
            '{"n": 3, "projects": {"/x": {"a": 1}, "/home/u/my lab": {"b": [], "hasTrustDialogAccepted": false}}}',
            {
                "n": 3,
                "projects": {"/x": {"a": 1}, FOLDER: {"b": [], "hasTrustDialogAccepted": True}},
            },
        ),
        ("copilot", '{"theme": "dark"}', {"theme": "dark", "trusted_folders": [FOLDER]}),
        ("copilot", '{"trusted_folders": ["/x"]}', {"trusted_folders": ["/x", FOLDER]}),
    ],
)
def test_a_folder_is_added_and_everything_else_stays(agent: str, before: str, after: object) -> None:
    content = PROFILES[agent].trust.with_folder(before.encode(), FOLDER)
    assert json.loads(content) == after
    assert PROFILES[agent].trust.with_folder(content, FOLDER) == content


@pytest.mark.parametrize(
    ("agent", "content"),
    [
        ("claude", b"[]"),
        ("claude", b"{"),
        ("claude", b'{"projects": []}'),
        ("claude", b'{"projects": {"/home/u/my lab": 1}}'),
        ("copilot", b'{"trusted_folders": {}}'),
    ],
)
def test_settings_of_another_shape_are_left_alone(agent: str, content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any of json's and ours
        PROFILES[agent].trust.with_folder(content, FOLDER)


def test_codex_is_told_with_a_setting_on_its_command_line() -> None:
    assert trusting(PROFILES["codex"].trust, FOLDER) == ("-c", 'projects={"/home/u/my lab"={trust_level="trusted"}}')


def test_a_type_that_cannot_be_told_is_known_to_be_one() -> None:
    assert {name for name in BUILT_IN if PROFILES[name].trust.can_be_given} == {
        "claude",
        "codex",
        "copilot",
        "cursor-agent",
        "gemini",
        "pi",
    }


def test_half_a_character_in_settings_stays_as_it_was():
    before = {"a": "\ud800", "\u00e9": 1}
    assert document(written(before)) == before
