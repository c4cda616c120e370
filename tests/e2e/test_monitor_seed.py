"""What the description says that the monitor grew out of, row by row.

One world in its terms, without any manifest, is looked at three times: for a trial, for good, and once more. Each row
is one thing to see in what came of that.
"""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from project import Project, git
from ruamel.yaml import YAML
from test_monitor import tree
from waiting import wait_until
from watching import Stage, drift, pass_and_confirm

from reconciler.cli.commands import monitor as command
from reconciler.model.activity import Activity
from reconciler.model.address import agent_address
from reconciler.model.record import Status
from reconciler.model.watch import AgentObservation, Pass
from reconciler.monitor.passes import PassResult
from reconciler.monitor.run import LoopOptions
from reconciler.monitor.run import due as until_next

NEW_ID, LOST_ID = "b3a7c0de-0000-4000-8000-00000000c2f0", "87dc548e-0000-4000-8000-000000000000"
PAGE, PAPER = "lab-landing-page-creator-claude", "lab-paper-pdf2md-creator-agy"
NOTES, FILM = "lab-notes-creator-claude", "lab-film-creator-claude"
ENDED = {f"lab-{status}-creator-claude": status for status in ("stopped", "terminated", "archived")}
STATE = ".cache/tmux-agent-orchestrate-monitor"


@dataclass
class World:
    project: Project
    env: dict[str, str]
    artifact: Path
    calls: Path
    documents: list[dict[str, Any]] = field(default_factory=list)
    registries: list[bytes] = field(default_factory=list)
    trees: list[Any] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)

    @property
    def rows(self) -> dict[str, Any]:
        return YAML(typ="safe").load(self.registries[-1])["sessions"]

    @property
    def rows_before(self) -> dict[str, Any]:
        return YAML(typ="safe").load(self.registries[0])["sessions"]

    def look(self, *words: str) -> None:
        self.registries.append(self.project.registry.read_bytes())
        self.trees.append(tree(self.project.root))
        said = self.project.run("monitor", "--emit-diff", "--once", *words, **self.env)
        self.documents.append(json.loads(said.splitlines()[0]))

    def told(self, number: int) -> dict[str, str]:
        return {each["session"]: each["message"] for each in self.documents[number]["drifts"]}

    def called(self) -> list[list[str]]:
        return [line.split() for line in self.calls.read_text().splitlines()]


@pytest.fixture(scope="module")
def world():
    with TemporaryDirectory(prefix="rc-", dir="/tmp") as folder:
        home = Path(folder)
        made = _world(home)
        try:
            made.look("--dry-run")
            made.look()
            made.look()
            made.registries.append(made.project.registry.read_bytes())
            made.trees.append(tree(made.project.root))
            made.sessions = sorted(made.project.tmux("list-sessions", "-F", "#{session_name}").split())
            yield made
        finally:
            made.project.tmux("kill-server")
            wait_until(lambda: not made.project.processes())


def _world(home: Path) -> World:
    root, bin_ = home / "project", home / "bin"
    for path in (root / ".hermes", bin_, home / f"tmux-{os.getuid()}"):
        path.mkdir(parents=True, mode=0o700)
    project = Project(root, home, home / f"tmux-{os.getuid()}" / "lab")
    calls = home / "calls"
    for name in ("tmux", "git"):
        (bin_ / name).write_text(f'#!/bin/sh\necho {name} "$@" >>{calls}\nexec /usr/bin/{name} "$@"\n')
        (bin_ / name).chmod(0o755)
    git(root, "init", "-q")
    for session in (PAPER, NOTES, FILM):
        (root / session).mkdir()
        project.tmux("-f", "/dev/null", "new-session", "-d", "-s", session, "-c", str(root / session), "sleep", "9999")
    live = project.live()
    artifact = home / ".claude" / "projects" / str(root / NOTES).replace("/", "-") / f"{NEW_ID}.jsonl"
    artifact.parent.mkdir(parents=True)
    artifact.write_text(json.dumps({"type": "user", "sessionId": NEW_ID, "cwd": str(root / NOTES)}) + "\n")
    at_rest = artifact.parents[1] / "at-rest" / "id.jsonl"  # nothing of those is missing
    at_rest.parent.mkdir()
    at_rest.write_text('{"type":"user"}\n')
    project.registry.write_text(json.dumps(_registry(live)))
    env = {"TMUX_TMPDIR": str(home), "TMUX_SERVER_NAME": "lab", "PATH": f"{bin_}:{project.env['PATH']}"}
    return World(project, env, artifact, calls)


def _registry(live: Any) -> dict[str, Any]:
    def row(session: str, status: str = "running", **fields: Any) -> dict[str, Any]:
        workspace, _role, agent = session.rsplit("-", 2)
        where = live.get(session)
        pane = {"pane": {"pid": where.pid, "cmd": "sleep", "cwd": where.cwd}} if where else {}
        return {"workspace": workspace, "agent": agent, "role": "creator", "status": status, **pane, **fields}

    identities = {"lab-notes": NEW_ID, "lab-film": LOST_ID}
    return {
        "workspaces": {name: {"agent_identities": {"claude": {"session_id": id_}}} for name, id_ in identities.items()},
        "sessions": {
            PAGE: row(PAGE, pane={"pid": 201132, "cmd": "claude"}),
            NOTES: row(NOTES, claude_session_id_own=None),
            FILM: row(FILM, claude_session_id_own=LOST_ID),
            **{name: row(name, status, resumable=True, claude_session_id_own="id") for name, status in ENDED.items()},
        },
    }


ROWS = {}


def row(sentence):
    def add(check):
        ROWS[sentence] = check
        return check

    return add


# --- drift classes ----------------------------------------------------------------------------


@row("A. tmux dead, YAML says running -> auto-terminate")
def _(world):
    assert world.told(1)[PAGE] == f"{PAGE}: tmux gone (was pane 201132, cmd claude). Marked terminated."
    found = world.rows[PAGE]
    assert (found["status"], found["termination_mode"]) == ("terminated", "auto-detected")
    assert found["terminated_at"]


@row("a pass that writes nothing claims nothing")
def _(world):
    assert world.told(0)[PAGE] == f"{PAGE}: tmux session is gone; was pid 201132, cmd claude."
    assert world.told(0)[PAPER] == f"{PAPER}: tmux session found, and not in the registry."


@row("A. skip-set: deliberate end states are left untouched")
def _(world):
    assert {name: world.rows[name] for name in ENDED} == {name: world.rows_before[name] for name in ENDED}
    assert not set(ENDED) & set(world.told(1))


@row("B. tmux alive, not in YAML -> auto-register")
def _(world):
    assert world.told(1)[PAPER] == f"{PAPER}: tmux found but not in YAML. Auto-registered."
    found = world.rows[PAPER]
    assert (found["status"], found["last_visible_status"], found["last_visible_note"]) == (
        "running",
        "running",
        "auto-registered",
    )


@row("C. New session id materializes")
def _(world):
    assert world.told(1)[NOTES] == f"{NOTES}: now has a saved conversation ({NEW_ID})"
    assert world.rows[NOTES]["claude_session_id_own"] == NEW_ID


@row("D. Stale UUID (artifact gone) -> flag, and do not delete from YAML")
def _(world):
    assert LOST_ID in world.told(1)[FILM]
    assert world.rows[FILM] == world.rows_before[FILM]
    workspaces = YAML(typ="safe").load(world.registries[-1])["workspaces"]
    assert workspaces["lab-film"]["agent_identities"]["claude"]["session_id"] == LOST_ID


@row("status enum: one of four words; free text is in last_visible_note")
def _(world):
    words = {each.get(key) for each in world.rows.values() for key in ("status", "last_visible_status")} - {None}
    assert words <= {"running", "stopped", "terminated", "archived"}


# --- pitfalls ---------------------------------------------------------------------------------


@row("the 30s poll is a default; five agents in a workspace make it 60s")
def _(_world):
    def due(agents: int) -> float:
        sights = [
            AgentObservation(agent_address("lab", f"a{n}"), "", "shell", Status.RUNNING, "alive", Activity.IDLE)
            for n in range(agents)
        ]
        return until_next(PassResult(Pass(1, "", 0.1, tuple(sights))), LoopOptions(0, (), print))

    assert (due(0), due(4), due(5)) == (30, 30, 60)


@row("coalesce: only comment when the diff is new, not the same drift on every poll")
def _(world):
    assert world.told(2) == {}
    assert [(each["class"], each["session"]) for each in world.documents[2]["known"]] == [("D", FILM)]


@row("a state file at .cache/tmux-agent-orchestrate-monitor/<workspace>.state")
def _(world):
    names = {path.name for path in (world.project.root / STATE).iterdir()}
    assert names == {f"{each.rsplit('-', 2)[0]}.state" for each in (PAGE, PAPER, NOTES, FILM)}


@row("the state file is overridable via AGENT_SESSIONS_STATE_DIR")
def _(world):
    other = world.project.home / "elsewhere"
    world.project.run("monitor", "--once", AGENT_SESSIONS_STATE_DIR=str(other), **world.env)
    assert (other / "lab-film.state").exists()


@row("don't fight the user's explicit action: a fresh end is not reverted within 5s")
def _(_world):
    with TemporaryDirectory() as folder:
        stage = Stage(Path(folder))
        passes = stage.passes()
        passes.next()
        stage.drifts = (drift("B", status="archived"),)
        stage.clock.wait(4)
        assert pass_and_confirm(passes) == []
        stage.clock.wait(4)
        assert pass_and_confirm(passes) == []
        stage.clock.wait(1)
        assert len(pass_and_confirm(passes)) == 1


@row("TUI capture-pane is expensive: not on every poll")
def _(world):
    assert {words[4] for words in world.called() if words[0] == "tmux"} == {"list-panes"}


@row("one tmux process a look")
def _(world):
    looks = [words for words in world.called() if "list-panes" in words]
    assert len(looks) <= 2 * len(world.documents) + 2  # a look that writes looks again, under the lock


# --- hard rules -------------------------------------------------------------------------------


@row("do NOT modify conversation artifacts")
def _(world):
    assert [path.name for path in world.artifact.parent.iterdir()] == [f"{NEW_ID}.jsonl"]
    assert json.loads(world.artifact.read_text())["sessionId"] == NEW_ID


@row("do NOT spawn or delete tmux sessions")
def _(world):
    assert world.sessions == sorted([PAPER, NOTES, FILM])
    commands = {word for words in world.called() for word in words}
    assert not commands & {"new-session", "kill-session", "kill-server", "send-keys", "respawn-pane"}


@row("do NOT call create or stop: only the user initiates those")
def _(world):
    assert not (world.project.registry.parent / "history.jsonl").exists()


@row("do NOT call git commit or git push")
def _(world):
    assert not [words for words in world.called() if words[0] == "git" and {"commit", "push", "add"} & set(words)]
    assert git(world.project.root, "count-objects").startswith("0 objects")


# --- flags ------------------------------------------------------------------------------------


@row("--once --emit-diff: one JSON document with drifts[]")
def _(world):
    each = world.documents[1]["drifts"][0]
    assert set(each) >= {"class", "session", "address", "message", "before", "after"}


@row("--dry-run: compute drift WITHOUT writing")
def _(world):
    assert world.trees[0] == world.trees[1]
    assert set(world.told(0)) == {PAGE, PAPER, NOTES, FILM}


@row("YAML is written only when changes are real")
def _(world):
    assert world.registries[2] == world.registries[3]
    assert world.registries[1] != world.registries[2]


@row("YAML updates leave a .bak")
def _(world):
    backup = Path(f"{world.project.registry}.bak").read_bytes()
    assert backup == world.registries[0]


@row("--timeout is 0 (no limit) and --idle-timeout 600 by default")
def _(_world):
    parameters = inspect.signature(command.monitor).parameters
    assert (parameters["timeout"].default, parameters["idle_timeout"].default) == ("0", "600")


@row("RECONCILE_POLL_INTERVAL is 15 by default")
def _(world):
    from reconciler.app.monitor.monitor import MonitorOptions
    from reconciler.app.project.project import Project as At

    def poll(**env: str) -> float:
        at = At(str(world.project.root), str(world.project.registry), env)
        return command._subscribed(at, MonitorOptions(), ".mam/jobs", 600, auto_stop=False).subscription.poll

    assert (poll(), poll(RECONCILE_POLL_INTERVAL="3")) == (15, 3)


# --- verification -----------------------------------------------------------------------------


@row("verification: --emit-diff --once | python3 -m json.tool")
def _(world):
    done = world.project.attempt("monitor", "--emit-diff", "--once", **world.env)
    tool = subprocess.run([sys.executable, "-m", "json.tool"], input=done.stdout, text=True, check=False)
    assert (done.returncode, tool.returncode) == (0, 0)


@pytest.mark.parametrize("check", ROWS.values(), ids=ROWS)
def test_as_it_is_written(world, check):
    check(world)
