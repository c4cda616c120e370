from __future__ import annotations

import json

import pytest

from reconciler.agents.launch import prompted, trusting, with_conversation
from reconciler.agents.pi import PROFILE
from reconciler.agents.storage import StoredHead
from reconciler.agents.subject import AgentEnvironment
from reconciler.agents.token_store import token_store
from reconciler.agents.versions import without_newer

ID = "5d2c7a10-0000-4000-8000-000000000001"
SESSIONS = "/home/u/.pi/agent/sessions"


def subject(cwd: str = "/home/u/lab", **env: str) -> AgentEnvironment:
    return AgentEnvironment(cwd, "/home/u", env)


def test_we_choose_the_id_and_a_resume_of_an_unknown_one_fails() -> None:
    assert with_conversation(PROFILE.launch.new, ID) == ("--session-id", ID)
    assert with_conversation(PROFILE.launch.resume, ID) == ("--session", ID)


def test_a_prompt_can_be_neither_an_option_nor_a_file() -> None:
    assert [prompted(PROFILE.launch, text) for text in ("-v", "@x")] == [(" -v",), (" @x",)]


@pytest.mark.parametrize(("version", "args"), [("0.78.1", ()), ("0.79.0", ("--approve",)), ("1.6.0", ("--approve",))])
def test_only_versions_that_ask_for_trust_are_told_of_it(version: str, args: tuple[str, ...]) -> None:
    assert without_newer(trusting(PROFILE.trust, "/lab"), PROFILE.launch.since, version) == args


@pytest.mark.parametrize(
    ("cwd", "key"),
    [
        ("/home/u/lab", "--home-u-lab--"),
        ("/w/My Proj_1.2 é", "--w-My Proj_1.2 é--"),
        ("/w/a:b\\c", "--w-a-b-c--"),
        ("/", "----"),
    ],
)
def test_conversations_are_below_the_folders_key(cwd: str, key: str) -> None:
    assert PROFILE.storage.stores(subject(cwd)) == (f"{SESSIONS}/{key}/*.jsonl",)
    assert PROFILE.storage.artifacts(subject(cwd), ID) == (
        f"{SESSIONS}/{key}/*_{ID}.jsonl",
        f"{SESSIONS}/*/*_{ID}.jsonl",
    )


@pytest.mark.parametrize(
    ("named", "folder"),
    [("/own", "/own"), ("~/own", "/home/u/own"), ("own", "/home/u/lab/own"), ("~own", "/home/u/lab/~own")],
)
def test_both_variables_move_the_conversations(named: str, folder: str) -> None:
    moved = subject(PI_CODING_AGENT_DIR=named)
    assert PROFILE.storage.roots(moved) == (folder,)
    assert PROFILE.storage.stores(moved) == (f"{folder}/sessions/--home-u-lab--/*.jsonl",)
    own = subject(PI_CODING_AGENT_DIR="/elsewhere", PI_CODING_AGENT_SESSION_DIR=named)
    assert PROFILE.storage.roots(own) == ("/elsewhere", folder)
    assert PROFILE.storage.stores(own) == (f"{folder}/*.jsonl",)
    assert PROFILE.storage.artifacts(own, ID) == (f"{folder}/*_{ID}.jsonl",)
    tokens = token_store(PROFILE)
    assert tokens is not None
    assert tokens.lines is not None
    assert tokens.lines.files(own) == (f"{folder}/*.jsonl",)


def test_line_1_tells_the_conversation_and_its_folder() -> None:
    first = {"type": "session", "version": 3, "id": ID, "timestamp": "2026-01-01T00:00:00.000Z", "cwd": "/home/u/lab"}
    head = StoredHead(ID, "/home/u/lab", started=1767225600)
    assert PROFILE.storage.read_head("/x/2026_other.jsonl", json.dumps(first).encode()) == head


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"type":"session"}', b'{"type":"message","id":"x"}'])
def test_a_file_that_begins_otherwise_is_no_conversation(data: bytes) -> None:
    assert PROFILE.storage.read_head("/x/2026_x.jsonl", data) is None


def test_exit_by_text_is_slash_quit() -> None:
    assert PROFILE.shutdown.quit == "/quit"
