"""Several projects of one user, on two tmux servers: looked at together, each for itself."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from foreground import foreground
from project import CLI, SCHEMAS, Project
from waiting import wait_until

from reconciler.model.moment import to_second
from reconciler.ports.clock import RealClock
from reconciler.render.output import escape_line

escape_codes = re.compile(r"\x1b\[[0-9;]*m")
HOSTILE = "evil\n\x1b[31m #(touch x) ok"


class Lab:
    """Projects with one home; `first` and `second` share a tmux server."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.first = self.made("first", home / "s1")
        self.second = self.made("second", home / "s1")
        self.third = self.made("third", home / "s2")

    def made(self, name: str, socket: Path) -> Project:
        root = self.home / name
        root.mkdir()
        made = Project(root, self.home, socket)
        made.write({root.name.split("\n")[0]: {"path": "w", "agents": {"shell": {}}}})
        made.apply()
        return made

    @property
    def notes(self) -> Path:
        return self.home / ".local/state/reconciler/projects"

    def note(self, project: Project) -> Path:
        return next(each for each in self.notes.iterdir() if json.loads(each.read_text())["root"] == str(project.root))


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with TemporaryDirectory(prefix="rc-", dir="/tmp") as folder, pytest.MonkeyPatch.context() as patch:
        patch.delenv("TMUX", raising=False)
        made = Lab(Path(folder))
        yield made
        for socket in ("s1", "s2"):
            made.first.tmux("-S", str(made.home / socket), "kill-server")
        wait_until(lambda: not [_kill(pid) for pid in made.first.processes()])


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def spare(lab: Lab) -> Iterator[Project]:
    """A fourth project, which a test may damage."""
    made = lab.made("spare", lab.home / "s2")
    yield made
    made.tmux("kill-session", "-t", "=spare-creator-shell")
    if made.root.exists():
        shutil.rmtree(made.root)
    for note in lab.notes.iterdir():
        if "spare" in note.read_text() or not note.read_text().startswith("{"):
            note.unlink()


def looks(lab: Lab, *words: str) -> list[str]:
    """How often tmux was run, by socket."""
    wrapped = lab.home / "counted"
    wrapped.mkdir(exist_ok=True)
    log = wrapped / "log"
    log.unlink(missing_ok=True)
    (wrapped / "tmux").write_text(f'#!/bin/sh\necho "$3 $4" >> {log}\nexec {shutil.which("tmux")} "$@"\n')
    (wrapped / "tmux").chmod(0o755)
    lab.first.attempt(*words, PATH=f"{wrapped}:{lab.first.env['PATH']}")
    return log.read_text().splitlines() if log.exists() else []


# --- notes and tags ---------------------------------------------------------------------------


def test_an_apply_notes_its_project_and_one_without_changes_leaves_the_note_alone(lab: Lab) -> None:
    note = lab.note(lab.first)
    said = json.loads(note.read_text())
    assert (said["root"], said["registry"]) == (str(lab.first.root), str(lab.first.registry))
    assert (said["socket"], said["lineage"]) == (str(lab.home / "s1"), lab.first.recorded()["lineage"])
    assert note.stat().st_mode & 0o777 == 0o600
    before = note.stat()
    lab.first.apply()
    after = note.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    note.unlink()
    lab.first.apply()
    assert json.loads(note.read_text())["root"] == said["root"], "an older project is noted by its next apply"


def test_a_session_carries_its_project_and_an_older_one_gets_it_when_it_is_restarted(spare: Project) -> None:
    def tag() -> str:
        return spare.tmux("show-options", "-v", "-t", "=spare-creator-shell:", "@reconciler_project").strip()

    assert tag() == str(spare.root)
    spare.tmux("set-option", "-u", "-t", "=spare-creator-shell:", "@reconciler_project")
    assert spare.actions() == {}, "without it, nothing is to do"
    assert tag() == ""
    spare.run("restart", "spare-creator-shell", "--force")
    assert tag() == str(spare.root)


@pytest.mark.parametrize("source", ["tag", "note", "gone"])
def test_a_name_that_another_project_holds_is_refused_with_that_project(lab: Lab, source: str) -> None:
    """Even if the agent works far away from its project; of a project that was moved, that is said."""
    other = lab.made("holder", lab.home / "s2")
    other.write({"holder": {"path": str(lab.home / "away"), "agents": {"shell": {"role": "x"}}}})
    other.apply("--max-destroy", "1", "--force")
    if source != "tag":
        other.tmux("set-option", "-u", "-t", "=holder-x-shell:", "@reconciler_project")
    if source == "tag":
        lab.note(other).unlink()
    if source == "gone":
        other.root.rename(lab.home / "elsewhere")
    rival = lab.home / "rival"
    rival.mkdir()
    mine = replace(other, root=rival)
    mine.write({"holder": {"path": "w", "agents": {"shell": {"role": "x"}}}})
    try:
        said = mine.run("plan", code=7)
        place = "that was in" if source == "gone" else "in"
        assert f"session holder-x-shell exists and is not ours: it belongs to the project {place} {other.root}" in said
        [agent] = mine.json("status")["agents"]
        assert f"of the project in {other.root}" in agent["note"]
    finally:
        other.tmux("kill-session", "-t", "=holder-x-shell")
        for each in ("holder", "elsewhere", "rival", "away"):
            shutil.rmtree(lab.home / each, ignore_errors=True)
        for note in lab.notes.iterdir():
            if "holder" in note.read_text():
                note.unlink()


@pytest.mark.parametrize("state", ["file", "link"])
def test_an_apply_succeeds_where_it_cannot_be_noted_and_says_so_once(lab: Lab, tmp_path: Path, state: str) -> None:
    at = tmp_path / "state"
    if state == "file":
        at.write_text("")
    else:
        (at / "reconciler").mkdir(parents=True)
        (at / "reconciler" / "projects").symlink_to(tmp_path)
    said = lab.first.apply(XDG_STATE_HOME=str(at))
    assert said.count("this project cannot be noted") == 1
    assert list(tmp_path.glob("*.json")) == []


def test_a_first_apply_that_does_nothing_leaves_no_note(lab: Lab) -> None:
    root = lab.home / "nothing"
    root.mkdir()
    made = Project(root, lab.home, lab.home / "s2")
    made.write({"nothing": {"path": "w", "agents": {"shell": {}}}})
    made.attempt("apply", "--auto-approve", "--approve", "destroy", "--no-input")
    blocked = {"nothing": {"path": "/proc/nowhere", "agents": {"shell": {}}}}
    made.write(blocked)
    made.attempt("apply", "--auto-approve")
    shutil.rmtree(root)
    assert [each for each in lab.notes.iterdir() if "nothing" in each.read_text()] == []


# --- status -----------------------------------------------------------------------------------


def test_all_agents_are_shown_below_their_projects_with_one_look_at_each_server(lab: Lab) -> None:
    assert sorted(looks(lab, "status", "--all")) == [f"{lab.home}/s1 list-panes", f"{lab.home}/s2 list-panes"]
    said = lab.first.run("status", "--all").splitlines()
    roots = [str(each.root) for each in (lab.first, lab.second, lab.third)]
    assert [line for line in said if line.startswith("/")] == [f"{root}:" for root in roots]
    assert [line.split()[0] for line in said if line.startswith("  ")] == [
        "AGENT",
        *(f"{each.root.name}.shell" for each in (lab.first, lab.second, lab.third)),
    ]
    assert sorted(looks(lab, "status", "--all", "--json")) == [f"{lab.home}/s1 list-panes", f"{lab.home}/s2 list-panes"]


def test_a_terminal_shows_the_agents_of_each_project_in_groups(lab: Lab) -> None:
    with foreground(lab.first, "status", "--all") as terminal:
        assert terminal.ended() == 0
        said = escape_codes.sub("", terminal.shown).splitlines()
    assert said[0] == "3 agents: 3 running"
    assert [line.split()[:3] for line in said[2::2]] == [
        ["\N{DOTTED CIRCLE}", "running", f"{each.root.name}.shell"] for each in (lab.first, lab.second, lab.third)
    ]


def test_a_type_that_shows_no_state_has_none_among_all_projects(lab: Lab) -> None:
    head, _, first, *_ = lab.first.run("status", "--all").splitlines()
    assert dict(zip(head.split(), first.replace(" (", "(").split(), strict=False))["STATE"] == "-"


def test_the_document_of_all_agents_is_the_board(lab: Lab) -> None:
    document = lab.first.json("status", "--all", code=0)
    check("board", document)
    assert [each["folder"] for each in document["projects"]] == [
        str(each.root) for each in (lab.first, lab.second, lab.third)
    ]
    assert [each["live"] for each in document["agents"]] == ["alive"] * 3
    assert lab.first.json("board", "--all", code=0) == document
    outside = subprocess.run([*CLI, "board", "--json"], cwd="/", env=lab.first.env, check=True, capture_output=True)
    assert json.loads(outside.stdout) == document, "outside of a project, the board is that of all"
    [alone] = lab.third.json("board", code=0)["agents"]
    assert alone in document["agents"]


def test_a_project_is_the_same_alone_and_among_all(lab: Lab) -> None:
    [alone] = lab.third.json("status")["agents"]
    found = lab.first.json("status", "--all")["agents"][2]
    assert {key: found[key] for key in alone} == alone


def test_one_agent_is_found_in_whichever_project_it_is(lab: Lab) -> None:
    document = lab.first.json("status", "--all", "third", code=0)
    check("board", document)
    [project], [agent] = document["projects"], document["agents"]
    assert project["folder"] == agent["folder"] == str(lab.third.root)
    assert agent["detail"]["workspace"] == "third"
    said = lab.first.run("status", "--all", "shell", code=64)
    assert f"agent.second.shell  second-creator-shell  in {lab.second.root}" in said
    assert "there is no agent nobody in any project" in lab.first.run("status", "--all", "nobody", code=64)


def test_all_and_one_project_exclude_each_other(lab: Lab) -> None:
    for words in (
        ["-C", "first", "status", "--all"],
        ["drift", "--all", "--registry", "x"],
        ["monitor", "--all", "-C", "."],
        ["board", "--all", "-C", "."],
    ):
        said = lab.first.run(*words, code=64)
        assert "--all looks at all of them" in said
    assert "cannot be" not in lab.first.run(
        "status", "--all", RECONCILER_ROOT="/nowhere", RECONCILER_REGISTRY="/nowhere/x"
    )


DAMAGE = {
    "manifest": lambda project: (project.root / "reconciler.yaml").write_text("{"),
    "registry": lambda project: project.registry.write_text("sessions: ["),
    "no registry": lambda project: project.registry.unlink(),
    "no folder": lambda project: project.root.rename(project.home / "aside"),
    "a file instead": lambda project: (project.root.rename(project.home / "aside"), project.root.write_text("")),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_project_that_cannot_be_read_is_one_line_and_hides_no_other_one(
    lab: Lab, spare: Project, damage: str
) -> None:
    DAMAGE[damage](spare)
    try:
        done = lab.first.attempt("status", "--all")
        lines = [line for line in done.stdout.splitlines() if str(spare.root) in line]
        assert (done.returncode, len(lines)) == (1, 1), done.stdout + done.stderr
        assert "cannot be read" in lines[0]
        assert f"{lab.third.root}:" in done.stdout
        document = lab.first.json("status", "--all", code=1)
        check("board", document)
        [found] = [each for each in document["projects"] if each["folder"] == str(spare.root)]
        assert found["error"]["severity"] == "error"
        assert str(spare.root) not in {each["folder"] for each in document["agents"]}
        if "folder" in damage:
            assert f"reconciler projects forget {spare.root}" in lines[0], "its disk may come back: it is only offered"
        assert lab.note(spare).exists()
    finally:
        if (aside := lab.home / "aside").exists():
            shutil.rmtree(aside)
            if spare.root.is_file():
                spare.root.unlink()


def test_a_tmux_server_that_cannot_be_asked_is_an_error_of_its_projects_alone(lab: Lab) -> None:
    (lab.home / "stuck").mkdir()
    (lab.home / "stuck" / "tmux").write_text(
        f'#!/bin/sh\ncase "$*" in *{lab.home}/s1*) echo wrong; exit 0;; esac\nexec {shutil.which("tmux")} "$@"\n'
    )
    (lab.home / "stuck" / "tmux").chmod(0o755)
    done = lab.first.attempt("status", "--all", "--json", PATH=f"{lab.home}/stuck:{lab.first.env['PATH']}")
    found = {each["folder"]: each["live"] for each in json.loads(done.stdout)["agents"]}
    assert found == {str(lab.first.root): "unknown", str(lab.second.root): "unknown", str(lab.third.root): "alive"}
    assert done.returncode == 1


# --- drift ------------------------------------------------------------------------------------


def test_drift_of_all_says_what_drifts_and_what_cannot_be_checked(lab: Lab, spare: Project) -> None:
    assert "No drift in 4 projects." in lab.first.run("drift", "--all", code=0)
    assert sorted(looks(lab, "drift", "--all")) == [f"{lab.home}/s1 list-panes", f"{lab.home}/s2 list-panes"]
    spare.lose("spare-creator-shell")
    said = lab.first.run("drift", "--all", code=2)
    assert "Drift in 1 of 4 projects." in said
    document = lab.first.json("drift", "--all", code=2)
    check("drift-all", document)
    assert [each["drift"]["in_sync"] for each in document["projects"]] == [True, True, False, True]
    (lab.notes / "bad.json").write_text("?")
    said = lab.first.run("drift", "--all", code=1)
    assert "Drift in 1 of 4 projects. 1 could not be checked." in said
    assert f"the note {lab.notes}/bad.json cannot be read" in said
    assert "a report is about one project" in lab.first.run("drift", "--all", "--junit", "-", code=64)


# --- projects ---------------------------------------------------------------------------------


def test_the_list_shows_where_each_project_is(lab: Lab, spare: Project) -> None:
    document = lab.first.json("projects", "list", code=0)
    check("projects", document)
    rows = {each["root"]: each for each in document["projects"]}
    assert {each["standing"] for each in rows.values()} == {"here"}
    assert rows[str(spare.root)]["socket"] == str(spare.socket)
    made = spare.row("spare-creator-shell")["created_at"]  # the time of the plan, after which the project is noted
    assert made <= rows[str(spare.root)]["applied"] <= to_second(RealClock().now())
    moved = lab.home / "spare moved"
    spare.root.rename(moved)
    said = lab.first.run("projects", "list")
    assert "its folder is not there" in said
    assert f"reconciler projects forget {spare.root}" in said
    replace(spare, root=moved).apply()
    listed = {each["root"]: each["standing"] for each in lab.first.json("projects", "list")["projects"]}
    assert str(spare.root) not in listed, "its note has moved with it"
    assert listed[str(moved)] == "here"
    shutil.rmtree(moved)


def test_a_copy_and_a_project_that_was_taken_over_are_told_apart(lab: Lab, spare: Project) -> None:
    copy = replace(spare, root=lab.home / "spare copy")
    shutil.copytree(spare.root, copy.root)
    copy.run("registry", "take-over", "--auto-approve")
    try:
        rows = {each["root"]: each for each in lab.first.json("projects", "list")["projects"]}
        assert rows[str(spare.root)]["standing"] == "copy"
        assert rows[str(copy.root)]["standing"] == "here"
        done = lab.first.attempt("status", "--all")
        assert f"{spare.root}: left out: it is a copy" in done.stdout
        assert done.returncode == 0, "its agents are shown where they live"
    finally:
        shutil.rmtree(copy.root)


def test_two_registries_in_one_folder_are_two_projects(lab: Lab, spare: Project) -> None:
    manifest = spare.root / "two.yaml"
    manifest.write_text(
        (spare.root / "reconciler.yaml").read_text().replace('"w"', '"w2"').replace("spare", "spare2", 1)
    )
    spare.run("--registry", "other/r.yaml", "apply", "two.yaml", "--auto-approve")
    rows = [each for each in lab.first.json("projects", "list")["projects"] if each["root"] == str(spare.root)]
    assert sorted(each["registry"] for each in rows) == [str(spare.registry), str(spare.root / "other/r.yaml")]
    said = lab.first.run("projects", "forget", "spare", code=64)
    assert f"{spare.root}/other/r.yaml" in said
    document = lab.first.json("projects", "forget", str(spare.root / "other/r.yaml"), code=0)
    assert document["undo"].endswith(f"--registry {spare.root}/other/r.yaml apply")


def test_forgetting_removes_only_the_note_and_says_how_to_undo_it(lab: Lab, spare: Project) -> None:
    pid = spare.pane("spare-creator-shell").pid
    document = lab.first.json("projects", "forget", "spare", code=0)
    check("projects-forget", document)
    assert document["root"] == str(spare.root)
    assert spare.pane("spare-creator-shell").pid == pid
    assert str(spare.root) not in lab.first.run("status", "--all")
    lab.first.run("projects", "forget", "spare", code=64)
    words = document["undo"].split()[1:]
    lab.first.run(*words)
    assert f"{spare.root}:" in lab.first.run("status", "--all")


def test_no_name_of_a_folder_reaches_the_terminal_or_another_line(lab: Lab) -> None:
    evil = lab.made(HOSTILE, lab.home / "s2")
    try:
        shown = escape_line(str(evil.root))
        for words in (["status", "--all"], ["drift", "--all"], ["projects", "list"]):
            said = lab.first.run(*words)
            assert "\x1b" not in said, words
            assert shown in said, words
        evil.root.rename(lab.home / "aside")
        for words in (["status", "--all"], ["projects", "list"], ["projects", "forget", "evil"]):
            done = lab.first.attempt(*words)
            assert "\x1b" not in done.stdout + done.stderr, words
            assert shown in done.stdout, words
    finally:
        evil.tmux("kill-session", "-t", "=evil-creator-shell")
        shutil.rmtree(lab.home / "aside", ignore_errors=True)


def test_a_folder_of_any_name_completes_no_words(lab: Lab, spare: Project) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "reconciler"],
        env={
            **spare.env,
            "_RECONCILER_COMPLETE": "complete_bash",
            "COMP_WORDS": f"reconciler projects forget {lab.home}/sp",
            "COMP_CWORD": "3",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == [str(spare.root)]


def check(name: str, document: object) -> None:
    from jsonschema import Draft7Validator

    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
    assert not list(Draft7Validator(schema).iter_errors(document))


# --- whatever makes a project manage sessions -------------------------------------------------


def test_an_adoption_notes_its_project(lab: Lab) -> None:
    root = lab.home / "adopted"
    root.mkdir()
    made = Project(root, lab.home, lab.home / "s2")
    (root / "api").mkdir()
    made.tmux("new-session", "-d", "-s", "api-creator-shell", "-c", str(root / "api"), "exec sh")
    try:
        made.write({})
        made.run("adopt", "--write", "--auto-approve")
        assert [json.loads(note.read_text())["socket"] for note in [lab.note(made)]] == [str(made.socket)]
        lab.note(made).unlink()
    finally:
        made.tmux("kill-session", "-t", "=api-creator-shell")
        shutil.rmtree(root)


def test_agents_are_found_from_another_shell_than_the_one_that_started_them(lab: Lab) -> None:
    """A project that declares no server is applied with the variables of its shell; they are not those of others."""
    root, servers = lab.home / "shell", lab.home / "servers"
    root.mkdir()
    servers.mkdir()
    made = Project(root, lab.home, servers / f"tmux-{os.getuid()}" / "mine")
    (root / "reconciler.yaml").write_text("version: 1\nworkspaces: {own: {path: w, agents: {shell: {}}}}\n")
    try:
        made.apply(TMUX_TMPDIR=str(servers), TMUX_SERVER_NAME="mine")
        for variables in ({}, {"TMUX_SERVER_NAME": "other", "TMUX_TMPDIR": str(lab.home)}):
            done = lab.first.attempt("status", "--all", "--json", **variables)
            document = json.loads(done.stdout)
            [found] = [each for each in document["projects"] if each["folder"] == str(root)]
            live = [each["live"] for each in document["agents"] if each["folder"] == str(root)]
            assert (live, found["diagnostics"]) == (["alive"], [])
    finally:
        made.tmux("kill-server")
        lab.note(made).unlink()
        shutil.rmtree(root)


def test_the_service_of_all_projects_is_one_unit(lab: Lab) -> None:
    if sys.platform == "darwin":
        pytest.skip("systemd units are of Linux")
    said = lab.first.run("monitor", "install", "--user", "--all", "--interval", "60")
    unit = lab.home / ".config/systemd/user/reconciler-monitor-all.service"
    assert str(unit) in said
    assert '"monitor" "--all" "--interval" "60"' in unit.read_text()
    assert f"WorkingDirectory={lab.home}" in unit.read_text()
    lab.first.run("monitor", "uninstall", "--user", "--all")
    assert not unit.exists()


# --- monitor ----------------------------------------------------------------------------------


def test_one_pass_over_all_projects_corrects_each_registry_and_reports_each_change_with_its_project(
    lab: Lab, spare: Project
) -> None:
    assert lab.first.run("monitor", "--all", "--once", code=0) == ""
    assert sorted(looks(lab, "monitor", "--all", "--once")) == [
        f"{lab.home}/s1 list-panes",
        f"{lab.home}/s2 list-panes",
    ]
    spare.lose("spare-creator-shell")
    before = {each.root: each.registry.read_bytes() for each in (lab.first, lab.second, lab.third)}
    dry = [
        json.loads(line)
        for line in lab.first.attempt("monitor", "--all", "--once", "--dry-run", "--json").stdout.splitlines()
    ]
    assert [(line["type"], line.get("project")) for line in dry] == [("version", None), ("drift", str(spare.root))]
    assert spare.row("spare-creator-shell")["status"] == "running"
    said = lab.first.run("monitor", "--all", "--once", code=0)
    assert f"{spare.root}: A  spare-creator-shell" in said
    assert spare.row("spare-creator-shell")["status"] == "terminated"
    assert (spare.root / ".cache/tmux-agent-orchestrate-monitor/spare.state").exists(), "its state is in its own folder"
    assert {each.root: each.registry.read_bytes() for each in (lab.first, lab.second, lab.third)} == before


def test_a_project_that_cannot_be_watched_stops_no_other_one(lab: Lab, spare: Project) -> None:
    spare.lose("spare-creator-shell")
    lab.first.registry.rename(lab.home / "aside")
    try:
        done = lab.first.attempt("monitor", "--all", "--once")
        assert done.returncode == 1
        assert f"{lab.first.root}: not watched: {lab.first.registry} is not there" in done.stderr
        assert f"{spare.root}: A  spare-creator-shell" in done.stdout
        assert not lab.first.registry.exists()
    finally:
        (lab.home / "aside").rename(lab.first.registry)


@pytest.mark.parametrize(
    "words", [["--sink", "file:metrics"], ["--sink", "mqtt:lab"], ["--card", "t_1"], ["--subscribe"]]
)
def test_what_is_for_one_project_is_refused_for_all(lab: Lab, words: list[str]) -> None:
    assert "is for one project" in lab.first.run("monitor", "--all", *words, code=64)
    said = lab.first.run("monitor", "--all", "--once", AGENT_SESSIONS_STATE_DIR=str(lab.home / "states"), code=64)
    assert "is for one project" in said


def test_a_running_monitor_takes_in_new_projects_drops_forgotten_ones_and_leaves_those_of_others(lab: Lab) -> None:
    other = lab.second.start("monitor", "--interval", "600")
    wait_until((lab.second.root / ".hermes/monitor/lock").exists)
    lines: list[dict[str, object]] = []
    watching = lab.first.start("monitor", "--all", "--json", "--interval", "600")
    troubles: list[str] = []
    readers = [
        threading.Thread(target=lambda: lines.extend(json.loads(line) for line in watching.stdout), daemon=True),
        threading.Thread(target=lambda: troubles.extend(watching.stderr), daemon=True),
    ]

    def reported(project: Project) -> bool:
        return any(line.get("project") == str(project.root) and line["type"] == "drift" for line in lines)

    def is_watched(project: Project) -> bool:
        return (project.root / ".hermes/monitor/lock").exists()

    try:
        for reader in readers:
            reader.start()
        wait_until(lambda: is_watched(lab.first) and is_watched(lab.third))
        late = lab.made("late", lab.home / "s2")
        wait_until(lambda: is_watched(late))
        late.lose("late-creator-shell")
        wait_until(lambda: reported(late))
        assert late.row("late-creator-shell")["status"] == "terminated"
        other.send_signal(signal.SIGINT)
        assert other.wait(20) == 130
        assert not is_watched(lab.second)
        lab.first.run("projects", "forget", str(late.root))
        wait_until(lambda: not is_watched(late) and is_watched(lab.second))
        assert watching.poll() is None
        shutil.rmtree(late.root)
        watching.send_signal(signal.SIGINT)
        assert watching.wait(20) == 130
        for reader in readers:
            reader.join(20)
        held = next(line for line in troubles if str(lab.second.root) in line)
        assert held.startswith(f"{lab.second.root}: the project is monitored by pid {other.pid}")
        assert troubles[-1] == "The monitor ends: SIGINT.\n"
        assert not any(map(is_watched, (lab.first, lab.second, lab.third)))
        hooks = [lab.first.tmux("-S", str(lab.home / each), "show-hooks", "-g") for each in ("s1", "s2")]
        assert not any("reconciler" in each for each in hooks)
    finally:
        for process in (other, watching):
            process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                stream.close()
