"""A declared broker: kept as it is declared, whatever happens in between."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from conftest import mosquittos
from project import Project

from reconciler.broker.files.layout import SWAPPED
from reconciler.broker.files.sets import DIGESTS

KILLS = 6
HEAVY = {"cryptography", "deepdiff", "jinja2", "paho", "rich", "pydantic", "jsonschema", "libtmux", "ruamel"}


def declare(project: Project, port: int, **settings: object) -> Path:
    project.write({}, broker={"listeners": [{"port": port}], **settings})
    return project.root / ".hermes" / "broker"


def contents(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    """Every file of the broker but its database, log and pid: content, mode, when it was written."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.parent.name not in {"run", "data"}]
    return {str(path): (path.read_bytes(), path.stat().st_mode, path.stat().st_mtime_ns) for path in paths}


def test_a_second_apply_changes_no_byte(project: Project, port: int):
    folder = declare(project, port)
    project.apply()
    before, pids = contents(folder), mosquittos(project)
    assert "No changes." in project.apply()
    assert contents(folder) == before
    assert mosquittos(project) == pids


def test_show_tells_of_a_broker(project: Project, port: int):
    folder = declare(project, port)
    live = {"files": "none"}
    assert project.json("show", "broker.main", code=0) == {
        "address": "broker.main",
        "declared": True,
        "live": live,
        "recorded": None,
    }
    project.apply()
    shown = project.json("show", "main", code=0)
    assert shown["live"] == {"files": "exist", "process": "runs"}
    assert shown["recorded"]["dir"] == str(folder)
    (project.root / "reconciler.yaml").write_text("version: 1\nworkspaces: {}\n")
    assert 'process: "runs (pid' in project.run("show", "broker.main")


def test_a_broker_that_fails_its_proof_gets_its_last_good_files_back(project: Project, port: int):
    folder = declare(project, port)
    project.apply()
    before = (folder / "etc/mosquitto/certs/server.crt").read_bytes()
    project.write({}, broker={"host": "nowhere.invalid", "listeners": [{"port": port, "bind": "127.0.0.1"}]})
    said = project.apply(code=1)
    assert "the last good files are back" in said
    assert (folder / "etc/mosquitto/certs/server.crt").read_bytes() == before
    declare(project, port)
    assert project.json("broker", "verify", code=0)["passed"]


def test_a_plan_holds_no_secret(project: Project, port: int):
    folder = declare(project, port)
    project.apply()
    secrets = [path.read_text().strip() for path in folder.glob("clients/*.password")]
    entries = [line.partition(":")[2] for line in (folder / "etc/mosquitto/passwd").read_text().splitlines()]
    declare(project, port, users={"hermes": "reconciler", "ci": "worker"})
    said = project.run("plan", "--full", "--out", "saved") + project.run("plan", "--json")
    said += project.apply("--json")
    kept = [path for path in project.root.rglob("*") if path.is_file() and folder not in path.parents]
    said += "".join(path.read_text() for path in kept)
    assert project.root / "saved" in kept
    assert [secret for secret in (*secrets, *entries) if secret in said] == []


def test_an_apply_that_is_killed_leaves_whole_sets_and_the_next_one_ends_in_sync(project: Project, port: int):
    folder = declare(project, port)
    project.apply()
    moments = random.Random(7)  # noqa: S311 - not for secrets
    for number in range(KILLS):
        users = {"hermes": "observer", "claude-worker": "worker", f"user{number}": "worker"}
        declare(project, port, users=users, persistence=number % 2 > 0)  # which asks for a restart
        applying = project.start("apply", "--auto-approve")
        with suppress(subprocess.TimeoutExpired):
            applying.wait(moments.uniform(0.3, 2))
        applying.kill()
        applying.communicate()
        assert [path for place in SWAPPED for path in _broken(folder / place.live)] == []
    project.apply()
    assert project.actions() == {}
    assert project.json("broker", "verify", code=0)["passed"]
    assert len(mosquittos(project)) == 1


def _broken(live: Path) -> list[str]:
    """Files of a set that are not those it was written with; the proof adds a line to the ACL for a moment."""
    lines = (live / DIGESTS).read_text().splitlines()
    written = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    there = {str(path.relative_to(live)) for path in live.rglob("*") if path.is_file()} - {DIGESTS}
    edited = {name for name in written if sha256((live / name).read_bytes()).hexdigest() != written[name]}
    leftovers = {name for name in there - written.keys() if not name.endswith(".tmp")}
    return sorted((edited - {"acl"}) | leftovers | (written.keys() - there))


def test_a_plan_of_a_broker_in_order_imports_nothing_heavy(project: Project, port: int):
    declare(project, port)
    project.apply()
    assert "No changes." in (done := _importing(project)).stdout
    assert not HEAVY & set(done.stdout.splitlines()[-1].split())
    declare(project, port, persistence=False)
    assert "cryptography" in _importing(project).stdout.splitlines()[-1], "this test would notice nothing"


def test_a_broker_whose_block_is_gone_ends_and_keeps_its_files(project: Project, port: int):
    folder = declare(project, port)
    project.apply()
    assert len(mosquittos(project)) == 1
    before = contents(folder)
    project.write({})
    assert project.actions() == {"broker.main": "delete"}
    assert f"its files, keys and data stay in {folder}" in project.apply()
    assert mosquittos(project) == []
    assert contents(folder) == before
    assert "No changes." in project.apply()


def test_a_broker_in_order_can_be_destroyed_by_name(project: Project, port: int):
    declare(project, port)
    project.apply()
    assert "No changes." in project.run("destroy", "--auto-approve", "--exclude", "broker.main")
    assert len(mosquittos(project)) == 1
    project.run("destroy", "--auto-approve", "--target", "broker.main")
    assert mosquittos(project) == []


def _importing(project: Project) -> subprocess.CompletedProcess[str]:
    """A plan, and on the last line every module that it has loaded."""
    code = "import sys; from reconciler.cli.run import run; run(['plan']); print(*sys.modules)"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=project.root, env=project.env, capture_output=True, text=True, check=True
    )


def test_a_killed_broker_is_started_again(project: Project, port: int):
    declare(project, port)
    project.apply()
    [pid] = mosquittos(project)
    os.kill(pid, signal.SIGKILL)
    assert project.actions() == {"broker.main": "update"}
    drift = json.loads(project.attempt("drift", "--json").stdout)
    assert [each["class"] for each in drift["drifts"]] == ["L"]
    project.apply()
    assert project.actions() == {}
