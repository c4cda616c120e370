"""Whose note it is: a conversation is believed only of the very process that wrote about it."""

from __future__ import annotations

import json

import pytest
from fakes.world import FakeWorld

from reconciler.agents.catalogue import catalogue
from reconciler.agents.profile import Subject
from reconciler.model.snapshot import Pane
from reconciler.observe.agents import live_agent

SUBJECT = Subject("/lab", "/home/u", {})
CHATS = "/home/u/.qwen/projects/-lab/chats"
SESSIONS = "/home/u/.copilot/session-state"
PROFILES = catalogue([])


def _conversation(agent: str, files: dict[str, object], pid: int = 7) -> str:
    world = FakeWorld()
    for path, content in files.items():
        world.files.make_folder(path.rpartition("/")[0])
        world.files.write(path, json.dumps(content).encode())
    pane = Pane("lab", "$1", "%1", pid, "node", "/lab")
    return live_agent(pane, PROFILES[agent], SUBJECT, world).conversation


TWO_AGENTS = {
    f"{CHATS}/a.runtime.json": {"pid": 8, "session_id": "a"},
    f"{CHATS}/b.runtime.json": {"pid": 7, "session_id": "b"},
}


@pytest.mark.parametrize(("pid", "conversation"), [(7, "b"), (8, "a"), (9, "")])
def test_two_agents_in_one_folder_each_have_the_note_with_their_own_pid(pid: int, conversation: str) -> None:
    assert _conversation("qwen", TWO_AGENTS, pid) == conversation


@pytest.mark.parametrize(("pid", "conversation"), [(7, "b"), (77, "")])
def test_a_lock_counts_for_the_pid_in_its_name_and_for_no_longer_one(pid: int, conversation: str) -> None:
    locks: dict[str, object] = {f"{SESSIONS}/a/inuse.8.lock": "", f"{SESSIONS}/b/inuse.7.lock": ""}
    assert _conversation("copilot", locks, pid) == conversation


def test_a_note_about_another_start_of_the_same_pid_is_not_believed() -> None:
    note = {"pid": 7, "sessionId": "a", "procStart": "1"}
    assert _conversation("claude", {"/home/u/.claude/sessions/7.json": note}) == ""
