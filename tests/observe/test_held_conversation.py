"""The conversation of a CLI that is proved by the files that its processes hold."""

from __future__ import annotations

import json

import pytest
from fakes.files import FakeFiles
from fakes.world import FakeWorld

from reconciler.agents.agy import PROFILE as AGY
from reconciler.agents.codex import PROFILE
from reconciler.agents.cursor_agent import PROFILE as CURSOR
from reconciler.agents.profile import Profile
from reconciler.agents.subject import AgentEnvironment
from reconciler.model.snapshot import Pane
from reconciler.observe.held_conversation import held_conversation

OLD, NEW = (f"0199a213-81c0-7800-8aa1-bbab2a035a5{digit}" for digit in "34")
HOME = "/home/u"
SUBJECT = AgentEnvironment("/lab", HOME, {})


class HeldLock:
    """A launcher, and the codex that it waits for."""

    def __init__(self) -> None:
        self.world = FakeWorld()
        self.launcher, self.codex = self.world.processes.spawn(), self.world.processes.spawn()
        self.world.processes.children[self.launcher] = (self.codex,)

    @property
    def files(self) -> FakeFiles:
        return self.world.files

    def lock(self, conversation: str, taken: int) -> None:
        """It takes up a conversation at this second."""
        path = f"{HOME}/.codex/thread-writer-locks/{conversation}.lock"
        self.files.put(path, b"")
        self.files.changed[path] = taken
        locked = self.world.processes.locked
        locked[self.codex] = (*locked.get(self.codex, ()), path)

    def say(self, conversation: str, source: object = "cli") -> None:
        """Something was said in it."""
        meta = {"type": "session_meta", "payload": {"id": conversation, "cwd": "/lab", "source": source}}
        self.files.put(_rollout(conversation), json.dumps(meta).encode() + b"\n")

    @property
    def conversation(self) -> str:
        pane = Pane("w-creator-codex", "$1", "%1", self.launcher, "node", "/lab")
        return held_conversation(pane, PROFILE, SUBJECT, self.world)


def _rollout(conversation: str) -> str:
    return f"{HOME}/.codex/sessions/2026/06/25/rollout-2026-06-25T03-19-24-{conversation}.jsonl"


@pytest.fixture
def held() -> HeldLock:
    return HeldLock()


def test_the_only_lock_proves_it_before_anything_was_said(held: HeldLock) -> None:
    held.lock(OLD, 1)
    assert held.conversation == OLD


def test_nothing_held_proves_nothing(held: HeldLock) -> None:
    assert held.conversation == ""


def test_where_no_lock_is_told_an_open_file_proves_it(held: HeldLock) -> None:
    held.world.processes.opened[held.codex] = (_rollout(OLD), "/etc/hosts")
    assert held.conversation == OLD


@pytest.mark.parametrize(("old", "new", "used"), [(1, 2, NEW), (2, 1, OLD), (1, 1, "")])
def test_of_two_open_files_it_is_the_one_that_was_written_last(held: HeldLock, old: int, new: int, used: str) -> None:
    """Codex 0.144.5 has no locks, and keeps the file of the former conversation open after `/new`."""
    held.world.processes.opened[held.codex] = (_rollout(OLD), _rollout(NEW))
    for conversation, written in ((OLD, old), (NEW, new)):
        held.say(conversation)
        held.files.changed[_rollout(conversation)] = written
    assert held.conversation == used


def test_an_open_file_of_a_subagent_is_passed_over(held: HeldLock) -> None:
    held.world.processes.opened[held.codex] = (_rollout(OLD), _rollout(NEW))
    held.say(OLD)
    held.say(NEW, {"subagent": "review"})
    held.files.changed[_rollout(NEW)] = 2
    assert held.conversation == OLD


@pytest.mark.parametrize("profile", [AGY, CURSOR], ids=lambda profile: profile.name)
def test_two_open_databases_leave_it_unsure(profile: Profile) -> None:
    assert profile.transcript.opaque
    world = FakeWorld()
    pid = world.processes.spawn()
    chats = "/home/u/.cursor/chats/5d41402abc4b2a76b9719d911017c592"
    paths = {
        "agy": tuple(f"{HOME}/.gemini/antigravity-cli/conversations/{each}.db" for each in (OLD, NEW)),
        "cursor-agent": tuple(f"{chats}/{each}/store.db" for each in (OLD, NEW)),
    }[profile.name]
    for number, path in enumerate(paths):
        world.files.put(path, b"")
        world.files.changed[path] = number
    pane = Pane("w-creator-it", "$1", "%1", pid, "node", "/lab")
    world.processes.opened[pid] = paths[:1]
    assert held_conversation(pane, profile, SUBJECT, world) == OLD
    world.processes.opened[pid] = paths
    assert held_conversation(pane, profile, SUBJECT, world) == ""


def test_of_two_it_is_the_one_that_was_taken_up_last(held: HeldLock) -> None:
    """Codex keeps the lock of a conversation for a minute after `/new`; `/resume` takes it anew."""
    for conversation, taken in ((OLD, 3), (NEW, 2)):
        held.lock(conversation, taken)
        held.say(conversation)
    assert held.conversation == OLD


def test_one_in_which_nothing_was_said_is_passed_over(held: HeldLock) -> None:
    held.lock(OLD, 1)
    held.say(OLD)
    held.lock(NEW, 2)
    assert held.conversation == OLD


def test_one_that_no_user_talks_to_is_passed_over(held: HeldLock) -> None:
    held.lock(OLD, 1)
    held.say(OLD)
    held.lock(NEW, 2)
    held.say(NEW, {"subagent": "review"})
    assert held.conversation == OLD


def test_one_that_cannot_be_read_leaves_it_unsure(held: HeldLock) -> None:
    for conversation, taken in ((OLD, 1), (NEW, 2)):
        held.lock(conversation, taken)
        held.say(conversation)
    held.files.unreadable[_rollout(NEW)] = "barred"
    assert held.conversation == ""


def test_two_that_were_taken_up_at_one_time_leave_it_unsure(held: HeldLock) -> None:
    for conversation in (OLD, NEW):
        held.lock(conversation, 1)
        held.say(conversation)
    assert held.conversation == ""
