"""What a CLI told its hook counts as long as it is about this very process."""

from __future__ import annotations

import os
from typing import Any

import pytest
from in_memory import HOME, NOTES_FOLDER, Project
from msgspec.structs import replace

from reconciler.model.hook_note import HookNote
from reconciler.model.plan import Mode
from reconciler.observe import hook_conversation
from reconciler.plan.request import Request
from reconciler.ports.files import RealFiles
from reconciler.ports.world import World

NEW = "b3a7c0de-2222-4222-8333-444455556666"
REFRESH = Request(mode=Mode.REFRESH_ONLY)


def _manifest(*agents: str, cli: str = "gemini") -> dict[str, Any]:
    return {"version": 1, "workspaces": {"w": {"path": "w", "agents": {name: {"type": cli} for name in agents}}}}


def _note(project: Project, agent: str, **fields: Any) -> HookNote:
    """What the hook of a running agent wrote down; `fields` are otherwise."""
    pane, server = project.world.tmux.pane(f"w-creator-{agent}"), project.world.tmux.server
    assert server is not None
    note = HookNote(
        type="gemini",
        conversation=NEW,
        cwd="/lab/w/sub",
        socket=server.socket,
        server_pid=server.pid,
        server_started=server.started,
        pane_id=pane.pane_id,
        pid=pane.pid,
        started=project.world.processes.alive[pane.pid],
        at=int(project.world.clock.now().timestamp()),
    )
    told = replace(note, **fields)
    project.world.files.put(f"{NOTES_FOLDER}/{note.name}", told.document())
    return told


def _bound(project: Project, manifest: dict[str, Any]) -> dict[str, Any]:
    """The identities after a refresh."""
    project.apply(project.plan(manifest, REFRESH))
    return project.registry["workspaces"]["w"]["agent_identities"]


def _running(*agents: str, cli: str = "gemini") -> Project:
    project = Project()
    project.apply(project.plan(_manifest(*agents, cli=cli)))
    return project


def test_a_hook_tells_that_an_agent_has_gone_on_to_another_conversation() -> None:
    project = _running("a")
    before = project.registry["workspaces"]["w"]["agent_identities"]["a"]["session_id"]
    _note(project, "a")
    assert _bound(project, _manifest("a")) == {"a": {"session_id": NEW, "previous": [before]}}


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "claude"},
        {"cwd": "/lab/other"},
        {"cwd": "/lab/w2"},
        {"cwd": ""},
        {"socket": "/run/other"},
        {"server_pid": 1},
        {"server_started": 1},
        {"pane_id": "%99"},
        {"pid": 1},
        {"started": 1},
        {"at": 1},
    ],
    ids=str,
)
def test_a_note_that_is_about_something_else_is_not_believed(fields: dict[str, Any]) -> None:
    project = _running("a")
    before = project.registry["workspaces"]["w"]["agent_identities"]
    _note(project, "a", **fields)
    assert _bound(project, _manifest("a")) == before


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"type": 7}'])
def test_a_broken_note_is_passed_over(content: bytes) -> None:
    project = _running("a")
    before = project.registry["workspaces"]["w"]["agent_identities"]
    project.world.files.put(f"{NOTES_FOLDER}/{_note(project, 'a').name}", content)
    assert _bound(project, _manifest("a")) == before


@pytest.mark.parametrize("place", [NOTES_FOLDER, "the note"])
def test_a_note_that_another_user_may_have_written_is_not_believed(place: str) -> None:
    project = _running("a")
    before = project.registry["workspaces"]["w"]["agent_identities"]
    path = f"{NOTES_FOLDER}/{_note(project, 'a').name}"
    project.world.files.distrusted[path if place == "the note" else place] = "it belongs to somebody else"
    assert _bound(project, _manifest("a")) == before


def test_a_process_outside_the_pane_is_not_believed() -> None:
    project = _running("a")
    before = project.registry["workspaces"]["w"]["agent_identities"]
    stranger = project.world.processes.spawn()
    _note(project, "a", pid=stranger, started=project.world.processes.alive[stranger])
    assert _bound(project, _manifest("a")) == before


def test_a_folder_that_is_not_told_is_not_taken_for_ours() -> None:
    world = World(None, None, RealFiles(), None, None)  # type: ignore[arg-type] # only files are asked
    assert hook_conversation._is_within(os.getcwd(), os.getcwd(), world)
    assert not hook_conversation._is_within("", os.getcwd(), world)


def test_nobody_is_told_the_conversation_of_another_agent() -> None:
    project = _running("a", "b")
    before = project.registry["workspaces"]["w"]["agent_identities"]
    _note(project, "a", conversation=before["b"]["session_id"])
    assert _bound(project, _manifest("a", "b")) == before


def test_the_note_of_the_cli_itself_is_believed_first() -> None:
    project = _running("a", cli="claude")
    before = project.registry["workspaces"]["w"]["agent_identities"]["a"]["session_id"]
    pane = project.world.tmux.pane("w-creator-a")
    start = project.world.processes.alive[pane.pid]
    own = f'{{"pid": {pane.pid}, "procStart": "{start}", "sessionId": "{before}", "status": "idle"}}'
    project.world.files.put(f"{HOME}/.claude/sessions/{pane.pid}.json", own.encode())
    _note(project, "a", type="claude")
    assert _bound(project, _manifest("a"))["a"]["session_id"] == before


def test_a_minted_id_is_bound_by_a_hook_although_a_rival_is_there() -> None:
    project = _running("a", "b", cli="codex")
    _note(project, "a", type="codex")
    assert _bound(project, _manifest("a", "b", cli="codex"))["a"]["session_id"] == NEW
