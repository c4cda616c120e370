"""The state file of claude-squad: one written after its source, see `othertools/README.md`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from othertools_cases import AROUND, FILES, told

from reconciler.adopt.claude_squad import read_claude_squad
from reconciler.adopt.foreign_file import ForeignFile
from reconciler.model.adoption import Findings
from reconciler.model.desired import Git, RunState
from reconciler.model.errors import ReconcilerError

HOME = "/home/u/.claude-squad"


def read(data: bytes) -> Findings:
    return read_claude_squad(ForeignFile(f"{HOME}/state.json", data), AROUND)


def one(**fields: Any) -> Findings:
    usual = {"title": "t", "path": "/srv/lab", "status": 1, "program": "claude", "worktree": {}}
    return read(json.dumps({"instances": [{**usual, **fields}]}).encode())


def test_each_instance_is_an_agent_in_its_worktree() -> None:
    found = read((FILES / "claude-squad" / "state.json").read_bytes())
    assert [(each.workspace, each.agent, each.path, each.git, each.state) for each in found.agents] == [
        (
            "fix-login",
            "claude",
            f"{HOME}/worktrees/fix-login_17f0",
            Git("/srv/lab", "u/fix-login"),
            RunState.RUNNING,
        ),
        ("docs", "codex", f"{HOME}/worktrees/docs_17f1", Git("/srv/lab", "u/docs"), RunState.STOPPED),
    ]
    assert [(each.session, each.args, each.conversation) for each in found.agents] == [
        ("claudesquad_fixlogin", ("--model", "opus"), ""),
        ("claudesquad_docs", (), ""),
    ]
    assert told(found) == [
        "4 `auto_yes` of instance `fix login`: reconciler does not answer permission dialogs for you",
        "54 instance `pair`: `aider --model ollama_chat/gemma3:1b`: it is not an agent CLI that reconciler knows",
        "0 the conversations: claude-squad does not store their ids",
    ]


def test_the_name_of_a_session_is_the_one_that_claude_squad_gives_it() -> None:
    assert one(title="v1.2 rc\t3").agents[0].session == "claudesquad_v1_2rc3"


@pytest.mark.parametrize("data", [b"", b"{}", b'{"instances": null}', b'{"instances": []}'])
def test_no_instances_are_no_agents(data: bytes) -> None:
    assert read(data) == Findings()


@pytest.mark.parametrize(
    "fields",
    [
        {"worktree": None},
        {"worktree": []},
        {"worktree": {"worktree_path": 5, "repo_path": [], "branch_name": None}},
        {"status": "x", "auto_yes": "yes", "title": 5},
    ],
)
def test_values_of_other_kinds_count_as_missing(fields: dict[str, object]) -> None:
    (agent,) = one(**fields).agents
    assert (agent.path, agent.git, agent.state) == ("/srv/lab", None, RunState.RUNNING)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"program": 5}, "it is only a shell"),
        ({"program": ""}, "it is only a shell"),
        ({"path": None}, "its folder is not known: only a shell can expand it"),
        ({"path": "/srv/\x00"}, "its folder, arguments or environment contain a control character"),
        ({"program": "claude \x1b[31m"}, "its folder, arguments or environment contain a control character"),
    ],
)
def test_an_instance_that_cannot_be_declared_says_why(fields: dict[str, object], why: str) -> None:
    found = one(**fields)
    assert found.agents == ()
    assert [each.why for each in found.left_alone] == [why]
    assert all(text.isprintable() for text in told(found))


def test_what_is_no_instance_is_told_with_its_place() -> None:
    assert told(read(b'{\n"instances": [\n7,\n[]]}')) == [
        "3 an instance: it is not a JSON object",
        "4 an instance: it is not a JSON object",
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", ":1:2: not JSON"),
        (b"[]", ":1: not a JSON object"),
        (b'{"instances": "x"}', ":1: `instances` must be a list"),
        (b"{}\xff", ":1: not UTF-8: byte 0xff"),
        (b'{"instances": ' + b"[" * 9999 + b"]" * 9999 + b"}", ":1: not JSON"),
    ],
)
def test_a_bad_file_is_one_error_with_its_place(data: bytes, message: str) -> None:
    with pytest.raises(ReconcilerError) as caught:
        read(data)
    assert caught.value.summary == f"{HOME}/state.json{message}"
