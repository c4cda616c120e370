"""The sessions that agent-deck stores: files written after its source, see `othertools/README.md`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

import pytest
from othertools_cases import AROUND, CODEX_ID, FILES, ID, told

from reconciler.adopt.agent_deck import DeckProfile, read_agent_deck, rows_of_json
from reconciler.adopt.foreign_file import ForeignFile
from reconciler.model.adoption import Findings
from reconciler.model.desired import Git, RunState
from reconciler.model.errors import ReconcilerError

# The columns of the program at the commit that the fixtures follow.
COLUMNS = (
    "id", "title", "project_path", "group_path", "command", "wrapper", "tool", "status", "tmux_session",
    "tmux_socket_name", "parent_session_id", "is_conductor", "worktree_path", "worktree_repo", "worktree_branch",
    "account", "archived_at", "pin", "tool_data",
)  # fmt: skip


def stored() -> list[dict[str, object]]:
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript((FILES / "agent-deck" / "state.sql").read_text("utf-8"))
        rows = connection.execute("SELECT * FROM instances ORDER BY created_at")
        names = [each[0] for each in rows.description]
        return [dict(zip(names, row, strict=True)) for row in rows]
    finally:
        connection.close()


def read(*rows: Mapping[str, object]) -> Findings:
    return read_agent_deck([DeckProfile("default", "/d/state.db", rows)], AROUND)


def row(data: Mapping[str, Any] | None = None, **fields: object) -> dict[str, object]:
    usual = {"title": "t", "project_path": "/srv/lab", "command": "claude", "tool": "claude", "status": "idle"}
    return {**usual, "tool_data": json.dumps(data or {}), **fields}


def test_the_columns_that_are_read_are_those_of_the_table() -> None:
    assert set(COLUMNS) - {"tool_data"} <= stored()[0].keys()


def test_each_agent_gets_folder_options_state_and_conversation() -> None:
    found = {each.agent: each for each in read(*stored()).agents}
    assert {name: (each.workspace, each.type, each.conversation, each.state) for name, each in found.items()} == {
        "fix-login": ("lab", "claude", ID, RunState.RUNNING),
        "docs": ("lab", "codex", CODEX_ID, RunState.STOPPED),
        "tree": ("lab-tree", "claude", "", RunState.RUNNING),
        "guess": ("other", "claude", "", RunState.RUNNING),
        "old": ("other", "gemini", "d3a7c0de-1111-4222-8333-444455556666", RunState.ARCHIVED),
    }
    assert {name: each.args for name, each in found.items()} == {
        "fix-login": ("--model", "opus", "--dangerously-skip-permissions", "--add-dir", "/srv/shared docs"),
        "docs": ("--config", "model_reasoning_effort=high", "--yolo"),
        "tree": (),
        "guess": (),
        "old": ("--model", "pro", "--yolo"),
    }
    assert found["fix-login"].known_by == "recorded in claude_session_id of agent-deck"
    assert found["fix-login"].session == "agentdeck_fix-login_0a1b"
    assert found["tree"].git == Git("/srv/lab", "feature/tree")
    assert found["tree"].session == ""  # on another tmux server
    assert {each.source for each in found.values()} == {"agent-deck profile default"}


def test_what_is_left_alone_says_why() -> None:
    assert told(read(*stored())) == [
        "0 `color: 203` of session `fix login`: it only changes how agent-deck looks",
        "0 the group `work`: reconciler groups agents by the folder they work in",
        "0 `account: work` of session `tree`: an account is a folder with the CLI's state, set in config.toml",
        "0 `tmux_socket_name: deck` of session `tree`: one tmux server, set in the manifest, is used for all agents",
        "0 `claude_session_id` of session `guess`: agent-deck found it on disk and has not verified whose it is",
        "0 session `terminal`: it is only a shell",
        "0 session `far`: it runs on another machine (u@example.org)",
        "0 session `boxed`: it runs in a container",
        "0 session `pair`: `aider`: it is not an agent CLI that reconciler knows",
    ]


def test_an_older_file_is_read_like_the_database() -> None:
    data = (FILES / "agent-deck" / "sessions.json").read_bytes()
    found = read(*rows_of_json(ForeignFile("/d/sessions.json", data)))
    assert [(each.agent, each.path, each.conversation) for each in found.agents] == [("first", "/home/u/code", ID)]


@pytest.mark.parametrize(
    ("fields", "kind", "args"),
    [
        ({"tool": "cursor", "command": "cursor agent"}, "cursor-agent", ()),
        ({"tool": "claude", "command": ""}, "claude", ()),
        ({"tool": "claude", "command": "/opt/claude --ide"}, "claude", ("--ide",)),
        ({"tool": "own", "command": "my-cli --chat -x"}, "mine", ("-x",)),
        ({"tool": "shell", "command": "FOO=1 codex"}, "codex", ()),
    ],
)
def test_the_type_comes_from_the_tool_or_from_the_command(fields: Any, kind: str, args: tuple[str, ...]) -> None:
    assert [(each.type, each.args) for each in read(row(**fields)).agents] == [(kind, args)]


@pytest.mark.parametrize(
    ("options", "args"),
    [
        ({"auto_mode": True, "allow_skip_permissions": True}, ("--permission-mode", "auto")),
        ({"allow_skip_permissions": True}, ("--allow-dangerously-skip-permissions",)),
        ({"use_chrome": True, "use_teammate_mode": True}, ("--chrome", "--teammate-mode", "tmux")),
        ({"effort": "high", "model": ""}, ("--effort", "high")),
        ({"skip_permissions": "yes", "model": 5}, ()),
        ({"model": "$(rm x) 'y'"}, ("--model", "$(rm x) 'y'")),
    ],
)
def test_stored_options_become_arguments(options: dict[str, object], args: tuple[str, ...]) -> None:
    found = read(row({"tool_options": {"tool": "claude", "options": options}}))
    assert [each.args for each in found.agents] == [args]


def test_a_conversation_may_be_in_the_options_or_under_a_common_name() -> None:
    resumed = {"tool_options": {"tool": "x", "options": {"session_mode": "resume", "resume_session_id": ID}}}
    assert read(row(resumed)).agents[0].conversation == ID
    own = row({"generic_session_id": "abc-1"}, tool="own", command="my-cli --chat")
    assert read(own).agents[0].conversation == "abc-1"
    bad = read(row({"claude_session_id": "--resume"}))
    assert bad.agents[0].conversation == ""
    assert told(bad) == ["0 `claude_session_id` of session `t`: it is not a conversation id"]


@pytest.mark.parametrize(
    "data",
    [
        "",
        "{",
        "[]",
        "[" * 5000,
        '{"claude_session_id": {"a": 1}, "extra_args": "x", "tool_options": [], "sandbox": 1}',
        b"\xff\xfe",
        None,
        7,
        '{"extra_args": [1, {"a": []}, "--ide"], "color": {"deep": [1]}}',
    ],
)
def test_damaged_details_leave_the_agent(data: object) -> None:
    assert [each.type for each in read(row(tool_data=data)).agents] == ["claude"]


@pytest.mark.parametrize(
    "fields",
    [
        {"project_path": ""},
        {"project_path": None},
        {"project_path": b"\xff"},
        {"project_path": "/srv/a\x1bb"},
        {"title": None, "tool": None, "command": None},
        {"command": 5, "tool": "shell"},
        {"command": "claude '\x1b[31m'"},
        {"command": "claude \ud800"},
        {},
    ],
)
def test_a_row_of_wrong_kinds_is_left_alone_or_taken_and_never_fails(fields: dict[str, object]) -> None:
    found = read(row(**fields) if fields else {})
    assert len(found.agents) + len(found.left_alone) == 1
    assert found.agents == ()
    assert all(text.isprintable() for text in told(found))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "/d/s.json:1:2: not JSON"),
        (b'{\n"a": tru}', "/d/s.json:2:6: not JSON"),
        (b"[]", "/d/s.json:1: not a JSON object"),
        (b'{"instances": {}}', "/d/s.json:1: `instances` must be a list"),
        (b"\xff", "/d/s.json:1: not UTF-8: byte 0xff"),
        (b'{"a": ' + b"[" * 5000 + b"]" * 5000 + b"}", "/d/s.json:1: not JSON"),
    ],
)
def test_a_bad_file_is_one_error_with_its_place(data: bytes, message: str) -> None:
    with pytest.raises(ReconcilerError) as caught:
        rows_of_json(ForeignFile("/d/s.json", data))
    assert caught.value.summary == message


def test_agents_of_several_profiles_share_workspaces_and_no_names() -> None:
    profiles = [DeckProfile(name, f"/{name}.db", [row()]) for name in ("home", "work")]
    found = read_agent_deck(profiles, AROUND)
    assert [(each.workspace, each.agent, each.source) for each in found.agents] == [
        ("lab", "t", "agent-deck profile home"),
        ("lab", "t-2", "agent-deck profile work"),
    ]
