"""The notes about a user's projects: what is in their folder may be anything."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from msgspec.structs import replace

from reconciler.app.project.notes import noted_places, notes_folder
from reconciler.model.errors import ReconcilerError
from reconciler.model.project_note import ProjectNote
from reconciler.state.project_notes import note_file, read_note, remove_note, stored_notes, write_note

NOTE = ProjectNote("/lab", "/lab/.hermes/agent-sessions.yaml", "/tmp/tmux-0/lab", "L", "2026-01-01T00:00:00Z")  # noqa: S108


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return notes_folder({"XDG_STATE_HOME": str(tmp_path / "state")}, "/nowhere")


def test_what_is_noted_is_read_again_and_private(folder: str) -> None:
    hostile = replace(NOTE, root="/a\n\x1b[31m\udcff", registry="/a\n/r")
    write_note(folder, NOTE)
    write_note(folder, hostile)
    assert {each.note for each in stored_notes(folder)} == {NOTE, hostile}
    assert read_note(folder, hostile.registry) == hostile
    for path in (folder, note_file(folder, NOTE.registry)):
        assert stat.S_IMODE(os.stat(path).st_mode) & 0o077 == 0


def test_one_project_has_one_note_by_whichever_name_its_folder_is_reached(folder: str, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    for name in ("real", "link"):
        write_note(folder, replace(NOTE, registry=str(tmp_path / name / "r.yaml")))
    assert len(list(stored_notes(folder))) == 1
    other = replace(NOTE, registry=str(tmp_path / "real" / "second.yaml"))
    write_note(folder, other)
    assert len(list(stored_notes(folder))) == 2, "two registries in one folder are two projects"


def test_a_note_is_removed_once_and_missing_after(folder: str) -> None:
    write_note(folder, NOTE)
    for _ in range(2):
        remove_note(note_file(folder, NOTE.registry))
    assert list(stored_notes(folder)) == []
    assert read_note(folder, NOTE.registry) is None


WELL = {"version": 1, "root": "/a", "registry": "/a/r", "socket": "/s", "lineage": "L", "applied": ""}
DAMAGED = {
    "empty": "",
    "no JSON": "{",
    "a list": "[]",
    "another type": json.dumps({**WELL, "root": 5}),
    "a field less": json.dumps({name: value for name, value in WELL.items() if name != "socket"}),
    "a relative path": json.dumps({**WELL, "registry": "r"}),
    "a NUL": json.dumps({**WELL, "root": "/a\0b"}),
    "a later version": json.dumps({**WELL, "version": 2}),
    "nested": '{"a":' * 5000,
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_note_is_named_and_hides_no_other_one(folder: str, text: str) -> None:
    write_note(folder, NOTE)
    bad = Path(folder, "bad.json")
    bad.write_text(text)
    bad.chmod(0o600)
    found = {each.file: each for each in stored_notes(folder)}
    assert found[str(bad)].note is None
    assert found[str(bad)].trouble
    assert found[note_file(folder, NOTE.registry)].note == NOTE


def test_a_later_version_may_write_more_keys(folder: str) -> None:
    write_note(folder, NOTE)
    path = Path(note_file(folder, NOTE.registry))
    path.write_text(json.dumps({**json.loads(path.read_text()), "later": [1]}))
    assert read_note(folder, NOTE.registry) == NOTE


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_note_that_others_may_have_written_is_not_believed(folder: str, mode: int) -> None:
    write_note(folder, NOTE)
    os.chmod(note_file(folder, NOTE.registry), mode)
    [found] = stored_notes(folder)
    assert (found.note, found.trouble) == (None, "another user may have written it")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_a_note_of_another_user_is_not_believed(folder: str) -> None:
    write_note(folder, NOTE)
    os.chown(note_file(folder, NOTE.registry), 4321, 4321)
    [found] = stored_notes(folder)
    assert (found.note, found.trouble) == (None, "another user may have written it")


def test_no_link_is_followed(folder: str, tmp_path: Path) -> None:
    write_note(folder, NOTE)
    aside = tmp_path / "aside.json"
    os.rename(note_file(folder, NOTE.registry), aside)
    os.symlink(aside, note_file(folder, NOTE.registry))
    [found] = stored_notes(folder)
    assert (found.note, found.trouble) == (None, "it is a symbolic link")
    os.rename(folder, f"{folder}-aside")
    os.symlink(f"{folder}-aside", folder)
    with pytest.raises(ReconcilerError, match="symbolic link"):
        write_note(folder, NOTE)


def test_a_pipe_in_the_folder_makes_nobody_wait(folder: str) -> None:
    write_note(folder, NOTE)
    os.mkfifo(os.path.join(folder, "pipe.json"), 0o600)
    os.mkdir(os.path.join(folder, "folder.json"))
    troubles = {os.path.basename(each.file): each.trouble for each in stored_notes(folder) if each.note is None}
    assert troubles == {"pipe.json": "not a regular file", "folder.json": "not a regular file"}


def test_a_relative_state_folder_is_ignored() -> None:
    assert notes_folder({"XDG_STATE_HOME": "here"}, "/home/u") == "/home/u/.local/state/reconciler/projects"
    assert notes_folder({}, "/home/u") == "/home/u/.local/state/reconciler/projects"


def test_a_lineage_names_its_projects_and_none_names_nobody(tmp_path: Path) -> None:
    env = {"XDG_STATE_HOME": str(tmp_path)}
    folder = notes_folder(env, "/")
    assert noted_places(env, "/", "L") == ()
    write_note(folder, NOTE)
    write_note(folder, replace(NOTE, lineage="", registry="/lab/other.yaml"))
    assert noted_places(env, "/", "L") == (("/lab", NOTE.registry),)
    assert noted_places(env, "/", "") == ()
