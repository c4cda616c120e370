"""What was applied can be looked at, compared and gone back to."""

from __future__ import annotations

import json
import os
import random
import signal
import stat
import subprocess
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import jsonschema
import pytest
from project import SCHEMAS, Project, runs
from waiting import PATIENCE, wait_until

ONE, TWO = "lab-creator-one", "lab-creator-two"
TALKING = {"type": "claude", "prompt": "hello"}
KILLS = 3


def manifest(project: Project) -> Path:
    return project.root / "reconciler.yaml"


def conversations(project: Project) -> dict[str, str]:
    return {session: pane.conversation for session, pane in project.live().items()}


def two_generations(project: Project) -> bytes:
    """`one`, and then `one` and `two`; the manifest of the first."""
    project.declare(one=TALKING)
    project.apply()
    before = manifest(project).read_bytes()
    project.declare(one=TALKING, two=TALKING)
    project.apply()
    wait_until(lambda: len(project.transcripts()) == 2)
    return before


def valid(name: str, document: object) -> None:
    jsonschema.validate(document, json.loads((SCHEMAS / f"{name}.schema.json").read_text()))


def test_every_apply_can_be_looked_at_and_compared(project: Project):
    before = two_generations(project)
    assert "No changes." in project.apply()
    history = project.json("history", code=0)
    valid("history", history)
    rows = [(row["generation"], row["operation"], row["current"]) for row in history["generations"]]
    assert rows == [(1, "apply", False), (2, "apply", True)]
    assert "* 2" in project.run("history")

    shown = project.json("history", "show", "2", code=0)
    valid("generation", shown)
    assert shown["result"]["agents"]["agent.lab.two"]["conversation"] == conversations(project)[TWO]
    assert [change["address"] for change in shown["plan"]["resource_changes"]][-1] == "agent.lab.two"
    text = project.run("history", "show", "2")
    assert "agent.lab.two was created" in text
    assert shown["author"]["cwd"] in text
    assert project.attempt("history", "show", "1", "--file", "reconciler.yaml").stdout.encode() == before

    compared = project.json("history", "diff", "1", "2", code=0)
    valid("generation-diff", compared)
    assert ["+", '"two":', "{"] in [line.split() for line in compared["manifests"][0]["diff"]]
    assert [agent["address"] for agent in compared["agents"]] == ["agent.lab.two"]
    assert "are the same" in project.run("history", "diff", "2", "2")
    assert "create" in project.run("history", TWO)
    for words in (("show",), ("show", "9"), ("show", "x"), ("diff", "1"), ("show", "1", "--file", "none")):
        project.run("history", *words, code=64)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in project.registry.parent.rglob("history/**/*")}
    assert modes == {0o600, 0o700}


def test_an_agent_whose_block_and_row_are_gone_comes_back_in_its_conversation(project: Project):
    two_generations(project)
    was, after = conversations(project), manifest(project).read_bytes()
    project.run("stop", ONE)
    project.run("delete", TWO, "--yes")
    assert TWO not in project.recorded()["sessions"]
    with manifest(project).open("a") as file:
        file.write("\n# nobody has applied this\n")
    said = project.run("rollback", "--auto-approve")
    assert "reconciler.yaml will be set back to generation 2" in said
    assert "a copy is kept in .hermes/kept/before-4/reconciler.yaml" in said
    assert "nobody has applied this" in (project.root / ".hermes/kept/before-4/reconciler.yaml").read_text()
    assert (manifest(project).read_bytes(), conversations(project)) == (after, {TWO: was[TWO]})
    assert project.actions() == {}, "who was stopped by hand rests on"

    project.run("resume", ONE)
    assert conversations(project) == was
    assert "No changes." in project.run("rollback", "4", "--auto-approve")


def test_who_went_on_to_another_conversation_returns_to_the_earlier_one(project: Project):
    project.declare(one=TALKING)
    project.apply()
    wait_until(project.transcripts)
    was = conversations(project)
    project.declare(one=TALKING, two={"type": "claude", "state": "stopped"})
    project.apply()
    project.run("stop", ONE)
    project.run("resume", ONE, "--fresh")
    wait_until(lambda: len(project.transcripts()) == 2)
    fresh = conversations(project)
    assert fresh != was
    said = project.run("rollback", "1", "--auto-approve")
    assert f'~ conversation = "{fresh[ONE]}" -> "{was[ONE]}"' in said
    assert conversations(project) == was
    assert fresh[ONE] in project.recorded()["workspaces"]["lab"]["agent_identities"]["one"]["previous"]


def test_a_kill_at_any_moment_leaves_a_history_that_can_be_used(project: Project):
    dice = random.Random(7)  # noqa: S311 - no secret
    project.declare(one={"type": "claude"})
    project.apply()
    first = manifest(project).read_bytes()
    for number in range(KILLS):
        project.declare(one={"type": "claude"}, **{f"more{number}": {"type": "claude"}})
        applying = project.start("apply", "--auto-approve", "--max-destroy", "9")
        with suppress(Exception):
            applying.wait(dice.uniform(0.2, 1.2))
        applying.kill()
        applying.communicate()
        for row in project.json("history", code=0)["generations"]:
            valid("generation", project.json("history", "show", str(row["generation"]), code=0))
    project.run("rollback", "1", "--auto-approve", "--max-destroy", "9")
    assert manifest(project).read_bytes() == first
    wait_until(lambda: list(project.live()) == [ONE])  # what an apply works through goes a moment after it
    assert project.actions() == {}


def test_the_way_back_goes_on_beside_a_workspace_that_cannot_be_made_now(project: Project, repo: Path):
    before = _with_a_worktree(project, repo)
    repo.rename(repo.parent / "moved")
    said = project.run("rollback", "--auto-approve", code=3)
    assert f"workspace.tree: Skipped: the repository {repo} does not exist" in said
    assert (manifest(project).read_bytes(), set(project.live())) == (before, {ONE, TWO})
    (repo.parent / "moved").rename(repo)
    project.apply()
    assert (project.root / "tree").is_dir()


def test_the_way_back_restores_the_manifests_when_nothing_else_can_be_done(project: Project, repo: Path):
    project.write({"tree": {"path": "tree", "git": {"repo": str(repo), "branch": "wt"}}})
    project.apply()
    before = manifest(project).read_bytes()
    project.write({})
    project.apply()
    repo.rename(repo.parent / "moved")
    assert "workspace.tree: Skipped" in project.run("rollback", "--auto-approve", code=1)
    assert manifest(project).read_bytes() == before


def _with_a_worktree(project: Project, repo: Path) -> bytes:
    """A generation with a worktree and two agents, of which the next one leaves an agent; its manifest."""
    tree, lab = {"path": "tree", "git": {"repo": str(repo), "branch": "wt"}}, {"path": "lab"}
    project.write({"tree": tree, "lab": {**lab, "agents": {"one": TALKING, "two": TALKING}}})
    project.apply()
    before = manifest(project).read_bytes()
    wait_until(lambda: len(project.transcripts()) == 2)
    project.write({"lab": {**lab, "agents": {"one": TALKING}}})
    project.apply()
    assert not (project.root / "tree").exists()
    return before


# --- confirmed applies ------------------------------------------------------------------------


def waiting(project: Project, seconds: str) -> dict[str, bytes]:
    """A second generation without `two` that waits for its confirmation; what there was before."""
    two_generations(project)
    before = {"manifest": manifest(project).read_bytes(), "live": repr(conversations(project)).encode()}
    project.declare(one=TALKING)
    assert "Otherwise, reconciler rolls back to generation 2." in project.apply("--confirm-within", seconds)
    return before


def state(project: Project) -> dict[str, object]:
    return json.loads((project.root / ".hermes" / "confirm.json").read_text())


def let_time_pass(project: Project) -> None:
    """The hour is over."""
    path = project.root / ".hermes" / "confirm.json"
    over = path.with_suffix(".over")
    over.write_text(json.dumps({**state(project), "deadline": "2026-01-01T00:00:00Z"}))
    over.replace(path)


def taken_back(project: Project) -> bool:
    return not (project.root / ".hermes" / "confirm.json").exists()


def test_what_nobody_confirms_is_taken_back_by_itself(project: Project):
    before = waiting(project, "1s")
    wait_until(lambda: taken_back(project))
    assert manifest(project).read_bytes() == before["manifest"]
    assert repr(conversations(project)).encode() == before["live"]
    newest = project.json("history")["generations"][-1]
    assert (newest["operation"], newest["automatic"]) == ("rollback", True)
    assert newest["reason"] == "generation 3 was not confirmed within 1 s"
    assert "back to generation 2" in (project.root / ".hermes" / "confirm.log").read_text()
    assert "too late: generation 3 was not confirmed" in project.run("confirm", code=7)


def test_what_waits_is_told_holds_others_up_and_stays_once_confirmed(project: Project):
    waiting(project, "1h")
    watchdog = state(project)["watchdog_pid"]
    assert "generation 3 waits for its confirmation" in project.run("plan")
    assert "reconciler confirm" in project.run("status")
    project.declare(one=TALKING, three=TALKING)
    for words in (("apply",), ("destroy",), ("apply", "--confirm-within", "1h")):
        assert "waits for its confirmation" in project.run(*words, "--auto-approve", code=7)
    project.run("refresh")
    confirmed = project.json("confirm", code=0)
    valid("confirmation", confirmed)
    assert confirmed["generation"] == 3
    wait_until(lambda: not runs(watchdog))
    assert "Nothing waits" in project.run("confirm")
    assert project.json("confirm", code=0)["generation"] is None
    project.apply()
    assert project.json("history")["generations"][-1]["generation"] == 4


def test_when_nobody_watches_any_more_every_command_names_the_two_ways(project: Project):
    before = waiting(project, "1h")
    os.kill(state(project)["watchdog_pid"], signal.SIGKILL)  # as a new boot would
    wait_until(lambda: "no process will roll it back" in project.run("status"))
    assert "reconciler rollback 2" in project.run("plan")
    assert "no process will roll it back" in project.run("apply", "--auto-approve", code=7)
    project.run("rollback", "--auto-approve")
    assert manifest(project).read_bytes() == before["manifest"]
    assert taken_back(project)


def test_an_apply_that_is_killed_is_taken_back_too(project: Project, repo: Path, gate):
    two_generations(project)
    before = manifest(project).read_bytes()
    git = {"repo": str(repo), "branch": "wt"}
    project.write({"lab": {"path": "lab", "agents": {"one": TALKING}}, "tree": {"path": "tree", "git": git}})
    applying = project.start("apply", "--auto-approve", "--confirm-within", "1s")
    wait_until(gate.reached.exists)
    os.kill(applying.pid, signal.SIGKILL)
    applying.communicate()
    gate.open()
    wait_until(lambda: taken_back(project))
    assert (manifest(project).read_bytes(), set(project.live())) == (before, {ONE, TWO})
    assert project.json("history")["generations"][-2]["exit_code"] is None


@pytest.mark.parametrize("chosen", [2, 3])
def test_what_may_be_half_taken_back_is_not_confirmed_but_chosen(project: Project, chosen: int):
    before = waiting(project, "1h")
    kept = manifest(project).read_bytes()
    watchdog = int(state(project)["watchdog_pid"])
    os.kill(watchdog, signal.SIGKILL)
    wait_until(lambda: not runs(watchdog))
    path = project.root / ".hermes" / "confirm.json"  # as it is from the first step of the way back on
    path.write_text(json.dumps({**state(project), "deadline": "2026-01-01T00:00:00Z", "expired": True}))
    said = project.run("confirm", code=7)
    assert "its rollback may be incomplete" in said
    assert "`reconciler rollback 3` or `reconciler rollback 2`" in said
    assert "`reconciler rollback 3` or `reconciler rollback 2`" in project.run("status")
    project.run("rollback", str(chosen), "--auto-approve")
    assert taken_back(project)
    assert manifest(project).read_bytes() == (before["manifest"] if chosen == 2 else kept)
    assert project.actions() == {}


# --- the broker -------------------------------------------------------------------------------


def may_publish(port: int, folder: Path, password: str) -> bool:
    """Whether the worker's client still gets in with the password that it was given."""
    words = ["-h", "127.0.0.1", "-p", str(port), "--cafile", str(folder / "ca/ca.crt")]
    topic = ["-t", "python/mqtt/jobs/x/events", "-m", "{}", "-q", "1"]
    who = ["-u", "claude-worker", "-P", password]
    command = ["mosquitto_pub", *words, *who, *topic]
    return subprocess.run(command, check=False, capture_output=True, timeout=PATIENCE).returncode == 0


def test_an_apply_that_cuts_a_client_off_from_the_broker_heals_itself(project: Project, port: int):
    folder = project.root / ".hermes" / "broker"
    listeners = [{"port": port}]
    project.write({}, broker={"listeners": listeners})
    project.apply()
    before = manifest(project).read_bytes()
    rendered = project.json("history", "show", "1")["result"]["brokers"]
    password = (folder / "clients/claude-worker.password").read_text().strip()
    assert may_publish(port, folder, password)

    project.write({}, broker={"listeners": listeners, "users": {"hermes": "reconciler"}})
    project.apply("--confirm-within", "1h")
    assert not may_publish(port, folder, password)
    let_time_pass(project)
    wait_until(lambda: taken_back(project))
    assert may_publish(port, folder, password)
    assert manifest(project).read_bytes() == before
    assert (folder / "clients/claude-worker.password").read_text().strip() == password
    newest = project.json("history", "show", "3")["result"]
    assert newest["brokers"] == rendered
    assert {path: sha256((folder / path).read_bytes()).hexdigest() for path in rendered["broker.main"]} == rendered[
        "broker.main"
    ]
    assert project.actions() == {}
