"""What the end of a push does to a project folder; the rig shows it on hosts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MANIFEST = "version: 1\nworkspaces: {w: {path: w, agents: {s: {type: shell}}}}\n"


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    (tmp_path / "lab").mkdir()
    (tmp_path / "new").mkdir()
    (tmp_path / "lab" / "reconciler.yaml").write_text(MANIFEST)
    (tmp_path / "new" / "reconciler.yaml").write_text(MANIFEST + "# new\n")
    return tmp_path


def receive(lab: Path, *words: str, code: int = 0):
    command = [sys.executable, "-m", "reconciler", "-C", str(lab / "lab"), "receive", str(lab / "new"), *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout) if code == 0 else done.stderr


def test_only_what_differs_is_written(lab: Path):
    (lab / "new" / "prompt.md").write_text("x")
    assert receive(lab) == {"written": ["prompt.md", "reconciler.yaml"], "deleted": []}
    assert receive(lab) == {"written": [], "deleted": []}
    (lab / "new" / "prompt.md").chmod(0o755)
    assert receive(lab)["written"] == ["prompt.md"]
    assert os.access(lab / "lab" / "prompt.md", os.X_OK)


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (lambda lab: (lab / "prompts").symlink_to("/usr/share"), "cannot be replaced"),
        (lambda lab: (lab / "prompts").write_text("a file"), "cannot be replaced"),
        (lambda lab: (lab / "prompts" / "a.md").mkdir(parents=True), "cannot be replaced"),
    ],
    ids=["a link out of the project", "a file for a folder", "a folder for a file"],
)
def test_what_is_in_the_way_stops_it_before_anything_is_replaced(lab: Path, there, said: str):
    (lab / "new" / "prompts").mkdir()
    (lab / "new" / "prompts" / "a.md").write_text("x")
    there(lab / "lab")
    assert said in receive(lab, code=1)
    assert (lab / "lab" / "reconciler.yaml").read_text() == MANIFEST
    assert not [each for each in (lab / "lab").iterdir() if each.suffix == ".tmp"], "nothing unfinished stays"


def test_a_project_folder_that_agents_work_in_is_never_cleared(lab: Path):
    (lab / "new" / "reconciler.yaml").write_text(MANIFEST.replace("path: w", "path: ."))
    (lab / "lab" / "work").write_text("of an agent")
    assert "the project folder is a workspace" in receive(lab, "--delete", code=7)
    assert (lab / "lab" / "work").exists()
    assert receive(lab) == {"written": ["reconciler.yaml"], "deleted": []}


def test_links_are_copied_as_links_and_deleted_as_links(lab: Path):
    (lab / "new" / "link.md").symlink_to("reconciler.yaml")
    assert receive(lab)["written"] == ["link.md", "reconciler.yaml"]
    assert os.readlink(lab / "lab" / "link.md") == "reconciler.yaml"
    (lab / "new" / "link.md").unlink()
    assert receive(lab, "--delete")["deleted"] == ["link.md"]
    assert (lab / "lab" / "reconciler.yaml").exists()


def test_a_mistake_is_told_with_its_place_and_nothing_is_replaced(lab: Path):
    (lab / "new" / "reconciler.yaml").write_text(MANIFEST.replace("shell", "shel"))
    assert "reconciler.yaml:2" in receive(lab, code=1)
    assert (lab / "lab" / "reconciler.yaml").read_text() == MANIFEST
