"""Each check is quiet on a machine on which all is well, and speaks when the one thing is wrong that it is for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from doctor.healthy import (
    ADDRESS,
    BROKER,
    CLI,
    DESIRED,
    EXPIRY,
    FACTS,
    LINEAGE,
    NOW,
    PANE,
    PEER,
    PLACE,
    RECORDS,
    SERVER,
    SESSION,
    but,
    cli,
    folder,
    options,
    snapshot,
    status,
)
from msgspec.structs import replace

from reconciler.agents.catalogue import catalogue
from reconciler.app.doctor.checks.agents import knowledge
from reconciler.app.doctor.checks.every import judge
from reconciler.app.doctor.checks.options import HARMFUL
from reconciler.app.doctor.facts import HookFacts, MachineFacts, OtherServer
from reconciler.jobs.hooks import HooksState
from reconciler.model.address import workspace_address
from reconciler.model.broker import Connection, Survey, Target
from reconciler.model.change import Change
from reconciler.model.checkup import CheckName, Cure, Level
from reconciler.model.desired import Git, Workspace
from reconciler.model.diagnostic import Diagnostic, Place, Severity
from reconciler.model.observed import ABSENT, Present, Unknown
from reconciler.model.plan import Unmanaged
from reconciler.model.problem import Problem
from reconciler.model.record import Origin
from reconciler.model.snapshot import OpenFileLimit, TmuxState, UnreachableServer
from reconciler.ports.tmux.settings import PaneSettings
from reconciler.state.lock import HolderState, LockInfo, LockStatus
from reconciler.state.placement import Placement, PlacementState

WHY = Unknown("no reason at all", "try again")
NOTE, WARNING, ERROR, UNKNOWN = Level.NOTE, Level.WARNING, Level.ERROR, Level.UNKNOWN
PROFILES = catalogue(())
CODEX = PROFILES["codex"]
MISTAKE = Diagnostic(Severity.ERROR, "unknown key `x`", "", "remove it", place=Place("reconciler.yaml", 3, 1))
OLDER = Diagnostic(Severity.WARNING, "1 row has no `status`", "", "`reconciler adopt --write` completes the file")
STRANGE = Unmanaged(
    session="x-creator-codex", command="codex", cwd="/", pid=1, workspace="x", role="creator", agent="c"
)
LOST = replace(PANE, session="lab-creator-two", session_id="$2", address="agent.lab.two")
BESIDE = OtherServer("/run/tmux-1000/other", Present(SERVER))
SETTINGS = PaneSettings("$1", "%1", 2, synchronized=True, ends_unattached=True, lineage=LINEAGE)
FOREIGN = replace(SETTINGS, lineage="another")
LATER = {"x": NOW + timedelta(hours=2)}


class Case(NamedTuple):
    """The facts, and the one result that tells what is wrong: its level, words in it, and the command in `fix`."""

    facts: MachineFacts
    check: CheckName
    level: Level
    words: str
    fix: str = ""
    cure: Cure | None = None


def locked(holder: HolderState) -> MachineFacts:
    return but("project", lock=Present(LockStatus(LockInfo("abcd"), holder)), holder="pid 7 (me@here, apply)")


def placed(state: PlacementState, *, from_another_machine: bool = False) -> MachineFacts:
    place = Placement(state, Origin(folder="/old"), Origin(), "it was written there", from_another_machine)
    return but("project", placement=Present(place))


def git_wanted() -> MachineFacts:
    lab = workspace_address("lab")
    workspaces = {lab: Workspace(lab, "/p/lab", Git("/r", "main"))}
    wanted = replace(DESIRED, workspaces=workspaces)
    facts = but("project", desired=wanted)
    return replace(facts, installation=replace(FACTS.installation, git=ABSENT))


def no_mosquitto(declared: object) -> MachineFacts:
    facts = but("installation", mosquitto=Unknown("Mosquitto is not installed", "apt-get install mosquitto"))
    return replace(facts, broker=replace(FACTS.broker, declared=declared))


def hooked(state: object, profile: object = CODEX) -> MachineFacts:
    hook = HookFacts("/p/.codex/hooks.json", "project", "/p", state)  # type: ignore[arg-type] # any answer
    return cli(profile=profile, version=Present("0.169.0"), hooks=(hook,))


CASES: Mapping[str, Case] = {
    "a file of the package": Case(
        but("installation", unreadable=("the schemas: gone",)), CheckName.PACKAGE, ERROR, "the schemas: gone", "again"
    ),
    "a library": Case(
        but("installation", missing=("rich",)), CheckName.LIBRARIES, ERROR, "rich", "/bin/python3 -m pip install rich"
    ),
    "git, not needed": Case(but("installation", git=ABSENT), CheckName.GIT, NOTE, "git is not", "apt install git"),
    "git, needed": Case(git_wanted(), CheckName.GIT, ERROR, "worktrees", "apt install git"),
    "git, unknown": Case(but("installation", git=WHY), CheckName.GIT, UNKNOWN, "no reason", "try again"),
    "mosquitto, not needed": Case(no_mosquitto(ABSENT), CheckName.MOSQUITTO, NOTE, "jobs work without", "apt-get"),
    "mosquitto, needed": Case(no_mosquitto(Present(BROKER)), CheckName.MOSQUITTO, ERROR, "broker.main", "apt-get"),
    "processes": Case(but("installation", unseen=(OLDER,)), CheckName.PROCESSES, WARNING, "1 row", "adopt"),
    "no tmux": Case(but("tmux", program=ABSENT), CheckName.TMUX_PROGRAM, ERROR, "not installed", "apt install tmux"),
    "tmux, unknown": Case(but("tmux", program=WHY), CheckName.TMUX_PROGRAM, UNKNOWN, "no reason"),
    "tmux, silent": Case(but("tmux", version=WHY), CheckName.TMUX_PROGRAM, UNKNOWN, "its version"),
    "tmux, too old": Case(but("tmux", version=Present("3.1c")), CheckName.TMUX_PROGRAM, ERROR, "3.2 or newer", "newer"),
    "tmux, too new": Case(but("tmux", version=Present("3.9")), CheckName.TMUX_PROGRAM, NOTE, "newer than any"),
    "tmux, unheard of": Case(but("tmux", version=Present("next-4.0")), CheckName.TMUX_PROGRAM, NOTE, "newer than any"),
    "socket": Case(
        but("tmux", obstacle=Problem("it is too long", "", "choose")),
        CheckName.TMUX_SOCKET,
        ERROR,
        "too long",
        "choose",
    ),
    "no server": Case(but("tmux", server=ABSENT), CheckName.TMUX_SERVER, NOTE, "no server runs"),
    "a server that hangs": Case(but("tmux", server=WHY), CheckName.TMUX_SERVER, UNKNOWN, "no reason", "try again"),
    "a server that was stopped": Case(
        but("tmux", server=Unknown("no answer", "see what is wrong: reconciler doctor")),
        CheckName.TMUX_SERVER,
        UNKNOWN,
        "no answer",
        "kill -CONT PID",
    ),
    "a removed socket": Case(
        but("tmux", server=UnreachableServer("its socket is gone", "reconciler reconnect", 10, SESSION)),
        CheckName.TMUX_SERVER,
        ERROR,
        "its socket is gone",
        "reconciler reconnect",
        Cure.RECONNECT,
    ),
    "another TMUX_TMPDIR": Case(
        but("tmux", server=UnreachableServer("2 agents still run", "TMUX_TMPDIR=/x reconciler ...")),
        CheckName.TMUX_SERVER,
        ERROR,
        "2 agents still run",
        "TMUX_TMPDIR=/x",
    ),
    "an upgraded tmux": Case(
        but("tmux", version=Present("3.7")), CheckName.TMUX_FIT, ERROR, "the server is 3.5a", "kill-server"
    ),
    "few descriptors": Case(
        but("tmux", files=Present(OpenFileLimit(1024, 1000, 10, 4096))),
        CheckName.TMUX_FILES,
        WARNING,
        "only 24 more files of 1024",
        "prlimit --pid 10 --nofile=4096:",
    ),
    "descriptors, not visible": Case(but("tmux", files=WHY), CheckName.TMUX_FILES, NOTE, "not visible"),
    "options, unknown": Case(but("tmux", options=WHY), CheckName.TMUX_OPTIONS, UNKNOWN, "could not be read"),
    "exit-unattached": Case(
        options(exit_unattached="on"), CheckName.TMUX_OPTIONS, ERROR, "ends with all agents", "set-option -s exit-unatt"
    ),
    "destroy-unattached": Case(
        options(destroy_unattached="on"), CheckName.TMUX_OPTIONS, NOTE, "agents are exempt", "set-option -g destroy-u"
    ),
    "default-terminal": Case(
        options(default_terminal="xterm"), CheckName.TMUX_OPTIONS, WARNING, "default-terminal is xterm", "tmux-256color"
    ),
    "allow-set-title": Case(options(allow_set_title="off"), CheckName.TMUX_OPTIONS, WARNING, "title of their pane"),
    "history-limit": Case(options(history_limit="0"), CheckName.TMUX_OPTIONS, NOTE, "scrolled away", "2000"),
    "escape-time": Case(options(escape_time="2000"), CheckName.TMUX_OPTIONS, NOTE, "Esc reaches", "escape-time 10"),
    "set-clipboard": Case(options(set_clipboard="on"), CheckName.TMUX_OPTIONS, NOTE, "clipboard", "external"),
    "allow-passthrough": Case(options(allow_passthrough="all"), CheckName.TMUX_OPTIONS, NOTE, "does not filter", "off"),
    "panes, unknown": Case(but("tmux", panes=WHY), CheckName.TMUX_PANES, UNKNOWN, "sessions"),
    "a session that ends unattached": Case(
        but("tmux", panes=Present((replace(SETTINGS, synchronized=False),))),
        CheckName.TMUX_PANES,
        WARNING,
        "ends when its last terminal",
        "set-option -t '$1' destroy-unattached off",
    ),
    "panes that share their keys": Case(
        but("tmux", panes=Present((replace(SETTINGS, ends_unattached=False),))),
        CheckName.TMUX_PANES,
        WARNING,
        "every pane of its window",
        "set-option -w -t %1 synchronize-panes off",
    ),
    "a hook that kills": Case(but("tmux", hooks=Present("kill-session")), CheckName.TMUX_HOOKS, NOTE, "kill-session"),
    "another server": Case(
        but("tmux", others=Present((OtherServer("/x", Present(TmuxState(SERVER.server))),))),
        CheckName.TMUX_OTHERS,
        NOTE,
        "/x, has 0 sessions",
    ),
    "another server that hangs": Case(
        but("tmux", others=Present((OtherServer("/x", WHY),))), CheckName.TMUX_OTHERS, NOTE, "does not answer no reason"
    ),
    "another server with our agents": Case(
        but("tmux", others=Present((BESIDE,))), CheckName.TMUX_OTHERS, WARNING, SESSION, "tmux -S"
    ),
    "sockets, unknown": Case(but("tmux", others=WHY), CheckName.TMUX_OTHERS, UNKNOWN, "no reason"),
    "leftovers on the server": Case(
        but("tmux", leftovers=Present(("session _reconciler-1-abc",))),
        CheckName.TMUX_LEFTOVERS,
        WARNING,
        "_reconciler-1-abc",
        "doctor --fix",
        Cure.SESSIONS,
    ),
    "leftovers, unknown": Case(but("tmux", leftovers=WHY), CheckName.TMUX_LEFTOVERS, UNKNOWN, "no reason"),
    "a home that is missing": Case(
        but("folders", places=(replace(PLACE, nearest="/", is_made=False),)),
        CheckName.FOLDER,
        ERROR,
        "/p does not exist",
        "mkdir -p /p",
    ),
    "no folder": Case(
        but("folders", places=(replace(PLACE, state=ABSENT),)), CheckName.FOLDER, ERROR, "does not exist", "mkdir -p /p"
    ),
    "folder, unknown": Case(
        but("folders", places=(replace(PLACE, state=WHY),)), CheckName.FOLDER, UNKNOWN, "cannot be looked at"
    ),
    "a file instead": Case(folder(is_folder=False), CheckName.FOLDER, ERROR, "not a folder", "move it"),
    "a folder without rights": Case(folder(writable=False), CheckName.FOLDER, ERROR, "cannot write", "chmod u+wx /p"),
    "a folder of another user": Case(
        folder(writable=False, owner="eve"), CheckName.FOLDER, ERROR, "belongs to eve", "sudo -u eve reconciler"
    ),
    "a folder of another user, as root": Case(
        folder(owner="eve"), CheckName.FOLDER, WARNING, "belongs to eve", "sudo -u eve reconciler"
    ),
    "records without rights": Case(folder(RECORDS, writable=False), CheckName.FOLDER, WARNING, "cannot write"),
    "records that others write": Case(
        folder(RECORDS, mode=0o777), CheckName.FOLDER, WARNING, "other users may write", "chmod go-w /p/j"
    ),
    "a full disk": Case(folder(free=0), CheckName.FOLDER, ERROR, "is full", "df -h"),
    "no inode left": Case(folder(files_left=0), CheckName.FOLDER, ERROR, "is full", "df -i"),
    "an almost full disk": Case(folder(free=5 << 20), CheckName.FOLDER, WARNING, "almost full (5 MiB", "df -h"),
    "few inodes left": Case(folder(files_left=3), CheckName.FOLDER, WARNING, "3 files", "df -i"),
    "no hard links": Case(folder(kind="exfat"), CheckName.FOLDER, NOTE, "hard links", "--registry"),
    "a network": Case(folder(kind="nfs4"), CheckName.FOLDER, NOTE, "another machine", "one machine"),
    "no runtime folder": Case(
        but("folders", runtime_state=ABSENT), CheckName.RUNTIME, WARNING, "/run/user/1000", "unset XDG_RUNTIME_DIR"
    ),
    "a link": Case(but("folders", links=WHY), CheckName.LINKS, ERROR, "no reason at all", "try again"),
    "readable files": Case(
        but("folders", readable=Present(("/p/j/1.json",))),
        CheckName.MODES,
        WARNING,
        "/p/j/1.json",
        "doctor --fix",
        Cure.MODES,
    ),
    "modes, unknown": Case(but("folders", readable=WHY), CheckName.MODES, UNKNOWN, "no reason"),
    "unfinished files": Case(
        but("folders", leftovers=Present(("/p/.x.tmp",))),
        CheckName.FILE_LEFTOVERS,
        WARNING,
        "1 item on disk",
        "doctor --fix",
        Cure.FILES,
    ),
    "unfinished files, unknown": Case(but("folders", leftovers=WHY), CheckName.FILE_LEFTOVERS, UNKNOWN, "no reason"),
    "no manifest": Case(but("project", manifests=ABSENT), CheckName.MANIFESTS, NOTE, "no manifest", "reconciler init"),
    "manifests, unknown": Case(but("project", manifests=WHY), CheckName.MANIFESTS, UNKNOWN, "no reason"),
    "a mistake": Case(
        but("project", mistakes=(MISTAKE,)), CheckName.MANIFESTS, ERROR, "reconciler.yaml:3:1: unknown key", "remove it"
    ),
    "a warning of a manifest": Case(
        but("project", desired=replace(DESIRED, diagnostics=(OLDER,))), CheckName.MANIFESTS, WARNING, "1 row"
    ),
    "no registry": Case(but("project", stored=ABSENT), CheckName.REGISTRY, NOTE, "no registry"),
    "a damaged registry": Case(but("project", stored=WHY), CheckName.REGISTRY, ERROR, "no reason", "try again"),
    "an older registry": Case(but("project", older=(OLDER,)), CheckName.REGISTRY, WARNING, "1 row", "adopt --write"),
    "a copy": Case(placed(PlacementState.COPY), CheckName.PLACEMENT, ERROR, "is a copy", "registry take-over"),
    "a registry of another machine": Case(
        placed(PlacementState.COPY, from_another_machine=True),
        CheckName.PLACEMENT,
        ERROR,
        "copied from another machine",
        "adopt-registry --here",
    ),
    "a moved project": Case(placed(PlacementState.MOVED), CheckName.PLACEMENT, NOTE, "moved here from /old"),
    "placement, unknown": Case(but("project", placement=WHY), CheckName.PLACEMENT, UNKNOWN, "no reason"),
    "a lock": Case(locked(HolderState.ALIVE), CheckName.LOCK, NOTE, "pid 7"),
    "a dead lock": Case(locked(HolderState.DEAD), CheckName.LOCK, WARNING, "pid 7", "doctor --fix", Cure.LOCK),
    "a doubtful lock": Case(locked(HolderState.UNKNOWN), CheckName.LOCK, WARNING, "pid 7", "unlock abcd"),
    "lock, unknown": Case(but("project", lock=WHY), CheckName.LOCK, UNKNOWN, "no reason"),
    "an unconfirmed apply": Case(but("project", unconfirmed=(OLDER,)), CheckName.CONFIRMATION, WARNING, "1 row"),
    "a workspace without its folder": Case(
        but("project", missing_folders={"lab": "/p/lab"}), CheckName.WORKSPACES, WARNING, "/p/lab", "reconciler plan"
    ),
    "an orphan": Case(
        snapshot(orphans={ADDRESS: Present(77)}), CheckName.ORPHANS, WARNING, "process 77 runs outside", "kill 77"
    ),
    "an orphan, unknown": Case(snapshot(orphans={ADDRESS: WHY}), CheckName.ORPHANS, UNKNOWN, "still runs"),
    "a second process": Case(
        snapshot(elsewhere={ADDRESS: 78}), CheckName.ORPHANS, WARNING, "process 78 uses its conversation", "kill 78"
    ),
    "agents, unknown": Case(but("project", snapshot=WHY), CheckName.ORPHANS, UNKNOWN, "no reason"),
    "agents without tmux": Case(snapshot(tmux=WHY), CheckName.ORPHANS, UNKNOWN, "tmux could not be asked"),
    "agents without a registry": Case(but("project", stored=WHY), CheckName.ORPHANS, UNKNOWN, "registry cannot"),
    "a session without a row": Case(
        snapshot(tmux=Present(replace(SERVER, panes=(PANE, LOST)))),
        CheckName.SESSIONS,
        WARNING,
        "lab-creator-two",
        "reconciler refresh",
    ),
    "an unmanaged session": Case(
        but("project", unmanaged=(STRANGE,)), CheckName.SESSIONS, NOTE, "x-creator-codex", "reconciler unmanaged"
    ),
    "a broken package": Case(but("clis", broken=("type x is broken",)), CheckName.CLI, ERROR, "type x", "update"),
    "no CLI": Case(
        cli(program=ABSENT, without=(str(ADDRESS),)),
        CheckName.CLI,
        ERROR,
        "claude is not on the PATH of 1 agent",
        "npm install -g @anthropic-ai/claude-code",
    ),
    "a CLI that nobody needs": Case(cli(program=ABSENT, agents=()), CheckName.CLI, NOTE, "not installed: claude"),
    "CLI, unknown": Case(cli(program=WHY), CheckName.CLI, UNKNOWN, "cannot tell"),
    "a silent CLI": Case(cli(version=WHY), CheckName.CLI_VERSION, UNKNOWN, "its version", "try again"),
    "a newer CLI": Case(cli(version=Present("3.0.0")), CheckName.CLI_VERSION, NOTE, "is newer than the tested"),
    "an older CLI": Case(cli(version=Present("1.0.0")), CheckName.CLI_VERSION, NOTE, "is older than the tested"),
    "a CLI that was never run": Case(
        cli(profile=catalogue(())["agy"]), CheckName.CLI_VERSION, NOTE, "never run in a test"
    ),
    "another CLI in a login shell": Case(
        cli(by_login=Present("/usr/bin/claude")), CheckName.CLI_PATH, WARNING, "claude is /usr/bin/claude", "~/.profile"
    ),
    "no CLI in a login shell": Case(cli(by_login=ABSENT), CheckName.CLI_PATH, WARNING, "it lacks claude", "~/.profile"),
    "no CLI in the server's PATH": Case(cli(by_server=ABSENT), CheckName.CLI_PATH, NOTE, "it lacks claude"),
    "login shell, unknown": Case(but("clis", login_path=WHY), CheckName.CLI_PATH, UNKNOWN, "login shell"),
    "the server's PATH, unknown": Case(but("clis", server_path=WHY), CheckName.CLI_PATH, UNKNOWN, "tmux server"),
    "no hooks": Case(hooked(Present(HooksState.NONE)), CheckName.HOOKS, NOTE, "no hooks", "hooks install codex"),
    "hooks of another installation": Case(
        hooked(Present(HooksState.OTHER)), CheckName.HOOKS, WARNING, "not as they should", "cd /p && reconciler job"
    ),
    "hooks that must be trusted": Case(hooked(Present(HooksState.CURRENT)), CheckName.HOOKS, NOTE, "trusts", "/hooks"),
    "hooks, unknown": Case(hooked(WHY), CheckName.HOOKS, UNKNOWN, "could not be read", "try again"),
    "hooks that wait": Case(
        cli(reviewing=("agent.lab.claude",)), CheckName.HOOKS, WARNING, "until you trust", "attach agent.lab.claude"
    ),
    "broker, unknown": Case(but("broker", declared=WHY, way=WHY), CheckName.BROKER, UNKNOWN, "which broker"),
    "broker without its files": Case(but("broker", way=WHY), CheckName.BROKER, ERROR, "no reason", "try again"),
    "a broker in the open": Case(
        but("broker", declared=ABSENT, status=ABSENT, way=Present(Connection("x.example")), answer=Present(None)),
        CheckName.BROKER,
        WARNING,
        "x.example:1883, without TLS",
        "MQTT_TLS=1",
    ),
    "broker files, unreadable": Case(but("broker", status=WHY), CheckName.BROKER_FILES, ERROR, "cannot be used"),
    "no broker files": Case(status(survey=Survey(made=False)), CheckName.BROKER_FILES, ERROR, "no files yet", "apply"),
    "open broker files": Case(
        status(survey=Survey(made=True, problems=(MISTAKE,))), CheckName.BROKER_FILES, ERROR, "unknown key", "remove"
    ),
    "broker files that others read": Case(
        but("broker", mistakes=Present((MISTAKE,))), CheckName.BROKER_FILES, ERROR, "unknown key", "remove"
    ),
    "broker files, not checked": Case(but("broker", mistakes=WHY), CheckName.BROKER_FILES, UNKNOWN, "no reason"),
    "other broker settings": Case(
        status(survey=Survey(made=True, changes=(Change("port", "replace", 1, 2),))),
        CheckName.BROKER_FILES,
        WARNING,
        "port",
        "reconciler apply",
    ),
    "edited broker files": Case(
        status(survey=Survey(made=True, edited=("acl",))), CheckName.BROKER_FILES, WARNING, "acl", "broker status"
    ),
    "a broker that rests": Case(
        replace(status(process=ABSENT)), CheckName.BROKER_RUNS, ERROR, "does not run", "broker run --background"
    ),
    "broker process, unknown": Case(status(process=WHY), CheckName.BROKER_RUNS, UNKNOWN, "no reason"),
    "a stranger on its port": Case(
        status(process=ABSENT, stranger=MISTAKE), CheckName.BROKER_RUNS, ERROR, "unknown key", "remove"
    ),
    "a broker in a container": Case(
        status(broker=replace(BROKER, target=Target.DOCKER)), CheckName.BROKER_RUNS, NOTE, "run by docker"
    ),
    "an expired certificate": Case(
        status(certificates=(replace(EXPIRY, expired=True),)),
        CheckName.CERTIFICATES,
        ERROR,
        "expired on",
        "rotate server",
    ),
    "a due certificate": Case(
        status(certificates=(replace(EXPIRY, due=True),)),
        CheckName.CERTIFICATES,
        WARNING,
        "expires on",
        "rotate server",
    ),
    "an expiring certificate of a foreign broker": Case(
        but("broker", status=ABSENT, answer=Present(replace(PEER, not_after=int(NOW.timestamp()) + 3600))),
        CheckName.CERTIFICATES,
        WARNING,
        "within a week",
        "rotate server",
    ),
    "a broker that does not answer": Case(
        but("broker", answer=WHY), CheckName.BROKER_ANSWER, ERROR, "no reason", "try"
    ),
    "rows of tomorrow": Case(but("clock", rows=LATER), CheckName.CLOCK_ROWS, WARNING, "1 row of", "timedatectl"),
    "files of tomorrow": Case(but("clock", files=LATER), CheckName.CLOCK_FILES, WARNING, "x", "timedatectl"),
}


def test_a_machine_on_which_all_is_well_has_nothing_but_good_results():
    diagnosed = judge(FACTS)
    assert [check for check in diagnosed if check.level is not Level.OK] == []
    assert [check.name for check in diagnosed] == [
        CheckName.PYTHON,
        CheckName.PACKAGE,
        CheckName.GIT,
        CheckName.MOSQUITTO,
        CheckName.TMUX_PROGRAM,
        CheckName.TMUX_SERVER,
        CheckName.TMUX_FILES,
        CheckName.TMUX_OPTIONS,
        CheckName.FOLDER,
        CheckName.RUNTIME,
        CheckName.MANIFESTS,
        CheckName.REGISTRY,
        CheckName.CLI_VERSION,
        CheckName.CLI_PATH,
        CheckName.BROKER,
        CheckName.BROKER_FILES,
        CheckName.BROKER_RUNS,
        CheckName.CERTIFICATES,
        CheckName.BROKER_ANSWER,
        CheckName.CLOCK_ROWS,
    ]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_check_says_what_is_wrong_and_what_to_type(case: Case):
    found = [check for check in judge(case.facts) if (check.name, check.level) == (case.check, case.level)]
    [diagnosed] = [check for check in found if case.words in f"{check.summary} {check.detail}"]
    assert case.fix in diagnosed.fix
    assert diagnosed.cure is case.cure


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_is_worse_than_a_note_names_the_way_out(case: Case):
    """What is not known may have none: then the reason is all there is."""
    bad = [check for check in judge(case.facts) if check.level in {WARNING, ERROR}]
    assert [check for check in bad if not check.fix] == []


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_is_wrong_is_not_called_fine_as_well(case: Case):
    diagnosed = [check.level for check in judge(case.facts) if check.name is case.check]
    several = {CheckName.CLI, CheckName.CLI_PATH, CheckName.HOOKS}  # they have a result for each CLI or path
    several |= {CheckName.MANIFESTS} if case.level is WARNING else set()  # it is valid, and there are warnings
    assert Level.OK not in diagnosed or case.level is NOTE or case.check in several


def test_every_check_is_tried_here():
    assert {case.check for case in CASES.values()} | {CheckName.PYTHON} == set(CheckName)


def test_the_settings_of_foreign_sessions_are_nobody_s_business():
    diagnosed = judge(but("tmux", panes=Present((FOREIGN,))))
    assert [check for check in diagnosed if check.name is CheckName.TMUX_PANES] == []


def test_an_option_that_this_tmux_does_not_have_does_no_harm():
    facts = but("tmux", options=Present({}))
    assert {check.level for check in judge(facts) if check.name is CheckName.TMUX_OPTIONS} == {Level.OK}


def test_a_server_with_exit_empty_off_stays_without_a_terminal():
    diagnosed = judge(options(exit_unattached="on", exit_empty="off"))
    assert not [check for check in diagnosed if check.level is ERROR]


def test_without_tmux_nothing_else_is_said_about_it():
    diagnosed = [check for check in judge(but("tmux", program=ABSENT)) if check.group == "tmux"]
    assert [check.name for check in diagnosed] == [CheckName.TMUX_PROGRAM]


def test_a_broker_that_rests_is_reported_once():
    facts = replace(status(process=ABSENT), broker=replace(status(process=ABSENT).broker, answer=WHY))
    diagnosed = [check.name for check in judge(facts) if check.level is ERROR]
    assert diagnosed == [CheckName.BROKER_RUNS]


def fine(facts: MachineFacts, words: str) -> list[str]:
    """The good results with these words."""
    return [check.summary for check in judge(facts) if check.level is Level.OK and words in check.summary]


def test_what_is_known_of_a_cli_is_said():
    assert (
        knowledge(CODEX) == "state known, conversation by its open files, permission dialogs can be answered from here"
    )
    assert knowledge(PROFILES["cursor-agent"]).startswith("state not known, ")
    assert knowledge(PROFILES["opencode"]) == (
        "state known, conversation by the title of its pane, permission dialogs can be answered from here"
    )
    assert knowledge(PROFILES["agy"]).endswith("permission dialogs cannot be answered from here")
    assert fine(cli(version=Present("2.1.200")), "between tested versions") != []


def test_what_is_installed_and_not_used_is_one_line():
    others = (replace(CLI, profile=CODEX, agents=()), replace(CLI, profile=PROFILES["agy"], agents=(), version=WHY))
    facts = but("clis", found=(CLI, *others))
    assert fine(facts, "not used") == ["installed, and not used in this project: codex 2.1.330, agy"]
    gone = but("clis", found=(CLI, replace(CLI, profile=CODEX, agents=(), program=ABSENT)))
    assert fine(gone, "not used") == []


def test_a_type_without_conversations_has_nothing_to_be_known():
    shell = replace(CLI, profile=PROFILES["shell"], program=Present("/bin/sh"), version=ABSENT)
    assert fine(but("clis", found=(shell,)), "shell") == ["shell (/bin/sh)"]
    own = replace(CLI, version=ABSENT)
    assert fine(but("clis", found=(own,)), "claude (") == [f"claude (/bin/claude): {knowledge(CLI.profile)}"]


def test_hooks_that_need_no_trust_are_fine():
    assert fine(hooked(Present(HooksState.CURRENT), CLI.profile), "hooks in /p/.codex") != []


def test_the_tested_versions_of_a_cli_are_known_without_a_doubt():
    for version in CODEX.tested:
        diagnosed = judge(cli(profile=CODEX, version=Present(version)))
        assert [c.level for c in diagnosed if c.name is CheckName.CLI_VERSION] == [Level.OK]


def test_the_page_lists_every_check_and_every_option_that_does_harm():
    page = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text()
    checks, _, rest = page.partition("## What it looks at")[2].partition("### Options of tmux")
    assert re.findall(r"^\| `([^`]+)` \|", checks, re.MULTILINE) == [name.value for name in CheckName]
    assert re.findall(r"^\| `([^`]+)` \|", rest, re.MULTILINE) == [option.name for option in HARMFUL]


def test_the_page_lists_every_cure():
    page = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text()
    table = page.partition("| it mends | how |")[2].partition("\n\n")[0]
    assert len(table.strip().splitlines()) - 1 == len(Cure)


def test_a_folder_that_cannot_be_written_is_not_called_full_as_well():
    diagnosed = [check for check in judge(folder(writable=False, free=0)) if check.name is CheckName.FOLDER]
    assert [check.level for check in diagnosed] == [ERROR]


def test_facts_show_no_secret():
    assert "claude" not in repr(FACTS)
