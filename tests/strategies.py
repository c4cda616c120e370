"""Random projects: what was applied once, what has happened since, and what is declared now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from in_memory import LINEAGE, Project

SECRETS = ("sesame-from-env", "sesame-from-file", "sesame-in-the-manifest", "sesame-expanded")
TYPES = {
    "mine": {"command": ["mine"], "new": ["--new", "{session_id}"], "resume": ["--resume", "{session_id}"]},
    "plain": {"command": ["plain"], "busy": "^working", "quit": "/quit"},
}
_VALUES = st.sampled_from(
    ["1", "2", {"from_env": "MY_TOKEN"}, {"from_file": "~/token"}, "sesame-in-the-manifest", "a ${MY_SHELL_SECRET}"]
)
_ENVS = st.dictionaries(st.sampled_from(["MODE", "API_TOKEN"]), _VALUES, max_size=2).filter(
    lambda env: env.get("MODE") != "sesame-in-the-manifest"  # a secret in clear under an innocent name is the user's
)
_AGENTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["claude", "claude", "mine", "plain"])},
    optional={
        "args": st.sampled_from([["-v"], ["--model", "x"]]),
        "env": _ENVS,
        "protect": st.booleans(),
        "state": st.sampled_from(["running", "stopped", "archived"]),
        "role": st.sampled_from(["creator", "reviewer"]),
        "resume": st.sampled_from(["auto", "never"]),
        "ignore": st.just(["args"]),
        "prompt": st.just("Begin."),
    },
)
_TO_SESSIONS = ("killed", "exited", "renamed", "untagged")
_BY_CLAUDE = ("busy", "waiting", "idle", "said", "opened")
_TO_ROWS = ("row lost", "row stopped", "row archived", "row unmanaged")
HAPPENINGS = st.sampled_from(["nothing", "nothing", *_TO_SESSIONS, *_BY_CLAUDE, *_TO_ROWS])


@st.composite
def manifests(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(["v", "w"]), unique=True, min_size=1))
    workspaces = {name: {"path": name, "agents": draw(_agents())} for name in names}
    return {"version": 1, "agent_types": TYPES, "workspaces": workspaces}


@st.composite
def _agents(draw: st.DrawFn) -> dict[str, Any]:
    agents = draw(st.dictionaries(st.sampled_from(["a", "b", "c"]), _AGENTS, min_size=1, max_size=3))
    for name in agents:
        before = sorted(other for other in agents if other < name)
        if before and draw(st.booleans()):
            agents[name]["depends_on"] = draw(st.lists(st.sampled_from(before), unique=True, min_size=1))
    return agents


@st.composite
def _edited(draw: st.DrawFn, before: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest after somebody worked on it: some agents changed, some gone, sometimes a new workspace."""
    after = deepcopy(dict(before))
    for workspace in after["workspaces"].values():
        for name in list(workspace["agents"]):
            _edit(workspace["agents"], name, draw(st.sampled_from(["keep", "keep", "change", "anew", "drop"])), draw)
    if draw(st.booleans()):
        after["workspaces"] |= draw(manifests())["workspaces"]
    return after


def _edit(agents: dict[str, Any], name: str, how: str, draw: st.DrawFn) -> None:
    match how:
        case "change":
            agents[name] |= draw(_AGENTS)
        case "anew":
            agents[name] = draw(_AGENTS)
        case "drop":
            del agents[name]
            for other in agents.values():
                other["depends_on"] = [each for each in other.get("depends_on", ()) if each != name]


@dataclass(frozen=True)
class Scene:
    """`since` tells what has happened to each session that `before` had led to."""

    before: Mapping[str, Any]
    desired: Mapping[str, Any]
    since: tuple[str, ...]
    foreign: tuple[str, ...]
    rebooted: bool
    touched: bool


SCENES = manifests().flatmap(
    lambda before: st.builds(
        Scene,
        before=st.just(before),
        desired=_edited(before),
        since=st.lists(HAPPENINGS, min_size=6, max_size=6).map(tuple),
        foreign=st.lists(st.sampled_from(["vim", "w-creator-a", "x-creator-claude"]), unique=True, max_size=2).map(
            tuple
        ),
        rebooted=st.sampled_from([False, False, False, True]),
        touched=st.booleans(),
    )
)


def staged(scene: Scene, project: Project | None = None) -> Project:
    """The project in which the scene's `desired` is to be planned; without one, a new one."""
    project = project or Project()
    project.env |= {"MY_TOKEN": "sesame-from-env", "MY_SHELL_SECRET": "sesame-expanded"}
    project.world.files.put(f"{project.home}/token", b"sesame-from-file\n")
    project.apply(project.plan(scene.before))
    for (session, row), happening in zip(sorted(_rows(project).items()), scene.since, strict=False):
        _happen(project, session, row, happening)
    if scene.rebooted:
        project.world.tmux.kill_server()
    for name in set(scene.foreign) - project.world.tmux._panes.keys():
        project.world.tmux.add(name, lineage="theirs" if name == "w-creator-a" else "")
    if scene.touched and f"{project.root}/w" in project.world.files.folders:
        project.world.files.put(f"{project.root}/w/notes.md", b"work")
    return project


def _rows(project: Project) -> dict[str, Any]:
    return {name: row for name, row in project.registry.get("sessions", {}).items() if row["status"] == "running"}


def _happen(project: Project, session: str, row: Mapping[str, Any], happening: str) -> None:
    what, _, how = happening.partition(" ")
    if what == "row":
        _touch_row(project.registry["sessions"], session, row, how)
    elif what in _BY_CLAUDE:
        _write_of_claude(project, session, row, what)
    else:
        _touch_session(project, session, what)


def _touch_row(rows: dict[str, Any], session: str, row: Mapping[str, Any], how: str) -> None:
    if how == "lost":
        del rows[session]
    else:
        rows[session] = {**row, "managed": False} if how == "unmanaged" else {**row, "status": how}


def _write_of_claude(project: Project, session: str, row: Mapping[str, Any], what: str) -> None:
    """What Claude Code writes down, of its process or of its conversation."""
    pane, put = project.world.tmux.pane(session), project.world.files.put
    if what in {"said", "opened"}:
        line = b'{"type":"user"}' if what == "said" else b'{"type":"mode"}'
        folder = f"{project.home}/.claude/projects/{project.root.replace('/', '-')}-{row['workspace']}"
        put(f"{folder}/{pane.conversation}.jsonl", line)
        return
    project.world.tmux.change(session, title="working" if what == "busy" else "")
    note = {"status": what, "procStart": str(pane.pid * 100)}
    put(f"{project.home}/.claude/sessions/{pane.pid}.json", json.dumps(note).encode())


def _touch_session(project: Project, session: str, what: str) -> None:
    tmux = project.world.tmux
    pane = tmux.pane(session)
    match what:
        case "killed":
            tmux.kill_session(session)
        case "exited":
            tmux.exit_agent(session, 3)
        case "renamed":
            tmux.rename(pane.target, f"mine-{pane.pid}")
        case "untagged":
            tmux.change(session, lineage="", address="", conversation="")


def is_ours(pane: Any) -> bool:
    return pane.lineage == LINEAGE
