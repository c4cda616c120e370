"""A copied project folder takes nothing from the project that it was copied from."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from project import Project, git, runs

AGENT = "lab-creator-claude"
COPY = "this project folder is a copy"
CHANGING = (
    ("apply", "--auto-approve"),
    ("apply", "--auto-approve", "--refresh-only"),
    ("refresh",),
    ("stop", AGENT),
    ("archive", AGENT),
    ("delete", AGENT, "--yes"),
    ("destroy", "--auto-approve"),
    ("resume", AGENT),
    ("import", "agent.lab.claude", AGENT),
    ("rollback", "1", "--auto-approve"),
    ("create", "lab", "--agent", "shell", "--name", "third", "--auto-approve"),
    ("monitor", "--once"),
    ("job", "submit", "--agent", AGENT, "--prompt", "hello"),
)
READING = (
    ("plan",),
    ("status",),
    ("drift",),
    ("explain", AGENT),
    ("show", "agent.lab.claude"),
    ("unmanaged",),
    ("monitor", "--once", "--dry-run"),
)


@pytest.fixture
def original(project: Project) -> Project:
    project.declare(claude={})
    project.apply()
    return project


def copy_of(original: Project) -> Project:
    target = original.home / "copy"
    shutil.copytree(original.root, target, symlinks=True)
    return replace(original, root=target)


def test_a_copy_changes_nothing_and_says_so(original: Project):
    copy = copy_of(original)
    live, before = original.live(), copy.registry.read_bytes()
    for words in CHANGING:
        said = copy.run(*words, code=7)
        assert COPY in said, words
        assert str(original.root / ".hermes") in said, words
    assert original.live() == live
    assert all(runs(pane.pid) for pane in live.values())
    assert copy.registry.read_bytes() == before
    assert (original.root / "lab").is_dir()
    assert original.actions() == {}


def test_what_is_read_in_a_copy_is_flagged(original: Project):
    copy = copy_of(original)
    for words in READING:
        said = copy.run(*words)
        assert COPY in said, words
        assert "reconciler registry take-over" in said, words
    assert copy.json("registry", "show")["standing"] == "copy"
    assert original.json("registry", "show")["standing"] == "here"
    assert COPY not in original.run("status")


def test_a_clone_with_the_registry_in_it_is_a_copy(original: Project):
    git(original.root, "init", "-q")
    git(original.root, "add", "-f", "reconciler.yaml", ".hermes/agent-sessions.yaml")
    git(original.root, "commit", "-q", "-m", "all of it")
    clone = replace(original, root=original.home / "clone")
    git(original.home, "clone", "-q", str(original.root), str(clone.root))
    assert COPY in clone.run("destroy", "--auto-approve", code=7)
    assert original.actions() == {}


def test_a_copy_can_take_the_project_over_and_what_it_was_copied_from_is_the_copy_then(original: Project):
    copy = copy_of(original)
    before = original.pane(AGENT)
    assert "pass --auto-approve" in copy.run("registry", "take-over", code=64)
    copy.run("registry", "take-over", "--auto-approve")
    assert COPY in original.run("stop", AGENT, code=7)
    assert original.pane(AGENT) == before
    assert copy.json("registry", "show")["standing"] == "here"
    assert "already the project" in copy.run("registry", "take-over", "--auto-approve", code=7)
    copy.run("stop", AGENT)
    assert not runs(before.pid)
    original.run("registry", "take-over", "--auto-approve")
    assert COPY in copy.run("resume", AGENT, code=7)


def test_a_copy_can_become_a_project_of_its_own_that_shares_nothing(original: Project):
    copy = copy_of(original)
    before, theirs = original.live(), original.identities("lab")["claude"]["session_id"]
    copy.run("registry", "start-afresh", "--auto-approve")
    assert COPY not in copy.run("status")
    assert "is not ours" in copy.run("apply", "--auto-approve", code=7), "its sessions have the names of the others"
    copy.write({"other": {"path": "lab", "agents": {"claude": {}}}})
    copy.apply()
    ours = copy.identities("other")["claude"]["session_id"]
    assert ours != theirs
    assert copy.recorded()["lineage"] != original.recorded()["lineage"]
    assert "no generation to go back to" in copy.run("rollback", "--auto-approve", code=64) or ours
    assert set(original.live()) == {*before, "other-creator-claude"}
    kept = list((copy.root / ".hermes" / "kept").glob("before-*/agent-sessions.yaml"))
    assert [theirs in path.read_text() for path in kept] == [True]
    assert "is not a copy" in copy.run("registry", "start-afresh", "--auto-approve", code=7)
    assert original.actions() == {}


# --- what is no copy --------------------------------------------------------------------------


def test_a_renamed_project_goes_on_and_its_new_place_is_recorded(original: Project):
    renamed = replace(original, root=original.home / "renamed")
    original.root.rename(renamed.root)
    assert renamed.json("registry", "show")["standing"] == "moved"
    said = renamed.run("stop", AGENT)
    assert f"moved here from {original.registry.parent}" in said
    assert renamed.recorded()["origin"]["folder"] == str(renamed.registry.parent)
    assert "moved here" not in renamed.run("resume", AGENT)


def test_a_project_that_was_moved_to_another_disk_goes_on(original: Project):
    """As `mv` does it: a copy, and then the end of what was copied."""
    moved = copy_of(original)
    shutil.rmtree(original.root)
    assert "moved here from" in moved.run("stop", AGENT)
    assert moved.json("registry", "show")["standing"] == "here"


def test_a_project_whose_old_place_has_another_project_now_was_moved(original: Project):
    moved = replace(original, root=original.home / "moved")
    original.root.rename(moved.root)
    original.root.mkdir()
    original.write({"other": {"path": "lab", "agents": {"shell": {}}}})
    original.apply()
    assert COPY not in moved.run("stop", AGENT)


def test_a_project_behind_a_link_is_no_copy(original: Project):
    link = original.home / "link"
    link.symlink_to(original.root)
    behind = replace(original, root=link)
    assert COPY not in behind.run("stop", AGENT)
    assert COPY not in original.run("resume", AGENT)


def test_a_restored_folder_in_its_old_place_is_no_copy(original: Project):
    """A backup has other inodes, and a disk may have another number after a reboot."""
    aside = original.home / "aside"
    shutil.copytree(original.registry.parent, aside)
    shutil.rmtree(original.registry.parent)
    shutil.copytree(aside, original.registry.parent)
    assert COPY not in original.run("stop", AGENT)


def test_a_registry_of_an_older_version_is_completed_with_its_place(original: Project):
    lines = original.registry.read_text().splitlines(keepends=True)
    original.registry.write_text("".join(line for line in lines if not line.startswith("origin:")))
    original.run("stop", AGENT)
    assert original.recorded()["origin"]["folder"] == str(original.registry.parent)
    assert list(original.recorded())[:4] == ["version", "lineage", "serial", "origin"]


# --- other machines ---------------------------------------------------------------------------


def _on_another_machine(project: Project) -> None:
    recorded = project.recorded()["origin"]
    text = project.registry.read_text()
    assert recorded["machine"], "this machine has no machine id"
    text = text.replace(recorded["machine"], "0" * 32).replace(f"host: {recorded['host']}", "host: elsewhere")
    project.registry.write_text(text)


@pytest.mark.skipif(not Path("/etc/machine-id").exists(), reason="this machine has no machine id")
def test_a_registry_of_another_machine_is_a_copy_wherever_it_is(original: Project):
    _on_another_machine(original)
    for words in (("stop", AGENT), ("destroy", "--auto-approve"), ("apply", "--auto-approve")):
        said = original.run(*words, code=7)
        assert "another machine, elsewhere" in said
        assert "reconciler adopt-registry --here" in said
    said = original.run("registry", "take-over", "--auto-approve")
    assert "End its agents on elsewhere first" in said
    assert original.actions() == {}


def test_the_mark_of_a_machine_is_not_its_machine_id(original: Project):
    mark = Path("/etc/machine-id")
    identity = mark.read_text().strip() if mark.exists() else ""
    assert not identity or identity not in original.registry.read_text()


def test_agents_of_another_container_count_as_ended_when_the_user_says_so(original: Project):
    """Their processes have no meaning here, and nothing tells whether they run."""
    before = original.registry.read_text()
    here = original.row(AGENT)["server"]["namespace"]
    original.reboot()
    original.socket.unlink(missing_ok=True)
    original.registry.write_text(before.replace(here, "pid:[1]"))
    said = original.run("apply", "--auto-approve", code=1)
    assert "another pid namespace" in said
    assert "reconciler registry take-over" in said
    said = original.run("registry", "take-over", "--auto-approve")
    assert f"{AGENT} counts as ended" in said
    assert set(original.actions()) == {"agent.lab.claude"}
