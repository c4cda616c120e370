"""What a checkout, another user or a damaged disk may have put where reconciler keeps its files."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from project import CLI, Project
from waiting import wait_until

ONE = {"type": "shell"}
HERE = (
    ".hermes",
    ".hermes/history",
    ".hermes/agent-sessions.yaml.bak",
    ".hermes/agent-sessions.yaml.before-completion",
    ".hermes/history.jsonl",
    ".hermes/confirm.json",
)


@pytest.fixture
def victim(project: Project) -> Path:
    """A folder outside of the project, with files that nobody may touch."""
    folder = project.home / "victim"
    (folder / "objects").mkdir(parents=True)
    (folder / "file").write_text("precious")
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", HERE)
def test_a_link_that_a_checkout_brought_is_refused_before_anything_is_done(project: Project, victim: Path, name: str):
    project.declare(one=ONE)
    (project.root / name).parent.mkdir(exist_ok=True)
    inside = "file" if "." in name.removeprefix(".hermes") else "."
    (project.root / name).symlink_to(os.path.relpath(victim / inside, (project.root / name).parent))
    before = content(victim)

    said = project.apply(code=7)

    assert f"{project.root}/{name} is a symbolic link" in said
    assert f"rm {project.root}/{name}" in said
    assert content(victim) == before
    assert project.tmux("list-sessions") == ""


def test_a_linked_state_folder_works_when_the_user_names_it(project: Project, victim: Path):
    project.declare(one=ONE)
    (project.root / ".hermes").symlink_to(victim)
    said = project.apply(code=7)
    way_out = f"--registry {victim}/agent-sessions.yaml"
    assert way_out in said

    project.apply(*way_out.split())

    assert "lab-creator-one" in project.live()
    assert project.actions(*way_out.split()) == {}


@pytest.mark.parametrize("name", [".mam", ".mam/jobs", "delegate_job_logs"])
def test_no_job_is_written_through_a_link(project: Project, victim: Path, name: str):
    project.declare(one=ONE)
    (project.root / name).parent.mkdir(exist_ok=True)
    (project.root / name).symlink_to(victim)
    before = content(victim)

    said = project.run(
        "job", "submit", "--agent", "human", "--prompt", "x", "--detach", code=7, MQTT_BROKER="127.0.0.1", MQTT_PORT="9"
    )

    assert f"{project.root}/{name} is a symbolic link" in said
    assert content(victim) == before


def test_no_monitor_state_is_written_through_a_link(project: Project, victim: Path):
    project.declare(one=ONE)
    project.apply()
    project.lose("lab-creator-one")
    (project.root / ".cache").symlink_to(victim)
    before = content(victim)

    said = project.attempt("monitor", "--once")

    assert f"{project.root}/.cache is a symbolic link" in said.stdout + said.stderr
    assert content(victim) == before


PIPES = {
    "manifest": ["reconciler.yaml"],
    "registry": [".hermes/agent-sessions.yaml"],
    "lock": [".hermes/lock"],
    "others": [
        ".hermes/confirm.json",
        ".hermes/history.jsonl",
        ".hermes/history/0001.json",
        ".mam/jobs/20261129T140000000-00000000000000bb.json",
        "lab/.git",
        "../.local/share/opencode/opencode.db",
        "../.claude.json",
        "../prompt",
    ],
}
COMMANDS = (
    "plan",
    "apply --auto-approve",
    "status",
    "status lab-creator-one",
    "drift",
    "history",
    "history lab-creator-one",
    "lock status",
    "confirm",
    "job list",
    "conversations",
    "monitor --once",
    "job submit --agent human --prompt @../prompt --dry-run",
)


@pytest.mark.parametrize("places", PIPES)
def test_a_pipe_in_the_place_of_a_file_is_waited_for_by_no_command(project: Project, places: str):
    project.declare(one=ONE, two={"type": "opencode"})
    for name in PIPES[places]:
        path = project.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        os.mkfifo(path)
    for line in COMMANDS:  # one that hangs fails by its time
        assert "Traceback" not in project.attempt(*line.split()).stderr, line


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")
def test_what_root_does_in_the_project_of_another_user_belongs_to_that_user(project: Project):
    owner = 12345
    project.declare(one=ONE)
    os.chown(project.root, owner, owner)
    os.chown(project.root / "reconciler.yaml", owner, owner)

    project.apply()
    project.run("stop", "lab-creator-one", "--now")
    project.run("create", "lab", "--agent", "shell", "--name", "two", "--auto-approve")
    project.run("monitor", "--once")

    wait_until(lambda: not (project.root / ".hermes" / "lock").exists())
    foreign = [str(path) for path in project.root.rglob("*") if path.lstat().st_uid != owner]
    assert foreign == []


def test_init_on_a_full_disk_leaves_no_empty_file(tmp_path: Path):
    (tmp_path / ".gitignore").write_text("mine\n")
    program = (
        "import os, sys\n"
        "def full(*_):\n    raise OSError(28, 'No space left on device')\n"
        "os.fsync = full\n"
        "from reconciler.cli.run import run\nsys.exit(run(['init']))"
    )

    done = subprocess.run([*CLI[:1], "-c", program], check=False, cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert (tmp_path / ".gitignore").read_text() == "mine\n"
    assert all(path.stat().st_size for path in tmp_path.iterdir())
