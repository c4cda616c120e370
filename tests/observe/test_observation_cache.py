"""What is recalled of an agent is what would be seen now: every change is seen by the very next look."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from fakes.files import FakeFiles
from fakes.world import FakeWorld
from in_memory import HOME, NOTES_FOLDER, Project

from reconciler.model.activity import LiveAgent
from reconciler.model.observed import Observed
from reconciler.model.snapshot import Artifact, Snapshot
from reconciler.observe import Caller, SnapshotRequest, observe
from reconciler.observe.cache import ObservationCache
from reconciler.ports.world import World

SAID = b'{"type":"user"}\n'
OTHER = "b3a7c0de-2222-4222-8333-444455556666"
LATER = "b3a7c0de-3333-4333-8333-444455556666"
META = b'{"type":"session_meta","payload":{"id":"%s","cwd":"/lab/w"}}\n'
LOCKS = f"{HOME}/.codex/thread-writer-locks"
DAY = f"{HOME}/.codex/sessions/2026/06/25"


@dataclass
class CountingFiles(FakeFiles):
    """Tells how often files were opened."""

    opened: Counter[str] = field(default_factory=Counter)

    def read(self, path: str, limit: int = 1 << 20, start: int = 0) -> Observed[bytes]:
        self.opened[path] += 1
        return super().read(path, limit, start)


@dataclass
class Watched:
    """A project with one agent, which is looked at again and again."""

    cli: str = "claude"
    env: dict[str, str] = field(default_factory=dict)
    project: Project = field(default_factory=Project)
    recall: ObservationCache = field(default_factory=ObservationCache)

    def __post_init__(self) -> None:
        files = self.project.world.files
        counting = CountingFiles(folders=files.folders, files=files.files)
        object.__setattr__(self.project.world, "files", counting)
        object.__setattr__(self.project.world.tmux, "files", counting)
        self.project.apply(self.project.plan(self.manifest))

    @property
    def manifest(self) -> Mapping[str, Any]:
        agent = {"type": self.cli, "env": self.env}
        return {"version": 1, "workspaces": {"w": {"path": "w", "agents": {"a": agent}}}}

    @property
    def pid(self) -> int:
        return self.project.world.tmux.pane("w-creator-a").pid

    @property
    def started(self) -> int:
        return self.project.world.processes.alive[self.pid]

    @property
    def files(self) -> CountingFiles:
        found = self.project.world.files
        assert isinstance(found, CountingFiles)
        return found

    @property
    def transcript(self) -> str:
        return f"{HOME}/.claude/projects/-lab-w/id-1.jsonl"

    @property
    def note(self) -> str:
        return f"{HOME}/.claude/sessions/{self.pid}.json"

    def write_note(self, conversation: str = "id-1", status: str = "idle", pid: int = 0) -> None:
        pid = pid or self.pid
        started = str(self.project.world.processes.alive[pid])
        said = {"pid": pid, "procStart": started, "sessionId": conversation, "status": status}
        self.files.put(f"{HOME}/.claude/sessions/{pid}.json", json.dumps(said).encode())

    def snapshot(self, recall: ObservationCache) -> Snapshot:
        planned = self.project.plan(self.manifest)
        profiles = planned.sources.profiles
        question = SnapshotRequest(
            planned.desired, planned.record, profiles, planned.options, everyone=True, cache=recall
        )
        self.files.opened.clear()
        return observe(question, self.project.world, Caller(HOME, self.project.env, NOTES_FOLDER))

    def look(self) -> tuple[list[LiveAgent], list[Observed[Artifact]]]:
        """What is seen by who recalls, which is what is seen by who does not."""
        seen = self.snapshot(self.recall)
        opened = Counter(self.files.opened)
        anew = self.snapshot(ObservationCache())
        self.files.opened = opened
        assert (seen.agents, seen.artifacts) == (anew.agents, anew.artifacts)
        return list(seen.agents.values()), list(seen.artifacts.values())


def talking() -> Watched:
    """A claude that has said something, and keeps a note about itself."""
    watched = Watched()
    watched.write_note()
    watched.files.put(watched.transcript, SAID)
    return watched


def test_nothing_is_opened_again_while_nothing_changes() -> None:
    watched = talking()
    first = watched.look()
    assert watched.files.opened[watched.note]

    assert watched.look() == first
    assert not watched.files.opened


def _other_process(watched: Watched) -> None:
    """Its pid came again."""
    watched.project.world.processes.alive[watched.pid] += 1


def _in_other_folder(watched: Watched) -> None:
    watched.files.put(f"{HOME}/.claude/projects/-moved/id-1.jsonl", watched.files.files.pop(watched.transcript))


CLAUDE: Mapping[str, Callable[[Watched], object]] = {
    "the note is rewritten": lambda watched: watched.write_note(status="busy"),
    "another conversation, as by /clear": lambda watched: watched.write_note(OTHER),
    "the note goes": lambda watched: watched.files.files.pop(watched.note),
    "the note becomes unreadable": lambda watched: watched.files.unreadable.update({watched.note: "barred"}),
    "the pid is another process now": _other_process,
    "the conversation is deleted": lambda watched: watched.files.files.pop(watched.transcript),
    "the conversation can no longer be resumed": lambda watched: watched.files.put(watched.transcript, b"{}\n"),
    "the conversation moves to another folder": _in_other_folder,
    "its folder of conversations becomes unreadable": lambda watched: watched.files.unreadable.update(
        {watched.transcript: "barred"}
    ),
    "the CLI keeps its files elsewhere": lambda watched: watched.env.update(CLAUDE_CONFIG_DIR="/elsewhere"),
    "the user's environment moves the files": lambda watched: watched.project.env.update(CLAUDE_CONFIG_DIR="/else"),
    "the agent ends": lambda watched: watched.project.world.tmux.exit_agent("w-creator-a"),
    "the session goes": lambda watched: watched.project.world.tmux.kill_session("w-creator-a"),
}


@pytest.mark.parametrize("change", CLAUDE)
def test_the_very_next_look_sees_that(change: str) -> None:
    watched = talking()
    before = watched.look()
    assert watched.look() == before

    CLAUDE[change](watched)
    assert watched.look() != before


def test_a_conversation_that_has_grown_can_be_resumed() -> None:
    watched = talking()
    watched.files.put(watched.transcript, b"{}\n")
    before = watched.look()

    watched.files.put(watched.transcript, b"{}\n" + SAID)
    assert watched.look() != before


def test_a_conversation_that_begins_is_seen() -> None:
    watched = Watched()
    before = watched.look()
    assert watched.look() == before

    watched.files.put(watched.transcript, SAID)
    assert watched.look() != before


def test_a_conversation_that_appears_in_any_folder_is_seen() -> None:
    watched = Watched()
    watched.files.put(f"{HOME}/.claude/projects/-other/x.jsonl", SAID)
    before = watched.look()
    assert watched.look() == before

    watched.files.put(f"{HOME}/.claude/projects/-other/id-1.jsonl", SAID)
    assert watched.look() != before


def test_a_child_that_writes_the_first_note_is_seen() -> None:
    """As where a launcher waits for the CLI."""
    watched = Watched()
    before = watched.look()

    child = watched.project.world.processes.spawn()
    watched.project.world.processes.children[watched.pid] = (child,)
    watched.write_note(OTHER, pid=child)
    assert watched.look() != before


def holding() -> Watched:
    """A codex that holds the lock of its conversation."""
    watched = Watched("codex")
    watched.files.put(f"{DAY}/rollout-2026-06-25T03-19-24-{OTHER}.jsonl", b"{}\n")
    watched.files.put(f"{LOCKS}/{OTHER}.lock", b"")
    watched.project.world.processes.locked[watched.pid] = (f"{LOCKS}/{OTHER}.lock",)
    return watched


def _turned_away(watched: Watched) -> None:
    """To another conversation, as by /new; it keeps the lock of the last one."""
    watched.files.put(f"{DAY}/rollout-2026-06-25T04-19-24-{LATER}.jsonl", META % LATER.encode())
    watched.files.put(f"{LOCKS}/{LATER}.lock", b"")
    watched.files.changed[f"{LOCKS}/{LATER}.lock"] = 5
    watched.project.world.processes.locked[watched.pid] += (f"{LOCKS}/{LATER}.lock",)


def _archived(watched: Watched) -> None:
    rollout = f"{DAY}/rollout-2026-06-25T03-19-24-{OTHER}.jsonl"
    watched.files.put(rollout.replace(DAY, f"{HOME}/.codex/archived_sessions"), watched.files.files.pop(rollout))


CODEX: Mapping[str, Callable[[Watched], object]] = {
    "it holds another lock": lambda watched: watched.project.world.processes.locked.update(
        {watched.pid: (f"{LOCKS}/{LATER}.lock",)}
    ),
    "it holds the lock of another conversation, too": _turned_away,
    "it holds no lock": lambda watched: watched.project.world.processes.locked.clear(),
    "its rollout is deleted": lambda watched: watched.files.files.clear(),
    "its rollout is archived": _archived,
}


@pytest.mark.parametrize("change", CODEX)
def test_of_held_files_the_very_next_look_sees_that(change: str) -> None:
    watched = holding()
    before = watched.look()
    assert watched.look() == before

    CODEX[change](watched)
    assert watched.look() != before


def test_where_the_system_hides_its_locks_they_are_looked_up_each_time() -> None:
    watched = holding()
    watched.project.world.processes.hides_locks = True
    before = watched.look()

    CODEX["it holds another lock"](watched)
    assert watched.look() != before


def test_what_leaves_no_mark_is_looked_up_each_time() -> None:
    """A link: nothing tells when what it leads to changes."""
    watched = talking()
    watched.files.unmarked.add(watched.note)
    watched.look()
    watched.look()

    assert watched.files.opened[watched.note]


def test_what_was_not_asked_for_in_a_look_is_forgotten() -> None:
    recall, world, lookups = ObservationCache(), FakeWorld(), []
    for keys in ("a", "a", "", "a"):
        recall.begin(world, None)
        for key in keys:
            recall.found(key, None, lambda _world: lookups.append("a"))

    assert len(lookups) == 2


@pytest.mark.parametrize(
    ("ask", "lookups"),
    [
        (lambda world: world.files.real("/lab"), 1),
        (lambda world: world.processes.family(1), 1),
        (lambda world: world.tmux.screen("%1"), 3),
        (lambda world: world.clock.monotonic(), 3),
        (lambda world: world.files.folder("/lab"), 3),
        (lambda world: world.processes.words(1), 3),
    ],
)
def test_what_is_asked_without_a_mark_is_asked_in_every_look(ask: Callable[[World], object], lookups: int) -> None:
    recall, world, made = ObservationCache(), FakeWorld(), []
    for _ in range(3):
        recall.begin(world, None)
        recall.found("a", None, lambda noted: made.append(ask(noted)))

    assert len(made) == lookups
