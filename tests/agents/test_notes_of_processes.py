"""Whose note it is: a conversation is believed only of the very process that wrote about it."""

from __future__ import annotations

import json

import pytest
from fakes.world import FakeWorld
from msgspec.structs import replace

from reconciler.agents.catalogue import catalogue
from reconciler.agents.subject import AgentEnvironment
from reconciler.model.snapshot import Pane
from reconciler.observe.live import live_agent

SUBJECT = AgentEnvironment("/lab", "/home/u", {})
CHATS = "/home/u/.qwen/projects/-lab/chats"
SESSIONS = "/home/u/.copilot/session-state"
PROFILES = catalogue([])


def _conversation(agent: str, files: dict[str, object], pid: int = 7, born: dict[int, int] | None = None) -> str:
    world = FakeWorld()
    for path, content in files.items():
        world.files.make_folder(path.rpartition("/")[0])
        world.files.write(path, json.dumps(content).encode())
    world.processes.alive |= {7: 700, 8: 800, 77: 7700}
    world.processes.born |= born or {}
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


@pytest.mark.parametrize(
    ("twin_began", "tagged", "conversation"),
    [(500, "a", ""), (500, "b", "b"), (501, "a", "b"), (None, "a", "b")],
    ids=["a twin", "its own", "began later", "alone"],
)
def test_a_note_that_the_twin_in_another_sandbox_may_have_written_does_not_count(
    twin_began: int | None, tagged: str, conversation: str
) -> None:
    """Claude's note has the pid, which is 1 in both sandboxes, and the clock tick in which its process began."""
    world = FakeWorld()
    note = {"sessionId": "b", "pid": 1, "procStart": "500", "status": "idle"}
    world.files.put("/home/u/.claude/sessions/1.json", json.dumps(note).encode())
    world.processes.alive |= {7: 500}
    world.processes.inner |= {7: 1}
    if twin_began is not None:
        world.processes.alive |= {8: twin_began}
        world.processes.inner |= {8: 1}
    wrapped = replace(PROFILES["claude"], launch=replace(PROFILES["claude"].launch, wrap=("bwrap",)))
    world.processes.children[6] = (7,)
    world.processes.alive |= {6: 499}
    pane = Pane("lab", "$1", "%1", 6, "bwrap", "/lab", conversation=tagged)
    assert live_agent(pane, wrapped, SUBJECT, world).conversation == conversation


@pytest.mark.parametrize("newer", ["a", "b"])
def test_the_newest_of_several_notes_about_one_process_counts(newer: str) -> None:
    """Copilot 1.0.68 begins a conversation at every start, and keeps its lock beside that of the resumed one."""
    world = FakeWorld()
    for name in ("a", "b"):
        path = f"{SESSIONS}/{name}/inuse.7.lock"
        world.files.put(path, b"")
        world.files.changed[path] = 5 if name == newer else 1
    world.processes.alive |= {7: 700}
    pane = Pane("lab", "$1", "%1", 7, "node", "/lab")
    assert live_agent(pane, PROFILES["copilot"], SUBJECT, world).conversation == newer


def test_a_note_about_another_start_of_the_same_pid_is_not_believed() -> None:
    note = {"pid": 7, "sessionId": "a", "procStart": "1"}
    assert _conversation("claude", {"/home/u/.claude/sessions/7.json": note}) == ""


@pytest.mark.parametrize(("born", "conversation"), [(2, "b"), (3, "")])
@pytest.mark.parametrize(
    ("agent", "path"), [("qwen", f"{CHATS}/b.runtime.json"), ("copilot", f"{SESSIONS}/b/inuse.7.lock")]
)
def test_a_note_that_is_older_than_the_process_was_left_by_a_killed_one(
    agent: str, path: str, born: int, conversation: str
) -> None:
    """Written at second 0; a process' start is known to about two seconds."""
    assert _conversation(agent, {path: {"pid": 7, "session_id": "b"}}, born={7: born}) == conversation
